// What the tests of the format anthropic_messages share.
#ifndef LLMORCH_TESTS_FORMATS_ANTHROPIC_SUPPORT_H_
#define LLMORCH_TESTS_FORMATS_ANTHROPIC_SUPPORT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/answers.h"
#include "llmorch/spi/format.h"

namespace llmorch::testing {

const FormatCodec& anthropic();

Result<ChatRequest> decode_anthropic(std::string_view body);
// A request of any dialect as Anthropic gets it. Bodies are kept for the checker of vendors' types.
Result<EncodedRequest> to_anthropic(const ChatRequest& request, const RequestEdits& edits);
Result<EncodedRequest> chat_to_anthropic(std::string_view body, std::string_view model = "",
                                         RequestEdits edits = {});
// The body, or "param: message" of the refusal.
std::string body_or_error(const Result<EncodedRequest>& encoded);
// The value at a path like "messages.0.content.1.text", as JSON text; "" when there is none.
std::string at_path(std::string_view json, std::string_view path);
std::string joined(const std::vector<std::string>& words);

// Chunks, one JSON text each, as an event stream with event names.
std::string as_events(const std::vector<std::string>& chunks);
std::vector<Event> read_anthropic(std::string_view text, bool stream, AnswerOptions options = {},
                                  std::size_t cut = 0);
std::string write_anthropic(const std::vector<Event>& events, bool stream,
                            AnswerOptions options = {});

struct Seen {
  bool content = false;
  bool done = false;
  FinishReason finish = FinishReason::kNone;
  bool has_usage = false;
  Usage usage;
  std::string raw_usage;
  std::string model;
  Verdict verdict = Verdict::kOk;
  Status close;
  std::string out;  // what is passed on
};
Seen watch_anthropic(std::string_view text, bool stream);

// The same answer however it was cut or written: text joined per part, empty parts left out.
std::string gist(const std::vector<Event>& events);
// Whether a stream keeps what the official SDKs demand (WIRE 2.8); "" or what is wrong.
std::string broken_rule(std::string_view sse);

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTS_FORMATS_ANTHROPIC_SUPPORT_H_
