// Messages to contents (WIRE_FORMATS 3.2, 3.6, 6.1). The rules that shape this: roles alternate;
// a content with N calls is followed by one content that begins with exactly N responses, in the
// order of the calls; in Gemini 3 the first call of each step is signed.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "formats/gemini/encoding.h"
#include "formats/gemini/gemini.h"
#include "formats/media.h"
#include "formats/object_writer.h"

namespace llmorch::gemini {
namespace {

// What the vendor documents for histories whose signatures are not to be had (3.6).
constexpr std::string_view kNoSignature = "skip_thought_signature_validator";

bool is_system(const Message& message) {
  return message.role == Message::Role::kSystem || message.role == Message::Role::kDeveloper;
}
bool is_assistant(const Message& message) { return message.role == Message::Role::kAssistant; }

void next(std::string& list) {
  if (!list.empty()) list.push_back(',');
}

void add_text(std::string& parts, std::string_view text) {
  if (text.empty()) return;
  next(parts);
  ObjectWriter object(parts);
  object.string("text", text);
  object.close();
}

// Whether an object holds a "$ref" anywhere: Gemini would take it for a reference to a file.
bool has_reference(const json::Value& value) {
  for (const json::Value::Member& member : value.members()) {
    if (member.key == "$ref" || has_reference(member.value)) return true;
  }
  for (const json::Value& item : value.items()) {
    if (has_reference(item)) return true;
  }
  return false;
}

class Builder {
 public:
  Builder(Encoding& encoding, const std::string& system_prompt)
      : encoding_(encoding), request_(encoding.request), system_prompt_(system_prompt) {}

  Contents build();

 private:
  struct Content {
    bool model = false;
    std::string parts;
  };
  // A run of messages is a range of indices: [from, to).
  std::size_t write_system();
  void write_model(std::size_t from, std::size_t to);
  void write_model_part(std::string& parts, std::size_t message, std::size_t index);
  void write_call(std::string& parts, const Part& part);
  void write_reply(std::size_t from, std::size_t to);
  void write_user_part(std::string& parts, bool& media, std::size_t message, std::size_t index);
  void write_responses(std::string& parts);
  void write_response(std::string& parts, std::size_t call, std::string& attachments);
  std::string response_object(const Part& result) const;
  std::string result_text(const Part& result) const;
  void write_orphan(std::string& parts, const Part& result, const std::string& path);
  bool answer_call(const Part& result, std::size_t message, std::size_t index);
  std::string signature_of(const Part& part) const;
  void add(bool model, std::string parts, bool apart = false);

