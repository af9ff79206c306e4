#include "formats/openai_chat/answer_words.h"

#include <algorithm>

#include "formats/object_writer.h"
#include "formats/openai_chat/openai_chat.h"

namespace llmorch::openai_chat {

std::string answer_id(const event::Start& start, const AnswerOptions& options) {
  return start.id.empty() ? "chatcmpl-" + options.request_id : start.id;
}
const std::string& answer_model(const event::Start& start, const AnswerOptions& options) {
  return start.model.empty() ? options.model : start.model;
}
std::int64_t answer_created(const event::Start& start, const AnswerOptions& options) {
  return start.created > 0 ? start.created : options.created;
}

std::string_view finish_or_default(FinishReason reason, bool has_calls) {
  if (reason == FinishReason::kToolCalls && !has_calls) return "stop";
  const std::string_view word = finish_word(reason);
  return has_calls && word == "stop" ? "tool_calls" : word;
}

bool is_from(const AnswerOptions& options, Format format) {
  return options.upstream.value_or(format) == format;
}

bool takes_call_signatures(const AnswerOptions& options) {
  return is_from(options, Format::kGemini) || is_from(options, Format::kOpenAiChat);
}

std::string asked_name(const AnswerOptions& options, const std::string& sent) {
  for (const auto& [there, here] : options.hints.tool_names) {
    if (there == sent) return here;
  }
  return sent;
}

bool is_wrapped_custom(const AnswerOptions& options, const event::PartStart& start) {
  if (start.kind != PartKind::kToolCall || start.tool_type == "custom") return false;
  const std::string asked = asked_name(options, start.name);
  const auto& tools = options.hints.custom_tools;
  return std::any_of(tools.begin(), tools.end(),
                     [&](const std::string& name) { return name == start.name || name == asked; });
}

std::string unwrap_custom(const std::string& arguments) {
  const auto document = json::Document::parse(arguments);
  const auto input = document ? document->root()["input"].string() : std::nullopt;
  return input ? *input : arguments;  // cut off, or not what was asked: as it stands
}

std::string signature_json(std::string_view signature) {
  std::string out;
  ObjectWriter object(out);
  ObjectWriter google = object.object("google");
  google.string("thought_signature", signature);
  google.close();
  object.close();
  return out;
}

std::string image_json(std::string_view mime_type, std::string_view base64, int index) {
  std::string url = "data:";
  url.append(mime_type.empty() ? "image/png" : mime_type).append(";base64,").append(base64);
  std::string out;
  ObjectWriter object(out);
  if (index >= 0) object.integer("index", index);
  object.string("type", "image_url");
  ObjectWriter image = object.object("image_url");
  image.string("url", url);
  image.close();
  object.close();
  return out;
}

std::string annotation_json(const event::Citation& citation, std::int64_t begin, std::int64_t end) {
  if (citation.url.empty()) return "";
  const bool placed = citation.begin >= 0 && citation.end >= citation.begin;
  std::string out;
  ObjectWriter object(out);
  object.string("type", "url_citation");
  ObjectWriter url = object.object("url_citation");
  url.integer("start_index", placed ? citation.begin : begin);
  url.integer("end_index", placed ? citation.end : end);
  url.string("title", citation.title);
  url.string("url", citation.url);
  url.close();
  object.close();
  return out;
}

std::int64_t characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

}  // namespace llmorch::openai_chat
