// OpenAI Chat Completions: what the parts of this folder share.
// Source: WIRE_FORMATS section 1; what the official SDKs demand is in 1.6 and 6.9.
//
// Everything here is stateless or belongs to one call; see spi/format.h for the contracts.
#ifndef LLMORCH_FORMATS_OPENAI_CHAT_OPENAI_CHAT_H_
#define LLMORCH_FORMATS_OPENAI_CHAT_OPENAI_CHAT_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "json/json.h"
#include "llmorch/spi/format.h"

namespace llmorch::openai_chat {

const FormatCodec& codec();

// The codec's methods, one file each.
Result<RequestScan> scan_request(const Body& body);
Result<Body> splice_request(const Body& body, const RequestScan& scan, const RequestEdits& edits);
Result<ChatRequest> decode_request(const Body& body);
Result<EncodedRequest> encode_request(const ChatRequest& request, const RequestEdits& options);
std::unique_ptr<AnswerDecoder> new_decoder(const AnswerOptions& options);
std::unique_ptr<AnswerEncoder> new_stream_encoder(const AnswerOptions& options);
std::unique_ptr<AnswerEncoder> new_whole_encoder(const AnswerOptions& options);
std::unique_ptr<AnswerWatcher> new_watcher(const AnswerOptions& options);
std::string error_body(const Status& status);
std::string error_frame(const Status& status);

// ---- shared by request readers -----------------------------------------------------------------
// OpenAI's own sentences and codes, so that clients that match on them work.
Status wrong_json(const Status& why);
Status wrong_type(std::string param, std::string_view expected, json::Type got);
Status missing(std::string param);
// {"include_usage":true} merged into the text of a stream_options value.
std::string with_include_usage(std::string_view stream_options);

// ---- shared by answer readers ------------------------------------------------------------------
constexpr int kMostChoices = 128;  // n is at most 128, and SDKs refuse higher indices

FinishReason read_finish(std::string_view word);
std::string_view finish_word(FinishReason reason);
// nullopt when the object names no token count at all.
std::optional<Usage> read_usage(const json::Value& usage);
// `raw` itself when it is in this format's shape, else `usage` written so.
std::string usage_json(const Usage& usage, std::string_view raw);
// The data of a frame without white space around it.
bool is_whole_body(const Frame& frame);
Status not_json(std::string_view what, const Status& why);
Status no_choices();
Status truncated();
// An error inside a 200 answer: what it means and what the caller is told.
struct InBand {
  Verdict verdict;
  Status status;
};
InBand read_in_band_error(std::string_view json);

}  // namespace llmorch::openai_chat

#endif  // LLMORCH_FORMATS_OPENAI_CHAT_OPENAI_CHAT_H_
