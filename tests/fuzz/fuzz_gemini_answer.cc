// Gemini's answers from anybody: decoder and watcher never crash, what the watcher refuses the
// decoder refuses too, and what is encoded from the Events can be read again. The first byte
// chooses stream or whole.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
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

// An Error or End is the last event, and there is exactly one.
void check_order(const std::vector<Event>& events) {
  require(!events.empty());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const bool last = std::holds_alternative<llmorch::event::Error>(events[i]) ||
                      std::holds_alternative<llmorch::event::End>(events[i]);
    require(last == (i + 1 == events.size()));
  }
}

Frame whole_frame(std::string_view text) {
  Frame frame;
  frame.raw = frame.data = text;
  frame.has_data = true;
  return frame;
}

void check_encoders(const llmorch::FormatCodec& codec, const std::vector<Event>& events) {
  if (!std::holds_alternative<llmorch::event::End>(events.back())) return;
  for (const int shape : {0, 1, 2}) {
    llmorch::AnswerOptions options;
    options.stream = shape < 2;
    options.json_array = shape == 1;
    const auto encoder = codec.new_encoder(options);
    std::string out;
    for (const Event& event : events) encoder->on_event(event, out);
    options.stream = shape == 0;
    const auto decoder = codec.new_decoder(options);
    std::vector<Event> again;
    if (shape == 0) {
      llmorch::SseFramer framer;
      require(framer.feed(out).ok());
      for (Frame frame; framer.take(frame);) decoder->on_frame(frame, again);
    } else {
      require(llmorch::json::Document::parse(out).has_value());
      decoder->on_frame(whole_frame(out), again);
    }
    decoder->on_close(again);
    check_order(again);
    require(std::holds_alternative<llmorch::event::End>(again.back()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const llmorch::FormatCodec& codec = *llmorch::find_format(llmorch::Format::kGemini);
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  llmorch::AnswerOptions options;
  options.stream = (data[0] & 1) != 0;
  if ((data[0] & 2) != 0) options.hints.custom_tools = {"f"};
  const auto decoder = codec.new_decoder(options);
  const auto watcher = codec.new_watcher(options);
  std::vector<Event> events;
  bool failed = false;
  const auto on_frame = [&](const Frame& frame) {
    decoder->on_frame(frame, events);
    failed = failed || watcher->on_frame(frame).verdict != llmorch::Verdict::kOk;
  };
  if (options.stream) {
    llmorch::SseFramer framer;
    if (!framer.feed(text).ok()) return 0;
    Frame frame;
    while (framer.take(frame)) on_frame(frame);
    if (framer.finish(frame)) on_frame(frame);
  } else {
    on_frame(whole_frame(text));
  }
  decoder->on_close(events);
  failed = failed || !watcher->on_close().ok();
  check_order(events);
  check_encoders(codec, events);
  if (failed) require(std::holds_alternative<llmorch::event::Error>(events.back()));
  return 0;
}
