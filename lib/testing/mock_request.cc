#include "testing/mock_request.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "base/text.h"
#include "json/json.h"

namespace llmorch::testing {
namespace {

using json::Type;
using json::Value;

struct Field {
  std::string_view name;
  std::string_view kinds;  // s string, n number, i integer, b bool, a array, o object
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

Refusal refuse(std::string_view message, std::string_view param = {}, std::string_view code = {},
               int status = 400) {
  return {status, error_json(message, "invalid_request_error", param, code)};
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

char kind_of(const Value& value) {
  switch (value.type()) {
    case Type::kString:
      return 's';
    case Type::kBool:
      return 'b';
    case Type::kArray:
      return 'a';
    case Type::kObject:
      return 'o';
    case Type::kNumber:
      return value.integer() ? 'i' : 'n';
    default:
      return '0';
  }
}

Refusal wrong_type(std::string_view param, const Value& value) {
  return refuse("Invalid type for " + quoted(param) + ": got " +
                    std::string(json::type_name(value.type())) + " instead.",
                param, "invalid_type");
}

std::optional<Refusal> check_field(const Field& field, const Value& value) {
  if (value.is_null()) return std::nullopt;
  const char kind = kind_of(value);
  const bool fits = field.kinds.find(kind) != std::string_view::npos ||
                    (kind == 'i' && field.kinds.find('n') != std::string_view::npos);
  if (!fits) return wrong_type(field.name, value);
  if (field.low < field.high) {
    const double number = value.number().value_or(0);
    if (number < field.low || number > field.high) {
      return refuse(
          "Invalid " + quoted(field.name) + ": " + std::string(value.raw()) + " is out of range.",
          field.name, "invalid_value");
    }
  }
  return std::nullopt;
}

std::optional<Refusal> check_fields(const Value& root) {
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
  if (!unknown.empty()) return refuse("Unrecognized request argument supplied: " + unknown);
  return std::nullopt;
}

// Fields that are allowed only beside another one.
std::optional<Refusal> check_pairs(const Value& root) {
  const auto given = [&root](std::string_view key) {
    return root[key].exists() && !root[key].is_null();
  };
  if (given("stream_options") && !root["stream"].boolean().value_or(false)) {
    return refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                  "stream_options");
  }
  for (const auto& [key, value] : root["stream_options"].members()) {
    if (key != "include_usage" && key != "include_obfuscation") {
      return refuse("Unknown parameter: 'stream_options." + key + "'.", "stream_options." + key,
                    "unknown_parameter");
    }
    if (!value.boolean()) return wrong_type("stream_options." + key, value);
  }
  const bool has_tools = root["tools"].size() > 0 || root["functions"].size() > 0;
  for (const std::string_view key : {"tool_choice", "parallel_tool_calls"}) {
    if (given(key) && !has_tools) {
      return refuse(quoted(key) + " is only allowed when 'tools' are specified.", key);
    }
  }
  if (given("tools") && root["tools"].size() == 0) {
    return refuse("Invalid 'tools': empty array. Expected an array with minimum length 1.", "tools",
                  "empty_array");
  }
  if (given("top_logprobs") && !root["logprobs"].boolean().value_or(false)) {
    return refuse("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
                  "top_logprobs");
  }
  if (given("max_tokens") && given("max_completion_tokens")) {
    return refuse(
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not "
        "supported.",
        "max_tokens");
  }
  return std::nullopt;
}

// The text of a content field; false when its shape is not the vendor's.
bool read_content(const Value& content, bool may_be_absent, std::string& text) {
  if (!content.exists() || content.is_null()) return may_be_absent;
  if (const auto plain = content.string()) {
    text = *plain;
    return true;
  }
  if (!content.is_array() || content.size() == 0) return false;
  for (const Value& part : content.items()) {
    const std::string type = part["type"].string().value_or("");
    if (type == "text") {
      const auto piece = part["text"].string();
      if (!piece) return false;
      text += *piece;
    } else if ((type == "refusal" && part["refusal"].is_string()) ||
               ((type == "image_url" || type == "input_audio" || type == "file") &&
                part[type].is_object())) {
      text += "[" + type + "]";
    } else {
      return false;
    }
  }
  return true;
}

// Every tool call is answered, by id, before any other role speaks; and nothing else is.
class ToolOrder {
 public:
  std::optional<Refusal> see(std::string_view role, const Value& message, std::string_view at) {
    if (role == "tool") {
      const auto id = message["tool_call_id"].string();
      if (!id)
        return refuse(
            "Missing required parameter: " + quoted(std::string(at) + ".tool_call_id") + ".",
            std::string(at) + ".tool_call_id", "missing_required_parameter");
      if (open_.erase(*id) == 0) {
        return refuse(
            "Invalid parameter: messages with role 'tool' must be a response to a "
            "preceeding message with 'tool_calls'.",
            std::string(at) + ".role");
      }
      return std::nullopt;
    }
    if (auto refusal = end(at)) return refusal;
    for (const Value& call : message["tool_calls"].items()) {
      const auto id = call["id"].string();
      const bool function = call["type"].string() == "function" &&
                            call["function"]["name"].is_string() &&
                            call["function"]["arguments"].is_string();
      const bool custom = call["type"].string() == "custom" && call["custom"]["name"].is_string() &&
                          call["custom"]["input"].is_string();
      if (!id || id->empty() || role != "assistant" || (!function && !custom)) {
        return refuse("Invalid " + quoted(std::string(at) + ".tool_calls") + ".",
                      std::string(at) + ".tool_calls", "invalid_value");
      }
      if (!open_.insert(*id).second) {
        return refuse("Duplicate value for 'tool_call_id' of " + quoted(*id) + ".",
                      std::string(at) + ".tool_calls");
      }
    }
    return std::nullopt;
  }

