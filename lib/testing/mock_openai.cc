#include "testing/mock_openai.h"

#include <ctime>

#include "base/text.h"

namespace llmorch::testing {
namespace {

constexpr std::string_view kModelsPath = "/v1/models";

class OpenAi final : public MockDialect {
 public:
  std::string_view name() const override { return "openai"; }

  std::optional<MockEndpoint> endpoint(const MockCall& call) const override {
    if (call.path == "/v1/chat/completions") return MockEndpoint::kGenerate;
    if (call.path == kModelsPath || call.path.starts_with(joined(kModelsPath, "/"))) {
      return MockEndpoint::kModels;
    }
    return std::nullopt;
  }

  std::optional<MockPage> check_key(const MockCall& call, std::string_view key) const override {
    constexpr std::string_view kScheme = "bearer ";
    const std::string_view value = call.head.header("authorization");
    const bool bearer = value.size() > kScheme.size() &&
                        equals_ignore_case(value.substr(0, kScheme.size()), kScheme);
    const std::string_view token = bearer ? trim(value.substr(kScheme.size())) : "";
    if (token.empty()) {
      return openai_refusal(
          "You didn't provide an API key. You need to provide your API "
          "key in an Authorization header using Bearer auth.",
          {}, {}, 401);
    }
    if (!key.empty() && token != key) {
      return openai_refusal("Incorrect API key provided.", {}, "invalid_api_key", 401);
    }
    return std::nullopt;
  }

  MockReading read(const MockCall& call, MockEndpoint,
                   const std::vector<std::string>& models) const override {
    const std::string_view type = call.head.header("content-type");
    const std::string_view media = trim(type.substr(0, type.find(';')));
    if (!equals_ignore_case(media, "application/json")) {
      return openai_refusal("Unsupported content type: '" + std::string(media) +
                                "'. This API method only accepts 'application/json' requests.",
                            {}, {}, media.empty() ? 400 : 415);
    }
    return read_openai_chat(call.body, models);
  }

  std::unique_ptr<MockAnswer> answer(MockAsk ask, const Script& script) const override {
    return openai_answer(std::move(ask), script);
  }

  std::string count_json(const MockAsk&) const override { return "{}"; }

  MockPage list_models(const MockCall& call,
                       const std::vector<std::string>& models) const override {
    const std::string_view wanted =
        call.path.size() > kModelsPath.size() ? call.path.substr(kModelsPath.size() + 1) : "";
    std::string data;
    for (const std::string& name : models) {
      const std::string row = joined("{\"id\":", json_string(name),
                                     ",\"object\":\"model\",\"created\":", std::time(nullptr),
                                     ",\"owned_by\":\"mock\"}");
      if (name == wanted) return {200, row};
      put(data, data.empty() ? "" : ",", row);
    }
    if (wanted.empty()) return {200, "{\"object\":\"list\",\"data\":[" + data + "]}"};
    return openai_refusal("The model '" + std::string(wanted) + "' does not exist", "model",
                          "model_not_found", 404);
  }

  std::string error_body(const MockCall&, int status, std::string_view message,
                         Script*) const override {
    const std::string_view type = status == 429   ? "rate_limit_error"
                                  : status >= 500 ? "server_error"
                                                  : "invalid_request_error";
    return openai_error(message, type, {}, status == 429 ? "rate_limit_exceeded" : "");
  }

  MockHeaders headers(const MockCall& call, int) const override {
    return {{"x-request-id", call.id}, {"openai-version", "2020-10-01"}};
  }

  std::string_view content_type(bool sse) const override {
    return sse ? "text/event-stream; charset=utf-8" : "application/json";
  }
};

}  // namespace

std::string openai_error(std::string_view message, std::string_view type, std::string_view param,
                         std::string_view code) {
  const auto or_null = [](std::string_view text) {
    return text.empty() ? std::string("null") : json_string(text);
  };
  return "{\"error\":{\"message\":" + json_string(message) + ",\"type\":" + json_string(type) +
         ",\"param\":" + or_null(param) + ",\"code\":" + or_null(code) + "}}";
}

MockPage openai_refusal(std::string_view message, std::string_view param, std::string_view code,
                        int status) {
  return {status, openai_error(message, "invalid_request_error", param, code)};
}

MockPage openai_wrong_type(std::string_view param, const json::Value& value) {
  return openai_refusal(
      joined("Invalid type for '", param, "': got ", json::type_name(value.type()), " instead."),
      param, "invalid_type");
}

const MockDialect& openai_dialect() {
  static const OpenAi dialect;
  return dialect;
}

}  // namespace llmorch::testing
