// Images, documents and sounds as inlineData or fileData (WIRE_FORMATS 3.2, 6.1).
#include <algorithm>
#include <array>

#include "base/text.h"
#include "formats/gemini/encoding.h"
#include "formats/gemini/gemini.h"
#include "formats/media.h"
#include "formats/object_writer.h"

namespace llmorch::gemini {
namespace {

constexpr std::array<std::string_view, 9> kImages{"image/png",  "image/jpeg", "image/webp",
                                                  "image/gif",  "image/heic", "image/heif",
                                                  "image/avif", "image/bmp",  "image/tiff"};

// What a file is by the end of its name, where neither its bytes nor its sender say.
std::string_view mime_of_name(std::string_view name) {
  name = name.substr(0, name.find_first_of("?#"));
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 19> kEndings{{
      {".png", "image/png"},   {".jpg", "image/jpeg"},      {".jpeg", "image/jpeg"},
      {".webp", "image/webp"}, {".gif", "image/gif"},       {".heic", "image/heic"},
      {".heif", "image/heif"}, {".pdf", "application/pdf"}, {".txt", "text/plain"},
      {".md", "text/plain"},   {".csv", "text/plain"},      {".json", "text/plain"},
      {".xml", "text/plain"},  {".html", "text/plain"},     {".htm", "text/plain"},
      {".wav", "audio/wav"},   {".mp3", "audio/mp3"},       {".mp4", "video/mp4"},
      {".ogg", "audio/ogg"},
  }};
  for (const auto& [ending, mime] : kEndings) {
    if (name.size() > ending.size() &&
        equals_ignore_case(name.substr(name.size() - ending.size()), ending)) {
      return mime;
    }
  }
  return "";
}

// The type that fits the bytes: a wrong one is an error at the vendor.
std::string inline_type(const Media& media, std::string_view base64) {
  const std::string declared = to_lower(media.mime_type);
  const std::string_view real = mime_of_base64(base64);
  const bool both_audio = declared.rfind("audio/", 0) == 0 && real.rfind("audio/", 0) == 0;
  if (!real.empty() && !both_audio) return std::string(real);
  if (declared.rfind("text/", 0) == 0) return "text/plain";
  return declared.empty() ? std::string(mime_of_name(media.name)) : declared;
}

std::string url_type(const Media& media) {
  if (!media.mime_type.empty()) return media.mime_type;
  if (const std::string_view mime = mime_of_name(media.url); !mime.empty()) {
    return std::string(mime);
  }
  switch (media.kind) {
    case Media::Kind::kImage:
      return "image/jpeg";
    case Media::Kind::kDocument:
      return "application/pdf";
    case Media::Kind::kAudio:
      return "audio/mp3";
  }
  return "";
}

void write_inline(Encoding& encoding, std::string& out, const Part& part, const std::string& path) {
  const Media& media = part.media;
  std::string data = media.base64;
  std::string type = media.mime_type;
  if (!encoding.own) {
    auto normal = normal_base64(data);
    if (!normal) {
      return encoding.fail(
          Status(Code::kInvalidArgument, "the data of a file is not base64").with_param(path));
    }
    data = std::move(*normal);
    type = inline_type(media, data);
    const bool image = media.kind == Media::Kind::kImage && type.rfind("image/", 0) == 0;
    if (type.empty()) {
      return encoding.refuse(path, "what kind of file this is is neither said nor to be seen");
    }
    if (image && std::find(kImages.begin(), kImages.end(), type) == kImages.end()) {
      return encoding.refuse(path, "this target cannot read images of the type " + type);
    }
  }
  ObjectWriter object(out, encoding.extras(part.extras));
  ObjectWriter blob = object.object("inlineData");
  blob.string("mimeType", type);
  blob.string("data", data);
  blob.close();
  object.close();
}

void write_file(Encoding& encoding, std::string& out, const Part& part, const std::string& path) {
  const std::string& url = part.media.url;
  const bool https = url.rfind("https://", 0) == 0;
  if (!encoding.own && !https && url.rfind("gs://", 0) != 0) {
    return encoding.refuse(path, "this target cannot read a file from such a URL");
  }
  if (!encoding.own && https && !encoding.traits.https_files) {
    return encoding.refuse(path, "this target's model does not read files from URLs");
  }
  ObjectWriter object(out, encoding.extras(part.extras));
  ObjectWriter file = object.object("fileData");
  if (!encoding.own || !part.media.mime_type.empty()) {
    file.string("mimeType", encoding.own ? part.media.mime_type : url_type(part.media));
  }
  file.string("fileUri", url);
  file.close();
  object.close();
}

}  // namespace

void write_media(Encoding& encoding, std::string& out, const Part& part, const std::string& path) {
  const Media& media = part.media;
  const Format format = encoding.request.format;
  if (media.kind == Media::Kind::kImage && !encoding.traits.vision) {
    return encoding.refuse(path, "this target's model cannot read images");
  }
  if (!media.detail.empty() && media.detail != "auto") {
    encoding.drop(caller_word(format, "messages") + ".content.image_url.detail");
  }
  if (!media.name.empty() && !encoding.own) {
    encoding.drop(caller_word(format, "messages") + ".content.filename");
  }
  if (!media.base64.empty()) return write_inline(encoding, out, part, path);
  if (!media.url.empty()) return write_file(encoding, out, part, path);
  encoding.refuse(path, "a file by another vendor's id cannot be sent to this target");
}

}  // namespace llmorch::gemini
