// ChatRequest to request body (WIRE_FORMATS 6.3, column OpenAI chat).
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "formats/object_writer.h"
#include "formats/openai_chat/openai_chat.h"

namespace llmorch::openai_chat {
namespace {

constexpr std::size_t kMostStops = 4;

Status cannot(std::string param, std::string why) {
  return Status(Code::kUnsupported, std::move(why)).with_param(std::move(param));
}

class Writer {
 public:
  Writer(const ChatRequest& request, const EncodeOptions& options)
      : request_(request), options_(options) {}

  Result<EncodedRequest> write();

 private:
  void write_messages(ObjectWriter& body);
  void write_message(const Message& message, const std::string& path);
  void write_tool_results(const Message& message, const std::string& path);
  void write_attachments(const Part& result, const std::string& path);
  void write_content(std::string& out, const std::vector<Part>& parts, bool plain,
                     const std::string& path);
  void write_part(std::string& out, const Part& part, const std::string& path);
  void write_media(std::string& out, const Part& part, const std::string& path);
  void write_tool_calls(ObjectWriter& to, const Message& message);
  void write_tools(ObjectWriter& body);
  void write_tool_choice(ObjectWriter& body);
  void write_response_format(ObjectWriter& body);
  void write_stream(ObjectWriter& body);
  void write_limits(ObjectWriter& body);

  void fail(Status status) {
    if (error_.ok()) error_ = std::move(status);
  }
  void drop(const std::string& what) {
    auto& dropped = result_.dropped;
    if (std::find(dropped.begin(), dropped.end(), what) == dropped.end()) dropped.push_back(what);
  }
  // Separates elements of the list that is being written to `out`.
  static void next(std::string& out) {
    if (out.back() != '[') out.push_back(',');
  }

