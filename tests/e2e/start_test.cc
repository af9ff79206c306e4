// The first ten minutes with the binary: keys in the environment, who may call from where, and what
// it says at its start. Rules: issue 4 "First start"; operations A.1, A.3, A.6, B.4.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "e2e/gateway_process.h"

namespace llmorch::test {
namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// The binary without a configuration file, and without whatever the tester's environment holds.
struct Bare {
  explicit Bare(const Process::Env& more, const std::vector<std::string>& flags = {})
      : process(arguments(flags), environment(more), true) {}
  static std::vector<std::string> arguments(const std::vector<std::string>& flags) {
    std::vector<std::string> out{LLMORCH_BINARY, "serve", "--threads", "2"};
    if (flags.empty()) out.insert(out.end(), {"--listen", "127.0.0.1:0"});
    out.insert(out.end(), flags.begin(), flags.end());
    return out;
  }
  static Process::Env environment(const Process::Env& more) {
    Process::Env out = more;
    for (const char* name :
         {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY",
          "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "GEMINI_BASE_URL", "LLMORCH_CONFIG",
          "LLMORCH_DATA", "LLMORCH_CLIENT_KEY"}) {
      bool given = false;
      for (const auto& [key, value] : more) given = given || key == name;
      if (!given) out.emplace_back(name, "");
    }
    return out;
  }
  int port() {
    const auto line = process.wait_for_line("ready on http://");
    if (!line) return -1;
    ready = *line;
    return std::atoi(line->c_str() + line->find(':', line->find("http://") + 7) + 1);
  }

  Process process;
  std::string ready;
};

// Nothing listens on port 1.
const Process::Env kOneKey = {{"OPENAI_API_KEY", "sk-canary"},
                              {"OPENAI_BASE_URL", "http://127.0.0.1:1"}};

std::string temporary(const std::string& name) {
  const std::string file = "llmorch-e2e-" + std::to_string(::getpid()) + "-" + name;
  return (std::filesystem::temp_directory_path() / file).string();
}

std::string url(const Mock& mock) { return "http://127.0.0.1:" + std::to_string(mock.port); }

std::string ask_for(const std::string& model) {
  return R"({"model":")" + model + R"(","messages":[{"role":"user","content":"hello"}]})";
}

// Asks until the answer holds `part`: lists of models are fetched in the background.
std::string models_with(int port, std::string_view part) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::string body;
  while (!has(body, part) && std::chrono::steady_clock::now() < end)
    body = http_get(port, "/v1/models").body;
  return body;
}

TEST_CASE("one key in the environment is enough: provider/model, the bare name, the lists") {
  const Mock mock;
  Bare gateway(Process::Env{{"OPENAI_API_KEY", "sk-canary"}, {"OPENAI_BASE_URL", url(mock)}});
  const int port = gateway.port();
  REQUIRE(port > 0);
  const std::string listed = models_with(port, "\"openai/");
  REQUIRE(has(listed, "\"openai/"));
  const std::size_t at = listed.find("\"openai/") + 8;
  const std::string model = listed.substr(at, listed.find('"', at) - at);
  for (const std::string& name : {"openai/" + model, model}) {
    CAPTURE(name);
    const HttpReply reply = http_post(port, "/v1/chat/completions", ask_for(name));
    INFO(reply.body);
    CHECK(reply.status == 200);
    CHECK(reply.header("x-llmorch-provider") == "openai");
    CHECK(has(listed, "\"id\":\"" + name + "\""));
    CHECK(has(http_get(port, "/v1/models/" + name).body, "\"id\":\"" + name + "\""));
  }
  const HttpReply one = http_get(port, "/v1/models/openai%2F" + model);
  CHECK(one.status == 200);
  CHECK(has(one.body, "\"object\":\"model\""));
  const HttpReply none = http_get(port, "/v1/models/openai/no-such-model");
  CHECK(none.status == 404);
  CHECK(has(none.body, "model_not_found"));
  // One line per call, and every line of a call is JSON.
  const auto line = gateway.process.wait_for_line("\"model_requested\":\"openai/");
  REQUIRE(line.has_value());
  CHECK(line->front() == '{');
  for (const char* field : {"\"event\":\"request.end\"", "\"provider\":\"openai\"",
                            "\"error_type\":\"\"", "\"tokens_in\":", "\"duration_ms\":"})
    CHECK_MESSAGE(has(*line, field), *line);
  gateway.process.signal(SIGTERM);
  CHECK(gateway.process.wait_exit() == 0);
  CHECK_FALSE(has(gateway.process.output(), "sk-canary"));
}

