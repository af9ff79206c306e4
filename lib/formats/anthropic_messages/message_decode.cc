#include "formats/anthropic_messages/message_decode.h"

#include <algorithm>

#include "base/text.h"
#include "formats/media.h"
#include "formats/object_writer.h"

namespace llmorch::anthropic_messages {
namespace {

using json::Value;

// Only this format knows it; it goes back as it stood.
void make_opaque(const Value& value, Part& part) {
  part.kind = Part::Kind::kOpaque;
  part.json = value.raw();
  part.origin = Format::kAnthropicMessages;
}

bool has_only(const Value& object, std::initializer_list<std::string_view> keys) {
  for (const Value::Member& member : object.members()) {
    if (std::find(keys.begin(), keys.end(), member.key) == keys.end()) return false;
  }
  return true;
}

}  // namespace

std::string MessageReader::need_string(const Value& object, std::string_view key,
                                       const std::string& path) {
  const Value value = object[key];
  if (!value.exists()) fail(missing(in(path, key)));
  return take_string(value, in(path, key));
}

std::string MessageReader::take_string(const Value& value, const std::string& path) {
  if (value.is_string()) return value.string().value_or("");
  if (value.exists() && !value.is_null()) fail(wrong_type(path, "a valid string"));
  return "";
}

bool MessageReader::need_object(const Value& value, const std::string& path) {
  if (value.is_object()) return true;
  fail(value.exists() ? wrong_type(path, "a valid dictionary") : missing(path));
  return false;
}

// What any block may carry beside its own fields.
void MessageReader::read_rest(const Value& value, std::initializer_list<std::string_view> known,
                              Part& part) {
  const Value mark = value["cache_control"];
  if (mark.is_object()) part.cache_control = mark.raw();
  for (const Value::Member& member : value.members()) {
    const bool read = member.key == "type" || (member.key == "cache_control" && mark.is_object()) ||
                      std::find(known.begin(), known.end(), member.key) != known.end();
    if (!read) keep(part.extras, pointer_step(member.key), member.value.raw());
  }
}

void MessageReader::read_thinking(const Value& value, const std::string& path, Part& part) {
  part.kind = Part::Kind::kReasoning;
  part.origin = Format::kAnthropicMessages;
  if (value["type"].string() == "redacted_thinking") {
    part.redacted = need_string(value, "data", path);
    return read_rest(value, {"data"}, part);
  }
  part.text = need_string(value, "thinking", path);
  part.signature = take_string(value["signature"], in(path, "signature"));
  if (auto carried = read_carrier(part.signature)) {  // another vendor's, shown by this gateway
    part.origin = carried->origin;
    part.signature = std::move(carried->signature);
    part.redacted = std::move(carried->redacted);
  }
  read_rest(value, {"thinking", "signature"}, part);
}

void MessageReader::read_media(const Value& value, const std::string& path, Part& part) {
  const Value source = value["source"];
  if (!need_object(source, in(path, "source"))) return;
  const std::string type = need_string(source, "type", in(path, "source"));
  const bool image = value["type"].string() == "image";
  part.kind = Part::Kind::kMedia;
  part.media.kind = image ? Media::Kind::kImage : Media::Kind::kDocument;
  if (type == "base64" && has_only(source, {"type", "media_type", "data"})) {
    part.media.mime_type = take_string(source["media_type"], in(path, "source.media_type"));
    part.media.base64 = need_string(source, "data", in(path, "source"));
  } else if (type == "text" && !image && has_only(source, {"type", "media_type", "data"})) {
    part.media.mime_type = "text/plain";
    part.media.base64 = encode_base64(need_string(source, "data", in(path, "source")));
  } else if (type == "url" && has_only(source, {"type", "url"})) {
    part.media.url = need_string(source, "url", in(path, "source"));
  } else if (type == "file" && has_only(source, {"type", "file_id"})) {
    part.media.file_id = need_string(source, "file_id", in(path, "source"));
  } else {
    return make_opaque(value, part);
  }
  if (image) return read_rest(value, {"source"}, part);
  part.media.name = take_string(value["title"], in(path, "title"));
  read_rest(value, {"source", "title"}, part);
}

void MessageReader::read_tool_result(const Value& value, const std::string& path, Part& part) {
  part.kind = Part::Kind::kToolResult;
  part.tool_call_id = need_string(value, "tool_use_id", path);
  part.is_error = value["is_error"].boolean().value_or(false);
  bool plain = false;
  read_content(value["content"], in(path, "content"), part.content, plain);
  read_rest(value, {"tool_use_id", "is_error", "content"}, part);
}

Part MessageReader::read_block(const Value& value, const std::string& path) {
  Part part;
  if (!need_object(value, path)) return part;
  const std::string type = need_string(value, "type", path);
  if (type == "text") {
    part.text = need_string(value, "text", path);
    read_rest(value, {"text"}, part);
  } else if (type == "thinking" || type == "redacted_thinking") {
    read_thinking(value, path, part);
  } else if (type == "image" || type == "document") {
    read_media(value, path, part);
  } else if (type == "tool_use") {
    part.kind = Part::Kind::kToolCall;
    part.tool_call_id = need_string(value, "id", path);
    part.tool_name = need_string(value, "name", path);
    if (need_object(value["input"], in(path, "input"))) part.arguments = value["input"].raw();
    read_rest(value, {"id", "name", "input"}, part);
  } else if (type == "tool_result") {
    read_tool_result(value, path, part);
  } else {
    make_opaque(value, part);
  }
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
    for (const Value& item : content.items()) parts.push_back(read_block(item, at(path, index++)));
  } else if (content.exists() && !content.is_null()) {
    fail(wrong_type(path, "a valid string or list of content blocks"));
  }
}

Message MessageReader::read_system(const Value& system) {
  Message message;
  message.role = Message::Role::kSystem;
  read_content(system, "system", message.parts, message.plain_text);
  return message;
}

Message MessageReader::read_message(const Value& value, const std::string& path) {
  Message message;
  if (!need_object(value, path)) return message;
  const std::string role = need_string(value, "role", path);
  if (role == "user") {
    message.role = Message::Role::kUser;
  } else if (role == "assistant") {
    message.role = Message::Role::kAssistant;
  } else if (role == "system") {
    message.role = Message::Role::kSystem;
  } else {
    fail(wrong_type(in(path, "role"), "'user', 'assistant' or 'system'"));
  }
  if (!value["content"].exists()) fail(missing(in(path, "content")));
  read_content(value["content"], in(path, "content"), message.parts, message.plain_text);
  keep_unknown(value, "", {"role", "content"}, message.extras);
  return message;
}

Tool MessageReader::read_tool(const Value& value, const std::string& path) {
  Tool tool;
  if (!need_object(value, path)) return tool;
  const std::string type = take_string(value["type"], in(path, "type"));
  tool.name = take_string(value["name"], in(path, "name"));
  if (!type.empty() && type != "custom") {  // Anthropic's own, run by its client or its servers
    tool.type = type;
    tool.json = value.raw();
    return tool;
  }
  if (tool.name.empty()) fail(missing(in(path, "name")));
  tool.description = take_string(value["description"], in(path, "description"));
  if (need_object(value["input_schema"], in(path, "input_schema"))) {
    tool.parameters = value["input_schema"].raw();
  }
  tool.strict = value["strict"].boolean();
  const Value mark = value["cache_control"];
  if (mark.is_object()) tool.cache_control = mark.raw();
  keep_unknown(value, "",
               {"type", "name", "description", "input_schema", "strict", "cache_control"},
               tool.extras);
  return tool;
}

}  // namespace llmorch::anthropic_messages
