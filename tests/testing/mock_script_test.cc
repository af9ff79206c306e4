// Every scripted behaviour, observed on the wire.
#include "testing/mock_script.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "json/json.h"
#include "rig.h"

namespace llmorch::testing {
namespace {

using std::chrono::milliseconds;

TEST_CASE("scripts: what is not one is refused by name") {
  const struct {
    std::string json;
    const char* message;  // "" when accepted
  } rows[] = {
      {R"({})", ""},
      {R"({"status":429,"retry_after":7,"times":2})", ""},
      {R"({"body":{"a":[1]},"headers":{"x-a":"b"}})", ""},
      {R"({"statsu":429})", "unknown key statsu"},
      {R"({"status":99})", "status must be 200 to 999"},
      {R"({"status":"500"})", "status must be 200 to 999"},
      {R"({"delay_ms":-1})", "delay_ms must be a whole number"},
      {R"({"delay_ms":1.5})", "delay_ms must be a whole number"},
      {R"({"delay_ms":99999999999})", "delay_ms must be at most a day"},
      {R"({"no_done":1})", "no_done must be true or false"},
      {R"({"raw":5})", "raw must be a string"},
      {R"({"headers":{"a b":"c"}})", "headers must be"},
      {R"({"headers":{"a":"c\r\nd: e"}})", "headers must be"},
      {R"({"every_nth":0})", "every_nth must be at least 1"},
      {R"({"dialect":"gemini","text":"a","thinking":"","refusal":"no","stopped_by":"x"})", ""},
      {R"({"dialect":"cohere"})", "dialect must be openai, anthropic or gemini"},
      {R"({"text":5})", "text must be a string"},
      {R"({"finish":""})", "finish must be a word"},
      {R"({"usage":{"input":1,"cached":0}})", ""},
      {R"({"usage":{"inputs":1}})", "usage must be of input, cached"},
      {R"({"usage":{"input":-1}})", "usage must be of input, cached"},
      {R"({"usage":7})", "usage must be an object"},
      {R"({"tool_calls":[{"name":"f","arguments":{"a":1},"id":"x"}]})", ""},
      {R"({"tool_calls":[{"arguments":{}}]})", "tool_calls must be an array of"},
      {R"({"tool_calls":[{"name":"f","args":{}}]})", "tool_calls must be an array of"},
      {R"({"tool_calls":{}})", "tool_calls must be an array"},
      {R"([])", "it must be an object"},
      {R"({)", "line"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.json);
    const auto script = parse_script(row.json);
    CHECK(script.has_value() == (*row.message == '\0'));
    if (!script) CHECK(script.error().message().find(row.message) != std::string::npos);
  }
}

TEST_CASE("the queue: times, every_nth, order, and scripts that are used up") {
  const struct {
    std::string json;
    const char* statuses;  // of ten requests; '-' for none
  } rows[] = {
      {"", "----------"},
      {"[]", "----------"},
      {R"({"status":500})", "5555555555"},
      {R"({"status":500,"times":2})", "55--------"},
      {R"([{"status":500,"times":2},{"status":400,"times":1}])", "554-------"},
      {R"({"status":500,"every_nth":3})", "--5--5--5-"},
      {R"({"status":500,"every_nth":3,"times":2})", "--5--5----"},
      {R"([{"status":500,"every_nth":4},{"status":400,"every_nth":4}])", "---54--5-4"},
      {R"([{"status":500,"times":0},{"status":400,"times":1}])", "4---------"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.json);
    ScriptQueue queue;
    REQUIRE(queue.set(row.json).ok());
    std::string seen;
    for (int i = 0; i < 10; ++i) {
      const auto script = queue.next();
      seen += script ? static_cast<char>('0' + script->status / 100) : '-';
    }
    CHECK(seen == row.statuses);
  }
  ScriptQueue queue;
  REQUIRE(queue.set(R"({"status":500})").ok());
  CHECK_FALSE(queue.set(R"([{"status":500},{"x":1}])").ok());
  CHECK(queue.next().has_value());  // a bad queue changes nothing
}

TEST_CASE("the queue: a script for one dialect lets the others pass, uncounted") {
  ScriptQueue queue;
  REQUIRE(queue.set(R"([{"dialect":"gemini","status":503,"times":1},{"status":400,"every_nth":2}])")
              .ok());
  const struct {
    const char* dialect;
    int status;  // 0: no script
  } rows[] = {{"openai", 0}, {"anthropic", 400}, {"gemini", 503}, {"gemini", 0}, {"", 400}};
  for (const auto& row : rows) {
    const auto script = queue.next(row.dialect);
    CHECK((script ? script->status : 0) == row.status);
  }
}

TEST_CASE("scripted answers, byte by byte") {
  const struct {
    std::string script;
    bool stream;
    bool ends;           // the connection is closed by the mock, without being asked to
    const char* has;     // a part of the bytes, "" for none
    const char* hasnot;  // what must not be in them
  } rows[] = {
      {R"({"status":503,"retry_after":"7"})", false, false, "retry-after: 7\r\n", "echo:"},
      {R"({"status":503})", true, false, "HTTP/1.1 503 Service Unavailable", "echo:"},
      {R"({"status":429})", false, false, "rate_limit_exceeded", "echo:"},
      {R"({"status":200,"body":"<html>","headers":{"content-type":"text/html"}})", false, false,
       "content-type: text/html\r\n", "application/json"},
      {R"({"body":{"error":{"x":0.70}}})", false, false, R"({"error":{"x":0.70}})", "echo:"},
      {R"({"headers":{"x-a":"b"}})", false, false, "x-a: b\r\n", "close"},
      {R"({"raw":"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort"})", false, true,
       "\r\n\r\nshort", "echo:"},
      {R"({"raw":"garbage"})", false, true, "garbage", "HTTP/1.1"},
      {R"({"garbage":40})", false, false, "content-length: 40\r\n", "echo:"},
      {R"({"garbage":40})", true, false, "data: [DONE]", "error"},
      {R"({"no_done":true})", true, false, "\"finish_reason\":\"stop\"", "[DONE]"},
      {R"({"error_in_band":1})", true, false, "data: {\"error\":{", "[DONE]"},
      {R"({"error_in_band":0})", true, false, "data: {\"error\":{", "\"content\":\"echo"},
      {R"({"cut_after_chunks":1})", true, true, "\"content\":\"echo:", "finish_reason\":\"stop\""},
      {R"({"close_after":true})", false, true, "connection: close\r\n", "HTTP/1.0"},
      {R"({"close_after":true})", true, true, "0\r\n\r\n", "HTTP/1.0"},
      {R"({"http10":true})", false, true, "HTTP/1.0 200 OK\r\n", "content-length"},
      {R"({"http10":true})", true, true, "data: [DONE]\n\n", "chunked"},
      {R"({"drop_request":true})", false, true, "", "HTTP"},
      {R"({"cut_after_bytes":0})", true, true, "", "HTTP"},
  };
  Rig rig;
  for (const auto& row : rows) {
    CAPTURE(row.script);
    CAPTURE(row.stream);
    const auto mock = rig.mock(row.script);
    RawClient client(*rig.loop, mock->port());
    client.send(row.stream ? stream_request("hi") : chat_request(chat_body("hi")));
    REQUIRE(rig.drive_until([&] { return row.ends ? client.ended() : client.answer_complete(); }));
    CHECK(client.ended() == row.ends);
    CHECK(client.bytes.find(row.has) != std::string::npos);
    CHECK(client.bytes.find(row.hasnot) == std::string::npos);
    CHECK(mock->stats().completed == 1);
    CHECK(mock->stats().aborted_by_client == 0);
    CHECK(mock->stats().scripted == 1);
    CHECK(mock->stats().live == 0);
  }
}

TEST_CASE("cut, reset and stall come after exactly so many bytes") {
  Rig rig;
  std::string whole;
  {
    const auto mock = rig.mock();
    RawClient client(*rig.loop, mock->port());
    client.send(stream_request("hi"));
    REQUIRE(rig.drive_until([&] { return client.answer_complete(); }));
    whole = client.bytes;
  }
  REQUIRE(whole.size() > 700);
  for (const std::string kind : {"cut", "reset", "stall"}) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{1}, std::size_t{17}, std::size_t{200},
                                 std::size_t{600}, whole.size() - 1, whole.size()}) {
      CAPTURE(kind);
      CAPTURE(at);
      const auto mock =
          rig.mock("{\"" + std::string(kind) + "_after_bytes\":" + std::to_string(at) + "}");
      RawClient client(*rig.loop, mock->port());
      client.send(stream_request("hi"));
      const bool stall = kind == std::string_view("stall");
      REQUIRE(rig.drive_until([&] {
        return stall ? mock->stats().live == 1 && client.bytes.size() >= at : client.ended();
      }));
      CHECK(client.bytes.size() == at);
      CHECK(client.fin == (kind == std::string_view("cut")));
      CHECK(client.lost == (kind == std::string_view("reset")));
      if (!stall) continue;
      for (int turn = 0; turn < 20; ++turn) rig.loop->drive(milliseconds(0));
      CHECK(client.bytes.size() == at);
      CHECK_FALSE(client.ended());
      client.socket().close();
      CHECK(rig.drive_until([&] { return mock->stats().aborted_by_client == 1; }));
    }
  }
}

