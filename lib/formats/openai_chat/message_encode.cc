// Messages of the neutral form in this dialect (WIRE_FORMATS 6.3, column OpenAI chat).
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/text.h"
#include "formats/openai_chat/encoding.h"
#include "formats/openai_chat/media_encode.h"

namespace llmorch::openai_chat {
namespace {

std::string_view role_word(Message::Role role) {
  switch (role) {
    case Message::Role::kSystem:
      return "system";
    case Message::Role::kDeveloper:
      return "developer";
    case Message::Role::kAssistant:
      return "assistant";
    case Message::Role::kUser:
    case Message::Role::kTool:  // what stands beside results
      break;
  }
  return "user";
}

bool is_system(const Message& message) {
  return message.role == Message::Role::kSystem || message.role == Message::Role::kDeveloper;
}

// Parts of a message that stand in its `content`.
bool in_content(const Part& part) {
  switch (part.kind) {
    case Part::Kind::kText:
    case Part::Kind::kRefusal:
    case Part::Kind::kMedia:
      return true;
    case Part::Kind::kReasoning:  // Mistral's, which is a part of the content
      return !part.json.empty();
    case Part::Kind::kOpaque:  // an unknown kind of tool call names its type
      return part.tool_type == "function";
    default:
      return false;
  }
}

std::string joined_text(const std::vector<Part>& parts, std::string_view between) {
  std::string out;
  for (const Part& part : parts) {
    if (part.kind != Part::Kind::kText || part.text.empty()) continue;
    if (!out.empty()) out.append(between);
    out.append(part.text);
  }
  return out;
}

std::string thoughts(const Message& message) {
  std::string out;
  for (const Part& part : message.parts) {
    if (part.kind == Part::Kind::kReasoning && part.json.empty()) out.append(part.text);
  }
  return out;
}

bool has(const Message& message, Part::Kind kind) {
  return std::any_of(message.parts.begin(), message.parts.end(),
                     [&](const Part& part) { return part.kind == kind; });
}

// White space outside strings is left out: arguments are a string here.
std::string compact_json(std::string_view json) {
  std::string out;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string && c == '\\' && i + 1 < json.size()) {
      out.push_back(c);
      out.push_back(json[++i]);
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (in_string || (c != ' ' && c != '\n' && c != '\r' && c != '\t')) out.push_back(c);
  }
  return out;
}

class MessageWriter {
 public:
  MessageWriter(Encoding& encoding, std::string& out) : encoding_(encoding), out_(out) {}
  void write();

 private:
  std::size_t write_system();
  void write_message(const Message& message, const std::string& path);
  void write_results(const Message& message, const std::string& path);
  void write_result(const Message& message, const Part& result);
  void attach(const Part& result, const std::string& path);
  void flush_attachments();
  void write_own(const Message& message, const std::string& path);
  void write_other(const Message& message, const std::string& path);
  void write_assistant(const Message& message);
  void write_user(const Message& message, const std::string& path);
  void write_own_reasoning(ObjectWriter& object, const Message& message);
  void write_content(std::string& out, const std::vector<Part>& parts, bool plain,
                     const std::string& path);
  void write_part(std::string& out, const Part& part, const std::string& path);
  void write_tool_calls(ObjectWriter& to, const Message& message);
  void plain_message(std::string_view role, std::string_view text);
  void report(const Message& message);

