// The gateway as an operator runs it: the binary, mock vendors in processes of their own, sockets.
// Rules: docs/DESIGN.md 4.2 to 4.7; the issue's "What bad input gets"; WIRE_FORMATS 7.1, 7.4.
#include <doctest/doctest.h>

#include "e2e/gateway_process.h"

namespace llmorch::test {
namespace {

constexpr const char* kChat = "/v1/chat/completions";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE(
    "bad input: the right status, OpenAI's shape, and the next request is served as if nothing "
    "was") {
  Mock mock;
  Gateway gateway({mock.port});
  REQUIRE(gateway.port > 0);
  std::string deep = "{\"model\":\"m\",\"messages\":";
  for (int i = 0; i < 200; ++i) deep += "[";
  struct Row {
    const char* name;
    std::string body;
    int status;
    const char* says;
  };
  const std::vector<Row> rows = {
      {"broken JSON", "{\"model\":\"m\",", 400, "invalid_request_error"},
      {"not JSON", "hello", 400, "invalid_request_error"},
      {"empty", "", 400, "invalid_request_error"},
      {"an array", "[]", 400, "invalid_request_error"},
      {"model missing", R"({"messages":[{"role":"user","content":"x"}]})", 400, "model"},
      {"model of the wrong type", R"({"model":7,"messages":[]})", 400, "model"},
      {"messages of the wrong type", R"({"model":"m","messages":"x"})", 400, "messages"},
      {"stream of the wrong type",
       R"({"model":"m","messages":[{"role":"user","content":"x"}],"stream":"yes"})", 400, "stream"},
      {"too deep", deep, 400, "invalid_request_error"},
      {"bad UTF-8", "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\xC3\x28\"}]}",
       400, "invalid_request_error"},
      {"unknown model", R"({"model":"mm","messages":[{"role":"user","content":"x"}]})", 404,
       "model_not_found"},
      {"unknown model names the nearest",
       R"({"model":"mm","messages":[{"role":"user","content":"x"}]})", 404, "Did you mean"},
      {"what only the vendor knows",
       R"({"model":"m","messages":[{"role":"user","content":"x"}],"no_such_field":1})", 400,
       "no_such_field"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const HttpReply reply = http_post(gateway.port, kChat, row.body);
    INFO(reply.body);
    CHECK(reply.status == row.status);
    CHECK(has(reply.body, "{\"error\":{\"message\":"));
    CHECK(has(reply.body, row.says));
    CHECK(reply.header("content-type") == "application/json");
    CHECK_FALSE(reply.header("x-request-id").empty());
    CHECK_FALSE(has(reply.body, "sk-canary"));
    CHECK(http_post(gateway.port, kChat, ask("still there?")).status == 200);
  }
  const HttpReply lost = http_get(gateway.port, "/v1/chat/completion");
  CHECK(lost.status == 404);
  CHECK(has(lost.body, "/v1/chat/completions"));
  HttpConnection oversized(gateway.port);
  oversized.send(
      "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n");
  CHECK(oversized.read_reply().status == 413);
  HttpConnection smuggler(gateway.port);
  smuggler.send(
      "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: "
      "chunked\r\n\r\n0\r\n\r\n");
  CHECK(smuggler.read_reply().status == 400);
  CHECK(gateway.stop_and_count_records() == static_cast<int>(2 * rows.size()));
  CHECK(gateway.exit_code == 0);
  CHECK_FALSE(has(gateway.process().output(), "sk-canary"));
}

TEST_CASE("a whole answer, a stream, a tool call: the mock's own nonce comes back") {
  Mock mock;
  Gateway gateway({mock.port});
  REQUIRE(gateway.port > 0);
  const HttpReply direct =
      http_post(mock.port, kChat, ask("ping 123"), {{"authorization", "Bearer k"}});
  const HttpReply whole = http_post(gateway.port, kChat, ask("ping 123"));
  CHECK(direct.status == 200);
  CHECK(whole.status == 200);
  CHECK(has(whole.body, "ping 123"));
  CHECK(whole.header("x-llmorch-provider") == "p0");

  const HttpReply stream = http_post(gateway.port, kChat, ask("ping 456", true));
  CHECK(stream.status == 200);
  CHECK(stream.complete);
  CHECK(stream.header("content-type") == "text/event-stream");
  CHECK(stream.header("content-encoding").empty());
  CHECK(has(stream.body, "data: [DONE]\n\n"));
  CHECK_FALSE(has(stream.body, "\"usage\":{"));
  const HttpReply usage =
      http_post(gateway.port, kChat, ask("x", true, R"(,"stream_options":{"include_usage":true})"));
  CHECK(has(usage.body, "\"usage\":{"));

  const std::string tools =
      R"(,"tool_choice":"required","tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object"}}}])";
  const HttpReply call = http_post(gateway.port, kChat, ask("use it", false, tools));
  CHECK(call.status == 200);
  CHECK(has(call.body, "\"tool_calls\""));
  CHECK(has(call.body, "\"look\""));

  const HttpReply models = http_get(gateway.port, "/v1/models");
  CHECK(has(models.body, "\"id\":\"m\""));
  CHECK(http_get(gateway.port, "/models").body == models.body);
  for (const char* path : {"/livez", "/readyz", "/health"})
    CHECK(http_get(gateway.port, path).status == 200);
  CHECK(gateway.stop_and_count_records() == 4);
}

TEST_CASE("an ill upstream: failover before commit, unseen; one record with all attempts") {
  struct Row {
    const char* name;
    std::string script;
  };
  const std::vector<Row> rows = {
      {"500", R"({"status":500})"},
      {"429", R"({"status":429,"retry_after":"7"})"},
      {"401, our key", R"({"status":401})"},
      {"closes after accept", R"({"accept_then_close":true})"},
      {"drops the request", R"({"drop_request":true})"},
      {"cut in the head", R"({"cut_after_bytes":20})"},
      {"reset in the head", R"({"reset_after_bytes":20})"},
      {"cut in the body", R"({"cut_after_bytes":300})"},
      {"garbage", R"({"garbage":500})"},
      {"HTML", R"({"body":"<html>oops</html>"})"},
      {"error in a 200", R"({"body":{"error":{"message":"overloaded","code":503}}})"},
      {"silence", R"({"delay_ms":60000})"},
      {"stalls in the head", R"({"stall_after_bytes":15})"},
  };
  Mock ill;
  Mock well;
  int calls = 0;
  for (const Row& row : rows) {
    // A gateway of its own for each: the last one has learnt to leave the ill upstream alone.
    Gateway gateway({ill.port, well.port},
                    "    timeouts: { connect: 2s, first_event: 500ms, idle: 500ms, total: 20s }\n");
    REQUIRE(gateway.port > 0);
    ill.script(row.script);
    for (const bool stream : {false, true}) {
      CAPTURE(row.name);
      CAPTURE(stream);
      const HttpReply reply =
          http_post(gateway.port, kChat, ask("hello " + std::to_string(++calls), stream));
      INFO(reply.body);
      CHECK(reply.status == 200);
      CHECK(reply.complete);
      CHECK(reply.header("x-llmorch-provider") == "p1");
      if (!stream) CHECK(reply.header("x-llmorch-attempts") == "2");
      CHECK_FALSE(has(reply.body, "\"error\""));
    }
    CHECK(gateway.stop_and_count_records() == 2);
  }
}

TEST_CASE("an upstream that dies in mid-stream: an error event, never a clean end, one record") {
  for (const char* script :
       {R"({"cut_after_chunks":3,"chunks":10})", R"({"error_in_band":3,"chunks":10})",
        R"({"stall_after_bytes":1500,"chunks":20})", R"({"reset_after_bytes":1500,"chunks":20})"}) {
    CAPTURE(script);
    Mock mock(script);
    Gateway gateway({mock.port}, "    timeouts: { idle: 500ms }\n");
    REQUIRE(gateway.port > 0);
    const HttpReply reply = http_post(gateway.port, kChat, ask("tell me", true));
    INFO(reply.body);
    CHECK(reply.status == 200);
    CHECK(has(reply.body, "\"content\":"));
    CHECK(has(reply.body, "data: {\"error\":{\"message\":"));
    CHECK_FALSE(has(reply.body, "[DONE]"));
    CHECK(reply.body.substr(reply.body.size() - 2) == "\n\n");
    CHECK(gateway.stop_and_count_records() == 1);
  }
}

TEST_CASE("a provider killed by pid: no call fails") {
  auto first = std::make_unique<Mock>();
  Mock second;
  Gateway gateway({first->port, second.port});
  REQUIRE(gateway.port > 0);
  CHECK(http_post(gateway.port, kChat, ask("a")).header("x-llmorch-provider") == "p0");
  first = nullptr;  // SIGKILL
  for (int i = 0; i < 10; ++i) {
    const HttpReply reply = http_post(gateway.port, kChat, ask("b", i % 2 == 0));
    CHECK(reply.status == 200);
    CHECK(reply.header("x-llmorch-provider") == "p1");
  }
  CHECK(gateway.stop_and_count_records() == 11);
}

TEST_CASE(
    "a client that leaves takes its upstream with it, in every phase, and costs nobody else") {
  Mock mock;
  Gateway gateway({mock.port});
  REQUIRE(gateway.port > 0);
  const auto aborted = [&] {
    const std::string stats = mock.stats();
    return std::atoi(stats.c_str() + stats.find("\"aborted_by_client\":") + 20);
  };
  int left = 0;
  for (const char* script : {R"({"delay_ms":60000})", R"({"first_byte_delay_ms":60000})",
                             R"({"chunk_delay_ms":60000,"chunks":5})"}) {
    CAPTURE(script);
    mock.script(script);
    for (const bool reset : {false, true}) {
      HttpConnection leaver(gateway.port);
      REQUIRE(leaver.send(http_request("POST", kChat, ask("bye", true))));
      // The upstream has it once its own counter says so.
      const std::string before = "\"requests\":";
      while (has(mock.stats(), "\"live\":0")) {
      }
      reset ? leaver.reset() : leaver.close();
      ++left;
      const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
      while (aborted() < left && std::chrono::steady_clock::now() < until) {
      }
      CHECK(aborted() == left);
    }
  }
  mock.script("[]");
  CHECK(http_post(gateway.port, kChat, ask("me too")).status == 200);
  CHECK(gateway.stop_and_count_records() == left + 1);
}

TEST_CASE("reload and drain by signal") {
  Mock mock;
  Gateway gateway({mock.port});
  REQUIRE(gateway.port > 0);
  std::string good;
  {
    std::ifstream file(gateway.path());
    good.assign(std::istreambuf_iterator<char>(file), {});
  }
  std::ofstream(gateway.path()) << "version: 1\nproviders: nonsense\n";
  gateway.process().signal(SIGHUP);
  CHECK(gateway.process().wait_for_line("old configuration stays").has_value());
  CHECK(http_post(gateway.port, kChat, ask("x")).status == 200);
  std::string renamed = good;
  renamed.replace(renamed.find("- name: m\n"), 10, "- name: renamed\n");
  std::ofstream(gateway.path()) << renamed;
  gateway.process().signal(SIGHUP);
  CHECK(gateway.process().wait_for_line("reloaded").has_value());
  CHECK(http_post(gateway.port, kChat, ask("x")).status == 404);

  std::ofstream(gateway.path()) << good;
  gateway.process().signal(SIGHUP);
  CHECK(gateway.process().wait_for_line("configuration 3").has_value());
  mock.script(R"({"chunk_delay_ms":100,"chunks":10})");
  HttpConnection live(gateway.port);
  live.send(http_request("POST", kChat, ask("long", true)));
  CHECK(live.read_until("\"content\":"));
  gateway.process().signal(SIGTERM);
  const HttpReply reply = live.read_reply();
  CHECK(reply.complete);
  CHECK(has(reply.body, "[DONE]"));
  CHECK(gateway.process().wait_exit() == 0);
}

TEST_CASE("a taken port, a bad file and no configuration at all say so and stop") {
  Mock mock;
  Gateway gateway({mock.port});
  REQUIRE(gateway.port > 0);
  const std::string address = "127.0.0.1:" + std::to_string(gateway.port);
  Process second({LLMORCH_BINARY, "serve", "-c", gateway.path(), "--listen", address}, {}, true);
  CHECK(second.wait_exit() == 1);
  CHECK(has(second.output(), address));

  Process check({LLMORCH_BINARY, "check-config", gateway.path()}, {}, true);
  CHECK(check.wait_exit() == 0);
  std::ofstream(gateway.path())
      << "version: 1\nproviders:\n  - name: a\n    typ: openai\nmodels:\n  - name: m\n    "
         "targets:\n      - { provider: b, model: x }\n";
  Process bad({LLMORCH_BINARY, "check-config", gateway.path()}, {}, true);
  CHECK(bad.wait_exit() == 78);
  CHECK(has(bad.output(), ":4:"));
  CHECK(has(bad.output(), "type"));
  CHECK(has(bad.output(), ":8:"));

  Process nothing({LLMORCH_BINARY, "serve", "--listen", "127.0.0.1:0"},
                  {{"OPENAI_API_KEY", ""}, {"LLMORCH_CONFIG", ""}}, true);
  CHECK(nothing.wait_exit() == 78);
  CHECK(has(nothing.output(), "OPENAI_API_KEY"));
  Process version({LLMORCH_BINARY, "version"});
  CHECK(version.wait_exit() == 0);
  CHECK(has(version.output(), "0.1.0"));
}

}  // namespace
}  // namespace llmorch::test
