// Data URLs, base64 and magic bytes, which decide over what a caller declared (WIRE 8 rule 42).
#include "formats/media.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace llmorch {
namespace {

TEST_CASE("media: data URLs") {
  struct Case {
    std::string url;
    bool ok;
    std::string mime_type;
    std::string base64;
  };
  const std::vector<Case> cases = {
      {"data:image/png;base64,AAAA", true, "image/png", "AAAA"},
      {"DATA:image/png;BASE64,AAAA", true, "image/png", "AAAA"},
      {"data:image/png;charset=x;base64,AA==", true, "image/png", "AA=="},
      {"data:;base64,AAAA", true, "", "AAAA"},
      {"data:text/plain,hello", false, "", ""},
      {"data:image/png;base64", false, "", ""},
      {"https://x/y.png", false, "", ""},
      {"", false, "", ""},
      {"data:" + std::string(400, 'a') + ";base64,AAAA", false, "", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.url);
    const auto found = parse_data_url(c.url);
    REQUIRE(found.has_value() == c.ok);
    if (!found) continue;
    CHECK(found->mime_type == c.mime_type);
    CHECK(found->base64 == c.base64);
  }
}

TEST_CASE("media: base64 of any spelling becomes the standard one") {
  struct Case {
    std::string text;
    std::string normal;  // "": not base64
    std::string bytes;
  };
  const std::vector<Case> cases = {
      {"aGVsbG8=", "aGVsbG8=", "hello"},
      {"aGVsbG8", "aGVsbG8=", "hello"},
      {"aGVs\r\nbG8=\n", "aGVsbG8=", "hello"},
      {"_-8=", "/+8=", "\xFF\xEF"},
      {"_-8", "/+8=", "\xFF\xEF"},
      {"aGVsbA==", "aGVsbA==", "hell"},
      {"aGVsbA", "aGVsbA==", "hell"},
      {"a", "", ""},
      {"aGVsbA=", "", ""},
      {"aG=Vs", "", ""},
      {"a b!", "", ""},
      {"", "", ""},
      {"====", "", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(normal_base64(c.text).value_or("") == c.normal);
    CHECK(decode_base64(c.text).value_or("") == c.bytes);
    if (!c.normal.empty()) CHECK(encode_base64(c.bytes) == c.normal);
  }
}

TEST_CASE("media: what the bytes are") {
  struct Case {
    std::string bytes;
    std::string mime_type;
  };
  const std::vector<Case> cases = {
      {"\x89PNG\r\n\x1a\n0000", "image/png"},
      {"\xFF\xD8\xFF\xE0 JFIF", "image/jpeg"},
      {"GIF89a....", "image/gif"},
      {"RIFF\x01\x02\x03\x04WEBPVP8 ", "image/webp"},
      {"RIFF\x01\x02\x03\x04WAVEfmt ", "audio/wav"},
      {"RIFF\x01\x02\x03\x04JUNK", ""},
      {std::string("\0\0\0\x18", 4) + "ftypheic", "image/heic"},
      {"%PDF-1.7\n", "application/pdf"},
      {"BM123456", "image/bmp"},
      {"ID3\x04", "audio/mpeg"},
      {"hello", ""},
      {"", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.mime_type);
    CHECK(mime_of_base64(encode_base64(c.bytes)) == c.mime_type);
    CHECK(mime_of_base64(encode_base64(c.bytes + std::string(500, 'x'))) ==
          (c.bytes.size() < 4 ? "" : c.mime_type));
  }
  CHECK(mime_of_base64("not base64 at all!") == "");
}

}  // namespace
}  // namespace llmorch
