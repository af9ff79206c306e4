// Request body to ChatRequest. What has no neutral meaning, or a legal but unusual form (null,
// say), stays as an Extra, so that nothing is lost on the way back.
#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "formats/openai_chat/message_decode.h"
#include "formats/openai_chat/reasoning_decode.h"

namespace llmorch::openai_chat {
namespace {

using json::Type;
using json::Value;

// Reads one request; the first wrong type ends it.
class Reader : public FieldReader {
 public:
  Status read(const Value& root, ChatRequest& out);

 private:
  void read_fields(const Value& root, ChatRequest& out);
  void read_effort(const Value& root, ChatRequest& out);
  void read_limits(const Value& root, ChatRequest& out);
  void read_stream(const Value& root, ChatRequest& out);
  void read_stop(const Value& stop, ChatRequest& out);
  void read_response_format(const Value& format, ChatRequest& out);
  void read_tools(const Value& root, ChatRequest& out);
  void read_tool_choice(const Value& root, ChatRequest& out);
  Tool read_function(const Value& function, const std::string& path, std::string_view pointer);
};

Tool Reader::read_function(const Value& function, const std::string& path,
                           std::string_view pointer) {
  Tool tool;
  tool.name = need_string(function, "name", path);
  if (function["name"].is_string() && tool.name.empty()) {
    fail(Status(Code::kInvalidArgument, "Invalid '" + in(path, "name") + "': empty string.")
             .with_reason("empty_string")
             .with_param(in(path, "name")));
  }
  tool.description = take_string(function["description"], in(path, "description"));
  keep_if_blank(function, "description", pointer, tool.extras);
  if (const Value schema = function["parameters"]; schema.is_object()) {
    tool.parameters = schema.raw();
  } else if (schema.exists()) {
    if (!schema.is_null()) fail(wrong_type(in(path, "parameters"), "an object", schema.type()));
    keep_if_blank(function, "parameters", pointer, tool.extras);
  }
  tool.strict = function["strict"].boolean();
  if (function["strict"].exists() && !tool.strict) {
    keep(tool.extras, std::string(pointer) + "/strict", function["strict"].raw());
  }
  tool.cache_control = read_cache_mark(function, pointer, tool.extras);
  keep_unknown(
      function, pointer,
      {"name", "description", "parameters", "strict", "cache_control", "prompt_cache_breakpoint"},
      tool.extras);
  settle(tool.extras);
  return tool;
}

void Reader::read_tools(const Value& root, ChatRequest& out) {
  std::size_t index = 0;
  for (const Value& value : root["tools"].items()) {
    const std::string path = at("tools", index++);
    if (!need_object(value, path)) return;
    const std::string type = need_string(value, "type", path);
    Tool tool;
    if (type == "function" || type == "custom") {
      const Value body = value[type];
      if (!need_object(body, in(path, type))) return;
      tool = read_function(body, in(path, type), pointer_step(type));
      const std::string mark = read_cache_mark(value, "", tool.extras);
      if (!mark.empty()) tool.cache_control = mark;
      keep_unknown(value, "", {"type", type, "cache_control", "prompt_cache_breakpoint"},
                   tool.extras);
    } else {
      tool.json = value.raw();
    }
    tool.type = type;
    out.tools.push_back(std::move(tool));
  }
  index = 0;
  for (const Value& value : root["functions"].items()) {
    const std::string path = at("functions", index++);
    if (need_object(value, path)) out.tools.push_back(read_function(value, path, "/function"));
  }
  // Not a list, or an empty one: nothing to read, but it stood there.
  for (const std::string_view key : {"tools", "functions"}) {
    const Value list = root[key];
    if (!list.exists() || list.size() > 0) continue;
    if (!list.is_array() && !list.is_null()) {
      fail(wrong_type(std::string(key), "an array of objects", list.type()));
    }
    keep(out.extras, pointer_step(key), list.raw());
  }
}

void Reader::read_tool_choice(const Value& root, ChatRequest& out) {
  Value value = root["tool_choice"];
  if (!value.exists()) value = root["function_call"];
  if (!value.exists()) return;
  ToolChoice& choice = out.tool_choice;
  const std::string word = value.string().value_or("");
  const std::string type = value["type"].string().value_or("");
  if (word == "auto") {
    choice.kind = ToolChoice::Kind::kAuto;
  } else if (word == "none") {
    choice.kind = ToolChoice::Kind::kNone;
  } else if (word == "required") {
    choice.kind = ToolChoice::Kind::kRequired;
  } else if ((type == "function" || type == "custom") && value.size() == 2 &&
             value[type]["name"].is_string() && value[type].size() == 1) {
    choice.kind = ToolChoice::Kind::kNamed;
    choice.type = type;
    choice.name = value[type]["name"].string().value_or("");
  } else if (type.empty() && value["name"].is_string()) {  // the deprecated function_call
    choice.kind = ToolChoice::Kind::kNamed;
    choice.name = value["name"].string().value_or("");
  } else if (type == "allowed_tools" && value[type]["tools"].is_array() && value.size() == 2 &&
             value[type].size() == 2) {
    choice.kind = ToolChoice::Kind::kAllowed;
    choice.allowed_required = value[type]["mode"].string() == "required";
    choice.allowed_json = value[type]["tools"].raw();
  } else {
    keep(out.extras, "/tool_choice", value.raw());
  }
}

void Reader::read_response_format(const Value& format, ChatRequest& out) {
  ResponseFormat& to = out.response_format;
  const std::string type = format["type"].string().value_or("");
  const Value schema = format["json_schema"];
  if (type == "text" && format.size() == 1) {
    to.kind = ResponseFormat::Kind::kText;
  } else if (type == "json_object" && format.size() == 1) {
    to.kind = ResponseFormat::Kind::kJsonObject;
  } else if (type == "json_schema" && schema.is_object()) {
    to.kind = ResponseFormat::Kind::kJsonSchema;
    const std::string path = "response_format.json_schema";
    to.name = take_string(schema["name"], in(path, "name"));
    to.description = take_string(schema["description"], in(path, "description"));
    to.schema = schema["schema"].is_object() ? std::string(schema["schema"].raw()) : "";
    to.strict = schema["strict"].boolean();
    const std::string pointer = "/response_format/json_schema";
    for (const std::string_view key : {"name", "description", "schema", "strict"}) {
      keep_if_blank(schema, key, pointer, out.extras);
    }
    keep_unknown(schema, pointer, {"name", "description", "schema", "strict"}, out.extras);
    keep_unknown(format, "/response_format", {"type", "json_schema"}, out.extras);
  } else if (format.exists()) {
    keep(out.extras, "/response_format", format.raw());
  }
}

void Reader::read_stream(const Value& root, ChatRequest& out) {
  const Value stream = root["stream"];
  out.stream = stream.boolean().value_or(false);
  if (stream.exists() && !out.stream) {
    if (stream.type() != Type::kBool && !stream.is_null()) {
      fail(wrong_type("stream", "a boolean", stream.type()));
    }
    keep(out.extras, "/stream", stream.raw());
  }
  const Value options = root["stream_options"];
  out.include_usage = options["include_usage"].boolean().value_or(false);
  if (!options.is_object() || (options.size() == 0 && !out.include_usage)) {
    if (options.exists()) keep(out.extras, "/stream_options", options.raw());
    return;
  }
  for (const Value::Member& member : options.members()) {
    if (member.key == "include_usage" && out.include_usage) continue;
    keep(out.extras, "/stream_options" + pointer_step(member.key), member.value.raw());
  }
}

void Reader::read_stop(const Value& stop, ChatRequest& out) {
  if (stop.is_string()) out.stop.push_back(stop.string().value_or(""));
  for (const Value& item : stop.items()) {
    if (!item.is_string()) fail(wrong_type("stop", "a string or an array of strings", item.type()));
    out.stop.push_back(item.string().value_or(""));
  }
  if (stop.exists() && out.stop.empty()) keep(out.extras, "/stop", stop.raw());
}

void Reader::read_limits(const Value& root, ChatRequest& out) {
  struct Whole {
    std::string_view key;
    std::optional<std::int64_t>* to;
  };
  for (const Whole& field : {Whole{"max_completion_tokens", &out.max_tokens}, Whole{"n", &out.n},
                             Whole{"seed", &out.seed}, Whole{"max_tokens", &out.max_tokens}}) {
    const Value value = root[field.key];
    if (!value.exists()) continue;
    const auto number = value.integer();
    if (!number && !value.is_null()) {
      fail(wrong_type(std::string(field.key), "an integer", value.type()));
    }
    if (number && !field.to->has_value()) {
      *field.to = number;
      if (field.key == "max_completion_tokens") out.max_completion_tokens = true;
    } else {
      keep_restated(out.extras, pointer_step(field.key), value);  // the newer name came first
    }
  }
  struct Number {
    std::string_view key;
    std::string* to;
  };
  for (const Number& field :
       {Number{"temperature", &out.temperature}, Number{"top_p", &out.top_p},
        Number{"top_k", &out.top_k}, Number{"presence_penalty", &out.presence_penalty},
        Number{"frequency_penalty", &out.frequency_penalty}}) {
    const Value value = root[field.key];
    if (!value.exists()) continue;
    if (value.type() == Type::kNumber) {
      *field.to = value.raw();
    } else {
      if (!value.is_null()) fail(wrong_type(std::string(field.key), "a number", value.type()));
      keep(out.extras, pointer_step(field.key), value.raw());
    }
  }
}

void Reader::read_effort(const Value& root, ChatRequest& out) {
  if (Status status = read_reasoning_controls(root, out); !status.ok()) fail(std::move(status));
  static constexpr std::array<std::string_view, 8> kWords{"",       "none", "minimal", "low",
                                                          "medium", "high", "xhigh",   "max"};
  const std::string& effort = out.reasoning_effort;
  if (std::find(kWords.begin(), kWords.end(), effort) != kWords.end()) return;
  fail(Status(Code::kInvalidArgument,
              "Invalid value: '" + shorten(effort, 40) +
                  "'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', "
                  "and 'max'.")
           .with_reason("invalid_value")
           .with_param("reasoning_effort"));
}

void Reader::read_fields(const Value& root, ChatRequest& out) {
  out.service_tier = take_string(root["service_tier"], "service_tier");
  out.user = take_string(root["user"], "user");
  keep_if_blank(root, "service_tier", "", out.extras);
  keep_if_blank(root, "user", "", out.extras);
  // The newer name of `user`, which counts if both are given.
  const Value safety = root["safety_identifier"];
  if (safety.is_string() && safety.raw() != "\"\"") {
    if (!out.user.empty()) keep_restated(out.extras, "/user", root["user"]);
    out.user = safety.string().value_or("");
    keep_restated(out.extras, "/safety_identifier", safety);
  } else if (safety.exists()) {
    keep(out.extras, "/safety_identifier", safety.raw());
  }
  const Value parallel = root["parallel_tool_calls"];
  out.parallel_tool_calls = parallel.boolean();
  if (parallel.exists() && !out.parallel_tool_calls) {
    if (!parallel.is_null()) fail(wrong_type("parallel_tool_calls", "a boolean", parallel.type()));
    keep(out.extras, "/parallel_tool_calls", parallel.raw());
  }
}

Status Reader::read(const Value& root, ChatRequest& out) {
  if (!root.is_object()) {
    return Status(Code::kInvalidArgument, "The body of the request must be a JSON object.");
  }
  out.model = need_string(root, "model", "");
  if (root["model"].is_null()) fail(wrong_type("model", "a string", Type::kNull));
  const Value messages = root["messages"];
  if (!messages.exists()) fail(missing("messages"));
  if (messages.exists() && !messages.is_array()) {
    fail(wrong_type("messages", "an array of objects", messages.type()));
  }
  if (!error().ok()) return error();
  MessageReader reader;
  std::size_t index = 0;
  for (const Value& message : messages.items()) {
    out.messages.push_back(reader.read(message, at("messages", index++)));
    if (!reader.error().ok()) return reader.error();
  }
  read_tools(root, out);
  read_tool_choice(root, out);
  read_response_format(root["response_format"], out);
  read_stream(root, out);
  read_stop(root["stop"], out);
  read_limits(root, out);
  read_effort(root, out);
  read_fields(root, out);
  keep_unknown(root, "",
               {"model",
                "messages",
                "tools",
                "functions",
                "tool_choice",
                "function_call",
                "response_format",
                "stream",
                "stream_options",
                "stop",
                "max_completion_tokens",
                "max_tokens",
                "n",
                "seed",
                "temperature",
                "top_p",
                "top_k",
                "presence_penalty",
                "frequency_penalty",
                "reasoning_effort",
                "reasoning",
                "thinking",
                "include_reasoning",
                "service_tier",
                "safety_identifier",
                "user",
                "parallel_tool_calls"},
               out.extras);
  settle(out.extras);
  return error();
}

}  // namespace

Result<ChatRequest> decode_request(const Body& body) {
  auto document = json::Document::parse(body.str());
  if (!document) return wrong_json(document.error());
  ChatRequest out;
  out.format = Format::kOpenAiChat;
  if (Status status = Reader().read(document->root(), out); !status.ok()) return status;
  return out;
}

}  // namespace llmorch::openai_chat
