// Framing, as operations B.4 wants it: the table through sockets, and the pure checks at every cut.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "server/harness.h"
#include "server/raw_requests.h"

namespace llmorch::server {
namespace {

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1))
    ++found;
  return found;
}

TEST_CASE("each raw request is answered as the table says") {
  FrontThread front;
  CHECK(raw_requests().size() >= 60);
  std::set<std::string> ids;
  for (const RawRequest& row : raw_requests()) {
    CAPTURE(row.rule);
    RawClient client(front.port());
    client.send(row.bytes);
    const RawAnswer answer = client.answer();
    CHECK(answer.status == row.status);
    CHECK(answer.complete);
    // Every answer has an id of its own.
    CHECK(answer.field("x-request-id").size() == 36);
    CHECK(ids.insert(answer.field("x-request-id")).second);
    CHECK(answer.field("content-encoding").empty());
    if (row.status == 200) {
      CHECK(answer.body == row.body);
    } else {
      CHECK(answer.body.starts_with(R"({"error":{"message":")"));
      CHECK(answer.field("content-type") == "application/json");
    }
    if (row.closes) {
      CHECK(answer.field("connection") == "close");
      // Nothing of what followed was taken for another request.
      CHECK(client.rest().empty());
    } else {
      CHECK(answer.field("connection") ==
            (row.bytes.find("HTTP/1.0") == std::string::npos ? "" : "keep-alive"));
      client.send(get("/plain"));
      CHECK(client.answer().body == "plain");
    }
  }
  CHECK(front.eventually([&] { return front.totals().busy == 0; }));
}

TEST_CASE("the end of a head, and what is wrong with it, do not depend on how it was cut") {
  const FrontLimits limits;
  for (const RawRequest& row : raw_requests()) {
    if (row.bytes.size() > 20'000) continue;
    CAPTURE(row.rule);
    HeadProgress whole_progress;
    const HeadScan whole = scan_head(row.bytes, whole_progress, limits);
    HeadProgress progress;
    HeadScan cut;
    for (std::size_t size = 1; size <= row.bytes.size(); ++size) {
      cut = scan_head(std::string_view(row.bytes).substr(0, size), progress, limits);
      if (cut.state != HeadScan::State::kMore) break;
    }
    CHECK(cut.state == whole.state);
    CHECK(cut.size == whole.size);
    CHECK(cut.error.status == whole.error.status);
    if (whole.state == HeadScan::State::kBad) CHECK(whole.error.status == row.status);
  }
}

TEST_CASE("a request may come byte by byte") {
  FrontThread front;
  for (const std::string& request :
       {post("/echo", "hello"), get("/plain"),
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3;x\r\nhel\r\n2\r\nlo\r\n0\r\nx-a: b\r\n\r\n" +
            std::string()}) {
    RawClient client(front.port());
    for (const char c : request) REQUIRE(client.send({&c, 1}));
    const RawAnswer answer = client.answer();
    CHECK(answer.status == 200);
    CHECK(answer.body == (request.starts_with("GET") ? "plain" : "hello"));
  }
}

TEST_CASE("a request may be cut in two anywhere, and the next one follow at once") {
  FrontThread front;
  const std::string requests = post("/echo", "hello") +
                               "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                               "chunked\r\n\r\n5\r\nworld\r\n0\r\n\r\n" +
                               get("/plain");
  for (std::size_t cut = 1; cut < requests.size(); ++cut) {
    CAPTURE(cut);
    RawClient client(front.port());
    REQUIRE(client.send(requests.substr(0, cut)));
    REQUIRE(client.send(requests.substr(cut)));
    CHECK(client.answer().body == "hello");
    CHECK(client.answer().body == "world");
    CHECK(client.answer().body == "plain");
  }
}

TEST_CASE("a head's parts are what they were, undecoded") {
  const std::string text =
      "POST /a%2Fb?q=%41 HTTP/1.1\r\nHost: h\r\nAuthorization:  Bearer a%0d%0ab \r\n"
      "Content-Length: 12\r\nExpect: 100-Continue\r\n\r\n";
  RequestHead head;
  REQUIRE_FALSE(parse_head(text, head));
  CHECK(head.method == "POST");
  CHECK(head.path == "/a%2Fb");
  CHECK(head.query == "q=%41");
  CHECK(*head.find("authorization") == "Bearer a%0d%0ab");
  CHECK(head.find("x-missing") == nullptr);
  CHECK(head.content_length == 12);
  CHECK(head.has_body());
  CHECK(head.keep_alive);
  CHECK(head.expects_continue);
  CHECK(count(text, "\r\n") == head.fields.size() + 2);
}

}  // namespace
}  // namespace llmorch::server
