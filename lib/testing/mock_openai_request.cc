// What Chat Completions refuses in a body: its fields and their pairs (WIRE_FORMATS 1.2), and what
// single models refuse.
#include <algorithm>

#include "testing/mock_openai.h"
#include "testing/mock_shape.h"

namespace llmorch::testing {
namespace {

using json::Value;

struct Field {
  std::string_view name;
  std::string_view kinds;  // as in a shape
  double low = 0;
  double high = 0;  // no range when equal to low
};

// The complete list of WIRE_FORMATS 1.2; null is allowed wherever a field is optional.
constexpr Field kFields[] = {
    {"messages", "a"},
    {"model", "s"},
    {"audio", "o"},
    {"frequency_penalty", "n", -2, 2},
    {"presence_penalty", "n", -2, 2},
    {"function_call", "so"},
    {"functions", "a"},
    {"logit_bias", "o"},
    {"logprobs", "b"},
    {"top_logprobs", "i", 0, 20},
    {"max_completion_tokens", "i", 1, 1e9},
    {"max_tokens", "i", 1, 1e9},
    {"metadata", "o"},
    {"modalities", "a"},
    {"moderation", "o"},
    {"n", "i", 1, 128},
    {"parallel_tool_calls", "b"},
    {"prediction", "o"},
    {"prompt_cache_key", "s"},
    {"prompt_cache_options", "o"},
    {"prompt_cache_retention", "s"},
    {"reasoning_effort", "s"},
    {"response_format", "o"},
    {"safety_identifier", "s"},
    {"seed", "i"},
    {"service_tier", "s"},
    {"stop", "sa"},
    {"store", "b"},
    {"stream", "b"},
    {"stream_options", "o"},
    {"temperature", "n", 0, 2},
    {"top_p", "n", 0, 1},
    {"tool_choice", "so"},
    {"tools", "a"},
    {"user", "s"},
    {"verbosity", "s"},
    {"web_search_options", "o"},
};

std::string quoted(std::string_view text) { return joined("'", text, "'"); }

bool given(const Value& root, std::string_view key) {
  return root[key].exists() && !root[key].is_null();
}

std::optional<MockPage> check_field(const Field& field, const Value& value) {
  if (value.is_null()) return std::nullopt;
  if (!fits(kind_of(value), field.kinds)) return openai_wrong_type(field.name, value);
  if (field.low < field.high) {
    const double number = value.number().value_or(0);
    if (number < field.low || number > field.high) {
      return openai_refusal(
          "Invalid " + quoted(field.name) + ": " + std::string(value.raw()) + " is out of range.",
          field.name, "invalid_value");
    }
  }
  return std::nullopt;
}

std::optional<MockPage> check_fields(const Value& root) {
  std::string unknown;
  for (const auto& [key, value] : root.members()) {
    const auto field = std::find_if(std::begin(kFields), std::end(kFields),
                                    [&name = key](const Field& row) { return row.name == name; });
    if (field == std::end(kFields)) {
      unknown += (unknown.empty() ? "" : ", ") + key;
    } else if (auto refusal = check_field(*field, value)) {
      return refusal;
    }
  }
  if (!unknown.empty()) {
    return openai_refusal("Unrecognized request argument supplied: " + unknown);
  }
  return std::nullopt;
}

// Fields that are allowed only beside another one.
std::optional<MockPage> check_pairs(const Value& root) {
  if (given(root, "stream_options") && !root["stream"].boolean().value_or(false)) {
    return openai_refusal(
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        "stream_options");
  }
  for (const auto& [key, value] : root["stream_options"].members()) {
    if (key != "include_usage" && key != "include_obfuscation") {
      return openai_refusal("Unknown parameter: 'stream_options." + key + "'.",
                            "stream_options." + key, "unknown_parameter");
    }
    if (!value.boolean()) return openai_wrong_type("stream_options." + key, value);
  }
  const bool has_tools = root["tools"].size() > 0 || root["functions"].size() > 0;
  for (const std::string_view key : {"tool_choice", "parallel_tool_calls"}) {
    if (given(root, key) && !has_tools) {
      return openai_refusal(quoted(key) + " is only allowed when 'tools' are specified.", key);
    }
  }
  if (given(root, "tools") && root["tools"].size() == 0) {
    return openai_refusal("Invalid 'tools': empty array. Expected an array with minimum length 1.",
                          "tools", "empty_array");
  }
  if (given(root, "top_logprobs") && !root["logprobs"].boolean().value_or(false)) {
    return openai_refusal(
        "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", "top_logprobs");
  }
  if (given(root, "max_tokens") && given(root, "max_completion_tokens")) {
    return openai_refusal(
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        "max_tokens");
  }
  return std::nullopt;
}

// Bounds and words inside fields.
std::optional<MockPage> check_values(const Value& root) {
  if (root["stop"].size() > 4) {
    return openai_refusal(
        joined("Invalid 'stop': array too long. Expected an array with maximum length 4, but got ",
               "an array with length ", root["stop"].size(), " instead."),
        "stop", "array_above_max_length");
  }
  if (root["prompt_cache_key"].string().value_or("").size() > 64) {
    return openai_refusal(
        "Invalid 'prompt_cache_key': string too long. Expected a string with maximum length 64.",
        "prompt_cache_key", "string_above_max_length");
  }
  if (root["metadata"].size() > 16) {
    return openai_refusal("Invalid 'metadata': too many properties. Expected at most 16.",
                          "metadata", "object_above_max_properties");
  }
  const std::string effort = root["reasoning_effort"].string().value_or("low");
  static constexpr std::string_view kEfforts[] = {"none", "minimal", "low", "medium",
                                                  "high", "xhigh",   "max"};
  if (std::find(std::begin(kEfforts), std::end(kEfforts), effort) == std::end(kEfforts)) {
    return openai_refusal("Invalid value: " + quoted(effort) + ".", "reasoning_effort",
                          "invalid_value");
  }
  const Value format = root["response_format"];
  if (!format.is_object()) return std::nullopt;
  const std::string type = format["type"].string().value_or("");
  if (type != "text" && type != "json_object" && type != "json_schema") {
    return openai_refusal("Invalid value: " + quoted(type) +
                              ". Supported values are: 'json_object', 'json_schema', and 'text'.",
                          "response_format.type", "invalid_value");
  }
  const Value name = format["json_schema"]["name"];
  if (type == "json_schema" && !name.is_string()) {
    return openai_refusal("Missing required parameter: 'response_format.json_schema.name'.",
                          "response_format.json_schema.name", "missing_required_parameter");
  }
  if (name.is_string() && !is_name(*name.string(), "_-", 64)) {
    return openai_refusal(
        "Invalid 'response_format.json_schema.name': string does not match "
        "pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
        "response_format.json_schema.name", "invalid_value");
  }
  return std::nullopt;
}

bool reasons(std::string_view model) {
  if (model.starts_with("o1") || model.starts_with("o3") || model.starts_with("o4")) return true;
  return (model.starts_with("gpt-5") && model.find("-chat") == std::string_view::npos) ||
         model.starts_with("gpt-6");
}

MockPage unsupported(std::string_view key) {
  return openai_refusal(
      "Unsupported parameter: " + quoted(key) + " is not supported with this model.", key,
      "unsupported_parameter");
}

}  // namespace

// Row "reasoning-model restrictions" of WIRE_FORMATS 1.2.
std::optional<MockPage> check_openai_model(const Value& root, std::string_view model) {
  const std::string effort = root["reasoning_effort"].string().value_or("");
  if (model.find("-search-preview") != std::string_view::npos && given(root, "temperature")) {
    return openai_refusal("Model incompatible request argument supplied: temperature",
                          "temperature");
  }
  if (!reasons(model)) {
    const bool older = model.starts_with("gpt-4") || model.starts_with("gpt-3");
    if (!effort.empty() && older) {
      return openai_refusal("Unrecognized request argument supplied: reasoning_effort");
    }
    return std::nullopt;
  }
  if (model.starts_with("o1-mini")) {
    std::size_t index = 0;
    for (const Value& message : root["messages"].items()) {
      const std::string role = message["role"].string().value_or("");
      const std::string at = joined("messages[", index++, "].role");
      if (role != "system" && role != "developer") continue;
      return openai_refusal("Unsupported value: " + quoted(at) + " does not support " +
                                quoted(role) + " with this model.",
                            at, "unsupported_value");
    }
  }
  if (given(root, "max_tokens")) {
    return openai_refusal(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
        "'max_completion_tokens' instead.",
        "max_tokens", "unsupported_parameter");
  }
  for (const std::string_view key :
       {"frequency_penalty", "presence_penalty", "logit_bias", "top_logprobs"}) {
    if (given(root, key)) return unsupported(key);
  }
  if (given(root, "stop") && !model.starts_with("o1") && model != "o3-mini") {
    return unsupported("stop");
  }
  const bool may_sample = effort == "none" && model.starts_with("gpt-5.");
  if (!may_sample && given(root, "temperature") && root["temperature"].number() != 1.0) {
    return openai_refusal("Unsupported value: 'temperature' does not support " +
                              std::string(root["temperature"].raw()) +
                              " with this model. Only the default (1) value is supported.",
                          "temperature", "unsupported_value");
  }
  for (const std::string_view key : {"top_p", "logprobs"}) {
    if (!may_sample && given(root, key)) return unsupported(key);
  }
  if (model.starts_with("gpt-5.6") && !effort.empty() && root["tools"].size() > 0) {
    return openai_refusal("Function tools with reasoning_effort are not supported for " +
                              std::string(model) +
                              " in /v1/chat/completions. Please use /v1/responses instead.",
                          "reasoning_effort");
  }
  return std::nullopt;
}

MockReading read_openai_chat(std::string_view body, const std::vector<std::string>& models) {
  auto document = json::Document::parse(std::string(body));
  if (!document || !document->root().is_object()) {
    return openai_refusal(
        "We could not parse the JSON body of your request. The OpenAI API expects a "
        "JSON payload, but what was sent was not valid JSON.");
  }
  const Value root = document->root();
  // What a model refuses it refuses whatever its value.
  const std::string model = root["model"].string().value_or("");
  if (auto refusal = check_openai_model(root, model)) return *refusal;
  if (auto refusal = check_fields(root)) return *refusal;
  for (const std::string_view key : {"model", "messages"}) {
    if (!given(root, key)) {
      return openai_refusal(key == "model" ? "you must provide a model parameter"
                                           : "Missing required parameter: 'messages'.",
                            key, "missing_required_parameter");
    }
  }
  MockAsk ask;
  ask.model = model;
  if (ask.model.empty()) return openai_refusal("you must provide a model parameter", "model");
  if (!models.empty() && std::find(models.begin(), models.end(), ask.model) == models.end()) {
    return openai_refusal(
        "The model `" + ask.model + "` does not exist or you do not have access to it.", "model",
        "model_not_found", 404);
  }
  if (root["messages"].size() == 0) {
    return openai_refusal(
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but "
        "got an empty array instead.",
        "messages", "empty_array");
  }
  if (auto refusal = check_pairs(root)) return *refusal;
  if (auto refusal = check_values(root)) return *refusal;
  std::string last_user;
  if (auto refusal = read_openai_messages(root["messages"], ask, last_user)) return *refusal;
  if (auto refusal = read_openai_tools(root, last_user, ask)) return *refusal;
  ask.stream = root["stream"].boolean().value_or(false);
  ask.include_usage = root["stream_options"]["include_usage"].boolean().value_or(false);
  ask.n = static_cast<int>(root["n"].integer().value_or(1));
  ask.max_tokens =
      root["max_completion_tokens"].integer().value_or(root["max_tokens"].integer().value_or(-1));
  if (root["stop"].is_string()) ask.stop.push_back(*root["stop"].string());
  for (const Value& word : root["stop"].items()) ask.stop.push_back(word.string().value_or(""));
  ask.nonce = mix_bytes(body, mix_bytes(last_user, 1));
  return ask;
}

}  // namespace llmorch::testing
