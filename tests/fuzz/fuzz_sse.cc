// SseFramer on arbitrary bytes cut at arbitrary places: the frames' raw bytes are the input, and
// the frames do not depend on the cuts.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/sse.h"

namespace {

struct Seen {
  std::string raw;     // of all frames, in order
  std::string frames;  // everything about them, with separators
};

void note(const llmorch::Frame& frame, Seen& seen) {
  seen.raw.append(frame.raw);
  for (std::string_view part : {frame.raw, frame.event, frame.data}) {
    seen.frames += std::to_string(part.size()) + ':';
    seen.frames.append(part);
  }
  seen.frames += frame.has_data ? '+' : '-';
}

// Feeds `input` in pieces whose sizes come from `cuts`, used in turns; one piece if there are none.
Seen run(std::string_view input, std::string_view cuts) {
  llmorch::SseFramer framer;
  llmorch::Frame frame;
  Seen seen;
  for (std::size_t turn = 0; !input.empty(); ++turn) {
    std::size_t size = input.size();
    if (!cuts.empty()) size = static_cast<unsigned char>(cuts[turn % cuts.size()]) % 32u;
    if (size > input.size()) size = input.size();
    if (size == 0 && turn % 2 == 0) size = 1;  // empty feeds are fine, but not for ever
    const std::string piece(input.substr(0, size));
    input.remove_prefix(size);
    if (!framer.feed(piece).ok()) std::abort();
    while (framer.take(frame)) note(frame, seen);
  }
  if (framer.finish(frame)) note(frame, seen);
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t cut_count = all.empty() ? 0 : static_cast<unsigned char>(all[0]) % 16u;
  const std::string_view rest = all.substr(all.empty() ? 0 : 1);
  const std::string_view cuts = rest.substr(0, cut_count);
  const std::string_view input = rest.substr(cuts.size());
  const Seen whole = run(input, {});
  const Seen pieces = run(input, cuts);
  if (whole.frames != pieces.frames) std::abort();
  // What may be missing at the end is white space that no blank line completed.
  if (input.substr(0, whole.raw.size()) != whole.raw) std::abort();
  if (input.find_first_not_of(" \t\r\n", whole.raw.size()) != std::string_view::npos) std::abort();
  return 0;
}
