#include "engine/outcome.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace llmorch {

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

Status unknown_model(const Snapshot& snapshot, std::string_view asked) {
  std::vector<std::string> names;
  names.reserve(snapshot.by_name.size());
  for (const auto& [name, model] : snapshot.by_name) names.push_back(name);
  std::sort(names.begin(), names.end());
  const std::vector<std::string> near = nearest(asked, names, 3);
  std::string text = fmt::format("The model \"{}\" does not exist.", shorten(asked, 100));
  if (!near.empty()) {
    text.append(" Did you mean ");
    for (std::size_t i = 0; i < near.size(); ++i) {
      if (i > 0) text.append(i + 1 == near.size() ? " or " : ", ");
      text.append(fmt::format("\"{}\"", near[i]));
    }
    text.push_back('?');
  }
  text.append(fmt::format(" Models are listed by GET /v1/models; add one under `models` in {}.",
                          snapshot.source));
  return Status(Code::kNotFound, std::move(text))
      .with_reason("model_not_found")
      .with_param("model");
}

}  // namespace llmorch
