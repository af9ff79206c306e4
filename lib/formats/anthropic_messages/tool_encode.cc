#include "formats/anthropic_messages/tool_encode.h"

#include <algorithm>

#include "base/text.h"

namespace llmorch::anthropic_messages {
namespace {

constexpr std::string_view kJsonTool = "json_tool_call";
constexpr std::string_view kCustomSchema =
    R"({"type":"object","properties":{"input":{"type":"string"}},"required":["input"]})";

// OpenAI's custom tools may name a grammar; here it can only be told to the model.
std::string custom_description(const Tool& tool) {
  std::string out = tool.description;
  for (const Extra& extra : tool.extras) {
    if (extra.path != "/custom/format" && extra.path != "/format") continue;
    const auto document = json::Document::parse(extra.json);
    if (!document) continue;
    const json::Value format = document->root();
    const json::Value grammar = format["grammar"].is_object() ? format["grammar"] : format;
    const std::string text = grammar["definition"].string().value_or("");
    if (text.empty()) continue;
    const std::string syntax = grammar["syntax"].string().value_or("");
    if (!out.empty()) out.append("\n\n");
    out.append("The value of `input` must match this ").append(syntax);
    out.append(syntax.empty() ? "grammar:\n" : " grammar:\n").append(text);
  }
  return out;
}

bool is_function(const Tool& tool) { return tool.json.empty(); }

}  // namespace

void ToolWriter::read_allowed(const std::string& list) {
  const auto document = json::Document::parse(list);
  if (!document) return;
  for (const json::Value& item : document->root().items()) {
    const std::string type = item["type"].string().value_or("function");
    auto name = item[type]["name"].string();
    if (!name) name = item["name"].string();
    if (!name) name = item.string();
    if (name) only_.push_back(*name);
  }
}

void ToolWriter::choose(bool thinking) {
  const ToolChoice& asked = context_.request.tool_choice;
  can_force_ = context_.traits.forced_choice && !thinking;
  switch (asked.kind) {
    case ToolChoice::Kind::kUnset:
      break;
    case ToolChoice::Kind::kAuto:
      choice_ = Choice::kAuto;
      break;
    case ToolChoice::Kind::kNone:
      choice_ = Choice::kNone;
      break;
    case ToolChoice::Kind::kRequired:
      choice_ = Choice::kAny;
      break;
    case ToolChoice::Kind::kNamed:
      choice_ = Choice::kTool;
      name_ = asked.name;
      break;
    case ToolChoice::Kind::kAllowed:
      choice_ = asked.allowed_required ? Choice::kAny : Choice::kAuto;
      read_allowed(asked.allowed_json);
      break;
  }
  if (context_.request.tools.empty()) {
    if (choice_ != Choice::kUnset && choice_ != Choice::kNone) {
      context_.drop(context_.field("tool_choice"));
    }
    if (context_.request.parallel_tool_calls) context_.drop("parallel_tool_calls");
    choice_ = Choice::kUnset;
    only_.clear();
    return;
  }
  if (!context_.traits.tools) context_.refuse("tools", "this target's model takes no tools");
  const bool forced = choice_ == Choice::kAny || choice_ == Choice::kTool;
  if (choice_ == Choice::kTool) only_ = {name_};
  const auto& tools = context_.request.tools;
  if (std::all_of(tools.begin(), tools.end(),
                  [&](const Tool& tool) { return is_left_out(tool); })) {
    context_.refuse(context_.field("tool_choice"), "it names no tool of this request");
  }
  if (!forced || can_force_) {
    if (choice_ == Choice::kTool) only_.clear();
    return;
  }
  context_.drop(context_.field("tool_choice"));
  choice_ = Choice::kAuto;
}

bool ToolWriter::can_force_json() const {
  // A caller that names a tool wants that one's input, not an answer.
  return can_force_ && choice_ != Choice::kTool;
}

void ToolWriter::force_json_tool(const ResponseFormat& format) {
  json_tool_ = kJsonTool;
  const auto& tools = context_.request.tools;
  while (std::any_of(tools.begin(), tools.end(),
                     [&](const Tool& tool) { return tool.name == json_tool_; })) {
    json_tool_.push_back('_');
  }
  json_schema_ = tool_schema(format.schema);
  json_description_ =
      format.description.empty() ? "Respond with a JSON object." : format.description;
  const bool others = !tools.empty() && choice_ != Choice::kNone;
  choice_ = others ? Choice::kAny : Choice::kTool;
  name_ = json_tool_;
  context_.result.hints.json_tool = json_tool_;
}

bool ToolWriter::is_left_out(const Tool& tool) const {
  return !only_.empty() && std::find(only_.begin(), only_.end(), tool.name) == only_.end();
}

void ToolWriter::write_schema(ObjectWriter& object, const Tool& tool, StrictBudget& budget) {
  if (tool.type == "custom") return object.raw("input_schema", kCustomSchema);
  if (tool.strict != true || context_.own) {
    object.raw("input_schema", context_.own && !tool.parameters.empty()
                                   ? tool.parameters
                                   : tool_schema(tool.parameters));
    if (tool.strict && context_.own) object.boolean("strict", *tool.strict);
    return;
  }
  const StrictSchema strict = strict_schema(
      tool.parameters.empty() ? R"({"type":"object","properties":{}})" : tool.parameters);
  if (!context_.traits.structured || budget.tools == 0 || !strict.fits(budget)) {
    context_.drop("tools.function.strict");
    return object.raw("input_schema", tool_schema(tool.parameters));
  }
  --budget.tools;
  budget.optional -= strict.optional;
  budget.unions -= strict.unions;
  object.raw("input_schema", strict.json);
  object.boolean("strict", true);
}

void ToolWriter::write_tool(std::string& out, const Tool& tool, std::size_t index,
                            StrictBudget& budget) {
  const std::string param = "tools[" + std::to_string(index) + "]";
  if (!is_function(tool)) {
    if (!context_.own) {
      return context_.refuse(param, "this target has no tool of type '" + tool.type + "'");
    }
    out.append(tool.json);
    return;
  }
  if (tool.name.empty()) {
    return context_.refuse(param + (context_.own ? ".name" : ".function.name"),
                           "a tool needs a name");
  }
  ObjectWriter object(out, context_.writable(tool.extras));
  object.string("name", context_.tool_name(tool.name));
  const bool custom = tool.type == "custom";
  if (custom) context_.result.hints.custom_tools.push_back(tool.name);
  const std::string description = custom ? custom_description(tool) : tool.description;
  if (!description.empty()) object.string("description", description);
  write_schema(object, tool, budget);
  context_.write_mark(object, tool.cache_control);
  object.close();
  Extras others;
  for (const Extra& extra : tool.extras) {
    if (extra.path != "/custom/format" && extra.path != "/format") others.push_back(extra);
  }
  context_.drop_extras(others, "tools");
}

void ToolWriter::write_tools(std::string& out, StrictBudget budget) {
  std::string list = "[";
  std::size_t index = 0;
  for (const Tool& tool : context_.request.tools) {
    const std::size_t at = index++;
    if (is_left_out(tool)) continue;
    if (list.size() > 1) list.push_back(',');
    write_tool(list, tool, at, budget);
  }
  if (!json_tool_.empty()) {
    if (list.size() > 1) list.push_back(',');
    ObjectWriter object(list);
    object.string("name", json_tool_);
    object.string("description", json_description_);
    object.raw("input_schema", json_schema_);
    object.close();
  }
  if (list.size() > 1) out.append(list).push_back(']');
}

void ToolWriter::write_choice(std::string& out) {
  // One answer at a time where a tool stands for it.
  const bool single = context_.request.parallel_tool_calls == false || !json_tool_.empty();
  const bool any_tool = !context_.request.tools.empty() || !json_tool_.empty();
  if (!any_tool) return;
  if (choice_ == Choice::kUnset) {
    if (!single) return;
    choice_ = Choice::kAuto;
  }
  ObjectWriter object(out);
  switch (choice_) {
    case Choice::kUnset:
    case Choice::kAuto:
      object.string("type", "auto");
      break;
    case Choice::kAny:
      object.string("type", "any");
      break;
    case Choice::kTool:
      object.string("type", "tool");
      object.string("name", json_tool_.empty() ? context_.tool_name(name_) : name_);
      break;
    case Choice::kNone:
      object.string("type", "none");
      break;
  }
  if (single && choice_ != Choice::kNone) object.boolean("disable_parallel_tool_use", true);
  object.close();
}

}  // namespace llmorch::anthropic_messages
