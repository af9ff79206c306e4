// Turns to JSON: the content blocks (WIRE_FORMATS 2.2).
#include <algorithm>
#include <array>

#include "base/text.h"
#include "formats/anthropic_messages/turns.h"
#include "formats/media.h"

namespace llmorch::anthropic_messages {
namespace {

bool is_url(std::string_view url) {
  return equals_ignore_case(url.substr(0, 8), "https://") ||
         equals_ignore_case(url.substr(0, 7), "http://");
}

bool is_image_type(std::string_view mime_type) {
  static constexpr std::array<std::string_view, 4> kTypes{"image/jpeg", "image/png", "image/gif",
                                                          "image/webp"};
  return std::find(kTypes.begin(), kTypes.end(), mime_type) != kTypes.end();
}

// The bytes decide; what was declared only counts where they say nothing.
std::string real_type(const Media& media) {
  const std::string_view seen = mime_of_base64(media.base64);
  if (!seen.empty()) return std::string(seen);
  const std::string declared = to_lower(media.mime_type.substr(0, media.mime_type.find(';')));
  return declared == "image/jpg" ? "image/jpeg" : declared;
}

// Models write a comma before a closing bracket now and then.
std::string without_trailing_commas(std::string_view text) {
  std::string out;
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      out.push_back(c);
      if (c == '\\' && at + 1 < text.size()) out.push_back(text[++at]);
      if (c == '"') quoted = false;
      continue;
    }
    if (c == ',') {
      const std::size_t next = text.find_first_not_of(" \t\r\n", at + 1);
      if (next != text.npos && (text[next] == '}' || text[next] == ']')) continue;
    }
    quoted = c == '"';
    out.push_back(c);
  }
  return out;
}

}  // namespace

std::string tool_input(std::string_view arguments) {
  const std::string_view text = trim(arguments);
  if (text.empty() || text == "null") return "{}";
  auto document = json::Document::parse(std::string(text));
  if (!document) document = json::Document::parse(without_trailing_commas(text));
  if (document && document->root().is_object()) return std::string(document->root().raw());
  std::string out;
  ObjectWriter object(out);
  if (document) {
    object.raw("value", document->root().raw());
  } else {
    object.string("_raw_arguments", text);
  }
  object.close();
  return out;
}

void Turns::write_text(std::string& out, const Block& block, bool trim_end) {
  ObjectWriter object(out, block.part != nullptr ? context_.writable(block.part->extras) : nullptr);
  std::string_view text = block.text;
  while (trim_end && !text.empty() && trim(text.substr(text.size() - 1)).empty()) {
    text.remove_suffix(1);
  }
  object.string("type", "text");
  object.string("text", text);
  if (block.part != nullptr) context_.write_mark(object, mark_of(*block.part));
  object.close();
}

void Turns::write_thinking(std::string& out, const Part& part) {
  ObjectWriter object(out, context_.writable(part.extras));
  if (!part.redacted.empty()) {
    object.string("type", "redacted_thinking");
    object.string("data", part.redacted);
  } else {
    object.string("type", "thinking");
    object.string("thinking", part.text);
    object.string("signature", part.signature);
  }
  object.close();
}

void Turns::write_image(ObjectWriter& object, const Part& part, const std::string& param) {
  const Media& media = part.media;
  if (!context_.traits.vision) return context_.refuse(param, "this target's model reads no images");
  object.string("type", "image");
  ObjectWriter source = object.object("source");
  if (!media.base64.empty()) {
    const std::string type = real_type(media);
    const auto bytes = normal_base64(media.base64);
    if (!bytes) return context_.refuse(param, "the image is not valid base64");
    if (!is_image_type(type)) {
      return context_.refuse(param, "this target takes JPEG, PNG, GIF and WebP images only");
    }
    source.string("type", "base64");
    source.string("media_type", type);
    source.string("data", *bytes);
  } else if (!media.file_id.empty() && context_.own) {
    source.string("type", "file");
    source.string("file_id", media.file_id);
  } else if (is_url(media.url)) {
    source.string("type", "url");
    source.string("url", media.url);
  } else {
    return context_.refuse(param, "this target takes images as base64 or by http(s) URL");
  }
  source.close();
  if (!media.detail.empty() && media.detail != "auto" && !context_.own) {
    context_.drop("messages.content.image_url.detail");
  }
}

void Turns::write_document(ObjectWriter& object, const Part& part, const std::string& param) {
  const Media& media = part.media;
  object.string("type", "document");
  ObjectWriter source = object.object("source");
  if (!media.base64.empty()) {
    const std::string type = real_type(media);
    const auto bytes = decode_base64(media.base64);
    if (!bytes) return context_.refuse(param, "the file is not valid base64");
    if (type == "application/pdf") {
      source.string("type", "base64");
      source.string("media_type", type);
      source.string("data", *normal_base64(media.base64));
    } else if (type.rfind("text/", 0) == 0 && is_utf8(*bytes)) {
      source.string("type", "text");
      source.string("media_type", "text/plain");
      source.string("data", *bytes);
    } else {
      return context_.refuse(param, "this target takes PDF and plain text documents only");
    }
  } else if (!media.file_id.empty() && context_.own) {
    source.string("type", "file");
    source.string("file_id", media.file_id);
  } else if (is_url(media.url)) {
    source.string("type", "url");
    source.string("url", media.url);
  } else {
    return context_.refuse(param, media.file_id.empty()
                                      ? "this target takes documents as base64 or by http(s) URL"
                                      : "a file id means nothing to another vendor");
  }
  source.close();
  if (!media.name.empty()) object.string("title", media.name);
}