TEST_CASE("a cut beyond the answer's end changes nothing") {
  Rig rig;
  const auto mock = rig.mock(R"({"cut_after_bytes":1000000,"times":1})");
  RawClient client(*rig.loop, mock->port());
  for (int i = 0; i < 2; ++i) {
    client.bytes.clear();
    client.send(chat_request(chat_body("hi")));
    REQUIRE(rig.drive_until([&] { return client.answer_complete(); }));
    CHECK(client.status == 200);
  }
  CHECK_FALSE(client.ended());
}

TEST_CASE("chunk_bytes: no read sees more than one slice") {
  for (const std::size_t slice : {1U, 3U, 64U}) {
    CAPTURE(slice);
    Rig rig;
    const auto mock = rig.mock("{\"chunk_bytes\":" + std::to_string(slice) + "}");
    RawClient client(*rig.loop, mock->port());
    client.send(stream_request("hi"));
    REQUIRE(rig.drive_until([&] { return client.answer_complete(); }));
    // One turn sends at most a slice and reads at most twice its size, should they meet.
    CHECK(*std::max_element(client.reads.begin(), client.reads.end()) <= 2 * slice);
    CHECK(client.reads.size() >= client.bytes.size() / (2 * slice));
    CHECK(client.body.find("data: [DONE]") != std::string::npos);
  }
}

