#include "testing/mock_gemini.h"

#include <algorithm>

#include "base/text.h"

namespace llmorch::testing {
namespace {

constexpr std::string_view kModels = "/models";
// The vendor's own SDK asks for the first since its version 3; OpenAI has that path too.
constexpr std::string_view kShared = "/v1";
constexpr std::string_view kVersions[] = {kShared, "/v1beta", "/v1alpha"};
constexpr std::string_view kWhole = ":generateContent";
constexpr std::string_view kStream = ":streamGenerateContent";
constexpr std::string_view kCount = ":countTokens";

std::string_view status_word(int status) {
  switch (status) {
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "NOT_FOUND";
    case 409:
      return "ABORTED";
    case 429:
      return "RESOURCE_EXHAUSTED";
    case 499:
      return "CANCELLED";
    case 501:
      return "UNIMPLEMENTED";
    case 503:
      return "UNAVAILABLE";
    case 504:
      return "DEADLINE_EXCEEDED";
    default:
      return status >= 500 ? "INTERNAL" : "INVALID_ARGUMENT";
  }
}

// `details` begins with a comma, or is empty.
std::string envelope(int status, std::string_view message, std::string_view details) {
  return joined("{\"error\":{\"code\":", status, ",\"message\":", json_string(message),
                ",\"status\":\"", status_word(status), "\"", details, "}}");
}

constexpr std::string_view kKeyDetails =
    R"(,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID",)"
    R"("domain":"googleapis.com","metadata":{"service":"generativelanguage.googleapis.com"}}])";

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::string model_row(const std::string& name) {
  return joined("{\"name\":", json_string("models/" + name),
                ",\"version\":\"001\",\"displayName\":", json_string(name),
                ",\"inputTokenLimit\":1048576,\"outputTokenLimit\":65536,",
                R"("supportedGenerationMethods":["generateContent","countTokens"]})");
}

// A path cut up; `version` is "" when it is not one of these.
struct Target {
  std::string_view version;
  std::string_view model;
  std::string_view action;  // ":generateContent"
};
Target target_of(std::string_view path) {
  const std::size_t slash = path.find('/', 1);
  const std::string_view version = path.substr(0, slash);
  if (slash == std::string_view::npos || !path.substr(slash).starts_with(kModels) ||
      std::find(std::begin(kVersions), std::end(kVersions), version) == std::end(kVersions)) {
    return {};
  }
  path.remove_prefix(slash + kModels.size());
  if (path.empty()) return {version, "", ""};
  if (path[0] != '/') return {};
  path.remove_prefix(1);
  const std::size_t colon = std::min(path.rfind(':'), path.size());
  return {version, path.substr(0, colon), path.substr(colon)};
}

MockPage unknown_model(std::string_view model, std::string_view method) {
  return gemini_refusal(
      joined("models/", model, " is not found for API version v1beta, or is not supported for ",
             method,
             ". Call ModelService.ListModels to see the list of available models and their "
             "supported methods."),
      404);
}

class Gemini final : public MockDialect {
 public:
  std::string_view name() const override { return "gemini"; }

  std::optional<MockEndpoint> endpoint(const MockCall& call) const override {
    const auto [version, model, action] = target_of(call.path);
    if (version.empty()) return std::nullopt;
    if (action.empty()) {
      const bool ours = version != kShared || !call.head.header("x-goog-api-key").empty();
      return ours ? std::optional(MockEndpoint::kModels) : std::nullopt;
    }
    if (action == kWhole || action == kStream) return MockEndpoint::kGenerate;
    if (action == kCount) return MockEndpoint::kCountTokens;
    return std::nullopt;
  }

  std::optional<MockPage> check_key(const MockCall& call, std::string_view key) const override {
    std::string_view token = call.head.header("x-goog-api-key");
    if (token.empty()) token = query_value(call.query, "key");
    if (token.empty()) {
      return gemini_refusal(
          "Method doesn't allow unregistered callers (callers without established identity). "
          "Please use API Key or other form of API consumer identity to call this API.",
          403);
    }
    if (key.empty() || token == key) return std::nullopt;
    return MockPage{400,
                    envelope(400, "API key not valid. Please pass a valid API key.", kKeyDetails)};
  }

  MockReading read(const MockCall& call, MockEndpoint,
                   const std::vector<std::string>& models) const override {
    const auto [version, model, action] = target_of(call.path);
    if (!models.empty() && std::find(models.begin(), models.end(), model) == models.end()) {
      return unknown_model(model, action.substr(1));
    }
    GeminiRequest request;
    request.model = std::string(model);
    request.stream = action == kStream;
    request.array = query_value(call.query, "alt") != "sse";
    request.count_only = action == kCount;
    MockAsk ask;
    MockPage refusal = read_gemini(call.body, request, ask);
    if (refusal.status != 0) return refusal;
    return ask;
  }

  std::unique_ptr<MockAnswer> answer(MockAsk ask, const Script& script) const override {
    return gemini_answer(std::move(ask), script);
  }

  std::string count_json(const MockAsk& ask) const override {
    const std::uint64_t tokens = mock_tokens(ask.prompt_bytes);
    return joined("{\"totalTokens\":", tokens,
                  ",\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":", tokens,
                  "}]}");
  }

  MockPage list_models(const MockCall& call,
                       const std::vector<std::string>& models) const override {
    const std::string_view wanted = target_of(call.path).model;
    std::string data;
    for (const std::string& model : models) {
      if (model == wanted) return {200, model_row(model)};
      put(data, data.empty() ? "" : ",", model_row(model));
    }
    if (!wanted.empty()) return unknown_model(wanted, "getModel");
    return {200, "{\"models\":[" + data + "]}"};
  }

  // The wait hint stands in the body only.
  std::string error_body(const MockCall&, int status, std::string_view message,
                         Script* script) const override {
    std::string details;
    if (status == 429) {
      details = R"({"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[)"
                R"({"quotaId":"GenerateRequestsPerMinutePerProjectPerModel"}]})";
    }
    if (script != nullptr && is_number(script->retry_after)) {
      put(details, details.empty() ? "" : ",",
          R"({"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":")",
          script->retry_after, "s\"}");
      script->retry_after.clear();
    }
    return envelope(status, message, details.empty() ? details : ",\"details\":[" + details + "]");
  }

  MockHeaders headers(const MockCall&, int) const override { return {}; }

  std::string_view content_type(bool sse) const override {
    return sse ? "text/event-stream" : "application/json; charset=UTF-8";
  }
};

}  // namespace

int gemini_generation(std::string_view model) {
  constexpr std::string_view kFamily = "gemini-";
  const std::size_t at = model.find(kFamily);
  if (at == std::string_view::npos || at + kFamily.size() >= model.size()) return 0;
  const char digit = model[at + kFamily.size()];
  return digit >= '1' && digit <= '9' ? digit - '0' : 0;
}

MockPage gemini_refusal(std::string_view message, int status) {
  return {status, envelope(status, message, "")};
}

const MockDialect& gemini_dialect() {
  static const Gemini dialect;
  return dialect;
}

}  // namespace llmorch::testing
