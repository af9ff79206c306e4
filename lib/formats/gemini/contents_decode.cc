// The messages of a request (WIRE_FORMATS 3.2, 6.3).
#include <algorithm>
#include <map>
#include <utility>

#include "formats/gemini/request_fields.h"

namespace llmorch::gemini {

using json::Value;

void ContentReader::read_media(const Value& value, Part& part) {
  part.kind = Part::Kind::kMedia;
  Media& media = part.media;
  const Value blob = field(value, "inlineData");
  const Value file = field(value, "fileData");
  const Value from = blob.is_object() ? blob : file;
  media.mime_type = field(from, "mimeType").string().value_or("");
  if (blob.is_object()) {
    media.base64 = blob["data"].string().value_or("");
    keep_others(blob, "/inlineData", {"mimeType", "data"}, part.extras);
  } else {
    media.url = field(file, "fileUri").string().value_or("");
    keep_others(file, "/fileData", {"mimeType", "fileUri"}, part.extras);
  }
  if (media.mime_type.rfind("image/", 0) == 0) {
    media.kind = Media::Kind::kImage;
  } else if (media.mime_type.rfind("audio/", 0) == 0) {
    media.kind = Media::Kind::kAudio;
  } else {
    media.kind = Media::Kind::kDocument;
  }
  keep_others(value, "", {"inlineData", "fileData"}, part.extras);
}

void ContentReader::read_call(const Value& value, const std::string& path, Part& part) {
  const Value call = field(value, "functionCall");
  part.kind = Part::Kind::kToolCall;
  part.tool_name = call["name"].string().value_or("");
  if (part.tool_name.empty()) fail(wrong_type(path + ".functionCall.name", "a name"));
  part.tool_call_id = call["id"].string().value_or("");
  if (part.tool_call_id.empty()) part.tool_call_id = made_call_id(calls_, part.tool_name);
  ++calls_;
  part.arguments = call["args"].exists() ? std::string(call["args"].raw()) : "{}";
  part.signature = field(value, "thoughtSignature").string().value_or("");
  unanswered_.push_back({part.tool_call_id, part.tool_name});
  keep_others(call, "/functionCall", {"name", "id", "args"}, part.extras);
  keep_others(value, "", {"functionCall", "thoughtSignature"}, part.extras);
}

// By id, else by name in the order of the calls.
void ContentReader::match_response(Part& part) {
  const auto found = std::find_if(unanswered_.begin(), unanswered_.end(), [&](const Waiting& call) {
    return part.tool_call_id.empty() ? call.name == part.tool_name : call.id == part.tool_call_id;
  });
  if (found == unanswered_.end()) return;
  part.tool_call_id = found->id;
  unanswered_.erase(found);
}

void ContentReader::read_response(const Value& value, const std::string& path, Part& part) {
  const Value answer = field(value, "functionResponse");
  part.kind = Part::Kind::kToolResult;
  part.tool_name = answer["name"].string().value_or("");
  if (part.tool_name.empty()) fail(wrong_type(path + ".functionResponse.name", "a name"));
  part.tool_call_id = answer["id"].string().value_or("");
  match_response(part);
  const Value response = answer["response"];
  const Value output = response["output"];
  const Value error = response["error"];
  const bool only = response.size() == 1;
  const Value told = only && output.exists() ? output : only && error.exists() ? error : response;
  part.is_error = only && error.exists();
  Part text;
  text.text = told.is_string() ? told.string().value_or("") : compact_json(told.raw());
  if (!text.text.empty()) part.content.push_back(std::move(text));
  for (const Value& item : list_of(answer["parts"])) {
    Part media;
    read_media(item, media);
    part.content.push_back(std::move(media));
  }
  if (response.exists()) restate(part.extras, "/functionResponse/response", response);
  keep_others(answer, "/functionResponse", {"name", "id", "parts", "response"}, part.extras);
  keep_others(value, "", {"functionResponse"}, part.extras);
}

Part ContentReader::read_part(const Value& value, const std::string& path) {
  Part part;
  part.origin = Format::kGemini;
  if (!value.is_object()) {
    fail(wrong_type(path, "an object"));
    return part;
  }
  if (field(value, "functionCall").is_object()) {
    read_call(value, path, part);
  } else if (field(value, "functionResponse").is_object()) {
    read_response(value, path, part);
  } else if (field(value, "inlineData").is_object() || field(value, "fileData").is_object()) {
    read_media(value, part);
  } else if (value["text"].is_string()) {
    part.kind = value["thought"].boolean() == true ? Part::Kind::kReasoning : Part::Kind::kText;
    part.text = value["text"].string().value_or("");
    part.signature = field(value, "thoughtSignature").string().value_or("");
    keep_others(value, "", {"text", "thought", "thoughtSignature"}, part.extras);
  } else {
    part.kind = Part::Kind::kOpaque;
    part.json = value.raw();
  }
  return part;
}

Message ContentReader::read(const Value& content, const std::string& path) {
  Message message;
  if (!content.is_object()) {
    fail(wrong_type(path, "an object"));
    return message;
  }
  const std::string role = content["role"].string().value_or("");
  static const std::map<std::string_view, Message::Role> kRoles = {
      {"", Message::Role::kUser},           {"user", Message::Role::kUser},
      {"function", Message::Role::kUser},   {"tool", Message::Role::kUser},
      {"model", Message::Role::kAssistant}, {"assistant", Message::Role::kAssistant},
      {"system", Message::Role::kSystem}};
  const auto found = kRoles.find(role);
  if (found == kRoles.end()) {
    fail(Status(Code::kInvalidArgument, "Please use a valid role: user, model.")
             .with_param(path + ".role"));
    return message;
  }
  message.role = found->second;
  const std::vector<Value> parts = list_of(content["parts"]);
  if (parts.empty()) fail(wrong_type(path + ".parts", "a list with at least one part"));
  std::size_t index = 0;
  for (const Value& part : parts) {
    message.parts.push_back(read_part(part, at(path + ".parts", index++)));
    if (!error_.ok()) return message;
  }
  const bool results = std::all_of(message.parts.begin(), message.parts.end(),
                                   [](const Part& p) { return p.kind == Part::Kind::kToolResult; });
  if (results) message.role = Message::Role::kTool;
  keep_others(content, "", {"role", "parts"}, message.extras);
  return message;
}

Message ContentReader::read_system(const Value& system) {
  Message message;
  message.role = Message::Role::kSystem;
  if (const auto text = system.string()) {
    Part part;
    part.text = *text;
    message.parts.push_back(std::move(part));
  }
  std::size_t index = 0;
  for (const Value& part : list_of(system["parts"])) {
    message.parts.push_back(read_part(part, at("systemInstruction.parts", index++)));
  }
  return message;
}

}  // namespace llmorch::gemini