  Encoding& encoding_;
  const ChatRequest& request_;
  const std::string& system_prompt_;
  std::string system_;
  std::vector<Content> contents_;
  // Calls of the content that was written last, and what answers them.
  struct Call {
    const Part* part;
    const Part* result = nullptr;
    std::string path;
  };
  std::vector<Call> calls_;
};

void Builder::add(bool model, std::string parts, bool apart) {
  if (parts.empty()) return;
  if (!apart && !contents_.empty() && contents_.back().model == model) {
    contents_.back().parts.append(",").append(parts);
  } else {
    contents_.push_back({model, std::move(parts)});
  }
}

// The run of system messages at the front; returns where the conversation begins.
std::size_t Builder::write_system() {
  const auto& messages = request_.messages;
  const auto begin = std::find_if_not(messages.begin(), messages.end(), is_system);
  auto end = static_cast<std::size_t>(begin - messages.begin());
  // A cached content holds the system instruction already; another one is refused beside it.
  const bool cached = encoding_.own && !find_extra(request_.extras, "/cachedContent").empty();
  if (!system_prompt_.empty() && cached) {
    std::string parts;
    add_text(parts, "<system>" + system_prompt_ + "</system>");
    add(false, std::move(parts));
  } else {
    add_text(system_, system_prompt_);
  }
  // Something must be in contents: the last system message then speaks as the user.
  const bool only_system = end == messages.size() && end > 0;
  if (only_system) --end;
  for (std::size_t i = 0; i < end; ++i) {
    for (std::size_t j = 0; j < messages[i].parts.size(); ++j) {
      const Part& part = messages[i].parts[j];
      if (part.kind == Part::Kind::kText) {
        add_text(system_, part.text);
      } else if (part.kind == Part::Kind::kOpaque && encoding_.own) {
        next(system_);
        system_.append(part.json);
      } else {
        encoding_.refuse(caller_path(request_, i, j),
                         "a system message for this target can only hold text");
      }
    }
    if (!messages[i].name.empty())
      encoding_.drop(caller_word(request_.format, "messages") + ".name");
  }
  if (only_system) {
    std::string parts;
    for (const Part& part : messages[end].parts) add_text(parts, part.text);
    add(false, std::move(parts));
    return messages.size();
  }
  return end;
}

std::string Builder::signature_of(const Part& part) const {
  const bool ours = part.origin ? *part.origin == Format::kGemini : encoding_.own;
  if (!ours || encoding_.own) return ours ? part.signature : "";
  // It came through another dialect's client: a broken one is refused, none is not.
  return normal_base64(part.signature) ? part.signature : "";
}

void Builder::write_call(std::string& parts, const Part& part) {
  std::string signature = signature_of(part);
  if (signature.empty() && encoding_.traits.needs_signature && calls_.empty()) {
    signature = kNoSignature;
  }
  const std::string arguments = part.tool_type == "custom"
                                    ? "{\"input\":" + json_string(part.arguments) + "}"
                                    : arguments_object(part.arguments);
  next(parts);
  ObjectWriter object(parts, encoding_.extras(part.extras));
  ObjectWriter call = object.object("functionCall");
  const bool made = encoding_.own && is_made_call_id(part.tool_call_id, part.tool_name);
  if (encoding_.traits.call_ids && !part.tool_call_id.empty() && !made) {
    call.string("id", part.tool_call_id);
  }
  call.string("name", encoding_.names.sent(part.tool_name));
  call.raw("args", arguments);
  call.close();
  if (!signature.empty()) object.string("thoughtSignature", signature);
  object.close();
}

void Builder::write_model_part(std::string& parts, std::size_t message, std::size_t index) {
  const Part& part = request_.messages[message].parts[index];
  const bool ours = part.origin ? *part.origin == Format::kGemini : encoding_.own;
  switch (part.kind) {
    case Part::Kind::kText:
    case Part::Kind::kRefusal:
    case Part::Kind::kReasoning: {
      const bool thought = part.kind == Part::Kind::kReasoning;
      if (thought && !ours) return encoding_.drop_field("messages.reasoning_content");
      const std::string signature = signature_of(part);
      if (part.text.empty() && signature.empty()) return;
      next(parts);
      ObjectWriter object(parts, encoding_.extras(part.extras));
      object.string("text", part.text);
      if (thought) object.boolean("thought", true);
      if (!signature.empty()) object.string("thoughtSignature", signature);
      return object.close();
    }
    case Part::Kind::kMedia:
      next(parts);
      return write_media(encoding_, parts, part, caller_path(request_, message, index));
    case Part::Kind::kToolCall:
      write_call(parts, part);
      calls_.push_back({&part, nullptr, caller_path(request_, message, index)});
      return;
    case Part::Kind::kOpaque:
      if (!ours) return encoding_.drop(caller_word(request_.format, "messages") + ".content");
      next(parts);
      parts.append(part.json);
      return;
    case Part::Kind::kToolResult:
      return encoding_.refuse(caller_path(request_, message, index),
                              "a tool result must not stand in an assistant message");
  }
}

void Builder::write_model(std::size_t from, std::size_t to) {
  calls_.clear();
  std::string parts;
  for (std::size_t i = from; i < to; ++i) {
    const Message& message = request_.messages[i];
    if (!message.name.empty()) encoding_.drop(caller_word(request_.format, "messages") + ".name");
    for (std::size_t j = 0; j < message.parts.size(); ++j) write_model_part(parts, i, j);
  }
  if (contents_.empty() && !parts.empty()) {
    encoding_.refuse(caller_path(request_, from, request_.messages[from].parts.size()),
                     "a conversation with this target must begin with a user message");
  }
  add(true, std::move(parts));
}

// Finds the call that a result answers; false when there is none.
bool Builder::answer_call(const Part& result, std::size_t message, std::size_t index) {
  Call* last = nullptr;
  for (Call& call : calls_) {
    const bool same = result.tool_call_id.empty() ? call.part->tool_name == result.tool_name
                                                  : call.part->tool_call_id == result.tool_call_id;
    if (!same) continue;
    last = &call;
    if (call.result == nullptr) break;
  }
  if (last == nullptr) return false;
  last->result = &result;  // of several for one call the last one counts
  last->path = caller_path(request_, message, index);
  return true;
}

std::string Builder::result_text(const Part& result) const {
  std::string text;
  for (const Part& part : result.content) {
    std::string_view more = part.text;
    if (part.kind == Part::Kind::kOpaque) more = part.json;  // another vendor's block: its words
    if (part.kind == Part::Kind::kMedia || more.empty()) continue;
    if (!text.empty()) text.push_back('\n');
    text.append(more);
  }
  return text;
}

std::string Builder::response_object(const Part& result) const {
  const std::string text = result_text(result);
  if (!result.is_error && !text.empty() && trim(text).front() == '{') {
    const auto document = json::Document::parse(text);
    if (document && !has_reference(document->root())) return std::string(document->root().raw());
  }
  std::string out;
  ObjectWriter object(out);
  object.string(result.is_error ? "error" : "output", text);
  object.close();
  return out;
}

void Builder::write_response(std::string& parts, std::size_t index, std::string& attachments) {
  const Call& call = calls_[index];
  const Part missing = [] {
    Part part;
    part.is_error = true;
    part.content.emplace_back();
    part.content.front().text = "missing result";
    return part;
  }();
  const Part& result = call.result != nullptr ? *call.result : missing;
  next(parts);
  ObjectWriter object(parts, encoding_.extras(result.extras));
  ObjectWriter response = object.object("functionResponse");
  const std::string& id = call.part->tool_call_id;
  const bool made = encoding_.own && is_made_call_id(id, call.part->tool_name);
  if (encoding_.traits.call_ids && !id.empty() && !made) response.string("id", id);
  response.string("name", encoding_.names.sent(call.part->tool_name));
  const bool as_it_stood =
      encoding_.own && !find_extra(result.extras, "/functionResponse/response").empty();
  if (!as_it_stood) response.raw("response", response_object(result));
  std::string media;
  for (const Part& part : result.content) {
    if (part.kind != Part::Kind::kMedia) continue;
    std::string& to = encoding_.traits.media_in_results ? media : attachments;
    if (!encoding_.traits.media_in_results && attachments.find("\"text\"") == attachments.npos) {
      add_text(to, "Files that belong to the results of the tools above:");
    }
    next(to);
    write_media(encoding_, to, part, call.path);
  }
  if (!media.empty()) response.raw("parts", "[" + media + "]");
  response.close();
  object.close();
}

void Builder::write_responses(std::string& parts) {
  // Files beside the responses may not stand between them: the vendor counts (3.2).
  std::string attachments;
  for (std::size_t i = 0; i < calls_.size(); ++i) write_response(parts, i, attachments);
  if (!attachments.empty()) parts.append(",").append(attachments);
}

// A result whose call is not in the history.
void Builder::write_orphan(std::string& parts, const Part& result, const std::string& path) {
  const std::string& of = result.tool_call_id.empty() ? result.tool_name : result.tool_call_id;
  add_text(parts, "[tool result " + of + "] " + result_text(result));
  for (const Part& part : result.content) {
    if (part.kind != Part::Kind::kMedia) continue;
    next(parts);
    write_media(encoding_, parts, part, path);
  }
}

void Builder::write_user_part(std::string& parts, bool& media, std::size_t message,
                              std::size_t index) {
  const Part& part = request_.messages[message].parts[index];
  const bool ours = part.origin ? *part.origin == Format::kGemini : encoding_.own;
  switch (part.kind) {
    case Part::Kind::kText:
    case Part::Kind::kRefusal: {
      if (part.text.empty()) return;
      if (is_system(request_.messages[message])) {
        return add_text(parts, "<system>" + part.text + "</system>");
      }
      next(parts);
      ObjectWriter object(parts, encoding_.extras(part.extras));
      object.string("text", part.text);
      return object.close();
    }
    case Part::Kind::kMedia:
      media = true;
      next(parts);
      return write_media(encoding_, parts, part, caller_path(request_, message, index));
    case Part::Kind::kToolResult:
      if (!answer_call(part, message, index)) {
        write_orphan(parts, part, caller_path(request_, message, index));
      }
      return;
    case Part::Kind::kOpaque:
      if (!ours) {
        return encoding_.refuse(caller_path(request_, message, index),
                                "this kind of content cannot be sent to this target");
      }
      next(parts);
      parts.append(part.json);
      return;
    case Part::Kind::kReasoning:
    case Part::Kind::kToolCall:
      return encoding_.refuse(caller_path(request_, message, index),
                              "only an assistant message can hold this");
  }
}

void Builder::write_reply(std::size_t from, std::size_t to) {
  std::string rest;
  bool media = false;
  for (std::size_t i = from; i < to; ++i) {
    const Message& message = request_.messages[i];
    if (!message.name.empty() && message.role != Message::Role::kTool) {
      encoding_.drop(caller_word(request_.format, "messages") + ".name");
    }
    for (std::size_t j = 0; j < message.parts.size(); ++j) write_user_part(rest, media, i, j);
  }
  const bool responses = !calls_.empty();
  if (responses) {
    std::string parts;
    write_responses(parts);
    add(false, std::move(parts));
    calls_.clear();
  }
  add(false, std::move(rest), responses && media);
}

Contents Builder::build() {
  const auto& messages = request_.messages;
  std::size_t at = write_system();
  while (at < messages.size()) {
    const bool assistant = is_assistant(messages[at]);
    std::size_t end = at + 1;
    while (end < messages.size() && is_assistant(messages[end]) == assistant) ++end;
    if (assistant) {
      write_model(at, end);
    } else {
      write_reply(at, end);
    }
    at = end;
  }
  if (!calls_.empty()) write_reply(at, at);
  if (contents_.empty()) {
    const bool spoke = std::any_of(messages.begin(), messages.end(),
                                   [](const Message& message) { return !is_assistant(message); });
    if (!spoke) {
      const std::string param = caller_word(request_.format, "messages");
      encoding_.fail(
          Status(Code::kInvalidArgument, "'" + param + "' must hold a message").with_param(param));
    }
    contents_.push_back({false, R"({"text":""})"});  // the vendor takes an empty text
  }
  Contents out;
  out.system = std::move(system_);
  out.list = "[";
  for (const Content& content : contents_) {
    if (out.list.size() > 1) out.list.push_back(',');
    out.list.append(content.model ? R"({"role":"model","parts":[)" : R"({"role":"user","parts":[)");
    out.list.append(content.parts).append("]}");
  }
  out.list.push_back(']');
  return out;
}

}  // namespace

Contents write_contents(Encoding& encoding, const std::string& system_prompt) {
  return Builder(encoding, system_prompt).build();
}

}  // namespace llmorch::gemini
