#include "formats/openai_chat/message_decode.h"

#include <iterator>
#include <utility>

#include "base/text.h"
#include "formats/openai_chat/reasoning_decode.h"

namespace llmorch::openai_chat {
namespace {

using json::Value;

// Splits "data:<mime>;base64,<bytes>"; false for any other form.
bool split_data_url(const std::string& url, Media& media) {
  if (url.rfind("data:", 0) != 0) return false;
  const std::size_t mark = url.find(";base64,");
  if (mark == std::string::npos || mark == 5 || mark > 200) return false;
  media.mime_type = url.substr(5, mark - 5);
  media.base64 = url.substr(mark + 8);
  return true;
}

bool is_cache_mark(std::string_view path) {
  return path == "/cache_control" || path == "/prompt_cache_breakpoint";
}

}  // namespace

Part MessageReader::read_image(const Value& value, const std::string& path) {
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
  read_rest(value, {"type", "image_url"}, part);
  return part;
}

Part MessageReader::read_audio(const Value& value, const std::string& path) {
  Part part;
  part.kind = Part::Kind::kMedia;
  part.media.kind = Media::Kind::kAudio;
  const Value audio = value["input_audio"];
  if (!need_object(audio, in(path, "input_audio"))) return part;
  part.media.base64 = need_string(audio, "data", in(path, "input_audio"));
  part.media.mime_type = "audio/" + need_string(audio, "format", in(path, "input_audio"));
  keep_unknown(audio, "/input_audio", {"data", "format"}, part.extras);
  read_rest(value, {"type", "input_audio"}, part);
  return part;
}

Part MessageReader::read_file(const Value& value, const std::string& path) {
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
  read_rest(value, {"type", "file"}, part);
  return part;
}

Part MessageReader::read_part(const Value& value, const std::string& path) {
  Part part;
  if (!need_object(value, path)) return part;
  const std::string type = need_string(value, "type", path);
  if (type == "text" || type == "refusal") {
    part.kind = type == "text" ? Part::Kind::kText : Part::Kind::kRefusal;
    part.text = need_string(value, type, path);
    read_rest(value, {"type", type}, part);
    return part;
  }
  if (type == "image_url") return read_image(value, path);
  if (type == "input_audio") return read_audio(value, path);
  if (type == "file") return read_file(value, path);
  part.json = value.raw();
  part.origin = Format::kOpenAiChat;
  if (type == "thinking") {  // Mistral's; `json` puts it back where it stood
    part.kind = Part::Kind::kReasoning;
    part.text = value["thinking"].string().value_or("");
    for (const Value& item : value["thinking"].items()) {
      part.text.append(item["text"].string().value_or(""));
    }
    return part;
  }
  part.kind = Part::Kind::kOpaque;
  return part;
}

void MessageReader::read_content(const Value& content, const std::string& path,
                                 std::vector<Part>& parts, bool& plain) {
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

Part MessageReader::read_tool_call(const Value& value, const std::string& path) {
  Part part;
  part.kind = Part::Kind::kToolCall;
  if (!need_object(value, path)) return part;
  part.tool_type =
      value["type"].exists() ? take_string(value["type"], in(path, "type")) : "function";
  const bool custom = part.tool_type == "custom";
  if (!custom && part.tool_type != "function") {
    part.kind = Part::Kind::kOpaque;
    part.json = value.raw();
    part.origin = Format::kOpenAiChat;
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
  const Value vendor = value["extra_content"];
  if (const auto proof = vendor["google"]["thought_signature"].string()) {
    part.signature = *proof;
    part.origin = Format::kGemini;
    keep_restated(part.extras, "/extra_content", vendor);
  } else if (vendor.exists()) {
    keep(part.extras, "/extra_content", vendor.raw());
  }
  read_rest(value, {"id", "type", body, "extra_content"}, part);
  return part;
}

void MessageReader::read_assistant(const Value& value, const std::string& path, Message& message) {
  std::vector<Part> thoughts = read_reasoning(value, message.extras);
  message.parts.insert(message.parts.begin(), std::make_move_iterator(thoughts.begin()),
                       std::make_move_iterator(thoughts.end()));
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

// What any part may carry beside its own fields.
void MessageReader::read_rest(const Value& value, std::initializer_list<std::string_view> known,
                              Part& part) {
  part.cache_control = read_cache_mark(value, "", part.extras);
  Extras others;
  keep_unknown(value, "", known, others);
  for (Extra& extra : others) {
    if (!is_cache_mark(extra.path)) part.extras.push_back(std::move(extra));
  }
  settle(part.extras);
}

void MessageReader::read_result(const Value& value, const std::string& path, bool deprecated,
                                Message& message) {
  message.role = Message::Role::kTool;
  Part result;
  result.kind = Part::Kind::kToolResult;
  if (deprecated) {  // answers the latest call of that name
    result.tool_name = message.name;
    result.tool_call_id = function_ids_[message.name];
    message.name.clear();
  } else {
    result.tool_call_id = need_string(value, "tool_call_id", path);
  }
  read_content(value["content"], in(path, "content"), result.content, message.plain_text);
  message.parts.push_back(std::move(result));
}

Message MessageReader::read(const Value& value, const std::string& path) {
  Message message;
  if (!need_object(value, path)) return message;
  const std::string role = need_string(value, "role", path);
  message.name = take_string(value["name"], in(path, "name"));
  keep_if_blank(value, "name", "", message.extras);

  static const std::map<std::string_view, Message::Role> kRoles = {
      {"system", Message::Role::kSystem}, {"developer", Message::Role::kDeveloper},
      {"user", Message::Role::kUser},     {"assistant", Message::Role::kAssistant},
      {"tool", Message::Role::kTool},     {"function", Message::Role::kTool},
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
  if (message.role == Message::Role::kTool) {
    read_result(value, path, role == "function", message);
  } else {
    read_content(value["content"], in(path, "content"), message.parts, message.plain_text);
  }
  // On a whole message the mark stands for its last part.
  const std::string mark = read_cache_mark(value, "", message.extras);
  if (!message.parts.empty() && message.parts.back().cache_control.empty()) {
    message.parts.back().cache_control = mark;
  }
  static constexpr std::string_view kCache = "cache_control";
  static constexpr std::string_view kBreak = "prompt_cache_breakpoint";
  if (message.role == Message::Role::kTool) {
    keep_unknown(value, "", {"role", "name", "content", "tool_call_id", kCache, kBreak},
                 message.extras);
  } else if (message.role == Message::Role::kAssistant) {
    read_assistant(value, path, message);
    keep_unknown(value, "",
                 {"role", "name", "content", "reasoning_content", "reasoning", "thinking_blocks",
                  "reasoning_details", "refusal", "tool_calls", "function_call", kCache, kBreak},
                 message.extras);
  } else {
    keep_unknown(value, "", {"role", "name", "content", kCache, kBreak}, message.extras);
  }
  settle(message.extras);
  return message;
}

std::string read_cache_mark(const Value& object, std::string_view prefix, Extras& extras) {
  std::string mark;
  const Value control = object["cache_control"];
  const Value breakpoint = object["prompt_cache_breakpoint"];
  if (control["type"].is_string()) {
    mark = control.raw();
  } else if (breakpoint.is_object()) {
    mark = breakpoint["ttl"].is_string() ? R"({"type":"ephemeral","ttl":"1h"})"
                                         : R"({"type":"ephemeral"})";
  }
  const std::pair<std::string_view, const Value*> fields[] = {
      {"/cache_control", &control}, {"/prompt_cache_breakpoint", &breakpoint}};
  for (const auto& [name, value] : fields) {
    if (!value->exists()) continue;
    extras.push_back(
        {std::string(prefix) + std::string(name), std::string(value->raw()), !mark.empty()});
  }
  return mark;
}

}  // namespace llmorch::openai_chat