TEST_CASE("delays: before the head, before the body, between chunks") {
  Rig rig;
  const struct {
    std::string script;
    milliseconds head, body, end;  // not before these, after sending
  } rows[] = {
      {R"({"delay_ms":40})", milliseconds(40), milliseconds(40), milliseconds(40)},
      {R"({"first_byte_delay_ms":40})", milliseconds(0), milliseconds(40), milliseconds(40)},
      {R"({"chunk_delay_ms":10,"chunks":4})", milliseconds(0), milliseconds(0), milliseconds(40)},
      {R"({"delay_ms":20,"first_byte_delay_ms":20,"chunk_delay_ms":5,"chunks":4})",
       milliseconds(20), milliseconds(40), milliseconds(60)},
  };
  for (const auto& row : rows) {
    CAPTURE(row.script);
    const auto mock = rig.mock(row.script);
    RawClient client(*rig.loop, mock->port());
    const auto begin = Clock::now();
    client.send(stream_request("hi"));
    REQUIRE(rig.drive_until([&] { return !client.bytes.empty(); }));
    CHECK(client.read_at.front() - begin >= row.head);
    REQUIRE(rig.drive_until([&] { return client.bytes.find("data:") != std::string::npos; }));
    CHECK(client.read_at.back() - begin >= row.body);
    REQUIRE(rig.drive_until([&] { return client.answer_complete(); }));
    CHECK(client.read_at.back() - begin >= row.end);
  }
}

TEST_CASE("accept_then_close closes before a byte was read") {
  Rig rig;
  const auto mock = rig.mock(R"({"accept_then_close":true,"times":1})");
  RawClient refused(*rig.loop, mock->port());
  REQUIRE(rig.drive_until([&] { return refused.ended(); }));
  CHECK(refused.bytes.empty());
  CHECK(mock->stats().requests == 0);
  RawClient served(*rig.loop, mock->port());
  served.send(chat_request(chat_body("hi")));
  REQUIRE(rig.drive_until([&] { return served.answer_complete(); }));
  CHECK(served.status == 200);
}

TEST_CASE("x-mock-script scripts its own request only, and must be readable") {
  Rig rig;
  const auto mock = rig.mock(R"({"status":500,"times":1})");
  const struct {
    std::string script;  // in the header; "" for none
    int status;
  } rows[] = {{R"({"status":418})", 418}, {"{\"x\":1}", 400}, {"", 500}, {"", 200}};
  for (const auto& row : rows) {
    RawClient client(*rig.loop, mock->port());
    test::HttpHeaders headers;
    if (!row.script.empty()) headers.emplace_back("x-mock-script", row.script);
    client.send(chat_request(chat_body("hi"), headers));
    REQUIRE(rig.drive_until([&] { return client.answer_complete(); }));
    CHECK(client.status == row.status);
  }
}

TEST_CASE("a request the vendor would refuse is refused whatever the script says") {
  Rig rig;
  const auto mock = rig.mock(R"({"status":500,"times":1})");
  const std::pair<std::string, int> rows[] = {{R"({"messages":[]})", 400}, {chat_body("hi"), 500}};
  for (const auto& [body, status] : rows) {
    RawClient client(*rig.loop, mock->port());
    client.send(chat_request(body));
    REQUIRE(rig.drive_until([&] { return client.answer_complete(); }));
    CHECK(client.status == status);
  }
}

