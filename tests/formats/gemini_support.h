// What the tests of the format gemini share.
#ifndef LLMORCH_TESTS_FORMATS_GEMINI_SUPPORT_H_
#define LLMORCH_TESTS_FORMATS_GEMINI_SUPPORT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "llmorch/spi/format.h"

namespace llmorch::testing {

const FormatCodec& gemini();

// A request of another dialect, on its way to a Gemini model. The body is kept for the check
// against the vendor's own types.
Result<EncodedRequest> to_gemini(Format from, std::string_view body, RequestEdits edits);
Result<EncodedRequest> chat_to_gemini(std::string_view body, std::string_view model);
// The value at a JSON pointer of a text, as it stands; "" when there is none.
std::string value_at(std::string_view json, std::string_view pointer);

CallSpec gemini_call(std::string_view body,
                     std::string_view path = "/v1beta/models/gemini-3-flash:generateContent");

// Events of an answer; ids that are made up at random become "<made>".
std::vector<Event> gemini_stream(std::string_view sse, std::size_t cut = 0,
                                 const AnswerHints& hints = {});
std::vector<Event> gemini_whole(std::string_view body, const AnswerHints& hints = {});
std::vector<std::string> shown(const std::vector<Event>& events);

struct Looked {
  bool content = false;
  bool done = false;
  FinishReason finish = FinishReason::kNone;
  bool has_usage = false;
  Usage usage;
  std::string model;
  Verdict verdict = Verdict::kOk;
  Status close;
  std::string out;  // what was passed on
};
Looked watch_gemini(std::string_view text, bool stream);

std::string encode_gemini(const std::vector<Event>& events, const AnswerOptions& options);

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTS_FORMATS_GEMINI_SUPPORT_H_
