#include "llmorch/status.h"

#include <array>

namespace llmorch {
namespace {

struct CodeRow {
  std::string_view name;
  int http_status;
  std::string_view reason;  // what callers see as the error's code, unless one is set
};

// Indexed by Code.
constexpr std::array<CodeRow, 21> kCodes{{
    {"ok", 200, ""},
    {"invalid_argument", 400, "invalid_request"},
    {"unsupported", 400, "unsupported"},
    {"not_found", 404, "not_found"},
    {"too_large", 413, "request_too_large"},
    {"context_length", 400, "context_length_exceeded"},
    {"content_policy", 400, "content_filter"},
    {"auth", 401, "invalid_api_key"},
    {"permission", 403, "permission_denied"},
    {"billing", 429, "insufficient_quota"},
    {"rate_limited", 429, "rate_limit_exceeded"},
    {"overloaded", 503, "overloaded"},
    {"timeout", 504, "timeout"},
    {"network", 502, "api_connection_error"},
    {"protocol", 502, "bad_response"},
    {"upstream", 502, "server_error"},
    {"cancelled", 499, "cancelled"},
    {"no_candidate", 503, "no_candidate"},
    {"unavailable", 503, "unavailable"},
    {"storage", 500, "storage"},
    {"internal", 500, "internal_error"},
}};

const CodeRow& row(Code code) { return kCodes[static_cast<std::size_t>(code) % kCodes.size()]; }

}  // namespace

std::string_view code_name(Code code) { return row(code).name; }

struct Status::Detail {
  Code code = Code::kOk;
  int http_status = 0;
  std::string message;
  std::string reason;
  std::string param;
  std::string upstream_body;
  std::optional<std::chrono::milliseconds> retry_after;
};

namespace {
const std::string kEmpty;
}

Status::Status(Code code, std::string message) {
  if (code == Code::kOk) return;
  auto detail = std::make_shared<Detail>();
  detail->code = code;
  detail->message = std::move(message);
  detail_ = std::move(detail);
}

template <class Edit>
Status Status::edited(Edit edit) const {
  if (!detail_) return *this;
  auto detail = std::make_shared<Detail>(*detail_);
  edit(*detail);
  return Status(std::shared_ptr<const Detail>(std::move(detail)));
}

Code Status::code() const noexcept { return detail_ ? detail_->code : Code::kOk; }
const std::string& Status::message() const noexcept { return detail_ ? detail_->message : kEmpty; }
int Status::http_status() const noexcept {
  return detail_ && detail_->http_status != 0 ? detail_->http_status : row(code()).http_status;
}
std::string_view Status::reason() const noexcept {
  return detail_ && !detail_->reason.empty() ? std::string_view(detail_->reason)
                                             : row(code()).reason;
}
const std::string& Status::param() const noexcept { return detail_ ? detail_->param : kEmpty; }
std::optional<std::chrono::milliseconds> Status::retry_after() const noexcept {
  return detail_ ? detail_->retry_after : std::nullopt;
}
const std::string& Status::upstream_body() const noexcept {
  return detail_ ? detail_->upstream_body : kEmpty;
}

Status Status::with_http_status(int status) const {
  return edited([&](Detail& detail) { detail.http_status = status; });
}
Status Status::with_reason(std::string reason) const {
  return edited([&](Detail& detail) { detail.reason = std::move(reason); });
}
Status Status::with_param(std::string param) const {
  return edited([&](Detail& detail) { detail.param = std::move(param); });
}
Status Status::with_retry_after(std::optional<std::chrono::milliseconds> wait) const {
  return edited([&](Detail& detail) { detail.retry_after = wait; });
}
Status Status::with_upstream_body(std::string body) const {
  return edited([&](Detail& detail) { detail.upstream_body = std::move(body); });
}
Status Status::with_message(std::string message) const {
  return edited([&](Detail& detail) { detail.message = std::move(message); });
}

}  // namespace llmorch