void Turns::write_media(std::string& out, const Part& part, const std::string& param) {
  const Media& media = part.media;
  if (media.kind == Media::Kind::kAudio) {
    return context_.refuse(param, "this target takes no audio");
  }
  // Some clients send pictures as files.
  const bool image = media.kind == Media::Kind::kImage ||
                     (!media.base64.empty() && is_image_type(real_type(media)));
  ObjectWriter object(out, context_.writable(part.extras));
  if (image) {
    write_image(object, part, param);
  } else {
    write_document(object, part, param);
  }
  context_.write_mark(object, mark_of(part));
  object.close();
}

void Turns::write_part(std::string& out, const Part& part, const std::string& param) {
  if (part.kind == Part::Kind::kMedia) return write_media(out, part, param);
  const bool ours = part.kind == Part::Kind::kOpaque && part.origin == Format::kAnthropicMessages &&
                    !part.json.empty();
  if (!ours) return context_.refuse(param, "this target has no such content");
  out.append(part.json);
}

void Turns::write_call(std::string& out, const Call& call) {
  const Part& part = context_.request.messages[call.message].parts[call.part];
  ObjectWriter object(out, context_.writable(part.extras));
  object.string("type", "tool_use");
  object.string("id", call.id);
  object.string("name", context_.tool_name(part.tool_name));
  if (part.tool_type == "custom") {
    ObjectWriter input(object.value("input"));
    input.string("input", part.arguments);
    input.close();
  } else {
    object.raw("input", tool_input(part.arguments));
  }
  context_.write_mark(object, mark_of(part));
  object.close();
}

void Turns::write_result_content(ObjectWriter& object, const Call& call) {
  const auto& content = call.result->content;
  const bool plain = context_.request.messages[call.result_message].plain_text;
  std::string list = "[";
  for (std::size_t i = 0; i < content.size(); ++i) {
    const Part& part = content[i];
    const bool text = part.kind == Part::Kind::kText || part.kind == Part::Kind::kRefusal;
    if (text && trim(part.text).empty()) continue;
    if (text && plain) return object.string("content", part.text);
    if (list.size() > 1) list.push_back(',');
    if (!text) {
      write_part(list, part, context_.inner_param(call.result_message, call.result_part, i));
      continue;
    }
    ObjectWriter block(list, context_.writable(part.extras));
    block.string("type", "text");
    block.string("text", part.text);
    block.close();
  }
  if (list.size() > 1) object.raw("content", list.append("]"));
}

void Turns::write_result(std::string& out, const Call& call) {
  ObjectWriter object(out,
                      call.result != nullptr ? context_.writable(call.result->extras) : nullptr);
  object.string("type", "tool_result");
  object.string("tool_use_id", call.id);
  if (call.result == nullptr) {
    object.string("content", "missing result");
    object.boolean("is_error", true);
    return object.close();
  }
  write_result_content(object, call);
  if (call.result->is_error) object.boolean("is_error", true);
  context_.write_mark(object, mark_of(*call.result));
  object.close();
}

void Turns::write_block(std::string& out, const Block& block, bool last_of_prefill) {
  switch (block.kind) {
    case Block::Kind::kThinking:
      return write_thinking(out, *block.part);
    case Block::Kind::kText:
      return write_text(out, block, last_of_prefill);
    case Block::Kind::kPart:
      return write_part(out, *block.part, context_.part_param(block.message, block.index));
    case Block::Kind::kInner:
      return write_part(out, *block.part,
                        context_.inner_param(block.message, block.index, block.inner));
    case Block::Kind::kCall:
      return write_call(out, calls_[block.index]);
    case Block::Kind::kResult:
      return write_result(out, calls_[block.index]);
  }
}

void Turns::write(std::string& out) {
  out.push_back('[');
  for (const Turn& turn : turns_) {
    if (&turn != &turns_.front()) out.push_back(',');
    ObjectWriter object(out);
    object.string("role", turn.role == Role::kUser        ? "user"
                          : turn.role == Role::kAssistant ? "assistant"
                                                          : "system");
    object.value("content").push_back('[');
    for (const Block& block : turn.blocks) {
      if (&block != &turn.blocks.front()) out.push_back(',');
      const bool last = &turn == &turns_.back() && &block == &turn.blocks.back();
      write_block(out, block, last && turn.role == Role::kAssistant);
    }
    out.push_back(']');
    object.close();
  }
  out.push_back(']');
}

}  // namespace llmorch::anthropic_messages
