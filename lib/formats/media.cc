#include "formats/media.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/text.h"

namespace llmorch {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kLongestDataHead = 256;
constexpr std::size_t kSniffed = 64;  // characters, so 48 bytes

// 0..63, or -1. The URL-safe alphabet counts too: some clients use it.
int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// Of text that normal_base64() gave, so every group has four characters.
std::string bytes_of(std::string_view normal) {
  std::string out;
  out.reserve(normal.size() / 4 * 3);
  for (std::size_t at = 0; at + 4 <= normal.size(); at += 4) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const char c = normal[at + i];
      bits = bits << 6 | (c == '=' ? 0U : static_cast<std::uint32_t>(value_of(c)));
    }
    out.push_back(static_cast<char>(bits >> 16 & 0xFF));
    if (normal[at + 2] != '=') out.push_back(static_cast<char>(bits >> 8 & 0xFF));
    if (normal[at + 3] != '=') out.push_back(static_cast<char>(bits & 0xFF));
  }
  return out;
}

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  std::string_view mime_type;
  std::string_view also = {};  // and this at byte 8
};

// In order: what another row's bytes could begin with comes later.
constexpr std::array<Magic, 20> kMagics{{
    {0, "\x89PNG\r\n\x1a\n", "image/png"},
    {0, "\xFF\xD8\xFF", "image/jpeg"},
    {0, "GIF87a", "image/gif"},
    {0, "GIF89a", "image/gif"},
    {0, "RIFF", "image/webp", "WEBP"},
    {0, "RIFF", "audio/wav", "WAVE"},
    {4, "ftypavif", "image/avif"},
    {4, "ftypheic", "image/heic"},
    {4, "ftypheix", "image/heic"},
    {4, "ftypmif1", "image/heif"},
    {4, "ftypmsf1", "image/heif"},
    {4, "ftypM4A", "audio/mp4"},
    {0, "BM", "image/bmp"},
    {0, std::string_view("II*\0", 4), "image/tiff"},
    {0, std::string_view("MM\0*", 4), "image/tiff"},
    {0, "%PDF-", "application/pdf"},
    {0, "ID3", "audio/mpeg"},
    {0, "\xFF\xFB", "audio/mpeg"},
    {0, "OggS", "audio/ogg"},
    {0, "fLaC", "audio/flac"},
}};

}  // namespace

std::optional<DataUrl> parse_data_url(std::string_view url) {
  constexpr std::string_view kScheme = "data:";
  constexpr std::string_view kMark = ";base64";
  if (!equals_ignore_case(url.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  const std::size_t comma = url.substr(0, kLongestDataHead).find(',');
  if (comma == url.npos) return std::nullopt;
  std::string_view head = url.substr(kScheme.size(), comma - kScheme.size());
  if (head.size() < kMark.size() ||
      !equals_ignore_case(head.substr(head.size() - kMark.size()), kMark)) {
    return std::nullopt;
  }
  head = head.substr(0, head.find(';'));
  return DataUrl{head, url.substr(comma + 1)};
}

std::optional<std::string> normal_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  std::size_t padding = 0;
  for (const char c : text) {
    if (is_space(c)) continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int value = value_of(c);
    if (value < 0 || padding > 0) return std::nullopt;
    out.push_back(kAlphabet[static_cast<std::size_t>(value)]);
  }
  const std::size_t wanted = (4 - out.size() % 4) % 4;
  if (out.empty() || wanted == 3 || (padding != 0 && padding != wanted)) return std::nullopt;
  out.append(wanted, '=');
  return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
  const auto normal = normal_base64(text);
  if (!normal) return std::nullopt;
  return bytes_of(*normal);
}

std::string encode_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t have = bytes.size() - at < 3 ? bytes.size() - at : 3;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < have ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out.push_back(i <= have ? kAlphabet[bits >> (18 - 6 * i) & 0x3F] : '=');
    }
  }
  return out;
}

std::string_view mime_of_base64(std::string_view base64) {
  const std::string_view head = trim(base64).substr(0, kSniffed);
  // A cut of four is whole groups; anything else is the end, or wrapped text.
  std::optional<std::string> bytes = decode_base64(head);
  if (!bytes) bytes = decode_base64(head.substr(0, head.size() - head.size() % 4));
  if (!bytes) return "";
  const std::string_view data = *bytes;
  for (const Magic& magic : kMagics) {
    if (data.size() < magic.offset) continue;
    if (data.substr(magic.offset, magic.bytes.size()) != magic.bytes) continue;
    if (magic.also.empty() || (data.size() > 8 && data.substr(8, 4) == magic.also)) {
      return magic.mime_type;
    }
  }
  return "";
}

}  // namespace llmorch
