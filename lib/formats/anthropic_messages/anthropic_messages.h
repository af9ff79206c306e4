// Anthropic Messages: what the parts of this folder share.
// Source: WIRE_FORMATS section 2; what the official SDKs demand is in 2.8.
//
// Everything here is stateless or belongs to one call; see spi/format.h for the contracts.
#ifndef LLMORCH_FORMATS_ANTHROPIC_MESSAGES_ANTHROPIC_MESSAGES_H_
#define LLMORCH_FORMATS_ANTHROPIC_MESSAGES_ANTHROPIC_MESSAGES_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/json.h"
#include "llmorch/spi/format.h"

namespace llmorch::anthropic_messages {

const FormatCodec& codec();

// The codec's methods, one file each.
Result<RequestScan> scan_request(const Body& body);
Result<Body> splice_request(const Body& body, const RequestScan& scan, const RequestEdits& edits);
Result<ChatRequest> decode_request(const Body& body);
Result<EncodedRequest> encode_request(const ChatRequest& request, const RequestEdits& edits);
std::unique_ptr<AnswerDecoder> new_decoder(const AnswerOptions& options);
std::unique_ptr<AnswerEncoder> new_stream_encoder(const AnswerOptions& options);
std::unique_ptr<AnswerEncoder> new_whole_encoder(const AnswerOptions& options);
std::unique_ptr<AnswerWatcher> new_watcher(const AnswerOptions& options);
std::string error_body(const Status& status, std::string_view request_id);
std::string error_frame(const Status& status, std::string_view request_id);

// ---- shared by request readers -----------------------------------------------------------------
// Anthropic's own sentences, so that people recognise them.
Status wrong_json(const Status& why);
Status wrong_type(std::string param, std::string_view expected);
Status missing(std::string param);

// ---- shared by answer readers ------------------------------------------------------------------
FinishReason read_stop(std::string_view word);
bool is_stop_word(std::string_view word);
std::string_view stop_word(FinishReason reason);

// Token counts of an answer, which come in pieces: a later value replaces an earlier one, null does
// not (2.5).
class UsageMerge {
 public:
  void add(const json::Value& usage);
  bool known() const { return !fields_.empty(); }
  Usage usage() const;
  std::string raw() const;

 private:
  std::int64_t count(std::string_view key) const;
  std::vector<std::pair<std::string, std::string>> fields_;  // (key, JSON text) in order
};
// `raw` itself when it is in this format's shape, else `usage` written so.
std::string usage_json(const Usage& usage, std::string_view raw);

// The data of a frame without white space around it is the whole body.
bool is_whole_body(const Frame& frame);
Status not_json(std::string_view what, const Status& why);
Status not_a_message();
Status spliced();
Status truncated();
// An error inside a 200 answer: what it means and what the caller is told.
struct InBand {
  Verdict verdict;
  Status status;
};
InBand read_in_band_error(std::string_view json);

// ---- thinking of other vendors, shown to a client of this format -------------------------------
// SDKs want a signature on every thinking block, so one that is not Anthropic's travels in a
// carrier that this gateway recognises when it comes back (6.6).
struct Carried {
  std::optional<Format> origin;
  std::string signature;
  std::string redacted;
};
std::string make_carrier(const Carried& carried);
// nullopt: not one of ours.
std::optional<Carried> read_carrier(std::string_view signature);

}  // namespace llmorch::anthropic_messages

#endif  // LLMORCH_FORMATS_ANTHROPIC_MESSAGES_ANTHROPIC_MESSAGES_H_
