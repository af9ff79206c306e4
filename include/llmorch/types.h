// The plain data that goes in and out of llmorch: what a call is, and what is written down after.
//
// Ownership: all values. Threads: plain data, no sharing. Units: milliseconds or microseconds as
// the name says; token counts and bytes are exact.
#ifndef LLMORCH_TYPES_H_
#define LLMORCH_TYPES_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llmorch/body.h"
#include "llmorch/status.h"

namespace llmorch {

// A wire dialect. Numbers are stable: append only.
enum class Format : std::uint8_t {
  kOpenAiChat = 0,
  kOpenAiResponses = 1,
  kAnthropicMessages = 2,
  kGemini = 3,
  kBedrockConverse = 4,
};
std::string_view format_name(Format format);  // "openai_chat"
std::optional<Format> format_from_name(std::string_view name);

// What is asked. kGenerate answers with Events; the others are struct in, struct out.
enum class Operation : std::uint8_t {
  kGenerate = 0,
  kEmbed = 1,
  kCountTokens = 2,
  kListModels = 3
};

struct Header {
  std::string name;
  std::string value;
  bool operator==(const Header&) const = default;
};
using Headers = std::vector<Header>;
// The first header of that name, compared without case; null when there is none.
const std::string* find_header(const Headers& headers, std::string_view name);
// Replaces every header of that name by one, or appends it.
void set_header(Headers& headers, std::string_view name, std::string value);

// Who calls. Made at one place; an empty id means: nobody in particular (no client keys in use).
struct Principal {
  std::string id{};
  std::string project{};
};

// One client request, in the caller's own words.
struct CallSpec {
  Format format = Format::kOpenAiChat;
  Operation operation = Operation::kGenerate;
  std::string path{};   // only where a format carries meaning in it (Gemini)
  std::string query{};  // likewise
  Headers headers{};    // the caller's; only allow-listed ones ever go upstream
  Body body{};
  Principal principal{};
  std::string request_id{};                            // "": the gateway makes one (UUIDv7)
  std::optional<std::chrono::milliseconds> timeout{};  // tightens the model's total time-out
};

// Token counts in disjoint classes: a token is counted in exactly one field.
struct Usage {
  std::int64_t input = 0;  // neither read from nor written to a cache
  std::int64_t input_cache_read = 0;
  std::int64_t input_cache_write = 0;
  std::int64_t output = 0;  // visible output, reasoning not included
  std::int64_t output_reasoning = 0;
  std::int64_t total_input() const { return input + input_cache_read + input_cache_write; }
  std::int64_t total_output() const { return output + output_reasoning; }
  bool operator==(const Usage&) const = default;
};

// What a target's tokens cost, in millionths of a microdollar (pico-USD) per token: 3 USD per
// million tokens are 3,000,000.
struct Prices {
  std::int64_t input = 0;
  std::int64_t input_cache_read = 0;
  std::int64_t input_cache_write = 0;
  std::int64_t output = 0;  // visible output and reasoning
  bool operator==(const Prices&) const = default;
};

// Where a Record's token counts come from.
enum class UsageSource : std::uint8_t { kNone = 0, kUpstream, kEstimated };
std::string_view usage_source_name(UsageSource source);  // "none", "upstream", "estimated"

// Why a choice ended. kNone: it has not (yet), or the upstream did not say.
enum class FinishReason : std::uint8_t {
  kNone = 0,
  kStop,
  kLength,
  kToolCalls,
  kContentFilter,
  kRefusal,
  kOther,
};
std::string_view finish_reason_name(FinishReason reason);

// What an attempt's outcome means, and so whom it blames and what may be tried next.
enum class Verdict : std::uint8_t {
  kOk = 0,
  kInvalidRequest,
  kContextLength,
  kContentPolicy,
  kAuth,
  kPermission,
  kBilling,
  kModelNotFound,
  kRateLimit,
  kOverloaded,
  kServerError,
  kTimeout,
  kNetwork,
  kMalformed,
  kConflict,
  kClientCancel,
  kInexpressible,
};
std::string_view verdict_name(Verdict verdict);

// One try of a call on one (target, credential) pair, as it went. Times count from the call's
// start; -1 means that the point was never reached.
struct AttemptRecord {
  int candidate = -1;  // index into Record::plan
  std::string provider{};
  std::string model{};
  std::string credential{};  // its name, never its secret
  Verdict verdict = Verdict::kOk;
  int http_status = 0;
  std::string message{};  // why it failed, one line; "" when it did not
  std::int64_t start_us = 0;
  std::int64_t connected_us = -1;
  std::int64_t request_sent_us = -1;
  std::int64_t first_byte_us = -1;
  std::int64_t end_us = -1;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
};

// One line of a plan: who could have answered, in the order of trying, and why it stood there.
struct PlanEntry {
  std::string provider{};
  std::string model{};
  std::string credential{};
  int tier = 0;
  unsigned weight = 0;
  std::string reason{};  // "weighted", "cooling 12s", ...; for people
};

// Where a call was when its caller left.
enum class CancelPhase : std::uint8_t {
  kNone = 0,
  kBeforeAttempt,
  kBeforeFirstByte,
  kBeforeCommit,
  kStreaming
};
std::string_view cancel_phase_name(CancelPhase phase);

// What is written down after a call: exactly one, however the call ended.
struct Record {
  std::string id{};
  std::chrono::system_clock::time_point started{};
  Principal principal{};
  Format format_in = Format::kOpenAiChat;
  Format format_out = Format::kOpenAiChat;  // of the target that answered last
  Operation operation = Operation::kGenerate;
  std::string model_asked{};
  std::string model{};           // the configured Model it resolved to; "" when none
  std::string model_answered{};  // as the upstream named it
  bool stream = false;
  std::string trace_id{};        // of the caller's traceparent; "" none
  std::string session{};         // the caller's own tag (x-llmorch-session); "" none
  std::vector<PlanEntry> plan{};  // at most 16
  unsigned plan_omitted = 0;      // entries beyond those
  std::uint64_t seed = 0;
  std::vector<AttemptRecord> attempts{};
  int http_status = 0;  // as the caller saw it; 499 when it left first
  std::string
      error_type{};  // "" on success; a closed list, docs/DESIGN.md lists them
  std::string error_message{};
  CancelPhase cancel_phase = CancelPhase::kNone;
  Usage usage{};
  UsageSource usage_source = UsageSource::kNone;
  std::string raw_usage{};         // the upstream's own JSON, for audits
  std::optional<Prices> prices{};  // of the target that answered, as they were then
  std::int64_t cost_nano_usd = 0;  // by these prices; 0 without
  FinishReason finish = FinishReason::kNone;
  std::vector<std::string> dropped{};  // request fields that the target could not express
  std::int64_t first_event_us = -1;
  std::int64_t duration_us = 0;
  std::int64_t overhead_us = 0;  // time not spent waiting for an upstream
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t config_version = 0;
};
// The record as one JSON object on one line, as logs show it.
std::string record_json(const Record& record);

}  // namespace llmorch

#endif  // LLMORCH_TYPES_H_
