#include "engine/outcome.h"

#include <fmt/format.h>

#include "base/text.h"

namespace llmorch {
namespace {

// A shorter one ("none", "x") would take ordinary words out of messages.
constexpr std::size_t kShortestSecret = 8;

}  // namespace

std::string_view error_type(Verdict verdict, const Status& status) {
  if (status.ok()) return "";
  switch (verdict) {
    case Verdict::kInvalidRequest:
    case Verdict::kContextLength:
    case Verdict::kContentPolicy:
    case Verdict::kInexpressible:
      return "caller_invalid_request";
    case Verdict::kClientCancel:
      return "caller_cancelled";
    case Verdict::kAuth:
    case Verdict::kPermission:
      return "provider_auth_failed";
    case Verdict::kBilling:
      return "provider_billing";
    case Verdict::kModelNotFound:
      return "provider_model_unknown";
    case Verdict::kRateLimit:
      return "provider_rate_limited";
    case Verdict::kOverloaded:
      return "provider_overloaded";
    case Verdict::kServerError:
    case Verdict::kConflict:
      return "provider_server_error";
    case Verdict::kTimeout:
      return "provider_timeout";
    case Verdict::kNetwork:
      return "provider_connection_failed";
    case Verdict::kMalformed:
      return "provider_bad_response";
    case Verdict::kOk:
      break;
  }
  switch (status.code()) {  // no attempt was made: the gateway's own answer
    case Code::kInvalidArgument:
    case Code::kUnsupported:
    case Code::kTooLarge:
      return "caller_invalid_request";
    case Code::kNotFound:
      return "caller_model_unknown";
    case Code::kAuth:
    case Code::kPermission:
      return "policy_access_denied";
    case Code::kRateLimited:
      return "policy_rate_limited";
    case Code::kBilling:
      return "policy_budget_exceeded";
    case Code::kOverloaded:
    case Code::kNoCandidate:
      return "gateway_shed";
    case Code::kUnavailable:
      return "gateway_draining";
    case Code::kCancelled:
      return "caller_cancelled";
    case Code::kTimeout:
      return "provider_timeout";
    default:
      return "gateway_internal";
  }
}

Outcome transfer_outcome(const Provider& provider, const TransferEnd& end) {
  const std::string text =
      fmt::format("provider \"{}\": {}", provider.name, redact(shorten(end.status.message(), 300)));
  switch (end.status.code()) {
    case Code::kTimeout:
      return {Verdict::kTimeout, Status(Code::kTimeout, text)};
    case Code::kProtocol:
    case Code::kTooLarge:
      return {Verdict::kMalformed, Status(Code::kProtocol, text)};
    default:
      return {Verdict::kNetwork, Status(Code::kNetwork, text)};
  }
}

Outcome without_secret(Outcome outcome, const Secret& secret) {
  const std::string_view hidden = secret.reveal();
  if (hidden.size() < kShortestSecret) return outcome;
  const auto cut = [&](std::string text) {
    for (std::size_t at = text.find(hidden); at != text.npos; at = text.find(hidden, at))
      text.replace(at, hidden.size(), "***");
    return text;
  };
  const Status& status = outcome.status;
  if (status.message().find(hidden) != std::string::npos ||
      status.upstream_body().find(hidden) != std::string::npos) {
    outcome.status =
        status.with_message(cut(status.message())).with_upstream_body(cut(status.upstream_body()));
  }
  return outcome;
}

Outcome deadline_outcome(Deadline which, const Provider* provider,
                         std::chrono::milliseconds limit) {
  std::string_view what;
  switch (which) {
    case Deadline::kConnect:
      what = "did not accept a connection";
      break;
    case Deadline::kFirstEvent:
      what = "sent nothing of an answer";
      break;
    case Deadline::kIdle:
      what = "fell silent in mid-answer";
      break;
    case Deadline::kTotal:
      what = "did not finish";
      break;
  }
  const std::string who =
      provider == nullptr ? "the call" : fmt::format("provider \"{}\"", provider->name);
  return {Verdict::kTimeout,
          Status(Code::kTimeout, fmt::format("{} {} within {} ms", who, what, limit.count()))};
}

}  // namespace llmorch