  const ChatRequest& request_;
  const EncodeOptions& options_;
  std::string text_;
  EncodedRequest result_;
  Status error_;
};

std::string_view role_word(Message::Role role) {
  switch (role) {
    case Message::Role::kSystem:
      return "system";
    case Message::Role::kDeveloper:
      return "developer";
    case Message::Role::kUser:
      return "user";
    case Message::Role::kAssistant:
      return "assistant";
    case Message::Role::kTool:
      return "tool";
  }
  return "user";
}

// Parts of a message that stand in its `content`.
bool in_content(const Part& part) {
  switch (part.kind) {
    case Part::Kind::kText:
    case Part::Kind::kRefusal:
    case Part::Kind::kMedia:
      return true;
    case Part::Kind::kOpaque:  // an unknown kind of tool call names its type
      return part.tool_type == "function";
    default:
      return false;
  }
}

std::string data_url(const Media& media) {
  return "data:" + media.mime_type + ";base64," + media.base64;
}

std::string joined_text(const std::vector<Part>& parts) {
  std::string out;
  for (const Part& part : parts) {
    if (part.kind == Part::Kind::kText) out.append(part.text);
  }
  return out;
}

void Writer::write_media(std::string& out, const Part& part, const std::string& path) {
  const Media& media = part.media;
  ObjectWriter object(out, &part.extras);
  switch (media.kind) {
    case Media::Kind::kImage: {
      if (media.base64.empty() && media.url.empty()) {
        fail(cannot(path, "an image by file id cannot be sent to this target"));
      }
      object.string("type", "image_url");
      ObjectWriter image = object.object("image_url");
      image.string("url", media.base64.empty() ? media.url : data_url(media));
      if (!media.detail.empty()) image.string("detail", media.detail);
      image.close();
      break;
    }
    case Media::Kind::kAudio: {
      if (media.base64.empty() && !media.url.empty()) {
        fail(cannot(path, "audio by URL cannot be sent to this target"));
      }
      object.string("type", "input_audio");
      ObjectWriter audio = object.object("input_audio");
      audio.string("data", media.base64);
      const bool named = media.mime_type.rfind("audio/", 0) == 0;
      audio.string("format", named ? media.mime_type.substr(6) : media.mime_type);
      audio.close();
      break;
    }
    case Media::Kind::kDocument: {
      if (!media.url.empty()) {
        fail(cannot(path, "a document by URL cannot be sent to this target"));
      }
      object.string("type", "file");
      ObjectWriter file = object.object("file");
      if (!media.base64.empty()) {
        file.string("file_data", media.mime_type.empty() ? media.base64 : data_url(media));
      }
      if (!media.file_id.empty()) file.string("file_id", media.file_id);
      if (!media.name.empty()) file.string("filename", media.name);
      file.close();
      break;
    }
  }
  object.close();
}

void Writer::write_part(std::string& out, const Part& part, const std::string& path) {
  if (part.kind == Part::Kind::kMedia) return write_media(out, part, path);
  if (part.kind == Part::Kind::kOpaque) {
    out.append(part.json.empty() ? "{}" : part.json);
    return;
  }
  const std::string_view type = part.kind == Part::Kind::kRefusal ? "refusal" : "text";
  ObjectWriter object(out, &part.extras);
  object.string("type", type);
  object.string(type, part.text);
  object.close();
}

void Writer::write_content(std::string& out, const std::vector<Part>& parts, bool plain,
                           const std::string& path) {
  if (plain) return append_json_string(out, joined_text(parts));
  out.push_back('[');
  std::size_t index = 0;
  for (const Part& part : parts) {
    const std::size_t place = index++;
    if (!in_content(part)) continue;
    next(out);
    write_part(out, part, path + ".content[" + std::to_string(place) + "]");
  }
  out.push_back(']');
}

void Writer::write_tool_calls(ObjectWriter& to, const Message& message) {
  std::string calls = "[";
  for (const Part& part : message.parts) {
    if (part.kind == Part::Kind::kOpaque && !in_content(part)) {
      next(calls);
      calls.append(part.json);
    }
    if (part.kind != Part::Kind::kToolCall) continue;
    next(calls);
    ObjectWriter call(calls, &part.extras);
    call.string("id", part.tool_call_id);
    call.string("type", part.tool_type);
    const bool custom = part.tool_type == "custom";
    ObjectWriter body = call.object(custom ? "custom" : "function");
    body.string("name", part.tool_name);
    body.string(custom ? "input" : "arguments", part.arguments);
    body.close();
    call.close();
  }
  if (calls.size() > 1) to.raw("tool_calls", calls.append("]"));
}

// The tool role carries text only: media of a result follow in a user message.
void Writer::write_attachments(const Part& result, const std::string& path) {
  std::string parts = "[";
  for (const Part& part : result.content) {
    if (part.kind != Part::Kind::kMedia) continue;
    if (parts.size() == 1) {
      ObjectWriter note(parts);
      note.string("type", "text");
      note.string("text", "Attached files from tool call " + result.tool_call_id + ":");
      note.close();
    }
    next(parts);
    write_media(parts, part, path);
  }
  if (parts.size() == 1) return;
  next(text_);
  ObjectWriter message(text_);
  message.string("role", "user");
  message.raw("content", parts.append("]"));
  message.close();
}

void Writer::write_tool_results(const Message& message, const std::string& path) {
  std::vector<const Part*> results;
  for (const Part& part : message.parts) {
    if (part.kind == Part::Kind::kToolResult) results.push_back(&part);
  }
  for (const Part* part : results) {
    next(text_);
    ObjectWriter object(text_, results.size() == 1 ? &message.extras : nullptr);
    object.string("role", "tool");
    object.string("tool_call_id", part->tool_call_id);
    if (!message.name.empty()) object.string("name", message.name);
    const bool has_media =
        std::any_of(part->content.begin(), part->content.end(),
                    [](const Part& item) { return item.kind == Part::Kind::kMedia; });
    if (message.plain_text || part->is_error || has_media || part->content.empty()) {
      std::string text = part->is_error ? "Error: " : "";
      for (const Part& item : part->content) {
        if (item.kind != Part::Kind::kText) continue;
        if (!text.empty() && &item != &part->content.front()) text.push_back('\n');
        text.append(item.text);
      }
      object.string("content", text);
    } else {
      write_content(object.value("content"), part->content, false, path);
    }
    object.close();
  }
  // All results come first: nothing may stand between a call and its answers.
  for (const Part* part : results) write_attachments(*part, path);
}

void Writer::write_message(const Message& message, const std::string& path) {
  const bool has_result =
      std::any_of(message.parts.begin(), message.parts.end(),
                  [](const Part& part) { return part.kind == Part::Kind::kToolResult; });
  if (has_result) {
    write_tool_results(message, path);
    const bool more = std::any_of(message.parts.begin(), message.parts.end(), in_content);
    if (!more) return;
  }
  next(text_);
  ObjectWriter object(text_, has_result ? nullptr : &message.extras);
  const bool assistant = message.role == Message::Role::kAssistant;
  const bool result_rest = message.role == Message::Role::kTool;
  object.string("role", result_rest ? "user" : role_word(message.role));
  if (!message.name.empty() && !has_result) object.string("name", message.name);

  const bool any_text =
      std::any_of(message.parts.begin(), message.parts.end(), [&](const Part& part) {
        return message.plain_text ? part.kind == Part::Kind::kText : in_content(part);
      });
  if (any_text || (!assistant && !message.plain_text)) {
    write_content(object.value("content"), message.parts, message.plain_text, path);
  } else {
    object.raw("content", "null");
  }
  for (const Part& part : message.parts) {
    if (part.kind == Part::Kind::kReasoning && assistant) {
      if (!object.wrote("reasoning_content")) {
        std::string thought;
        for (const Part& other : message.parts) {
          if (other.kind == Part::Kind::kReasoning) thought.append(other.text);
        }
        object.string("reasoning_content", thought);
      }
      if (!part.signature.empty()) drop("messages.thinking.signature");
    }
    if (part.kind == Part::Kind::kRefusal && message.plain_text && !object.wrote("refusal")) {
      object.string("refusal", part.text);
    }
  }
  if (assistant) write_tool_calls(object, message);
  object.close();
}

void Writer::write_messages(ObjectWriter& body) {
  body.value("messages").push_back('[');
  std::size_t index = 0;
  for (const Message& message : request_.messages) {
    write_message(message, "messages[" + std::to_string(index++) + "]");
  }
  text_.push_back(']');
}

void Writer::write_tools(ObjectWriter& body) {
  if (request_.tools.empty()) return;
  body.value("tools").push_back('[');
  for (const Tool& tool : request_.tools) {
    next(text_);
    if (!tool.json.empty()) {
      text_.append(tool.json);
      continue;
    }
    ObjectWriter object(text_, &tool.extras);
    object.string("type", tool.type);
    ObjectWriter inner = object.object(tool.type);
    inner.string("name", tool.name);
    if (!tool.description.empty()) inner.string("description", tool.description);
    if (!tool.parameters.empty()) inner.raw("parameters", tool.parameters);
    if (tool.strict) inner.boolean("strict", *tool.strict);
    inner.close();
    object.close();
  }
  text_.push_back(']');
}

void Writer::write_tool_choice(ObjectWriter& body) {
  const ToolChoice& choice = request_.tool_choice;
  switch (choice.kind) {
    case ToolChoice::Kind::kUnset:
      return;
    case ToolChoice::Kind::kAuto:
      return body.string("tool_choice", "auto");
    case ToolChoice::Kind::kNone:
      return body.string("tool_choice", "none");
    case ToolChoice::Kind::kRequired:
      return body.string("tool_choice", "required");
    case ToolChoice::Kind::kNamed: {
      ObjectWriter object(body.value("tool_choice"));
      object.string("type", choice.type);
      ObjectWriter inner = object.object(choice.type);
      inner.string("name", choice.name);
      inner.close();
      return object.close();
    }
    case ToolChoice::Kind::kAllowed: {
      ObjectWriter object(body.value("tool_choice"));
      object.string("type", "allowed_tools");
      ObjectWriter inner = object.object("allowed_tools");
      inner.string("mode", choice.allowed_required ? "required" : "auto");
      inner.raw("tools", choice.allowed_json.empty() ? "[]" : choice.allowed_json);
      inner.close();
      return object.close();
    }
  }
}

void Writer::write_response_format(ObjectWriter& body) {
  const ResponseFormat& format = request_.response_format;
  if (format.kind == ResponseFormat::Kind::kUnset) return;
  ObjectWriter object = body.object("response_format");
  if (format.kind == ResponseFormat::Kind::kJsonSchema) {
    object.string("type", "json_schema");
    ObjectWriter schema = object.object("json_schema");
    if (!format.name.empty()) schema.string("name", format.name);
    if (!format.description.empty()) schema.string("description", format.description);
    if (!format.schema.empty()) schema.raw("schema", format.schema);
    if (format.strict) schema.boolean("strict", *format.strict);
    schema.close();
  } else {
    object.string("type", format.kind == ResponseFormat::Kind::kText ? "text" : "json_object");
  }
  object.close();
}

void Writer::write_stream(ObjectWriter& body) {
  if (request_.stream) body.boolean("stream", true);
  const bool usage = request_.include_usage || (options_.ask_usage && request_.stream);
  const bool others =
      std::any_of(request_.extras.begin(), request_.extras.end(),
                  [](const Extra& extra) { return extra.path.rfind("/stream_options/", 0) == 0; });
  if (!usage && !others) return;
  ObjectWriter object = body.object("stream_options");
  if (usage) object.boolean("include_usage", true);
  object.close();
}

void Writer::write_limits(ObjectWriter& body) {
  if (request_.max_tokens) {
    body.integer(request_.max_completion_tokens ? "max_completion_tokens" : "max_tokens",
                 *request_.max_tokens);
  }
  if (request_.n) body.integer("n", *request_.n);
  if (request_.seed) body.integer("seed", *request_.seed);
  if (!request_.stop.empty()) {
    std::string& out = body.value("stop");
    out.push_back('[');
    for (std::size_t i = 0; i < std::min(request_.stop.size(), kMostStops); ++i) {
      next(out);
      append_json_string(out, request_.stop[i]);
    }
    out.push_back(']');
    if (request_.stop.size() > kMostStops) drop("stop");
  }
  const std::pair<std::string_view, const std::string*> numbers[] = {
      {"temperature", &request_.temperature},
      {"top_p", &request_.top_p},
      {"top_k", &request_.top_k},
      {"presence_penalty", &request_.presence_penalty},
      {"frequency_penalty", &request_.frequency_penalty},
  };
  for (const auto& [key, number] : numbers) {
    if (!number->empty()) body.raw(key, *number);
  }
  const std::pair<std::string_view, const std::string*> texts[] = {
      {"reasoning_effort", &request_.reasoning_effort},
      {"service_tier", &request_.service_tier},
      {"user", &request_.user},
  };
  for (const auto& [key, text] : texts) {
    if (!text->empty()) body.string(key, *text);
  }
}

Result<EncodedRequest> Writer::write() {
  ObjectWriter body(text_, &request_.extras);
  body.string("model", options_.model.empty() ? request_.model : options_.model);
  write_messages(body);
  write_tools(body);
  // Both are refused without tools.
  const bool tools = !request_.tools.empty();
  if (tools || request_.tool_choice.kind == ToolChoice::Kind::kNone) {
    write_tool_choice(body);
  } else if (request_.tool_choice.kind != ToolChoice::Kind::kUnset) {
    drop("tool_choice");
  }
  if (request_.parallel_tool_calls) {
    if (tools) {
      body.boolean("parallel_tool_calls", *request_.parallel_tool_calls);
    } else {
      drop("parallel_tool_calls");
    }
  }
  write_response_format(body);
  write_stream(body);
  write_limits(body);
  body.close();
  if (!error_.ok()) return error_;
  result_.body = Body(std::move(text_));
  if (options_.set.empty() && options_.remove.empty()) return std::move(result_);

  // The operator's edits are the same as on the other path, so one piece of code does both.
  auto scan = scan_request(result_.body);
  if (!scan) return scan.error();
  Splice edits;
  edits.model = scan->model;
  edits.set = options_.set;
  edits.remove = options_.remove;
  edits.ask_usage = options_.ask_usage;
  auto spliced = splice_request(result_.body, *scan, edits);
  if (!spliced) return spliced.error();
  result_.body = std::move(*spliced);
  return std::move(result_);
}

}  // namespace

Result<EncodedRequest> encode_request(const ChatRequest& request, const EncodeOptions& options) {
  return Writer(request, options).write();
}

}  // namespace llmorch::openai_chat