TEST_CASE("three keys are three vendors") {
  const Mock openai, anthropic, gemini;
  Bare gateway(Process::Env{{"OPENAI_API_KEY", "sk-canary"},
                            {"OPENAI_BASE_URL", url(openai)},
                            {"ANTHROPIC_API_KEY", "sk-canary"},
                            {"ANTHROPIC_BASE_URL", url(anthropic)},
                            {"GEMINI_API_KEY", "sk-canary"},
                            {"GEMINI_BASE_URL", url(gemini)}});
  const int port = gateway.port();
  REQUIRE(port > 0);
  for (const std::string vendor : {"openai", "anthropic", "gemini"}) {
    CAPTURE(vendor);
    const std::string listed = models_with(port, "\"" + vendor + "/");
    const std::size_t at = listed.find("\"" + vendor + "/");
    REQUIRE(at != std::string::npos);
    const std::string name = listed.substr(at + 1, listed.find('"', at + 1) - at - 1);
    const HttpReply reply = http_post(port, "/v1/chat/completions", ask_for(name));
    INFO(reply.body);
    CHECK(reply.status == 200);
    CHECK(reply.header("x-llmorch-provider") == vendor);
  }
}

TEST_CASE("the last line of the start says all, and nothing is created yet") {
  const std::string data = temporary("data");
  struct Row {
    Process::Env more;
    std::vector<std::string> flags;
    std::string says;
  };
  for (const Row& row :
       std::vector<Row>{{{}, {"--listen", "127.0.0.1:0", "--data", data}, "data: " + data + ";"},
                        {{{"LLMORCH_DATA", data}}, {}, "data: " + data + ";"},
                        {{}, {}, "/llmorch-data;"}}) {
    CAPTURE(row.says);
    Process::Env set = kOneKey;
    set.insert(set.end(), row.more.begin(), row.more.end());
    Bare gateway(set, row.flags);
    const int port = gateway.port();
    REQUIRE(port > 0);
    INFO(gateway.ready);
    CHECK(gateway.ready.starts_with("llmorch 0."));
    CHECK(has(gateway.ready, "http://127.0.0.1:" + std::to_string(port)));
    CHECK(has(gateway.ready, "config: no file"));
    CHECK(has(gateway.ready, row.says));
    const std::string& output = gateway.process.output();
    CHECK(has(output.substr(0, output.find(gateway.ready)), "warning: there is no client key"));
  }
  CHECK_FALSE(std::filesystem::exists(data));
}

TEST_CASE("loopback without a client key: a foreign Host or Origin is a 403, everywhere") {
  Bare gateway(kOneKey);
  const int port = gateway.port();
  REQUIRE(port > 0);
  struct Row {
    HttpHeaders headers;
    bool own;
  };
  for (const Row& row : std::vector<Row>{
           {{{"host", "127.0.0.1:" + std::to_string(port)}}, true},
           {{{"host", "localhost"}}, true},
           {{{"host", "[::1]:8000"}, {"origin", "http://localhost:3000"}}, true},
           {{{"host", "evil.example"}}, false},
           {{{"host", "evil.example:" + std::to_string(port)}}, false},
           {{{"origin", "https://evil.example"}}, false},
           {{{"origin", "null"}}, false},
       }) {
    CAPTURE(row.headers.front().second);
    for (const char* path : {"/v1/models", "/livez", "/readyz", "/health", "/nowhere"}) {
      CAPTURE(path);
      const HttpReply reply = http_get(port, path, row.headers);
      CHECK((reply.status == 403) == !row.own);
      if (!row.own) CHECK(has(reply.body, "permission_denied"));
    }
    const int chat =
        http_post(port, "/v1/chat/completions", ask_for("openai/x"), row.headers).status;
    CHECK((chat == 403) == !row.own);
  }
}

