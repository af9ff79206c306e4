// Request body to ChatRequest. What has no neutral meaning, or a legal but unusual form (null,
// say), stays as an Extra, so that nothing is lost on the way back.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/text.h"
#include "formats/object_writer.h"
#include "formats/openai_chat/openai_chat.h"

namespace llmorch::openai_chat {
namespace {

using json::Type;
using json::Value;

std::string at(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}
std::string in(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

// Reads one request; the first wrong type ends it. Paths are as OpenAI writes them in `param`.
class Reader {
 public:
  Status read(const Value& root, ChatRequest& out);

 private:
  void read_fields(const Value& root, ChatRequest& out);
  void read_limits(const Value& root, ChatRequest& out);
  void read_stream(const Value& root, ChatRequest& out);
  void read_stop(const Value& stop, ChatRequest& out);
  void read_response_format(const Value& format, ChatRequest& out);
  void read_tools(const Value& root, ChatRequest& out);
  void read_tool_choice(const Value& root, ChatRequest& out);
  Tool read_function(const Value& function, const std::string& path, std::string_view pointer);
  Message read_message(const Value& value, const std::string& path);
  void read_content(const Value& content, const std::string& path, std::vector<Part>& parts,
                    bool& plain);
  Part read_part(const Value& value, const std::string& path);
  Part read_image(const Value& value, const std::string& path);
  Part read_audio(const Value& value, const std::string& path);
  Part read_file(const Value& value, const std::string& path);
  void read_assistant(const Value& value, const std::string& path, Message& message);
  Part read_tool_call(const Value& value, const std::string& path);

  void fail(Status status) {
    if (error_.ok()) error_ = std::move(status);
  }
  // A string field that must be there.
  std::string need_string(const Value& object, std::string_view key, const std::string& path) {
    const Value value = object[key];
    if (!value.exists()) fail(missing(in(path, key)));
    return take_string(value, in(path, key));
  }
  // A string field that may be missing; null counts as an unusual form, which the caller keeps.
  std::string take_string(const Value& value, const std::string& path) {
    if (value.is_string()) return value.string().value_or("");
    if (value.exists() && !value.is_null()) fail(wrong_type(path, "a string", value.type()));
    return "";
  }
  bool need_object(const Value& value, const std::string& path) {
    if (value.is_object()) return true;
    fail(value.exists() ? wrong_type(path, "an object", value.type()) : missing(path));
    return false;
  }

  Status error_;
  int functions_called_ = 0;  // ids for the deprecated function_call
  std::map<std::string, std::string, std::less<>> function_ids_;
};

// Splits "data:<mime>;base64,<bytes>"; false for any other form.
bool split_data_url(const std::string& url, Media& media) {
  if (url.rfind("data:", 0) != 0) return false;
  const std::size_t mark = url.find(";base64,");
  if (mark == std::string::npos || mark == 5 || mark > 200) return false;
  media.mime_type = url.substr(5, mark - 5);
  media.base64 = url.substr(mark + 8);
  return true;
}

// "" and null say "absent" in the neutral form; a literal one is kept apart.
void keep_if_blank(const Value& object, std::string_view key, std::string_view prefix,
                   Extras& out) {
  const Value value = object[key];
  if (value.is_null() || (value.is_string() && value.raw() == "\"\"")) {
    keep(out, std::string(prefix) + pointer_step(key), value.raw());
  }
}

Part Reader::read_image(const Value& value, const std::string& path) {
  Part part;
  part.kind = Part::Kind::kMedia;
  part.media.kind = Media::Kind::kImage;
  const Value image = value["image_url"];
  if (!need_object(image, in(path, "image_url"))) return part;
  std::string url = need_string(image, "url", in(path, "image_url"));
  if (!split_data_url(url, part.media)) part.media.url = std::move(url);
  part.media.detail = take_string(image["detail"], in(path, "image_url.detail"));
  keep_if_blank(image, "detail", "/image_url", part.extras);
  keep_unknown(image, "/image_url", {"url", "detail"}, part.extras);
  keep_unknown(value, "", {"type", "image_url"}, part.extras);
  return part;
}

Part Reader::read_audio(const Value& value, const std::string& path) {
  Part part;
  part.kind = Part::Kind::kMedia;
  part.media.kind = Media::Kind::kAudio;
  const Value audio = value["input_audio"];
  if (!need_object(audio, in(path, "input_audio"))) return part;
  part.media.base64 = need_string(audio, "data", in(path, "input_audio"));
  part.media.mime_type = "audio/" + need_string(audio, "format", in(path, "input_audio"));
  keep_unknown(audio, "/input_audio", {"data", "format"}, part.extras);
  keep_unknown(value, "", {"type", "input_audio"}, part.extras);
  return part;
}

Part Reader::read_file(const Value& value, const std::string& path) {
  Part part;
  part.kind = Part::Kind::kMedia;
  part.media.kind = Media::Kind::kDocument;
  const Value file = value["file"];
  if (!need_object(file, in(path, "file"))) return part;
  std::string data = take_string(file["file_data"], in(path, "file.file_data"));
  if (!split_data_url(data, part.media)) part.media.base64 = std::move(data);
  part.media.file_id = take_string(file["file_id"], in(path, "file.file_id"));
  part.media.name = take_string(file["filename"], in(path, "file.filename"));
  for (const std::string_view key : {"file_data", "file_id", "filename"}) {
    keep_if_blank(file, key, "/file", part.extras);
  }
  keep_unknown(file, "/file", {"file_data", "file_id", "filename"}, part.extras);
  keep_unknown(value, "", {"type", "file"}, part.extras);
  return part;
}

Part Reader::read_part(const Value& value, const std::string& path) {
  Part part;
  if (!need_object(value, path)) return part;
  const std::string type = need_string(value, "type", path);
  if (type == "text" || type == "refusal") {
    part.kind = type == "text" ? Part::Kind::kText : Part::Kind::kRefusal;
    part.text = need_string(value, type, path);
    keep_unknown(value, "", {"type", type}, part.extras);
    return part;
  }
  if (type == "image_url") return read_image(value, path);
  if (type == "input_audio") return read_audio(value, path);
  if (type == "file") return read_file(value, path);
  part.kind = Part::Kind::kOpaque;
  part.json = value.raw();
  return part;
}

void Reader::read_content(const Value& content, const std::string& path, std::vector<Part>& parts,
                          bool& plain) {
  if (content.is_string()) {
    Part part;
    part.text = content.string().value_or("");
    parts.push_back(std::move(part));
    plain = true;
  } else if (content.is_array()) {
    std::size_t index = 0;
    for (const Value& item : content.items()) parts.push_back(read_part(item, at(path, index++)));
  } else if (content.exists() && !content.is_null()) {
    fail(wrong_type(path, "a string or an array of content parts", content.type()));
  } else {
    plain = true;
  }
}

Part Reader::read_tool_call(const Value& value, const std::string& path) {
  Part part;
  part.kind = Part::Kind::kToolCall;
  if (!need_object(value, path)) return part;
  part.tool_type =
      value["type"].exists() ? take_string(value["type"], in(path, "type")) : "function";
  const bool custom = part.tool_type == "custom";
  if (!custom && part.tool_type != "function") {
    part.kind = Part::Kind::kOpaque;
    part.json = value.raw();
    return part;
  }
  const std::string_view body = custom ? "custom" : "function";
  const std::string_view arguments = custom ? "input" : "arguments";
  part.tool_call_id = need_string(value, "id", path);
  const Value call = value[body];
  const std::string inner = in(path, body);
  if (!need_object(call, inner)) return part;
  part.tool_name = need_string(call, "name", inner);
  part.arguments = take_string(call[arguments], in(inner, arguments));
  keep_unknown(call, pointer_step(body), {"name", arguments}, part.extras);
  keep_unknown(value, "", {"id", "type", body}, part.extras);
  return part;
}

void Reader::read_assistant(const Value& value, const std::string& path, Message& message) {
  if (const Value thought = value["reasoning_content"]; thought.is_string()) {
    Part part;
    part.kind = Part::Kind::kReasoning;
    part.text = thought.string().value_or("");
    message.parts.insert(message.parts.begin(), std::move(part));
  } else if (thought.exists()) {
    keep(message.extras, "/reasoning_content", thought.raw());
  }
  if (const Value refusal = value["refusal"]; refusal.is_string()) {
    Part part;
    part.kind = Part::Kind::kRefusal;
    part.text = refusal.string().value_or("");
    message.parts.push_back(std::move(part));
  } else if (refusal.exists()) {
    keep(message.extras, "/refusal", refusal.raw());
  }
  const Value calls = value["tool_calls"];
  if (calls.is_array() && calls.size() > 0) {
    std::size_t index = 0;
    for (const Value& call : calls.items()) {
      message.parts.push_back(read_tool_call(call, at(in(path, "tool_calls"), index++)));
    }
  } else if (calls.exists()) {
    if (!calls.is_array() && !calls.is_null()) {
      fail(wrong_type(in(path, "tool_calls"), "an array of objects", calls.type()));
    }
    keep(message.extras, "/tool_calls", calls.raw());
  }
  const Value call = value["function_call"];
  if (call.is_object()) {
    Part part;
    part.kind = Part::Kind::kToolCall;
    part.tool_name = need_string(call, "name", in(path, "function_call"));
    part.arguments = take_string(call["arguments"], in(path, "function_call.arguments"));
    part.tool_call_id = "call_function_" + std::to_string(functions_called_++);
    function_ids_[part.tool_name] = part.tool_call_id;
    message.parts.push_back(std::move(part));
  }
}

Message Reader::read_message(const Value& value, const std::string& path) {
  Message message;
  if (!need_object(value, path)) return message;
  const std::string role = need_string(value, "role", path);
  message.name = take_string(value["name"], in(path, "name"));
  keep_if_blank(value, "name", "", message.extras);

  if (role == "tool" || role == "function") {
    message.role = Message::Role::kTool;
    Part result;
    result.kind = Part::Kind::kToolResult;
    if (role == "tool") {
      result.tool_call_id = need_string(value, "tool_call_id", path);
    } else {  // deprecated: answers the latest call of that name
      result.tool_name = message.name;
      result.tool_call_id = function_ids_[message.name];
      message.name.clear();
    }
    read_content(value["content"], in(path, "content"), result.content, message.plain_text);
    message.parts.push_back(std::move(result));
    keep_unknown(value, "", {"role", "name", "content", "tool_call_id"}, message.extras);
    return message;
  }

  static const std::map<std::string_view, Message::Role> kRoles = {
      {"system", Message::Role::kSystem},
      {"developer", Message::Role::kDeveloper},
      {"user", Message::Role::kUser},
      {"assistant", Message::Role::kAssistant},
  };
  const auto found = kRoles.find(role);
  if (found == kRoles.end()) {
    fail(Status(Code::kInvalidArgument,
                "Invalid value: '" + shorten(role, 40) +
                    "'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', "
                    "and 'developer'.")
             .with_reason("invalid_value")
             .with_param(in(path, "role")));
    return message;
  }
  message.role = found->second;
  const Value content = value["content"];
  read_content(content, in(path, "content"), message.parts, message.plain_text);
  if (message.role == Message::Role::kAssistant) {
    read_assistant(value, path, message);
    keep_unknown(
        value, "",
        {"role", "name", "content", "reasoning_content", "refusal", "tool_calls", "function_call"},
        message.extras);
  } else {
    keep_unknown(value, "", {"role", "name", "content"}, message.extras);
  }
  return message;
}

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
  keep_unknown(function, pointer, {"name", "description", "parameters", "strict"}, tool.extras);
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
      keep_unknown(value, "", {"type", type}, tool.extras);
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
      keep(out.extras, pointer_step(field.key), value.raw());
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

void Reader::read_fields(const Value& root, ChatRequest& out) {
  struct Text {
    std::string_view key;
    std::string* to;
  };
  for (const Text& field : {Text{"reasoning_effort", &out.reasoning_effort},
                            Text{"service_tier", &out.service_tier}, Text{"user", &out.user}}) {
    const Value value = root[field.key];
    *field.to = take_string(value, std::string(field.key));
    keep_if_blank(root, field.key, "", out.extras);
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
  std::size_t index = 0;
  for (const Value& message : messages.items()) {
    out.messages.push_back(read_message(message, at("messages", index++)));
    if (!error_.ok()) return error_;
  }
  read_tools(root, out);
  read_tool_choice(root, out);
  read_response_format(root["response_format"], out);
  read_stream(root, out);
  read_stop(root["stop"], out);
  read_limits(root, out);
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
                "service_tier",
                "user",
                "parallel_tool_calls"},
               out.extras);
  return error_;
}

}  // namespace

Result<ChatRequest> decode_request(const Body& body) {
  auto document = json::Document::parse(body.str());
  if (!document) return wrong_json(document.error());
  ChatRequest out;
  if (Status status = Reader().read(document->root(), out); !status.ok()) return status;
  return out;
}

}  // namespace llmorch::openai_chat
