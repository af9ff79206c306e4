// What a streamed and a whole answer have in common: ids, finish words, and the pieces of JSON that
// stand for what other vendors say.
//
// Pure functions; any thread. Source: WIRE_FORMATS 1.4 to 1.6, 6.2, 6.4, 6.6.
#ifndef LLMORCH_FORMATS_OPENAI_CHAT_ANSWER_WORDS_H_
#define LLMORCH_FORMATS_OPENAI_CHAT_ANSWER_WORDS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "llmorch/spi/format.h"

namespace llmorch::openai_chat {

std::string answer_id(const event::Start& start, const AnswerOptions& options);
const std::string& answer_model(const event::Start& start, const AnswerOptions& options);
std::int64_t answer_created(const event::Start& start, const AnswerOptions& options);

// A word for every choice: clients loop without one. Truncation and filtering win over calls, and
// calls over everything else.
std::string_view finish_or_default(FinishReason reason, bool has_calls);

// Whether extra fields and signatures of the upstream mean anything in this dialect.
bool is_from(const AnswerOptions& options, Format format);
// Whether a tool call's signature goes on as Google's own compatible endpoint writes it.
bool takes_call_signatures(const AnswerOptions& options);

// The caller's name of a tool that was sent under another one.
std::string asked_name(const AnswerOptions& options, const std::string& sent);
// Whether a function call stands for a tool of free text, and that text.
bool is_wrapped_custom(const AnswerOptions& options, const event::PartStart& start);
std::string unwrap_custom(const std::string& arguments);

// {"google":{"thought_signature":…}}
std::string signature_json(std::string_view signature);
// {"type":"image_url","image_url":{"url":"data:…"}}, with an index where lists come in pieces.
std::string image_json(std::string_view mime_type, std::string_view base64, int index);
// {"type":"url_citation",…}; "" for one without a URL, which has no word here. `begin` and `end`
// are those of the quoting part, for citations that do not say.
std::string annotation_json(const event::Citation& citation, std::int64_t begin, std::int64_t end);
// How many characters well-formed UTF-8 has.
std::int64_t characters(std::string_view text);

}  // namespace llmorch::openai_chat

#endif  // LLMORCH_FORMATS_OPENAI_CHAT_ANSWER_WORDS_H_
