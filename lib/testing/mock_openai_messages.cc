// The messages and tools of Chat Completions: shapes of parts, the order of tool calls and their
// results (WIRE_FORMATS 1.3).
#include <algorithm>
#include <set>

#include "testing/mock_openai.h"

namespace llmorch::testing {
namespace {

using json::Value;

std::string quoted(std::string_view text) { return joined("'", text, "'"); }

// The text of a content field; false when its shape is not the vendor's. Only a user's content may
// hold media.
bool read_content(const Value& content, std::string_view role, bool may_be_absent,
                  std::string& text) {
  if (!content.exists() || content.is_null()) return may_be_absent;
  if (const auto plain = content.string()) {
    text += *plain;
    return true;
  }
  if (!content.is_array() || content.size() == 0) return false;
  for (const Value& part : content.items()) {
    const std::string type = part["type"].string().value_or("");
    const bool media = type == "image_url" || type == "input_audio" || type == "file";
    if (type == "text") {
      const auto piece = part["text"].string();
      if (!piece) return false;
      text += *piece;
    } else if ((type == "refusal" && role == "assistant" && part["refusal"].is_string()) ||
               (media && role == "user" && part[type].is_object())) {
      put(text, "[", type, "]");
    } else {
      return false;
    }
  }
  return true;
}

// Every tool call is answered, by id, before any other role speaks; and nothing else is.
class ToolOrder {
 public:
  std::optional<MockPage> see(std::string_view role, const Value& message, const std::string& at) {
    if (role == "tool") return see_result(message, at);
    if (auto refusal = end(at)) return refusal;
    for (const Value& call : message["tool_calls"].items()) {
      const auto id = call["id"].string();
      const bool function = call["type"].string() == "function" &&
                            call["function"]["name"].is_string() &&
                            call["function"]["arguments"].is_string();
      const bool custom = call["type"].string() == "custom" && call["custom"]["name"].is_string() &&
                          call["custom"]["input"].is_string();
      if (!id || id->empty() || role != "assistant" || (!function && !custom)) {
        return openai_refusal("Invalid " + quoted(at + ".tool_calls") + ".", at + ".tool_calls",
                              "invalid_value");
      }
      if (!open_.insert(*id).second) {
        return openai_refusal("Duplicate value for 'tool_call_id' of " + quoted(*id) + ".",
                              at + ".tool_calls");
      }
    }
    return std::nullopt;
  }

  std::optional<MockPage> end(std::string_view at) const {
    if (open_.empty()) return std::nullopt;
    std::string ids;
    for (const std::string& id : open_) put(ids, ids.empty() ? "" : ", ", id);
    return openai_refusal(
        "An assistant message with 'tool_calls' must be followed by tool messages "
        "responding to each 'tool_call_id'. The following tool_call_ids did not have "
        "response messages: " +
            ids,
        joined(at, ".role"));
  }

 private:
  std::optional<MockPage> see_result(const Value& message, const std::string& at) {
    const auto id = message["tool_call_id"].string();
    if (!id) {
      return openai_refusal("Missing required parameter: " + quoted(at + ".tool_call_id") + ".",
                            at + ".tool_call_id", "missing_required_parameter");
    }
    if (open_.erase(*id) == 0) {
      return openai_refusal(
          "Invalid parameter: messages with role 'tool' must be a response to a "
          "preceeding message with 'tool_calls'.",
          at + ".role");
    }
    return std::nullopt;
  }

  std::set<std::string> open_;
};

std::string_view name_member(const Value& tool) {
  return tool["type"].string() == "custom" ? "custom" : "function";
}

}  // namespace

std::optional<MockPage> read_openai_messages(const Value& messages, MockAsk& ask,
                                             std::string& last_user) {
  ToolOrder order;
  std::size_t index = 0;
  for (const Value& message : messages.items()) {
    const std::string at = joined("messages[", index++, "]");
    if (!message.is_object()) return openai_wrong_type(at, message);
    const std::string role = message["role"].string().value_or("");
    static constexpr std::string_view kRoles[] = {"system",    "developer", "user",
                                                  "assistant", "tool",      "function"};
    if (std::find(std::begin(kRoles), std::end(kRoles), role) == std::end(kRoles)) {
      return openai_refusal("Invalid value: " + quoted(role) +
                                ". Supported values are: 'system', "
                                "'assistant', 'user', 'function', 'tool', and 'developer'.",
                            at + ".role", "invalid_value");
    }
    const bool may_be_absent =
        role == "function" || (role == "assistant" && (message["tool_calls"].size() > 0 ||
                                                       message["function_call"].is_object()));
    // The results of parallel calls are one turn.
    if (role != "tool" || !ask.after_tool) ask.text.clear();
    const std::size_t before = ask.text.size();
    if (!read_content(message["content"], role, may_be_absent, ask.text)) {
      return openai_refusal(
          "Invalid value for 'content': expected a string or an array of parts, got " +
              std::string(json::type_name(message["content"].type())) + ".",
          at + ".content", "invalid_type");
    }
    if (auto refusal = order.see(role, message, at)) return refusal;
    ask.prompt_bytes += ask.text.size() - before;
    ask.after_tool = role == "tool" || role == "function";
    if (role == "user") last_user = ask.text;
  }
  return order.end(joined("messages[", index - 1, "]"));
}

std::optional<MockPage> read_openai_tools(const Value& root, std::string_view last_user,
                                          MockAsk& ask) {
  ToolWish wish;
  for (const Value& tool : root["tools"].items()) {
    const auto name = tool[name_member(tool)]["name"].string();
    const std::string at = joined("tools[", wish.names.size(), "]");
    if (!name || !is_name(*name, "_-", 64)) {
      return openai_refusal(
          "Invalid " + quoted(at + ".function.name") +
              ": string does not match "
              "pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
          at + ".function.name", name ? "invalid_value" : "missing_required_parameter");
    }
    const Value parameters = tool["function"]["parameters"];
    if (parameters.exists() && !parameters.is_object()) {
      return openai_wrong_type(at + ".function.parameters", parameters);
    }
    wish.names.push_back(*name);
  }
  const Value choice = root["tool_choice"];
  if (choice.is_object() && choice["type"].string() == "allowed_tools") {
    if (choice["allowed_tools"]["mode"].string() == "required") {
      wish.mode = ToolWish::Mode::kRequired;
    }
  } else if (choice.is_object()) {
    wish.named = choice[name_member(choice)]["name"].string().value_or("");
    if (std::find(wish.names.begin(), wish.names.end(), wish.named) == wish.names.end()) {
      return openai_refusal(
          "Tool choice " + quoted(wish.named) + " not found in 'tools' parameter.", "tool_choice");
    }
  } else if (choice.is_string()) {
    const std::string word = *choice.string();
    if (word != "none" && word != "auto" && word != "required") {
      return openai_refusal("Invalid value: " + quoted(word) + ".", "tool_choice", "invalid_value");
    }
    if (word == "required") wish.mode = ToolWish::Mode::kRequired;
    if (word == "none") wish.mode = ToolWish::Mode::kNone;
  }
  wish.parallel = root["parallel_tool_calls"].boolean().value_or(true);
  choose_tools(wish, last_user, ask);
  return std::nullopt;
}

}  // namespace llmorch::testing