TEST_CASE("a script that brings an answer makes the mock another vendor's") {
  Rig rig;
  const auto mock = rig.mock(R"({"body":{"type":"message"},"times":1})");
  for (const int status : {200, 404}) {
    RawClient client(*rig.loop, mock->port());
    client.send(test::http_request("POST", "/v1/responses", "{}"));
    REQUIRE(rig.drive_until([&] { return client.answer_complete(); }));
    CHECK(client.status == status);
    CHECK((client.body == R"({"type":"message"})") == (status == 200));
  }
}

TEST_CASE("the /mock pages: script, stats, requests, reset; and they count themselves out") {
  Rig rig;
  const auto mock = rig.mock();
  const auto call = [&](const std::string& request) {
    RawClient client(*rig.loop, mock->port());
    client.send(request);
    REQUIRE(rig.drive_until([&] { return client.answer_complete(); }));
    return std::pair(client.status, client.body);
  };
  CHECK(call(test::http_request("POST", "/mock/script", R"([{"status":500,"times":1}])")) ==
        std::pair(200, std::string("{\"scripts\":1}")));
  CHECK(call(test::http_request("POST", "/mock/script", R"({"oops":1})")).first == 400);
  CHECK(call(chat_request(chat_body("one"), {{"x-Trace", "t1"}})).first == 500);
  CHECK(call(chat_request(chat_body("two"))).first == 200);
  CHECK(call(stream_request("three")).first == 200);

  auto stats = json::Document::parse(call(test::http_request("GET", "/mock/stats")).second);
  REQUIRE(stats);
  const json::Value root = stats->root();
  const std::pair<const char*, int> counts[] = {
      {"requests", 3}, {"streams", 1}, {"scripted", 1},         {"completed", 3},
      {"refused", 0},  {"live", 0},    {"aborted_by_client", 0}};
  for (const auto& row : counts) {
    CAPTURE(std::string(row.first));
    CHECK(root[row.first].integer() == row.second);
  }
  CHECK(root["last"]["body"].string() == chat_body("three", ",\"stream\":true"));

  auto two = json::Document::parse(call(test::http_request("GET", "/mock/requests?n=2")).second);
  REQUIRE(two);
  CHECK(two->root().size() == 2);
  CHECK(two->root().at(0)["body"].string() == chat_body("two"));
  auto all = json::Document::parse(call(test::http_request("GET", "/mock/requests")).second);
  REQUIRE(all);
  const json::Value first = all->root().at(0);
  CHECK(first["method"].string() == "POST");
  CHECK(first["target"].string() == "/v1/chat/completions");
  CHECK(first["headers"]["x-trace"].string() == "t1");
  CHECK(first["headers"]["authorization"].string() == "Bearer key");

  CHECK(call(test::http_request("POST", "/mock/reset")).first == 200);
  CHECK(mock->stats().requests == 0);
  CHECK(call(test::http_request("GET", "/mock/requests")).second == "[]");
}

TEST_CASE("pipelined requests are answered one after the other") {
  Rig rig;
  const auto mock = rig.mock(R"({"delay_ms":5,"times":1})");
  RawClient client(*rig.loop, mock->port());
  std::string three;
  for (const std::string text : {"one", "two", "three"}) three += chat_request(chat_body(text));
  client.send(three);
  REQUIRE(rig.drive_until([&] { return mock->stats().completed == 3; }));
  REQUIRE(rig.drive_until([&] { return count_of(client.bytes, "HTTP/1.1 200 OK") == 3; }));
  CHECK(client.bytes.find(":one") < client.bytes.find(":two"));
  CHECK(client.bytes.find(":two") < client.bytes.find(":three"));
}

TEST_CASE("a client that leaves in any phase is counted, at once") {
  const std::string scripts[] = {
      R"({"delay_ms":100000})",
      R"({"first_byte_delay_ms":100000})",
      R"({"chunk_delay_ms":100000})",
      R"({"stall_after_bytes":300})",
      R"({"chunks":60,"chunk_size":1000000})",  // more than any socket buffer takes
  };
  for (const std::string& script : scripts) {
    for (const bool reset : {false, true}) {
      CAPTURE(script);
      CAPTURE(reset);
      Rig rig;
      const auto mock = rig.mock(script);
      auto client = std::make_unique<RawClient>(*rig.loop, mock->port());
      client->send(stream_request("hi"));
      client->socket().set_reading(false);
      REQUIRE(rig.drive_until([&] { return mock->stats().live == 1; }));
      for (int turn = 0; turn < 5; ++turn) rig.loop->drive(milliseconds(0));
      if (reset) {
        client->socket().reset();
      } else {
        client->socket().close();
      }
      CHECK(rig.drive_until([&] { return mock->stats().aborted_by_client == 1; },
                            std::chrono::seconds(5)));
      CHECK(mock->stats().live == 0);
      CHECK(mock->stats().completed == 0);
    }
  }
}

}  // namespace
}  // namespace llmorch::testing
