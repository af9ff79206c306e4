// Tools and the choice among them (WIRE_FORMATS 3.2, 6.1).
#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "formats/gemini/encoding.h"
#include "formats/gemini/gemini.h"
#include "formats/gemini/schema.h"
#include "formats/object_writer.h"

namespace llmorch::gemini {
namespace {

using json::Value;

constexpr std::string_view kOneString =
    R"({"type":"object","properties":{"input":{"type":"string"}},"required":["input"]})";

// Other vendors' server tools that this one has too, by the beginning of their type.
std::string_view builtin_for(Format format, std::string_view type) {
  if (format != Format::kAnthropicMessages) return "";
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kSame{{
      {"web_search_", R"({"googleSearch":{}})"},
      {"web_fetch_", R"({"urlContext":{}})"},
      {"code_execution_", R"({"codeExecution":{}})"},
  }};
  for (const auto& [prefix, json] : kSame) {
    if (type.rfind(prefix, 0) == 0) return json;
  }
  return "";
}

bool is_function(const Tool& tool) { return tool.type == "function" || tool.type == "custom"; }

bool any_builtin(const ChatRequest& request) {
  return std::any_of(request.tools.begin(), request.tools.end(),
                     [](const Tool& tool) { return !is_function(tool); });
}
bool any_function(const ChatRequest& request) {
  return std::any_of(request.tools.begin(), request.tools.end(), is_function);
}

std::string tool_path(const Encoding& encoding, std::size_t index, std::string_view field) {
  std::string out = "tools[" + std::to_string(index) + "]";
  if (field.empty()) return out;
  const bool nested = encoding.request.format == Format::kOpenAiChat;
  if (nested) out.append(".").append(encoding.request.tools[index].type);
  return out.append(".").append(field);
}

void write_parameters(Encoding& encoding, ObjectWriter& to, const Tool& tool,
                      const std::string& path) {
  // Declared in OpenAPI's words by our own caller: put back as it stood.
  if (encoding.own && !find_extra(tool.extras, "/parameters").empty()) return;
  const bool custom = tool.type == "custom";
  const std::string text = custom ? std::string(kOneString) : tool.parameters;
  if (text.empty()) return;
  const auto schema = json::Document::parse(text);
  if (!schema) {
    return encoding.fail(Status(Code::kInvalidArgument,
                                "the schema of a tool is not JSON: " + schema.error().message())
                             .with_param(path));
  }
  if (is_empty_object(schema->root()) && !encoding.own) return;
  if (encoding.traits.json_schema) {
    to.raw("parametersJsonSchema", encoding.own ? text : json_schema(schema->root()));
  } else {
    to.raw("parameters", openapi_schema(schema->root()));
  }
}

void write_declaration(Encoding& encoding, std::string& out, std::size_t index) {
  const Tool& tool = encoding.request.tools[index];
  if (tool.name.empty()) {
    return encoding.fail(Status(Code::kInvalidArgument, "a tool must have a name")
                             .with_param(tool_path(encoding, index, "name")));
  }
  if (!out.empty()) out.push_back(',');
  ObjectWriter object(out, encoding.extras(tool.extras));
  object.string("name", encoding.names.sent(tool.name));
  object.string("description", tool.description);
  write_parameters(encoding, object, tool, tool_path(encoding, index, "parameters"));
  object.close();
  if (tool.strict == true) encoding.drop("tools.strict");
}

// The names in the list of an allowed_tools choice, whatever dialect wrote it.
std::vector<std::string> allowed_names(const std::string& json) {
  std::vector<std::string> out;
  const auto document = json::Document::parse(json);
  if (!document) return out;
  for (const Value& entry : document->root().items()) {
    std::string name = entry["name"].string().value_or("");
    if (name.empty()) name = entry["function"]["name"].string().value_or("");
    if (name.empty()) name = entry["custom"]["name"].string().value_or("");
    if (!name.empty()) out.push_back(std::move(name));
  }
  return out;
}

}  // namespace

std::string write_tools(Encoding& encoding, std::vector<std::string>& custom_tools) {
  const ChatRequest& request = encoding.request;
  if (request.tools.empty()) return "";
  if (!encoding.traits.tools) {
    encoding.refuse("tools", "this target's model takes no tools");
    return "";
  }
  std::string declarations;  // all of them go into one tool object
  std::string others;
  for (std::size_t i = 0; i < request.tools.size(); ++i) {
    const Tool& tool = request.tools[i];
    if (is_function(tool)) {
      if (tool.type == "custom") custom_tools.push_back(tool.name);
      write_declaration(encoding, declarations, i);
      continue;
    }
    const std::string_view builtin =
        encoding.own ? std::string_view(tool.json) : builtin_for(request.format, tool.type);
    if (builtin.empty()) {
      encoding.refuse(tool_path(encoding, i, ""),
                      "this target has no tool of the type " + shorten(tool.type, 60));
    }
    if (!others.empty()) others.push_back(',');
    others.append(builtin);
  }
  if (!declarations.empty() && !others.empty() && !encoding.traits.builtin_with_tools &&
      !encoding.own) {
    encoding.refuse("tools", "this target's model takes its own tools and functions only apart");
  }
  std::string out = "[" + others;
  if (!declarations.empty()) {
    if (!others.empty()) out.push_back(',');
    out.append("{\"functionDeclarations\":[").append(declarations).append("]}");
  }
  return out.append("]");
}

std::string write_tool_config(Encoding& encoding) {
  const ChatRequest& request = encoding.request;
  const ToolChoice& choice = request.tool_choice;
  const bool mixed = any_builtin(request) && any_function(request) && !encoding.own;
  if (!any_function(request) && !encoding.own) {
    const bool chosen =
        choice.kind != ToolChoice::Kind::kUnset && choice.kind != ToolChoice::Kind::kNone;
    if (chosen && (request.tools.empty() || choice.kind != ToolChoice::Kind::kAuto)) {
      encoding.drop_field("tool_choice");
    }
    return "";
  }
  std::string_view mode;
  std::vector<std::string> names;
  switch (choice.kind) {
    case ToolChoice::Kind::kUnset:
      if (mixed) mode = "VALIDATED";
      break;
    case ToolChoice::Kind::kAuto:
      mode = mixed ? "VALIDATED" : "AUTO";  // AUTO is refused beside the vendor's own tools
      break;
    case ToolChoice::Kind::kNone:
      mode = "NONE";
      break;
    case ToolChoice::Kind::kRequired:
      mode = "ANY";
      break;
    case ToolChoice::Kind::kNamed:
      mode = "ANY";
      names.push_back(choice.name);
      break;
    case ToolChoice::Kind::kAllowed:
      mode = choice.allowed_required ? "ANY" : "VALIDATED";
      names = allowed_names(choice.allowed_json);
      break;
  }
  std::string out;
  ObjectWriter config(out, encoding.extras(request.extras), "/toolConfig");
  const bool more = encoding.own && std::any_of(request.extras.begin(), request.extras.end(),
                                                [](const Extra& extra) {
                                                  return extra.path.rfind("/toolConfig/", 0) == 0;
                                                });
  if (mode.empty() && !more) return "";
  ObjectWriter calling = config.object("functionCallingConfig");
  if (!mode.empty()) calling.string("mode", mode);
  if (!names.empty()) {
    std::string& list = calling.value("allowedFunctionNames");
    list.push_back('[');
    for (const std::string& name : names) {
      if (list.back() != '[') list.push_back(',');
      append_json_string(list, encoding.names.sent(name));
    }
    list.push_back(']');
  }
  calling.close();
  if (mixed) config.boolean("includeServerSideToolInvocations", true);
  config.close();
  return out;
}

}  // namespace llmorch::gemini
