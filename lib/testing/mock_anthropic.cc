#include "testing/mock_anthropic.h"

#include <algorithm>

#include "base/text.h"

namespace llmorch::testing {
namespace {

constexpr std::string_view kMessages = "/v1/messages";
constexpr std::string_view kCount = "/v1/messages/count_tokens";
constexpr std::string_view kModels = "/v1/models";
constexpr std::string_view kVersions[] = {"2023-01-01", "2023-06-01", "2026-10-21"};
constexpr std::size_t kMaxBody = 32u << 20;

std::string_view error_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 408:
    case 504:
      return "timeout_error";
    case 409:
      return "conflict_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 529:
      return "overloaded_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

std::string envelope(int status, std::string_view message, std::string_view id) {
  return joined("{\"type\":\"error\",\"error\":{\"type\":\"", error_type(status),
                "\",\"message\":", json_string(message),
                "},\"request_id\":", id.empty() ? std::string("null") : json_string(id), "}");
}

MockPage refuse(const MockCall& call, int status, std::string_view message) {
  return {status, envelope(status, message, call.id)};
}

std::string model_row(const std::string& name) {
  return joined("{\"id\":", json_string(name),
                ",\"type\":\"model\",\"display_name\":", json_string(name),
                ",\"created_at\":\"2026-01-01T00:00:00Z\",\"lifecycle\":\"active\",",
                "\"max_input_tokens\":200000,\"max_tokens\":",
                std::max(anthropic_model(name).max_output, 4096), "}");
}

class Anthropic final : public MockDialect {
 public:
  std::string_view name() const override { return "anthropic"; }

  std::optional<MockEndpoint> endpoint(const MockCall& call) const override {
    if (call.path == kMessages) return MockEndpoint::kGenerate;
    if (call.path == kCount) return MockEndpoint::kCountTokens;
    // OpenAI has the same path; who speaks Anthropic says which version of it.
    const bool list = call.path == kModels || call.path.starts_with(joined(kModels, "/"));
    if (list && !call.head.header("anthropic-version").empty()) return MockEndpoint::kModels;
    return std::nullopt;
  }

  std::optional<MockPage> check_key(const MockCall& call, std::string_view key) const override {
    std::string_view token = call.head.header("x-api-key");
    // The vendor's own SDK sends keys so since its version 2.
    const std::string_view bearer = call.head.header("authorization");
    if (token.empty() && bearer.starts_with("Bearer ")) token = trim(bearer.substr(7));
    if (token.empty()) return MockPage{401, envelope(401, "x-api-key header is required", "")};
    if (!key.empty() && token != key)
      return MockPage{401, envelope(401, "API key is invalid.", "")};
    const std::string_view version = call.head.header("anthropic-version");
    if (version.empty()) return refuse(call, 400, "anthropic-version: header is required");
    if (std::find(std::begin(kVersions), std::end(kVersions), version) == std::end(kVersions)) {
      return refuse(call, 400,
                    joined("anthropic-version: \"", version, "\" is not a valid version"));
    }
    return std::nullopt;
  }

  MockReading read(const MockCall& call, MockEndpoint endpoint,
                   const std::vector<std::string>& models) const override {
    if (call.body.size() > kMaxBody) return refuse(call, 413, "Request exceeds the maximum size");
    MockAsk ask;
    AnthropicRequest request;
    request.version = call.head.header("anthropic-version");
    request.beta = !call.head.header("anthropic-beta").empty();
    request.count_only = endpoint == MockEndpoint::kCountTokens;
    if (auto problem = read_anthropic(call.body, request, ask)) return refuse(call, 400, *problem);
    if (!models.empty() && std::find(models.begin(), models.end(), ask.model) == models.end()) {
      return refuse(call, 404, "model: " + ask.model);
    }
    return ask;
  }

  std::unique_ptr<MockAnswer> answer(MockAsk ask, const Script& script) const override {
    return anthropic_answer(std::move(ask), script);
  }

  std::string count_json(const MockAsk& ask) const override {
    return joined("{\"input_tokens\":", mock_tokens(ask.prompt_bytes), "}");
  }

  MockPage list_models(const MockCall& call,
                       const std::vector<std::string>& models) const override {
    const std::string_view wanted =
        call.path.size() > kModels.size() ? call.path.substr(kModels.size() + 1) : "";
    std::string data;
    for (const std::string& model : models) {
      if (model == wanted) return {200, model_row(model)};
      put(data, data.empty() ? "" : ",", model_row(model));
    }
    if (!wanted.empty()) return refuse(call, 404, joined("model: ", wanted));
    return {200, joined("{\"data\":[", data, "],\"first_id\":", json_string(models.front()),
                        ",\"last_id\":", json_string(models.back()), ",\"has_more\":false}")};
  }

  std::string error_body(const MockCall& call, int status, std::string_view message,
                         Script*) const override {
    return envelope(status, message, call.id);
  }

  MockHeaders headers(const MockCall& call, int status) const override {
    MockHeaders out = {{"request-id", call.id},
                       {"anthropic-organization-id", "00000000-0000-4000-8000-000000000000"}};
    if (status >= 400) {
      const bool again = status == 408 || status == 409 || status == 429 || status >= 500;
      out.emplace_back("x-should-retry", again ? "true" : "false");
    }
    if (status != 200 && status != 429) return out;
    for (const std::string_view what : {"requests", "tokens", "input-tokens", "output-tokens"}) {
      const std::string prefix = joined("anthropic-ratelimit-", what);
      out.emplace_back(prefix + "-limit", "1000000");
      out.emplace_back(prefix + "-remaining", status == 429 ? "0" : "999000");
      out.emplace_back(prefix + "-reset", "2030-01-01T00:00:00Z");
    }
    return out;
  }

  std::string_view content_type(bool sse) const override {
    return sse ? "text/event-stream; charset=utf-8" : "application/json";
  }
};

}  // namespace

const MockDialect& anthropic_dialect() {
  static const Anthropic dialect;
  return dialect;
}

}  // namespace llmorch::testing