TEST_CASE("an address that others reach needs a client key, and the error has the command") {
  Bare refused(kOneKey, {"--listen", "0.0.0.0:0"});
  CHECK(refused.process.wait_exit() == 78);
  CHECK(
      has(refused.process.output(), "export LLMORCH_CLIENT_KEY=\"$(llmorch key create --quiet)\""));

  Process::Env with_key = kOneKey;
  with_key.emplace_back("LLMORCH_CLIENT_KEY", "sk-llmorch-canary");
  Bare gateway(with_key, {"--listen", "0.0.0.0:0"});
  const int port = gateway.port();
  REQUIRE(port > 0);
  const HttpReply unknown = http_get(port, "/v1/models");
  CHECK(unknown.status == 401);
  CHECK(has(unknown.body, "invalid_api_key"));
  CHECK(http_get(port, "/v1/models", {{"authorization", "Bearer sk-canary"}}).status == 401);
  CHECK(http_get(port, "/v1/models", {{"authorization", "Bearer sk-llmorch-canary"}}).status ==
        200);
  CHECK(http_get(port, "/livez").status == 200);
  gateway.process.signal(SIGTERM);
  CHECK(gateway.process.wait_exit() == 0);
  CHECK_FALSE(has(gateway.process.output(), "canary"));
}

TEST_CASE("what is not served is a 404 that lists what is") {
  Bare gateway(kOneKey);
  const int port = gateway.port();
  REQUIRE(port > 0);
  for (const char* path : {"/v1/embeddings", "/v1/audio/speech", "/v2/chat/completions", "/"}) {
    CAPTURE(path);
    const HttpReply reply = http_post(port, path, "{}");
    CHECK(reply.status == 404);
    CHECK(has(reply.body, "POST /v1/chat/completions, GET /v1/models, GET /v1/models/{name}"));
  }
}

TEST_CASE("no key and no file: the exact commands, exit 78") {
  Bare nothing(Process::Env{});
  CHECK(nothing.process.wait_exit() == 78);
  for (const char* part : {"export OPENAI_API_KEY=", "export ANTHROPIC_API_KEY=",
                           "export GEMINI_API_KEY=", "llmorch serve -c llmorch.yaml"})
    CHECK_MESSAGE(has(nothing.process.output(), part), nothing.process.output());
}

TEST_CASE("a file counts alone: keys in the environment add nothing to it") {
  const std::string path = temporary("alone.json");
  std::ofstream(path) << "{\n\t\"version\": 1,\n\t\"providers\": [{\"name\": \"mine\", \"type\": "
                         "\"openai\", \"base_url\": \"http://127.0.0.1:1\", \"api_key\": \"k\"}],\n"
                         "\t\"models\": [{\"name\": \"m\", \"targets\": [{\"provider\": \"mine\", "
                         "\"model\": \"x\"}]}]\n}\n";
  Bare gateway(Process::Env{{"OPENAI_API_KEY", "sk-canary"}},
               {"-c", path, "--listen", "127.0.0.1:0"});
  const int port = gateway.port();
  REQUIRE(port > 0);
  CHECK(has(gateway.ready, "config: " + path));
  CHECK(http_post(port, "/v1/chat/completions", ask_for("openai/gpt-4o")).status == 404);
  CHECK(http_post(port, "/v1/chat/completions", ask_for("mine/gpt-4o")).status == 502);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace llmorch::test
