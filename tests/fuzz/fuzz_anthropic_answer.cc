// Answers from anybody in Anthropic's format: decoder and watcher never crash, never disagree on
// whether an answer failed, and what is encoded from the Events can be read again. The first byte
// chooses stream or whole.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "json/json.h"
#include "llmorch/spi/format.h"
#include "net/sse.h"

namespace {

using llmorch::Event;
using llmorch::Frame;

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_end(const Event& event) { return std::holds_alternative<llmorch::event::End>(event); }

// An Error or End is the last event, and there is exactly one.
void check_order(const std::vector<Event>& events) {
  require(!events.empty());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const bool last = std::holds_alternative<llmorch::event::Error>(events[i]) || is_end(events[i]);
    require(last == (i + 1 == events.size()));
  }
}

void check_encoders(const llmorch::FormatCodec& codec, const std::vector<Event>& events) {
  if (!is_end(events.back())) return;
  for (const bool stream : {false, true}) {
    llmorch::AnswerOptions options;
    options.stream = stream;
    const auto encoder = codec.new_encoder(options);
    std::string out;
    for (const Event& event : events) encoder->on_event(event, out);
    if (!stream) {
      require(llmorch::json::Document::parse(out).has_value());
      continue;
    }
    const auto decoder = codec.new_decoder(options);
    std::vector<Event> again;
    llmorch::SseFramer framer;
    require(framer.feed(out).ok());
    for (Frame frame; framer.take(frame);) decoder->on_frame(frame, again);
    decoder->on_close(again);
    check_order(again);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const llmorch::FormatCodec& codec = *llmorch::find_format(llmorch::Format::kAnthropicMessages);
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  llmorch::AnswerOptions options;
  options.stream = (data[0] & 1) != 0;
  if ((data[0] & 2) != 0) options.hints.json_tool = "f";
  if ((data[0] & 4) != 0) options.hints.custom_tools = {"f"};
  const auto decoder = codec.new_decoder(options);
  const auto watcher = codec.new_watcher(options);
  std::vector<Event> events;
  bool failed = false;
  const auto on_frame = [&](const Frame& frame) {
    decoder->on_frame(frame, events);
    failed = failed || watcher->on_frame(frame).verdict != llmorch::Verdict::kOk;
  };
  Frame frame;
  if (options.stream) {
    llmorch::SseFramer framer;
    if (!framer.feed(text).ok()) return 0;
    while (framer.take(frame)) on_frame(frame);
    if (framer.finish(frame)) on_frame(frame);
  } else {
    frame.raw = frame.data = text;
    frame.has_data = true;
    on_frame(frame);
  }
  decoder->on_close(events);
  failed = failed || !watcher->on_close().ok();
  check_order(events);
  check_encoders(codec, events);
  // Documents with a key twice in one object may be read differently; everything else must agree.
  const bool error = std::holds_alternative<llmorch::event::Error>(events.back());
  llmorch::json::Limits unique;
  unique.reject_duplicate_keys = true;
  if (!options.stream && llmorch::json::Document::parse(text, unique)) require(error == failed);
  return 0;
}