  std::optional<Refusal> end(std::string_view at) const {
    if (open_.empty()) return std::nullopt;
    std::string ids;
    for (const std::string& id : open_) ids += (ids.empty() ? "" : ", ") + id;
    return refuse(
        "An assistant message with 'tool_calls' must be followed by tool messages "
        "responding to each 'tool_call_id'. The following tool_call_ids did not have "
        "response messages: " +
            ids,
        std::string(at) + ".role");
  }

 private:
  std::set<std::string> open_;
};

std::optional<Refusal> read_messages(const Value& messages, ChatAsk& ask, std::string& last_user) {
  ToolOrder order;
  std::size_t index = 0;
  for (const Value& message : messages.items()) {
    const std::string at = "messages[" + std::to_string(index++) + "]";
    if (!message.is_object()) return wrong_type(at, message);
    const std::string role = message["role"].string().value_or("");
    static constexpr std::string_view kRoles[] = {"system",    "developer", "user",
                                                  "assistant", "tool",      "function"};
    if (std::find(std::begin(kRoles), std::end(kRoles), role) == std::end(kRoles)) {
      return refuse("Invalid value: " + quoted(role) +
                        ". Supported values are: 'system', "
                        "'assistant', 'user', 'function', 'tool', and 'developer'.",
                    at + ".role", "invalid_value");
    }
    const bool may_be_absent =
        role == "function" || (role == "assistant" && (message["tool_calls"].size() > 0 ||
                                                       message["function_call"].is_object()));
    ask.text.clear();
    if (!read_content(message["content"], may_be_absent, ask.text)) {
      return refuse("Invalid value for 'content': expected a string or an array of parts, got " +
                        std::string(json::type_name(message["content"].type())) + ".",
                    at + ".content", "invalid_type");
    }
    if (auto refusal = order.see(role, message, at)) return refusal;
    ask.prompt_bytes += ask.text.size();
    ask.after_tool = role == "tool" || role == "function";
    if (role == "user") last_user = ask.text;
  }
  return order.end("messages[" + std::to_string(index - 1) + "]");
}

std::string_view name_member(const Value& tool) {
  return tool["type"].string() == "custom" ? "custom" : "function";
}

std::optional<Refusal> read_tools(const Value& root, std::string_view last_user, ChatAsk& ask) {
  std::vector<std::string> names;
  for (const Value& tool : root["tools"].items()) {
    const auto name = tool[name_member(tool)]["name"].string();
    const std::string at = "tools[" + std::to_string(names.size()) + "]";
    if (!name || name->empty() || name->size() > 64 ||
        !std::all_of(name->begin(), name->end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '_' || c == '-';
        })) {
      return refuse("Invalid " + quoted(at + ".function.name") +
                        ": string does not match "
                        "pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
                    at + ".function.name", name ? "invalid_value" : "missing_required_parameter");
    }
    const Value parameters = tool["function"]["parameters"];
    if (parameters.exists() && !parameters.is_object()) {
      return wrong_type(at + ".function.parameters", parameters);
    }
    names.push_back(*name);
  }
  if (names.empty()) return std::nullopt;
  const Value choice = root["tool_choice"];
  std::string wanted;
  if (choice.is_object() && choice["type"].string() != "allowed_tools") {
    wanted = choice[name_member(choice)]["name"].string().value_or("");
    if (std::find(names.begin(), names.end(), wanted) == names.end()) {
      return refuse("Tool choice " + quoted(wanted) + " not found in 'tools' parameter.",
                    "tool_choice");
    }
  } else if (choice.is_string()) {
    const std::string word = *choice.string();
    if (word != "none" && word != "auto" && word != "required") {
      return refuse("Invalid value: " + quoted(word) + ".", "tool_choice", "invalid_value");
    }
    if (word == "required") wanted = names.front();
    if (word == "none") return std::nullopt;
  }
  if (wanted.empty() && last_user.find("call the tool") != std::string_view::npos) {
    wanted = names.front();
  }
  if (!ask.after_tool) ask.call_tool = wanted;
  return std::nullopt;
}

// Eight bytes a step; repeatable everywhere, which is all that is asked of it.
std::uint64_t mix_bytes(std::string_view bytes, std::uint64_t hash) {
  constexpr std::uint64_t kPrime = 0x9E3779B97F4A7C15U;
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t count = std::min<std::size_t>(sizeof word, bytes.size());
    std::memcpy(&word, bytes.data(), count);
    hash = (hash ^ word ^ (std::uint64_t{count} << 56)) * kPrime;
    hash ^= hash >> 29;
    bytes.remove_prefix(count);
  }
  return hash;
}

}  // namespace

