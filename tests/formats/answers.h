// What the tests of answers share: frames from bytes, Events as text, JSON compared by meaning.
#ifndef LLMORCH_TESTS_FORMATS_ANSWERS_H_
#define LLMORCH_TESTS_FORMATS_ANSWERS_H_

#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"
#include "llmorch/spi/format.h"

namespace llmorch::testing {

// Equal as JSON: the order of members does not matter, numbers must be the same byte for byte.
bool same_json(const json::Value& a, const json::Value& b);
bool same_json(std::string_view a, std::string_view b);

// One event as one line, e.g. `delta 0.1 "text"`.
std::string show(const Event& event);
std::vector<std::string> show(const std::vector<Event>& events);
// The same answer however it was cut: neighbouring deltas joined, repeated usage once.
std::vector<Event> settled(const std::vector<Event>& events);

// Feeds `sse`, cut into pieces at `cut` (0: in one piece), through framer and decoder.
std::vector<Event> decode_stream(std::string_view sse, std::size_t cut = 0,
                                 Format format = Format::kOpenAiChat);
std::vector<Event> decode_whole(std::string_view body, Format format = Format::kOpenAiChat);
std::string encode(const std::vector<Event>& events, bool stream, bool hide_usage = false);

// Everything a watcher noticed over a stream, and what was passed on.
struct Watched {
  bool content = false;
  bool done = false;
  FinishReason finish = FinishReason::kNone;
  bool has_usage = false;
  Usage usage;
  std::string raw_usage;
  std::string model;
  Verdict verdict = Verdict::kOk;
  Status error;  // of a frame
  Status close;  // of the end
  std::string out;
};
Watched watch_stream(std::string_view sse, bool hide_usage = false);
Watched watch_whole(std::string_view body);

// Turns a file with one JSON text per line into SSE bytes with a [DONE].
std::string as_sse(const std::vector<std::string>& chunks, bool done = true);

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTS_FORMATS_ANSWERS_H_