  Encoding& encoding_;
  std::string& out_;
  std::string attachments_;  // parts of results that follow once all results are written
};

void MessageWriter::plain_message(std::string_view role, std::string_view text) {
  next(out_);
  ObjectWriter message(out_);
  message.string("role", role);
  message.string("content", text);
  message.close();
}

// The target's own prompt, and with another dialect's request the leading run of system messages as
// one: compatible servers take a single one. Returns how many messages were used up.
std::size_t MessageWriter::write_system() {
  const std::vector<Message>& messages = encoding_.request.messages;
  std::string text = encoding_.edits.system_prompt;
  std::size_t used = 0;
  while (!encoding_.own && used < messages.size() && is_system(messages[used])) {
    report(messages[used]);
    const std::string more = joined_text(messages[used++].parts, "\n\n");
    if (!text.empty() && !more.empty()) text.append("\n\n");
    text.append(more);
  }
  if (!text.empty()) plain_message("system", text);
  return used;
}

void MessageWriter::write() {
  out_.push_back('[');
  const std::size_t used = write_system();
  const std::vector<Message>& messages = encoding_.request.messages;
  for (std::size_t i = used; i < messages.size(); ++i) {
    // Callers whose system prompt is a field of its own do not count it.
    write_message(messages[i], "messages[" + std::to_string(i - used) + "]");
  }
  flush_attachments();
  out_.push_back(']');
}

void MessageWriter::write_message(const Message& message, const std::string& path) {
  if (!encoding_.own) report(message);
  if (has(message, Part::Kind::kToolResult)) {
    write_results(message, path);
    if (std::none_of(message.parts.begin(), message.parts.end(), in_content)) return;
  }
  if (encoding_.own) {
    flush_attachments();
    write_own(message, path);
  } else {
    write_other(message, path);
  }
}

// What another dialect's message holds that is not written.
void MessageWriter::report(const Message& message) {
  const auto look = [&](const Part& part) {
    encoding_.drop_extras(part.extras, "messages.");
    if (!part.cache_control.empty()) encoding_.drop("messages.cache_control");
    if (part.kind != Part::Kind::kOpaque) return;
    const auto document = json::Document::parse(part.json);
    const auto members = document ? document->root().members() : std::vector<json::Value::Member>();
    const auto type = document ? document->root()["type"].string() : std::nullopt;
    encoding_.drop("messages." + (type              ? *type
                                  : members.empty() ? std::string("content")
                                                    : members.front().key));
  };
  encoding_.drop_extras(message.extras, "messages.");
  if (!message.name.empty()) encoding_.drop("messages.name");
  for (const Part& part : message.parts) {
    look(part);
    for (const Part& inner : part.content) look(inner);
  }
}

// ---- tool results ----

// All results come first: nothing may stand between a call and its answers.
void MessageWriter::write_results(const Message& message, const std::string& path) {
  std::size_t place = 0;
  for (const Part& part : message.parts) {
    const std::string here = path + ".content[" + std::to_string(place++) + "]";
    if (part.kind != Part::Kind::kToolResult) continue;
    write_result(message, part);
    attach(part, encoding_.own ? path : here);
  }
}

void MessageWriter::write_result(const Message& message, const Part& result) {
  next(out_);
  const bool alone = message.parts.size() == 1;
  ObjectWriter object(out_, alone ? encoding_.extras(message.extras) : nullptr);
  object.string("role", "tool");
  object.string("tool_call_id", encoding_.call_id(result.tool_call_id));
  if (encoding_.own && !message.name.empty()) object.string("name", message.name);
  const bool has_media =
      std::any_of(result.content.begin(), result.content.end(),
                  [](const Part& item) { return item.kind == Part::Kind::kMedia; });
  if (!encoding_.own || message.plain_text || result.is_error || has_media ||
      result.content.empty()) {
    const std::string text = joined_text(result.content, "\n");
    object.string("content", (result.is_error ? "Error: " : "") + text);
  } else {
    write_content(object.value("content"), result.content, false, "");
  }
  object.close();
}

// The tool role carries text only: media of a result follow in a user message.
void MessageWriter::attach(const Part& result, const std::string& path) {
  const auto is_media = [](const Part& part) { return part.kind == Part::Kind::kMedia; };
  if (std::none_of(result.content.begin(), result.content.end(), is_media)) return;
  const bool images = std::all_of(
      result.content.begin(), result.content.end(),
      [&](const Part& part) { return !is_media(part) || part.media.kind == Media::Kind::kImage; });
  if (!attachments_.empty()) attachments_.push_back(',');
  ObjectWriter note(attachments_);
  note.string("type", "text");
  note.string("text", std::string(images ? "Attached images" : "Attached files") +
                          " from tool result " + encoding_.call_id(result.tool_call_id) + ":");
  note.close();
  std::size_t index = 0;
  for (const Part& part : result.content) {
    const std::string place = path + ".content[" + std::to_string(index++) + "]";
    if (!is_media(part)) continue;
    attachments_.push_back(',');
    write_media(encoding_, attachments_, part, place);
  }
}

void MessageWriter::flush_attachments() {
  if (attachments_.empty()) return;
  next(out_);
  ObjectWriter message(out_);
  message.string("role", "user");
  message.raw("content", "[" + std::exchange(attachments_, {}) + "]");
  message.close();
}

// ---- messages of this dialect, as they stood ----

void MessageWriter::write_own(const Message& message, const std::string& path) {
  next(out_);
  const bool beside = has(message, Part::Kind::kToolResult);
  ObjectWriter object(out_, beside ? nullptr : &message.extras);
  object.string("role", role_word(message.role));
  if (!message.name.empty() && !beside) object.string("name", message.name);
  const bool assistant = message.role == Message::Role::kAssistant;
  const bool any = std::any_of(message.parts.begin(), message.parts.end(), [&](const Part& part) {
    return message.plain_text ? part.kind == Part::Kind::kText : in_content(part);
  });
  if (any || (!assistant && !message.plain_text)) {
    write_content(object.value("content"), message.parts, message.plain_text, path);
  } else {
    object.raw("content", "null");
  }
  if (assistant) write_own_reasoning(object, message);
  for (const Part& part : message.parts) {
    if (part.kind == Part::Kind::kRefusal && message.plain_text && !object.wrote("refusal")) {
      object.string("refusal", part.text);
    }
  }
  if (assistant) write_tool_calls(object, message);
  object.close();
}

// Written unless the caller's own fields, which are among the extras, say the same.
void MessageWriter::write_own_reasoning(ObjectWriter& object, const Message& message) {
  static constexpr std::array<std::string_view, 4> kFields{
      "/reasoning_content", "/reasoning", "/thinking_blocks", "/reasoning_details"};
  const bool kept = std::any_of(message.extras.begin(), message.extras.end(), [](const Extra& e) {
    return std::find(kFields.begin(), kFields.end(), e.path) != kFields.end();
  });
  if (kept) return;
  for (const Part& part : message.parts) {
    if (part.kind != Part::Kind::kReasoning || !part.json.empty()) continue;
    if (!object.wrote("reasoning_content")) object.string("reasoning_content", thoughts(message));
    if (!part.signature.empty()) encoding_.drop("messages.thinking.signature");
  }
}

void MessageWriter::write_content(std::string& out, const std::vector<Part>& parts, bool plain,
                                  const std::string& path) {
  if (plain) return append_json_string(out, joined_text(parts, ""));
  out.push_back('[');
  std::size_t index = 0;
  for (const Part& part : parts) {
    const std::string place = path + ".content[" + std::to_string(index++) + "]";
    if (!in_content(part)) continue;
    next(out);
    write_part(out, part, place);
  }
  out.push_back(']');
}

void MessageWriter::write_part(std::string& out, const Part& part, const std::string& path) {
  if (part.kind == Part::Kind::kMedia) return write_media(encoding_, out, part, path);
  if (!part.json.empty()) {
    out.append(part.json);
    return;
  }
  const std::string_view type = part.kind == Part::Kind::kRefusal ? "refusal" : "text";
  ObjectWriter object(out, encoding_.extras(part.extras));
  object.string("type", type);
  object.string(type, part.text);
  object.close();
}

void MessageWriter::write_tool_calls(ObjectWriter& to, const Message& message) {
  std::string calls = "[";
  for (const Part& part : message.parts) {
    if (part.kind == Part::Kind::kOpaque && !in_content(part) && encoding_.own) {
      next(calls);
      calls.append(part.json);
    }
    if (part.kind != Part::Kind::kToolCall) continue;
    next(calls);
    ObjectWriter call(calls, encoding_.extras(part.extras));
    call.string("id", encoding_.call_id(part.tool_call_id));
    call.string("type", part.tool_type);
    const bool custom = part.tool_type == "custom";
    ObjectWriter body = call.object(custom ? "custom" : "function");
    body.string("name", encoding_.tool_name(part.tool_name));
    if (custom || encoding_.own) {
      body.string(custom ? "input" : "arguments", part.arguments);
    } else {
      const std::string arguments = compact_json(part.arguments);
      body.string("arguments", arguments.empty() ? "{}" : arguments);
    }
    body.close();
    call.close();
  }
  if (calls.size() > 1) to.raw("tool_calls", calls.append("]"));
}

// ---- messages of other dialects ----

void MessageWriter::write_other(const Message& message, const std::string& path) {
  if (message.role == Message::Role::kAssistant) {
    flush_attachments();
    write_assistant(message);
  } else if (is_system(message)) {
    flush_attachments();
    const std::string text = joined_text(message.parts, "\n\n");
    if (!text.empty()) plain_message("system", text);
  } else {
    write_user(message, path);
  }
}

void MessageWriter::write_assistant(const Message& message) {
  std::string text;
  for (const Part& part : message.parts) {
    if (part.kind == Part::Kind::kText || part.kind == Part::Kind::kRefusal) text.append(part.text);
    if (part.kind == Part::Kind::kMedia) encoding_.drop("messages.content");
  }
  const bool thought = has(message, Part::Kind::kReasoning);
  const Echo echo = encoding_.model.echo;
  const bool written = echo == Echo::kAlways || (echo == Echo::kGiven && thought);
  if (thought && !written) encoding_.drop("messages.thinking");
  if (text.empty() && !has(message, Part::Kind::kToolCall)) return;

  next(out_);
  ObjectWriter object(out_);
  object.string("role", "assistant");
  if (text.empty()) {
    object.raw("content", "null");
  } else {
    object.string("content", text);
  }
  if (written) object.string("reasoning_content", thoughts(message));
  write_tool_calls(object, message);
  object.close();
}

void MessageWriter::write_user(const Message& message, const std::string& path) {
  const bool alone = message.plain_text && attachments_.empty();
  std::string parts = "[" + std::exchange(attachments_, {});
  std::size_t index = 0;
  for (const Part& part : message.parts) {
    const std::string place = path + ".content[" + std::to_string(index++) + "]";
    const bool text = part.kind == Part::Kind::kText && !part.text.empty();
    if (!text && part.kind != Part::Kind::kMedia) continue;
    if (parts.size() > 1) parts.push_back(',');
    write_part(parts, part, place);
  }
  if (alone) return plain_message("user", joined_text(message.parts, ""));
  if (parts.size() == 1) return;
  next(out_);
  ObjectWriter object(out_);
  object.string("role", "user");
  object.raw("content", parts.append("]"));
  object.close();
}

}  // namespace

void write_messages(Encoding& encoding, std::string& out) { MessageWriter(encoding, out).write(); }

}  // namespace llmorch::openai_chat
