// The tools of Messages and the choice among them (WIRE_FORMATS 2.4).
#include <algorithm>

#include "testing/mock_anthropic.h"

namespace llmorch::testing {
namespace {

using json::Value;

// Types of tools that the vendor brings along, without their dates.
constexpr std::string_view kBuiltIn[] = {
    "bash_",       "text_editor_", "memory_",         "computer_",    "browser_",
    "web_search_", "web_fetch_",   "code_execution_", "tool_search_", "mcp_toolset"};

Problem check_schema(const Value& schema, const std::string& at) {
  if (!schema.is_object()) return at + ": Input does not match the expected shape.";
  if (!schema["type"].exists()) return at + ".type: Field required";
  if (schema["type"].string() != "object") return at + ".type: Input should be 'object'";
  for (const std::string_view key : {"oneOf", "allOf", "anyOf"}) {
    if (schema[key].exists()) {
      return at + ": input_schema does not support oneOf, allOf, or anyOf at the top level";
    }
  }
  return std::nullopt;
}

Problem check_tool(const Value& tool, const std::string& at, std::string& name) {
  const std::string type = tool["type"].string().value_or("custom");
  if (type != "custom") {
    const bool known =
        std::any_of(std::begin(kBuiltIn), std::end(kBuiltIn),
                    [&type](std::string_view prefix) { return type.starts_with(prefix); });
    if (!known) {
      return at + ": Input tag '" + type +
             "' found using 'type' does not match any of the expected tags";
    }
    name = tool["name"].string().value_or(type);
    return std::nullopt;
  }
  const std::string place = at + ".custom";
  if (auto problem = anthropic_shape(
          tool,
          "name:s! description:s input_schema:*! type:s cache_control:o strict:b defer_loading:b "
          "eager_input_streaming:b input_examples:a allowed_callers:a",
          place)) {
    return problem;
  }
  name = *tool["name"].string();
  if (!is_name(name, "_-", 128)) {
    return place + ".name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'";
  }
  return check_schema(tool["input_schema"], place + ".input_schema");
}

Problem read_choice(const Value& choice, bool have_tools, ToolWish& wish) {
  if (!choice.is_object()) return std::nullopt;
  const std::string type = choice["type"].string().value_or("");
  if (type != "auto" && type != "any" && type != "tool" && type != "none") {
    return "tool_choice: Input tag '" + type +
           "' found using 'type' does not match any of the expected tags: 'auto', 'any', 'none', "
           "'tool'";
  }
  const std::string_view shape = type == "none"   ? "type:s!"
                                 : type == "tool" ? "type:s! name:s! disable_parallel_tool_use:b"
                                                  : "type:s! disable_parallel_tool_use:b";
  if (auto problem = anthropic_shape(choice, shape, "tool_choice." + type)) return problem;
  if (!have_tools) return "tool_choice: may only be specified while providing tools.";
  if (type == "none") wish.mode = ToolWish::Mode::kNone;
  if (type == "any") wish.mode = ToolWish::Mode::kRequired;
  if (type == "tool") {
    wish.named = *choice["name"].string();
    if (std::find(wish.names.begin(), wish.names.end(), wish.named) == wish.names.end()) {
      return "tool_choice.tool.name: Tool '" + wish.named + "' not found in provided tools";
    }
  }
  wish.parallel = !choice["disable_parallel_tool_use"].boolean().value_or(false);
  return std::nullopt;
}

}  // namespace

Problem read_anthropic_tools(const Value& root, std::string_view last_user, MockAsk& ask) {
  ToolWish wish;
  StrictSchemas strict;
  int strict_tools = 0;
  std::size_t index = 0;
  for (const Value& tool : root["tools"].items()) {
    const std::string at = joined("tools.", index++);
    std::string name;
    if (auto problem = check_tool(tool, at, name)) return problem;
    if (std::find(wish.names.begin(), wish.names.end(), name) != wish.names.end()) {
      return "tools: Tool names must be unique.";
    }
    wish.names.push_back(name);
    if (!tool["strict"].boolean().value_or(false)) continue;
    if (++strict_tools > 20) {
      return "Too many strict tools (21). The maximum number of strict tools supported is 20. Try "
             "reducing the number of tools marked as strict.";
    }
    if (auto problem = strict.check(tool["input_schema"], at + ".custom")) return problem;
  }
  if (auto problem = read_choice(root["tool_choice"], !wish.names.empty(), wish)) return problem;
  choose_tools(wish, last_user, ask);
  return std::nullopt;
}

}  // namespace llmorch::testing
