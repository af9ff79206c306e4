#include "testing/http_wire.h"

#include <doctest/doctest.h>

#include <string>

namespace llmorch::testing {
namespace {

// Feeds `wire` in pieces of `step` bytes, as a connection would, and logs what came out.
std::string run(HttpParser::Side side, std::string_view wire, std::size_t step, bool close) {
  HttpParser parser(side, 512);
  std::string log;
  std::string carry;
  std::string body;
  for (std::size_t at = 0; at < wire.size(); at += step) {
    carry.append(wire.substr(at, step));
    std::string_view view = carry;
    for (bool more = true; more;) {
      switch (parser.next(view)) {
        case HttpParser::Event::kNeedMore:
          more = false;
          break;
        case HttpParser::Event::kHead:
          log += side == HttpParser::Side::kAnswer
                     ? std::to_string(parser.status())
                     : std::string(parser.method()) + " " + std::string(parser.target());
          log += parser.keep_alive() ? " keep " : " close ";
          break;
        case HttpParser::Event::kBody:
          body += parser.body();
          break;
        case HttpParser::Event::kEnd:
          log += "[" + body + "]";
          body.clear();
          break;
        case HttpParser::Event::kBad:
          return log + "bad: " + std::string(parser.problem());
      }
    }
    carry.erase(0, carry.size() - view.size());
  }
  if (close) log += parser.closed() ? "[" + body + "]" : "cut";
  return log;
}

TEST_CASE("the parser reads every framing, wherever the bytes are cut") {
  constexpr auto kAnswer = HttpParser::Side::kAnswer;
  constexpr auto kRequest = HttpParser::Side::kRequest;
  const struct {
    HttpParser::Side side;
    std::string wire;
    bool close;
    const char* log;
  } rows[] = {
      {kAnswer, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false, "200 keep [abc]"},
      {kAnswer, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false, "200 keep []"},
      {kAnswer, "HTTP/1.1 204 No Content\r\n\r\n", false, "204 keep []"},
      {kAnswer,
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
       "chunked\r\n\r\n2\r\nab\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
       false, "200 keep [ab0123456789]"},
      {kAnswer, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nt: v\r\n\r\n",
       false, "200 keep [a]"},
      {kAnswer, "HTTP/1.0 200 OK\r\n\r\nuntil the end", true, "200 close [until the end]"},
      {kAnswer, "HTTP/1.1 200 OK\r\n\r\n", true, "200 close []"},
      {kAnswer, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx", false,
       "200 keep [x]"},
      {kAnswer, "HTTP/1.1 429 \r\nconnection: close\r\ncontent-length: 1\r\n\r\nx", false,
       "429 close [x]"},
      {kAnswer, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", true, "200 keep cut"},
      {kRequest, "\r\nGET /a?b HTTP/1.1\r\n\r\nPOST /c HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi",
       false, "GET /a?b keep []POST /c keep [hi]"},
      {kRequest, "GET / HTTP/1.0\r\n\r\n", false, "GET / close []"},
  };
  for (const auto& row : rows) {
    for (const std::size_t step : {1U, 2U, 3U, 7U, 1000U}) {
      CAPTURE(row.wire);
      CAPTURE(step);
      CHECK(run(row.side, row.wire, step, row.close) == row.log);
    }
  }
}

TEST_CASE("the parser refuses what is not its protocol, and what is over a bound") {
  const std::string long_line(600, 'a');
  const struct {
    HttpParser::Side side;
    std::string wire;
    const char* log;
  } rows[] = {
      {HttpParser::Side::kAnswer, "nonsense\r\n\r\n", "bad: not an HTTP/1 first line"},
      {HttpParser::Side::kAnswer, "HTTP/2 200\r\n\r\n", "bad: not an HTTP/1 first line"},
      {HttpParser::Side::kRequest, "GET /\r\n\r\n", "bad: not an HTTP/1 first line"},
      {HttpParser::Side::kAnswer, "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "bad: malformed header"},
      {HttpParser::Side::kAnswer, "HTTP/1.1 200 OK\r\na b: c\r\n\r\n", "bad: malformed header"},
      {HttpParser::Side::kAnswer, "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
       "bad: content-length is not a number"},
      {HttpParser::Side::kAnswer, "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n",
       "bad: content-length is not a number"},
      {HttpParser::Side::kAnswer,
       "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
       "bad: two different content-lengths"},
      {HttpParser::Side::kRequest,
       "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
       "bad: content-length beside transfer-encoding"},
      {HttpParser::Side::kRequest, "POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n",
       "bad: unknown encoding"},
      {HttpParser::Side::kAnswer, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
       "200 keep bad: chunk size is not a number"},
      {HttpParser::Side::kAnswer,
       "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
       "200 keep bad: no line end after a chunk"},
      {HttpParser::Side::kAnswer, "HTTP/1.1 200 OK\r\nx: " + long_line + "\r\n\r\n",
       "bad: head too long"},
      {HttpParser::Side::kAnswer, long_line, "bad: head too long"},
      {HttpParser::Side::kAnswer,
       "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;" + long_line,
       "200 keep bad: chunk line too long"},
  };
  for (const auto& row : rows) {
    for (const std::size_t step : {1U, 5U, 1000U}) {
      CAPTURE(row.wire);
      CAPTURE(step);
      CHECK(run(row.side, row.wire, step, false) == row.log);
    }
  }
}

TEST_CASE("headers are found whatever their case; an absent one is empty") {
  HttpParser parser(HttpParser::Side::kRequest);
  std::string_view wire = "GET / HTTP/1.1\r\nX-One:  a b \r\nx-two:\r\n\r\n";
  REQUIRE(parser.next(wire) == HttpParser::Event::kHead);
  CHECK(parser.header("x-one") == "a b");
  CHECK(parser.header("X-TWO") == "");
  CHECK(parser.header("x-three") == "");
  CHECK(parser.headers().size() == 2);
}

TEST_CASE("an empty piece writes no chunk, because that would end the body") {
  std::string out;
  append_chunk(out, "");
  CHECK(out.empty());
  append_chunk(out, std::string(17, 'x'));
  CHECK(out == "11\r\n" + std::string(17, 'x') + "\r\n");
}

}  // namespace
}  // namespace llmorch::testing