std::string error_json(std::string_view message, std::string_view type, std::string_view param,
                       std::string_view code) {
  const auto or_null = [](std::string_view text) {
    return text.empty() ? std::string("null") : json_string(text);
  };
  return "{\"error\":{\"message\":" + json_string(message) + ",\"type\":" + json_string(type) +
         ",\"param\":" + or_null(param) + ",\"code\":" + or_null(code) + "}}";
}

std::variant<ChatAsk, Refusal> read_chat_request(std::string_view body,
                                                 const std::vector<std::string>& models) {
  auto document = json::Document::parse(std::string(body));
  if (!document || !document->root().is_object()) {
    return refuse(
        "We could not parse the JSON body of your request. The OpenAI API expects a "
        "JSON payload, but what was sent was not valid JSON.");
  }
  const Value root = document->root();
  if (auto refusal = check_fields(root)) return *refusal;
  for (const std::string_view key : {"model", "messages"}) {
    if (!root[key].exists() || root[key].is_null()) {
      return refuse(key == "model" ? std::string("you must provide a model parameter")
                                   : "Missing required parameter: 'messages'.",
                    key, "missing_required_parameter");
    }
  }
  ChatAsk ask;
  ask.model = root["model"].string().value_or("");
  if (ask.model.empty()) return refuse("you must provide a model parameter", "model");
  if (!models.empty() && std::find(models.begin(), models.end(), ask.model) == models.end()) {
    return refuse("The model `" + ask.model + "` does not exist or you do not have access to it.",
                  "model", "model_not_found", 404);
  }
  if (root["messages"].size() == 0) {
    return refuse(
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but "
        "got an empty array instead.",
        "messages", "empty_array");
  }
  if (auto refusal = check_pairs(root)) return *refusal;
  std::string last_user;
  if (auto refusal = read_messages(root["messages"], ask, last_user)) return *refusal;
  if (auto refusal = read_tools(root, last_user, ask)) return *refusal;
  ask.stream = root["stream"].boolean().value_or(false);
  ask.include_usage = root["stream_options"]["include_usage"].boolean().value_or(false);
  ask.n = static_cast<int>(root["n"].integer().value_or(1));
  ask.max_tokens =
      root["max_completion_tokens"].integer().value_or(root["max_tokens"].integer().value_or(-1));
  ask.nonce = mix_bytes(body, mix_bytes(last_user, 1));
  return ask;
}

}  // namespace llmorch::testing
