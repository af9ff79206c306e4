// Google Gemini (generateContent, streamGenerateContent; v1beta): what the parts of this folder
// share. Source: WIRE_FORMATS section 3; what the official SDK demands is in 3.8.
//
// The model and whether to stream stand in the URL, not in the body. Names are proto JSON: read in
// both spellings (inlineData, inline_data), written in the first.
// Everything here is stateless or belongs to one call; see spi/format.h for the contracts.
#ifndef LLMORCH_FORMATS_GEMINI_GEMINI_H_
#define LLMORCH_FORMATS_GEMINI_GEMINI_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/json.h"
#include "llmorch/spi/format.h"

namespace llmorch::gemini {

const FormatCodec& codec();

// The codec's methods, one file each.
Result<RequestScan> scan_request(const CallSpec& spec);
Result<Body> splice_request(const Body& body, const RequestScan& scan, const RequestEdits& edits);
Result<ChatRequest> decode_request(const CallSpec& spec);
Result<EncodedRequest> encode_request(const ChatRequest& request, const RequestEdits& edits);
std::unique_ptr<AnswerDecoder> new_decoder(const AnswerOptions& options);
std::unique_ptr<AnswerEncoder> new_encoder(const AnswerOptions& options);
std::unique_ptr<AnswerWatcher> new_watcher(const AnswerOptions& options);
std::string error_body(const Status& status);
std::string error_frame(const Status& status);

// ---- names -------------------------------------------------------------------------------------
std::string camel_case(std::string_view name);  // "inline_data" is "inlineData"
// The member of that name (given in camel case) in either spelling.
json::Value field(const json::Value& object, std::string_view camel);
// The items of a list; a lone value counts as a list of one, as vendors read it.
std::vector<json::Value> list_of(const json::Value& value);
// The model and verb that a request's path names: "/v1beta/models/{model}:{verb}".
struct PathParts {
  std::string model;
  std::string verb;
};
PathParts read_path(std::string_view path);
// The caller asked for one JSON array instead of events (no `alt=sse` in the query).
bool wants_array(std::string_view query);

// ---- values ------------------------------------------------------------------------------------
std::string compact_json(std::string_view json);  // without white space between tokens
// A call's arguments as the object Gemini wants: "" is {}, what is no object is wrapped.
std::string arguments_object(std::string_view arguments);
// The id that a request's n-th call gets when it has none.
std::string made_call_id(std::size_t number, std::string_view name);
bool is_made_call_id(std::string_view id, std::string_view name);

// ---- words -------------------------------------------------------------------------------------
FinishReason read_finish(std::string_view word);
std::string_view finish_word(FinishReason reason);
bool is_finish_word(std::string_view word);
std::string_view status_word(const Status& status);  // "INVALID_ARGUMENT"

// Counts of a stream: the last chunk that has one wins, each for itself.
class UsageMeter {
 public:
  // False when the object says nothing new.
  bool add(const json::Value& usage_metadata);
  bool any() const { return any_; }
  Usage usage() const;
  std::int64_t output_tokens() const { return candidates_ + thoughts_; }

 private:
  bool any_ = false;
  std::int64_t prompt_ = 0;
  std::int64_t cached_ = 0;
  std::int64_t tool_prompt_ = 0;
  std::int64_t candidates_ = 0;
  std::int64_t thoughts_ = 0;
};
// `raw` itself when it says the same in this format's shape, else `usage` written so.
std::string usage_json(const Usage& usage, std::string_view raw);

// ---- log probabilities: Gemini's logprobsResult and the neutral (OpenAI's) array ----------------
std::string read_logprobs(const json::Value& result);
std::string logprobs_json(std::string_view neutral);

// ---- failures of answers -----------------------------------------------------------------------
constexpr int kMostCandidates = 128;

Status not_json(std::string_view what, const Status& why);
Status no_candidates();
Status truncated();
Status wrong_index();
Status nothing_said(std::string_view finish, std::string_view message);
struct InBand {
  Verdict verdict;
  Status status;
};
InBand read_in_band_error(std::string_view json);
// The error member of a chunk, or of the first element of a list; missing when it is none.
json::Value find_error(const json::Value& root);

// JSON that was broken into lines or printed outside any event: pieces are put together until they
// parse. Bounded.
class Unframed {
 public:
  // The frame's JSON, or nullopt while more is to come.
  std::optional<std::string> take(const Frame& frame);
  bool waiting() const { return !text_.empty(); }
  std::string rest() { return std::exchange(text_, {}); }

 private:
  std::string text_;
  std::size_t pieces_ = 0;  // each is an attempt to parse
};

}  // namespace llmorch::gemini

#endif  // LLMORCH_FORMATS_GEMINI_GEMINI_H_
