// ChunkDecoder: what it takes, what it refuses, and that cuts change nothing.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "server/http_front/chunked.h"

namespace llmorch::server {
namespace {

struct Row {
  const char* rule;
  std::string bytes;
  int status;        // 0: no error
  std::string body;  // decoded, as far as it went
  bool done = false;
  std::string left = "";  // not used
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"a body and what follows it", "5\r\nhello\r\n0\r\n\r\nGET ", 0, "hello", true, "GET "},
      {"not yet complete", "5\r\nhel", 0, "hel"},
      {"an empty body", "0\r\n\r\n", 0, "", true},
      {"an extension of 256 bytes", "1;" + std::string(256, 'x') + "\r\na\r\n0\r\n\r\n", 0, "a",
       true},
      {"an extension of 257 bytes", "1;" + std::string(257, 'x') + "\r\na\r\n0\r\n\r\n", 400, ""},
      {"budget, exactly", "10\r\n0123456789abcdef\r\n0\r\n\r\n", 0, "0123456789abcdef", true},
      {"budget, one more", "11\r\n", 413, ""},
      {"budget over two chunks", "f\r\n0123456789abcde\r\n2\r\nxx\r\n", 413, "0123456789abcde"},
      {"a size near 2^32", "ffffffff\r\n", 413, ""},
      {"nine digits", "100000000\r\n", 400, ""},
      {"a folded trailer", "0\r\nx: a\r\n b\r\n\r\n", 400, ""},
      {"a trailer with a control character", "0\r\nx: a\x01\r\n\r\n", 400, ""},
      {"a trailer with space before the colon", "0\r\nx : a\r\n\r\n", 400, ""},
      {"a trailer that begins with a colon", "0\r\n: a\r\n\r\n", 400, ""},
  };
  return all;
}

constexpr std::size_t kBudget = 16;

TEST_CASE("chunked bodies are decoded strictly, at every cut") {
  for (const Row& row : rows()) {
    CAPTURE(row.rule);
    for (std::size_t piece = 1; piece <= row.bytes.size(); ++piece) {
      ChunkDecoder decoder(kBudget);
      std::string body;
      std::size_t used = 0;
      for (std::size_t at = 0; at < row.bytes.size() && !decoder.done() && !decoder.error();
           at += piece)
        used = at + decoder.feed(std::string_view(row.bytes).substr(at, piece), body);
      REQUIRE(decoder.error().status == row.status);
      REQUIRE(body == row.body);
      REQUIRE(decoder.done() == row.done);
      if (row.done) REQUIRE(row.bytes.substr(used) == row.left);
    }
  }
}

TEST_CASE("extensions are bounded over the whole body, or one byte could cost 256") {
  ChunkDecoder decoder(1u << 20);
  std::string body;
  const std::string chunk = "1;" + std::string(200, 'x') + "\r\na\r\n";
  std::size_t chunks = 0;
  while (!decoder.error() && chunks < 1000) {
    decoder.feed(chunk, body);
    ++chunks;
  }
  CHECK(decoder.error().status == 400);
  CHECK(chunks <= ChunkDecoder::kMaxExtensions / 200 + 1);
}

}  // namespace
}  // namespace llmorch::server
