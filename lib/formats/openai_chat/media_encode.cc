#include "formats/openai_chat/media_encode.h"

#include <array>
#include <utility>

#include "base/text.h"
#include "formats/media.h"

namespace llmorch::openai_chat {
namespace {

std::string data_url(const Media& media) {
  return "data:" + media.mime_type + ";base64," + media.base64;
}

bool is_web(std::string_view url) {
  return url.substr(0, 7) == "http://" || url.substr(0, 8) == "https://";
}

void write_image(Encoding& encoding, ObjectWriter& object, const Media& media,
                 const std::string& path) {
  const bool has_url = !media.url.empty() && (encoding.own || is_web(media.url));
  if (media.base64.empty() && !has_url) {
    encoding.fail(path, media.url.empty() ? "an image by file id cannot be sent to this target"
                                          : "this target reads images from http(s) URLs only");
  }
  object.string("type", "image_url");
  ObjectWriter image = object.object("image_url");
  image.string("url", media.base64.empty() ? media.url : data_url(media));
  if (!media.detail.empty()) image.string("detail", media.detail);
  image.close();
}

// The two kinds of sound there are words for, under the names that go round.
std::string sound_format(const std::string& mime_type) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kNames{{
      {"audio/mpeg", "mp3"},
      {"audio/mp3", "mp3"},
      {"audio/wav", "wav"},
      {"audio/x-wav", "wav"},
      {"audio/wave", "wav"},
      {"audio/vnd.wave", "wav"},
  }};
  for (const auto& [mime, name] : kNames) {
    if (mime_type == mime) return std::string(name);
  }
  return "";
}

void write_audio(Encoding& encoding, ObjectWriter& object, const Media& media,
                 const std::string& path) {
  std::string format = sound_format(media.mime_type);
  if (encoding.own) {
    const bool named = media.mime_type.rfind("audio/", 0) == 0;
    format = named ? media.mime_type.substr(6) : media.mime_type;
  } else if (format.empty()) {
    encoding.fail(path, "this target hears wav and mp3 only");
  }
  if (media.base64.empty() && !media.url.empty()) {
    encoding.fail(path, "audio by URL cannot be sent to this target");
  }
  object.string("type", "input_audio");
  ObjectWriter audio = object.object("input_audio");
  audio.string("data", media.base64);
  audio.string("format", format);
  audio.close();
}

void write_document(Encoding& encoding, ObjectWriter& object, const Media& media,
                    const std::string& path) {
  if (!media.url.empty()) {
    encoding.fail(path, "a document by URL cannot be sent to this target");
  } else if (!encoding.own && !media.file_id.empty()) {
    encoding.fail(path, "a document by file id cannot be sent to this target");
  }
  object.string("type", "file");
  ObjectWriter file = object.object("file");
  if (!media.base64.empty()) {
    file.string("file_data", media.mime_type.empty() ? media.base64 : data_url(media));
  }
  if (!media.file_id.empty()) file.string("file_id", media.file_id);
  if (!media.name.empty()) {
    file.string("filename", media.name);
  } else if (!encoding.own) {
    file.string("filename", "document.pdf");  // inline bytes are refused without a name
  }
  file.close();
}

}  // namespace

void write_media(Encoding& encoding, std::string& out, const Part& part, const std::string& path) {
  const Media& media = part.media;
  ObjectWriter object(out, encoding.extras(part.extras));
  if (media.kind == Media::Kind::kImage) {
    if (encoding.edits.capabilities.vision == false) {
      encoding.fail(path, "this target does not read images");
    }
    write_image(encoding, object, media, path);
  } else if (media.kind == Media::Kind::kAudio) {
    write_audio(encoding, object, media, path);
  } else if (!encoding.own && media.mime_type.rfind("text/", 0) == 0 && media.url.empty()) {
    // Files are PDFs here; text is said as such.
    const auto text = decode_base64(media.base64);
    if (!text || !is_utf8(*text)) encoding.fail(path, "the document is not base64 of UTF-8 text");
    object.string("type", "text");
    object.string("text", text.value_or(""));
  } else {
    write_document(encoding, object, media, path);
  }
  object.close();
}

}  // namespace llmorch::openai_chat
