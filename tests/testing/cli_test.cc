// The command line, as a user or an end-to-end test runs it: real processes, real signals.
#include <doctest/doctest.h>

#include <sstream>
#include <string>

#include "json/json.h"
#include "support/http_client.h"
#include "support/process.h"

namespace llmorch::test {
namespace {

const std::string kBinary = LLMORCH_TESTING_BINARY;
const std::string kBody = R"({"model":"m","messages":[{"role":"user","content":"hi"}]})";

TEST_CASE("mock, proxy and load together; each ends when told to") {
  Process mock({kBinary, "mock", "--model", "m,mock", "--key", "k", "--max-seconds", "60"});
  const int mock_port = mock.wait_for_port();
  REQUIRE(mock_port > 0);
  Process proxy({kBinary, "proxy", "--to", "127.0.0.1:" + std::to_string(mock_port), "--fault",
                 R"({"slice":50})", "--max-seconds", "60"});
  const int port = proxy.wait_for_port();
  REQUIRE(port > 0);

  const HttpReply reply =
      http_post(port, "/v1/chat/completions", kBody, {{"authorization", "Bearer k"}});
  CHECK(reply.status == 200);
  CHECK(reply.complete);
  CHECK(reply.body.find(":hi\"") != std::string::npos);
  CHECK(reply.header("content-type") == "application/json");
  CHECK(http_get(port, "/v1/models", {{"authorization", "Bearer k"}}).status == 200);
  CHECK(http_post(port, "/v1/chat/completions", kBody).status == 401);

  Process load({kBinary, "load", "--url",
                "http://127.0.0.1:" + std::to_string(port) + "/v1/chat/completions", "--requests",
                "50", "--connections", "4", "--key", "k", "--stream"});
  CHECK(load.wait_exit() == 0);
  auto result = json::Document::parse(load.output());
  REQUIRE_MESSAGE(result, load.output());
  CHECK(result->root()["outcomes"]["ok"].integer() == 50);
  CHECK(result->root()["checked"].integer() == 50);

  proxy.signal(SIGTERM);
  CHECK(proxy.wait_exit() == 0);
  CHECK(mock.running());
  mock.signal(SIGINT);
  CHECK(mock.wait_exit() == 0);
}

TEST_CASE("the mock's script steers it; a stream can be watched, and left") {
  Process mock({kBinary, "mock", "--script", R"([{"chunk_delay_ms":5,"chunks":100000}])"});
  const int port = mock.wait_for_port();
  REQUIRE(port > 0);
  {
    HttpConnection stream(port);
    const std::string body = kBody.substr(0, kBody.size() - 1) + ",\"stream\":true}";
    REQUIRE(stream.send(
        http_request("POST", "/v1/chat/completions", body, {{"authorization", "Bearer k"}})));
    CHECK(stream.read_until("\"content\":\"e"));
    CHECK_FALSE(stream.ended());
  }
  // Leaving is noticed; the mock says so when asked again.
  bool aborted = false;
  for (int tries = 0; tries < 1000 && !aborted; ++tries) {
    auto stats = json::Document::parse(http_get(port, "/mock/stats").body);
    REQUIRE(stats);
    aborted = stats->root()["aborted_by_client"].integer() == 1;
  }
  CHECK(aborted);
  CHECK(http_post(port, "/mock/script", R"({"status":503,"times":1})").status == 200);
  const HttpHeaders key = {{"authorization", "Bearer k"}};
  CHECK(http_post(port, "/v1/chat/completions", kBody, key).status == 503);
  CHECK(http_post(port, "/v1/chat/completions", kBody, key).status == 200);
}

TEST_CASE("a load that failed exits with 1, wrong use with 2 and a word why") {
  Process mock({kBinary, "mock", "--script", R"({"status":500})"});
  const int port = mock.wait_for_port();
  REQUIRE(port > 0);
  Process load(
      {kBinary, "load", "--url", "http://127.0.0.1:" + std::to_string(port), "--requests", "3"});
  CHECK(load.wait_exit() == 1);

  const struct {
    std::vector<std::string> words;
    const char* message;
  } rows[] = {
      {{kBinary}, "usage:"},
      {{kBinary, "juggle"}, "no such command: juggle"},
      {{kBinary, "mock", "--lisen", "x"}, "unknown option: --lisen"},
      {{kBinary, "mock", "--max-seconds", "soon"}, "needs a whole number"},
      {{kBinary, "mock", "--script", "/nonexistent/file"}, "cannot read /nonexistent/file"},
      {{kBinary, "mock", "--script", R"({"x":1})"}, "unknown key x"},
      {{kBinary, "mock", "--listen", "nowhere"}, "not an address"},
      {{kBinary, "proxy"}, "not an address"},
      {{kBinary, "load", "--url", "ftp://x"}, "must begin with http://"},
  };
  for (const auto& row : rows) {
    Process process(row.words, {}, true);
    CHECK(process.wait_exit() == 2);
    CHECK_MESSAGE(process.output().find(row.message) != std::string::npos, process.output());
  }
}

TEST_CASE("mock --help names every path and every key of a script") {
  Process help({kBinary, "mock", "--help"});
  CHECK(help.wait_exit() == 0);
  std::istringstream words(
      "/v1/messages /v1beta/models /mock/requests --key x-mock-script times every_nth dialect "
      "status retry_after headers body raw garbage text thinking redacted refusal finish "
      "stopped_by tool_calls usage chunks chunk_size stamp no_done error_in_band delay_ms "
      "first_byte_delay_ms chunk_delay_ms chunk_bytes cut_after_bytes reset_after_bytes "
      "stall_after_bytes cut_after_chunks close_after accept_then_close drop_request http10");
  for (std::string word; words >> word;) {
    CHECK_MESSAGE(help.output().find(word) != std::string::npos, word);
  }
}

TEST_CASE("--max-seconds ends a forgotten mock") {
  Process mock({kBinary, "mock", "--max-seconds", "0"});
  CHECK(mock.wait_exit() == 0);
}

TEST_CASE("support: a child gets its environment, and its exit is told apart") {
  Process shown({"/usr/bin/env"}, {{"LLMORCH_TEST_WORD", "seen"}});
  CHECK(shown.wait_for_line("LLMORCH_TEST_WORD=").value_or("") == "LLMORCH_TEST_WORD=seen");
  CHECK(shown.wait_exit() == 0);
  Process missing({"/nonexistent/program"});
  CHECK(missing.wait_exit() == 127);
  Process killed({"/bin/cat", "/dev/zero"});
  CHECK(killed.running());
  killed.signal(SIGKILL);
  CHECK(killed.wait_exit() == -SIGKILL);
}

}  // namespace
}  // namespace llmorch::test
