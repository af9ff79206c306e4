#include "formats/error_text.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "json/json.h"

namespace llmorch {
namespace {

constexpr std::size_t kLargestParsed = 1u << 20;
constexpr std::size_t kMostWords = 8192;
constexpr std::size_t kLongestMessage = 1000;
constexpr std::size_t kLongestBody = 2000;

// Keys whose strings may tell the class. Others (a failed generation, say) may hold the user's own
// text, which must not.
bool is_telling(std::string_view key) {
  static constexpr std::array<std::string_view, 16> kKeys{
      "message",    "msg",    "code",    "type",        "status",     "reason",
      "error",      "detail", "quotaId", "failed_code", "error_code", "title",
      "error_type", "raw",    "__type",  "description"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

void collect_words(const json::Value& value, bool telling, int depth, std::string& out) {
  if (depth > 8 || out.size() > kMostWords) return;
  if (telling && value.is_string()) {
    out.append(to_lower(value.string().value_or(""))).push_back('\n');
  }
  for (const json::Value& item : value.items()) collect_words(item, telling, depth + 1, out);
  if (!value.is_object()) return;
  for (const json::Value::Member& member : value.members()) {
    collect_words(member.value, is_telling(member.key), depth + 1, out);
  }
}

// The first of `keys` that yields text; nested objects and lists are searched in turn.
std::string find_message(const json::Value& value, int depth) {
  if (depth > 6) return "";
  if (value.is_string()) return value.string().value_or("");
  if (value.is_array()) return find_message(value.at(0), depth + 1);
  // Without this an error without a message costs as many steps as there are paths of keys.
  if (!value.is_object()) return "";
  static constexpr std::array<std::string_view, 9> kKeys{
      "message", "msg", "detail", "error", "errors", "description", "error_msg", "title", "reason"};
  for (const std::string_view key : kKeys) {
    std::string found = find_message(value[key], depth + 1);
    if (!trim(found).empty()) return found;
  }
  return "";
}

std::string scalar_text(const json::Value& value) {
  if (value.type() == json::Type::kNumber) return std::string(value.raw());
  return value.string().value_or("");
}

template <std::size_t N>
std::string first_scalar(const json::Value& object, const std::array<std::string_view, N>& keys) {
  for (const std::string_view key : keys) {
    std::string found = scalar_text(object[key]);
    if (!found.empty()) return found;
  }
  return "";
}

int as_status(std::string_view text) {
  if (text.size() != 3 || (text[0] != '4' && text[0] != '5')) return 0;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return 0;
    value = value * 10 + (c - '0');
  }
  return value;
}

int find_status(const json::Value& object) {
  for (const std::string_view key : {"code", "status", "status_code", "statusCode"}) {
    if (const int status = as_status(scalar_text(object[key])); status != 0) return status;
  }
  return 0;
}

ErrorText read_plain(std::string_view body) {
  ErrorText out;
  const std::string_view text = trim(body);
  if (text.empty()) {
    out.message = "the upstream sent an empty body";
  } else if (text.front() == '<') {
    out.message = "the upstream sent a web page instead of JSON";
  } else {
    out.message = shorten(text, kLongestMessage);
  }
  out.words = to_lower(text.substr(0, kMostWords));
  return out;
}

// ---- meaning -----------------------------------------------------------------------------------

struct WordRule {
  std::string_view word;  // in lower case
  Verdict verdict;
  std::string_view also = "";  // must occur as well
};

// Statuses that say nothing themselves: 400, 422, and an error inside a 200. In order of trust.
constexpr std::array<WordRule, 77> kAnyWord{{
    {"context_length_exceeded", Verdict::kContextLength},
    {"exceed_context_size_error", Verdict::kContextLength},
    {"too_many_tokens", Verdict::kContextLength},
    {"too_many_prompt_tokens", Verdict::kContextLength},
    {"maximum context length", Verdict::kContextLength},
    {"maximum prompt length", Verdict::kContextLength},
    {"prompt exceeds max length", Verdict::kContextLength},
    {"exceed context limit", Verdict::kContextLength},
    {"context window", Verdict::kContextLength},
    {"prompt is too long", Verdict::kContextLength},
    {"prompt too long", Verdict::kContextLength},
    {"exceeds the maximum number of tokens allowed", Verdict::kContextLength},
    {"input is too long for requested model", Verdict::kContextLength},
    {"input tokens exceeded", Verdict::kContextLength},
    {"available context size", Verdict::kContextLength},
    {"too many tokens", Verdict::kContextLength},
    {"total length of all messages is too long", Verdict::kContextLength},
    {"request_too_large", Verdict::kContextLength},
    {"content_policy_violation", Verdict::kContentPolicy},
    {"content_filter", Verdict::kContentPolicy},
    {"responsibleaipolicyviolation", Verdict::kContentPolicy},
    {"invalid_prompt\n", Verdict::kContentPolicy},
    {"rejected as a result of our safety system", Verdict::kContentPolicy},
    {"content filtering policy", Verdict::kContentPolicy},
    {"data_inspection_failed", Verdict::kContentPolicy},
    {"content exists risk", Verdict::kContentPolicy},
    {"unsafe or sensitive content", Verdict::kContentPolicy},
    {"api_key_invalid", Verdict::kAuth},
    {"invalid_api_key", Verdict::kAuth},
    {"incorrect api key", Verdict::kAuth},
    {"invalid api key", Verdict::kAuth},
    {"api key not valid", Verdict::kAuth},
    {"api key expired", Verdict::kAuth},
    {"invalid x-api-key", Verdict::kAuth},
    {"authentication_error", Verdict::kAuth},
    {"organization has been disabled", Verdict::kAuth},
    {"security token included in the request is", Verdict::kAuth},
    {"expiredtoken", Verdict::kAuth},
    {"unrecognizedclient", Verdict::kAuth},
    {"invalidsignature", Verdict::kAuth},
    {"insufficient_quota", Verdict::kBilling},
    {"credit balance is too low", Verdict::kBilling},
    {"billing_hard_limit_reached", Verdict::kBilling},
    {"billing hard limit", Verdict::kBilling},
    {"insufficient credits", Verdict::kBilling},
    {"billing_not_active", Verdict::kBilling},
    {"billing_error", Verdict::kBilling},
    {"spend_limit_reached", Verdict::kBilling},
    {"model_not_found", Verdict::kModelNotFound},
    {"invalid_model", Verdict::kModelNotFound},
    {"invalid model:", Verdict::kModelNotFound},
    {"model not found", Verdict::kModelNotFound},
    {"model identifier is invalid", Verdict::kModelNotFound},
    {"not a valid model id", Verdict::kModelNotFound},
    {"supported api model names are", Verdict::kModelNotFound},
    {"does not exist", Verdict::kModelNotFound, "model"},
    {"deploymentnotfound", Verdict::kModelNotFound},
    {"model not exist", Verdict::kModelNotFound},
    {"unknown model,", Verdict::kModelNotFound},
    {"model_decommissioned", Verdict::kModelNotFound},
    {"model_not_available", Verdict::kModelNotFound},
    {"not_found_error", Verdict::kModelNotFound},
    {"user location is not supported", Verdict::kPermission},
    {"not available in your country", Verdict::kPermission},
    {"unsupported_country", Verdict::kPermission},
    {"organization_on_hold", Verdict::kPermission},
    {"permission_error", Verdict::kPermission},
    {"permission_denied", Verdict::kPermission},
    {"accessdenied", Verdict::kPermission},
    {"throttlingexception", Verdict::kRateLimit},
    {"rate_limit", Verdict::kRateLimit},
    {"resource_exhausted", Verdict::kRateLimit},
    {"overloaded", Verdict::kOverloaded},
    {"unavailable\n", Verdict::kOverloaded},
    {"timeout\n", Verdict::kTimeout},
    {"timeout_error", Verdict::kTimeout},
    {"deadline_exceeded", Verdict::kTimeout},
}};
// What 403 and 429 usually mean is only changed by these.
constexpr std::array<WordRule, 16> k403Words{{
    {"api_key_invalid", Verdict::kAuth},
    {"invalid_api_key", Verdict::kAuth},
    {"incorrect api key", Verdict::kAuth},
    {"invalid api key", Verdict::kAuth},
    {"api key not valid", Verdict::kAuth},
    {"expiredtoken", Verdict::kAuth},
    {"unrecognizedclient", Verdict::kAuth},
    {"invalidsignature", Verdict::kAuth},
    {"security token included in the request is", Verdict::kAuth},
    {"insufficient_quota", Verdict::kBilling},
    {"billing_not_active", Verdict::kBilling},
    {"key limit exceeded", Verdict::kBilling},  // OpenRouter: what this key may spend
    {"content_filter", Verdict::kContentPolicy},
    {"violates usage guidelines", Verdict::kContentPolicy},
    {"input was flagged", Verdict::kContentPolicy},
    {"reported as leaked", Verdict::kAuth},
}};
constexpr std::array<WordRule, 13> k429Words{{
    {"insufficient_quota", Verdict::kBilling},
    {"billing_not_active", Verdict::kBilling},
    {"spend_limit_reached", Verdict::kBilling},
    {"billing_hard_limit_reached", Verdict::kBilling},
    {"exceeded_current_quota", Verdict::kBilling},
    {"insufficient balance", Verdict::kBilling},
    {"credits are depleted", Verdict::kBilling},
    {"check your plan and billing", Verdict::kBilling, "insufficient"},
    {"perday", Verdict::kBilling},  // Gemini's quotaId; its RetryInfo is of no use then
    {"access was terminated", Verdict::kAuth},
    {"not ready for inference", Verdict::kOverloaded},
    {"modelnotready", Verdict::kOverloaded},
    {"engine is currently overloaded", Verdict::kOverloaded},
}};

template <std::size_t N>
std::optional<Verdict> match(const std::array<WordRule, N>& rules, std::string_view words) {
  for (const WordRule& rule : rules) {
    if (words.find(rule.word) == words.npos) continue;
    if (rule.also.empty() || words.find(rule.also) != words.npos) return rule.verdict;
  }
  return std::nullopt;
}

Verdict classify_status(int status, std::string_view words) {
  switch (status) {
    case 400:
    case 422:
      return match(kAnyWord, words).value_or(Verdict::kInvalidRequest);
    case 401:  // Perplexity's way to say that the account is empty
      return words.find("insufficient_quota") != words.npos ? Verdict::kBilling : Verdict::kAuth;
    case 402:
      return Verdict::kBilling;
    case 403:
      return match(k403Words, words).value_or(Verdict::kPermission);
    case 404:
    case 410:
      return Verdict::kModelNotFound;
    case 408:
    case 504:
    case 524:
      return Verdict::kTimeout;
    case 409:
      return Verdict::kConflict;
    case 413:
      return Verdict::kContextLength;
    case 424:  // Bedrock: the model failed, not the request
    case 499:  // Google: cancelled, though nobody here did
      return Verdict::kServerError;
    case 429:
      return match(k429Words, words).value_or(Verdict::kRateLimit);
    case 501:  // the same again fails again
      return Verdict::kInvalidRequest;
    case 498:  // Groq: no capacity in this tier
    case 503:
    case 529:
      return Verdict::kOverloaded;
    default:
      break;
  }
  if (status >= 500) {
    return words.find("overloaded") != words.npos ? Verdict::kOverloaded : Verdict::kServerError;
  }
  return status >= 400 ? Verdict::kInvalidRequest : Verdict::kMalformed;
}

// ---- for the caller ----------------------------------------------------------------------------

// One printable line without what looks like a secret. Cut before redact() too, so that a huge text
// costs nothing, with room for a secret that stands across the cut.
std::string shown(std::string_view text, std::size_t limit) {
  std::string line = redact(shorten(text, limit * 2));
  std::replace_if(
      line.begin(), line.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return shorten(trim(line), limit);
}

Status plain_status(Verdict verdict, const ErrorText& error) {
  const std::string message = shown(error.message, kLongestMessage);
  switch (verdict) {
    case Verdict::kOk:
      return Status();
    case Verdict::kInvalidRequest:
    case Verdict::kInexpressible: {
      Status status(Code::kInvalidArgument, message);
      if (!error.code.empty() && as_status(error.code) == 0) {
        status = status.with_reason(shown(error.code, 100));
      }
      return error.param.empty() ? status : status.with_param(shown(error.param, 200));
    }
    case Verdict::kContextLength:
      return Status(Code::kContextLength, message);
    case Verdict::kContentPolicy:
      return Status(Code::kContentPolicy, message);
    case Verdict::kAuth:
      return Status(Code::kUpstream, "the upstream did not accept this gateway's credential")
          .with_reason("upstream_auth");
    case Verdict::kPermission:
      return Status(Code::kUpstream, "this gateway's credential may not use this at the upstream")
          .with_reason("upstream_permission");
    case Verdict::kBilling:
      return Status(Code::kBilling, "the upstream account is out of credit or quota");
    case Verdict::kModelNotFound:
      return Status(Code::kNotFound, message).with_reason("model_not_found");
    case Verdict::kRateLimit:
      return Status(Code::kRateLimited, message);
    case Verdict::kOverloaded:
      return Status(Code::kOverloaded, message);
    case Verdict::kTimeout:
      return Status(Code::kTimeout, message);
    case Verdict::kNetwork:
      return Status(Code::kNetwork, message);
    case Verdict::kMalformed:
      return Status(Code::kProtocol, message);
    case Verdict::kClientCancel:
      return Status(Code::kCancelled, "the caller left");
    case Verdict::kServerError:
    case Verdict::kConflict:
      break;
  }
  return Status(Code::kUpstream, message);
}

}  // namespace

ErrorText read_error_text(std::string_view body) {
  if (body.size() > kLargestParsed) return read_plain(body);
  const auto document = json::Document::parse(std::string(body));
  if (!document) return read_plain(body);
  json::Value root = document->root();
  if (root.is_array()) root = root.at(0);
  if (root.is_string()) return read_plain(root.string().value_or(""));
  if (!root.is_object()) return read_plain(body);

  const json::Value error = root["error"];
  const json::Value& main = error.is_object() ? error : root;
  static constexpr std::array<std::string_view, 4> kCodeKeys{"code", "error_code", "error_type",
                                                             "status"};
  ErrorText out;
  out.message = std::string(trim(find_message(error.exists() ? error : root, 0)));
  if (out.message.empty()) out.message = std::string(trim(find_message(root, 0)));
  out.code = first_scalar(main, kCodeKeys);
  out.type = main["type"].string().value_or("");
  out.param = main["param"].string().value_or("");
  if (out.param.empty()) out.param = main["detail"].at(0)["loc"].at(1).string().value_or("");
  out.status = find_status(main);
  if (out.status == 0) out.status = find_status(root);
  // OpenRouter: the message is a fixed phrase, and what happened stands beside it.
  if (const auto raw = main["metadata"]["raw"].string(); raw && !raw->empty()) {
    out.message.append(": ").append(*raw);
  }
  if (out.message.empty()) {
    out.message = "the upstream reported an error without a message";
    const std::string& hint = out.code.empty() ? out.type : out.code;
    if (!hint.empty()) out.message.append(": ").append(hint);
  }
  collect_words(root, false, 0, out.words);
  return out;
}

Verdict classify_error(int http_status, const ErrorText& error) {
  if (http_status >= 300) return classify_status(http_status, error.words);
  if (error.status != 0) return classify_status(error.status, error.words);
  if (const auto verdict = match(kAnyWord, error.words)) return *verdict;
  if (error.type.rfind("invalid_request", 0) == 0) return Verdict::kInvalidRequest;
  return Verdict::kServerError;
}

Status error_status(Verdict verdict, const ErrorText& error, std::string_view body,
                    std::optional<std::chrono::milliseconds> retry_after) {
  return plain_status(verdict, error)
      .with_upstream_body(shown(body, kLongestBody))
      .with_retry_after(retry_after);
}

}  // namespace llmorch
