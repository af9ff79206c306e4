// What the curl transport makes of answers, good and bad, and what it sends: data tables against a
// raw server.
#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <vector>

#include "net/raw_server.h"
#include "net/transport_fixture.h"

namespace llmorch {
namespace {

using namespace testing_net;

struct Row {
  std::string rule;
  std::string answer;
  std::string log;
  Code code = Code::kOk;
  std::string body = "";
  std::string header = "";  // "name=value" that must be there
  bool reset = false;       // an RST in place of a FIN
};

std::string many_headers(int count) {
  std::string out = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < count - 1; ++i) out += "x-" + std::to_string(i) + ": 1\r\n";
  return out + "Content-Length: 0\r\n\r\n";
}

std::string repeated(const std::string& part, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += part;
  return out;
}

const std::string kFull = "connected sent head:200 body end";
const std::string kNoBody = "connected sent head:200 end";
const std::string kNoHead = "connected sent end";

const Row kRows[] = {
    {"content-length", answer("hello"), kFull, Code::kOk, "hello"},
    {"empty body", answer(""), kNoBody},
    {"no content", "HTTP/1.1 204 No Content\r\n\r\n", "connected sent head:204 end"},
    {"chunked",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
     kFull, Code::kOk, "abcde", "transfer-encoding=chunked"},
    {"trailers are no headers",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n", kFull,
     Code::kOk, "abc"},
    {"ended by close", "HTTP/1.0 200 OK\r\n\r\nhello", kFull, Code::kOk, "hello"},
    {"an error status is an answer", "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno",
     "connected sent head:500 body end", Code::kOk, "no"},
    {"a redirect is not followed",
     "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
     "connected sent head:302 end", Code::kOk, "", "location=http://127.0.0.1:1/"},
    {"interim heads are not the answer",
     "HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
         answer("hello"),
     kFull, Code::kOk, "hello", "content-length=5"},
    {"names in lower case, values trimmed",
     "HTTP/1.1 200 OK\r\nX-Foo-BAR:  a b \t\r\nContent-Length: 0\r\n\r\n", kNoBody, Code::kOk, "",
     "x-foo-bar=a b"},
    {"a folded line belongs to the one before",
     "HTTP/1.1 200 OK\r\nX-F: a\r\n  b\r\nContent-Length: 0\r\n\r\n", kNoBody, Code::kOk, "",
     "x-f=a b"},
    {"a colon in the reason phrase", "HTTP/1.1 200 OK: fine\r\nContent-Length: 0\r\n\r\n", kNoBody},
    {"a header with a bad name or value is not passed on",
     "HTTP/1.1 200 OK\r\nb d: 1\r\nx-c: a\x01z\r\nContent-Length: 0\r\n\r\n", kNoBody, Code::kOk,
     "", "content-length=0"},
    {"100 headers", many_headers(100), kNoBody, Code::kOk, "", "x-98=1"},
    {"bytes are not decoded",
     "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", kFull, Code::kOk,
     "abc"},

    {"101 headers", many_headers(101), kNoHead, Code::kProtocol},
    {"a head over 64 KB", "HTTP/1.1 200 OK\r\nx: " + std::string(66000, 'a') + "\r\n\r\n", kNoHead,
     Code::kProtocol},
    {"a head that never ends", "HTTP/1.1 200 OK\r\nx: " + std::string(300000, 'a'), kNoHead,
     Code::kProtocol},
    {"endless interim heads", repeated("HTTP/1.1 100 Continue\r\n\r\n", 4000), kNoHead,
     Code::kProtocol},
    {"endless trailers",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n" +
         repeated("X-T: 1234567890\r\n", 6000),
     "connected sent head:200 body end", Code::kProtocol, "abc"},
    {"101 unasked", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", kNoHead,
     Code::kProtocol},
    {"not HTTP", "220 ready when you are\r\n\r\n", kNoHead, Code::kProtocol},
    {"binary", std::string("\x16\x03\x01\x00\xff\x00\n\n", 8), kNoHead, Code::kProtocol},
    {"a chunk size that is none",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\nde\r\n0\r\n\r\n",
     kFull, Code::kProtocol, "abc"},
    {"closed without an answer", "", kNoHead, Code::kNetwork},
    {"reset without an answer", "", kNoHead, Code::kNetwork, "", "", true},
    {"cut off within the head", "HTTP/1.1 200 OK\r\nContent-Le", kNoHead, Code::kNetwork},
    {"cut off before content-length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", kFull,
     Code::kNetwork, "hello"},
    {"chunked without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
     kFull, Code::kNetwork, "abc"},
    {"chunked, cut off within a chunk",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", kFull, Code::kNetwork, "abc"},
};

TEST_CASE("answers: the calls a listener gets, and the end") {
  std::atomic<int> row_number{0};
  RawServer server([&](Connection& connection) {
    const Row& row = kRows[row_number];
    if (connection.read_request().empty()) return;
    connection.write(row.answer);
    if (row.reset) connection.reset();
  });
  for (const Row& row : kRows) {
    CAPTURE(row.rule);
    Client client;
    Recorder got;
    client.exchange(post(server.url("/v1/x?key=secret-in-query")), got);
    CAPTURE(got.end->status.message());
    CHECK(got.log == row.log);
    CHECK(got.end->status.code() == row.code);
    CHECK(got.body == row.body);
    CHECK(got.end->bytes_received == row.body.size());
    CHECK(got.end->bytes_sent == 2);
    CHECK_FALSE(got.end->reused_connection);
    if (!row.header.empty()) {
      const std::size_t equals = row.header.find('=');
      const std::string* value = find_header(got.headers, row.header.substr(0, equals));
      REQUIRE(value != nullptr);
      CHECK(*value == row.header.substr(equals + 1));
    }
    for (const Header& header : got.headers) CHECK(header.name.find(' ') == std::string::npos);
    if (row.code != Code::kOk) {
      // One sentence with host and port, and nothing of the path or query.
      const std::string& message = got.end->status.message();
      CHECK(message.find("127.0.0.1:" + std::to_string(server.port())) != std::string::npos);
      CHECK(message.find("secret") == std::string::npos);
      CHECK(message.find('\n') == std::string::npos);
    }
    ++row_number;
  }
}

struct Sent {
  std::string rule;
  TransferSpec spec;
  std::string request;  // with PORT for the port
};

TransferSpec spec_of(std::string method, Headers headers, std::string body) {
  TransferSpec spec;
  spec.method = std::move(method);
  spec.headers = std::move(headers);
  spec.body = Body(std::move(body));
  return spec;
}

TEST_CASE("requests: what is sent is what was given, and framing, and nothing else") {
  Body two("{\"a\"");
  two.append(":1}");
  TransferSpec segments = spec_of("POST", {{"Content-Type", "application/json"}}, "");
  segments.body = two;
  const Sent rows[] = {
      {"POST", spec_of("POST", {{"Content-Type", "application/json"}, {"x-a", "b"}}, "{}"),
       "POST /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: application/json\r\nx-a: "
       "b\r\n"
       "Content-Length: 2\r\n\r\n{}"},
      {"POST in segments", segments,
       "POST /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: application/json\r\n"
       "Content-Length: 7\r\n\r\n{\"a\":1}"},
      {"POST without a body, without headers", spec_of("POST", {}, ""),
       "POST /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 0\r\n\r\n"},
      {"GET after a POST on the same handle", spec_of("GET", {{"accept", "x/y"}}, ""),
       "GET /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\naccept: x/y\r\n\r\n"},
      {"an empty value is sent", spec_of("GET", {{"x-empty", ""}}, ""),
       "GET /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nx-empty:\r\n\r\n"},
      {"framing headers of the caller are not",
       spec_of(
           "POST",
           {{"content-length", "99"}, {"Transfer-Encoding", "chunked"}, {"Expect", "100-continue"}},
           "abc"),
       "POST /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 3\r\n\r\nabc"},
      {"another method with a body", spec_of("PATCH", {}, "abc"),
       "PATCH /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 3\r\n\r\nabc"},
      {"another method without", spec_of("DELETE", {}, ""),
       "DELETE /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n"},
      {"and POST again", spec_of("POST", {}, "z"),
       "POST /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 1\r\n\r\nz"},
  };
  std::string seen;  // written before the answer, read after it
  RawServer server([&](Connection& connection) {
    for (;;) {
      std::string request = connection.read_request();
      if (request.empty()) return;
      seen = std::move(request);
      connection.write(answer(""));
    }
  });
  Client client;
  const std::string port = std::to_string(server.port());
  for (const Sent& row : rows) {
    CAPTURE(row.rule);
    TransferSpec spec = row.spec;
    spec.url = server.url("/p?q=1");
    Recorder got;
    client.exchange(spec, got);
    CHECK(got.end->status.ok());
    std::string expected = row.request;
    expected.replace(expected.find("PORT"), 4, port);
    CHECK(seen == expected);
  }
  CHECK(server.accepted() == 1);  // one kept-alive connection for them all
}

TEST_CASE("what cannot be started ends in a later turn, with a reason") {
  const struct {
    std::string url, method;
  } rows[] = {{"", "POST"},
              {"nonsense", "POST"},
              {"ftp://127.0.0.1/x", "GET"},
              {"file:///etc/passwd", "GET"},
              {"http://user:pass@127.0.0.1/", "GET"},
              {"http://127.0.0.1:99999/", "GET"},
              {"http://127.0.0.1/", "BAD METHOD"},
              {"http://127.0.0.1/", "GET / HTTP/1.1\r\nX:"}};
  Client client;
  for (const auto& row : rows) {
    CAPTURE(row.url);
    TransferSpec spec = spec_of(row.method, {}, "");
    spec.url = row.url;
    Recorder got;
    client.exchange(spec, got);
    CHECK(got.log == "end");
    CHECK(got.end->status.code() == Code::kInvalidArgument);
    CHECK(got.end->status.message().find("pass@") == std::string::npos);
  }
}

TEST_CASE("a handle that could not connect serves the next transfer, whole or stream") {
  // Found in the field: after a failed lookup its buffer was still there, and libcurl refused to
  // set another size, so that no later transfer could be set up.
  RawServer server([](Connection& connection) {
    while (!connection.read_request().empty()) connection.write(answer("fine"));
  });
  int port = 0;
  ::close(listen_on_loopback(1, port));
  const std::string nobody[] = {"http://127.0.0.1:" + std::to_string(port) + "/",
                                "http://nobody.invalid/"};
  for (const std::string& url : nobody) {
    CAPTURE(url);
    Client client;
    for (const bool stream : {false, true, true, false}) {
      TransferSpec refused = post(url);
      refused.stream = stream;
      Recorder first;
      client.exchange(refused, first);
      CHECK(first.end->status.code() == Code::kNetwork);
      TransferSpec good = post(server.url("/"));
      good.stream = !stream;
      Recorder second;
      client.exchange(good, second);
      CHECK_MESSAGE(second.end->status.ok(), second.end->status.message());
      CHECK(second.body == "fine");
    }
  }
}

TEST_CASE("nobody listens: refused is a network failure that says so") {
  int port = 0;
  const int fd = listen_on_loopback(1, port);
  ::close(fd);
  Client client;
  Recorder got;
  client.exchange(post("http://127.0.0.1:" + std::to_string(port) + "/"), got);
  CHECK(got.log == "end");
  CHECK(got.end->status.code() == Code::kNetwork);
  CHECK(got.end->status.message() ==
        "cannot connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
}

}  // namespace
}  // namespace llmorch
