#include "gateway/compile.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "gateway/config_text.h"

namespace llmorch {
namespace {

using namespace std::chrono_literals;
using test::all;
using test::config;

const Snapshot& snapshot(const Compiled& compiled) {
  REQUIRE_MESSAGE(compiled.snapshot != nullptr, all(compiled.issues));
  return *compiled.snapshot;
}

TEST_CASE("the smallest configuration, and its defaults") {
  const Compiled got = compile_config(config(), 7);
  const Snapshot& s = snapshot(got);
  CHECK(got.issues.empty());
  CHECK(s.version == 7);
  REQUIRE(s.providers.size() == 1);
  const Provider& p = *s.providers[0];
  CHECK(p.name == "p");
  CHECK(p.type == find_provider_type("openai"));
  CHECK(p.base_url == "https://api.openai.com/v1");
  REQUIRE(p.credentials.size() == 1);
  CHECK(p.credentials[0].name == "default");
  CHECK(p.credentials[0].secret.equals("k"));
  CHECK(p.credentials[0].weight == 1);
  CHECK_FALSE(p.http2);
  const Model* m = s.find("m");
  REQUIRE(m != nullptr);
  CHECK(m->strategy == "weighted");
  CHECK(m->max_attempts == 3);
  CHECK(m->failover);
  const Timeouts defaults;
  CHECK(m->timeouts.connect == defaults.connect);
  CHECK_FALSE(m->timeouts.first_event.has_value());
  CHECK(m->timeouts.idle == defaults.idle);
  CHECK(m->timeouts.total == defaults.total);
  CHECK(m->timeouts.early_head == defaults.early_head);
  CHECK(m->timeouts.heartbeat == defaults.heartbeat);
  REQUIRE(m->targets.size() == 1);
  CHECK(m->targets[0].provider == s.providers[0]);
  CHECK(m->targets[0].model == "x");
  CHECK(m->targets[0].tier == 1);
  CHECK(m->targets[0].weight == 1);
  CHECK(s.find("other") == nullptr);
}

TEST_CASE("every key, and where it ends up") {
  const Compiled got = compile_config(R"({
    "version": 1,
    "providers": [
      {"name": "eu", "type": "openai", "base_url": "https://EU.example/proxy/v1/",
       "credentials": [{"name": "a", "secret": "s1", "weight": 3}, {"name": "b", "secret": "s2"}],
       "headers": {"X-Team": "red", "X-Empty": ""}, "proxy": "socks5h://user:pw@host:1080",
       "no_proxy": "localhost,.internal", "http2": true, "discover": true,
       "pass_headers": ["X-Trace", "OpenAI-Organization"]},
      {"name": "local", "type": "openai", "base_url": "http://127.0.0.1:8080"}
    ],
    "models": [
      {"name": "smart", "aliases": ["gpt-4o", "meta/llama:free"], "strategy": "weighted",
       "timeouts": {"connect": "250ms", "first_event": "1.5s", "idle": "2m", "total": "1h",
                    "early_head": "24h", "heartbeat": "0s"},
       "max_attempts": 10, "failover": false,
       "targets": [
         {"provider": "local", "model": "llama", "tier": 2, "weight": 0},
         {"provider": "eu", "model": "gpt", "weight": 7, "headers": {"X-A": "1"},
          "set": {"temperature": 0.70, "x": {"a": [1, 12345678901234567890]}, "n": null},
          "remove": ["logprobs", "user"], "system_prompt": "Be brief.\nAlways.",
          "capabilities": {"tools": true, "vision": false, "structured_output": true,
                           "reasoning": false, "sampling": true, "max_output_tokens": 4096}}]},
      {"name": "small", "targets": [{"provider": "local", "model": "llama"}]}
    ]})",
                                      1);
  const Snapshot& s = snapshot(got);
  CHECK_MESSAGE(got.issues.empty(), all(got.issues));
  const Provider& eu = *s.providers[0];
  CHECK(eu.base_url == "https://eu.example/proxy/v1");
  REQUIRE(eu.credentials.size() == 2);
  CHECK(eu.credentials[0].name == "a");
  CHECK(eu.credentials[0].weight == 3);
  CHECK(eu.credentials[1].secret.equals("s2"));
  CHECK(eu.credentials[1].weight == 1);
  CHECK(eu.headers == Headers{{"X-Team", "red"}, {"X-Empty", ""}});
  CHECK(eu.proxy == "socks5h://user:pw@host:1080");
  CHECK(eu.no_proxy == "localhost,.internal");
  CHECK(eu.http2);
  CHECK(eu.discover);
  CHECK(eu.pass_headers == std::vector<std::string>{"X-Trace", "OpenAI-Organization"});
  CHECK_FALSE(s.providers[1]->discover);
  CHECK(s.providers[1]->pass_headers.empty());
  REQUIRE(s.providers[1]->credentials.size() == 1);
  CHECK(s.providers[1]->credentials[0].secret.empty());
  CHECK(s.providers[1]->credentials[0].name == "default");

  const Model* m = s.find("smart");
  REQUIRE(m != nullptr);
  CHECK(s.find("gpt-4o") == m);
  CHECK(s.find("meta/llama:free") == m);
  CHECK(s.find("GPT-4o") == nullptr);
  CHECK(s.models[0].get() == m);
  CHECK(s.models[1]->name == "small");
  CHECK(m->aliases == std::vector<std::string>{"gpt-4o", "meta/llama:free"});
  CHECK(m->timeouts.connect == 250ms);
  CHECK(m->timeouts.first_event == 1500ms);
  CHECK(m->timeouts.idle == 2min);
  CHECK(m->timeouts.total == 1h);
  CHECK(m->timeouts.early_head == 24h);
  CHECK(m->timeouts.heartbeat == 0ms);
  CHECK(m->max_attempts == 10);
  CHECK_FALSE(m->failover);
  REQUIRE(m->targets.size() == 2);
  CHECK(m->targets[0].tier == 2);
  CHECK(m->targets[0].weight == 0);
  const Target& t = m->targets[1];
  CHECK(t.provider == s.providers[0]);
  CHECK(t.weight == 7);
  CHECK(t.headers == Headers{{"X-A", "1"}});
  REQUIRE(t.set.size() == 3);
  CHECK(t.set[0] == std::pair<std::string, std::string>("temperature", "0.70"));
  CHECK(t.set[1].second == R"({"a": [1, 12345678901234567890]})");
  CHECK(t.set[2].second == "null");
  CHECK(t.remove == std::vector<std::string>{"logprobs", "user"});
  CHECK(t.system_prompt == "Be brief.\nAlways.");
  CHECK(t.capabilities == Capabilities{true, false, true, false, true, 4096});
  CHECK(m->targets[0].capabilities == Capabilities());
  CHECK(m->targets[0].system_prompt.empty());
}

TEST_CASE("a vendor's name stands for its type and base URL; a base URL beside it wins") {
  struct Row {
    const char* provider;
    const char* type;
    const char* base_url;
  };
  const Row rows[] = {
      {R"("type":"groq","api_key":"k")", "openai", "https://api.groq.com/openai/v1"},
      {R"("type":"ollama")", "openai", "http://127.0.0.1:11434/v1"},
      {R"("type":"ollama","base_url":"http://gpu.internal:11434")", "openai",
       "http://gpu.internal:11434/v1"},
      {R"("type":"deepseek","api_key":"k")", "openai", "https://api.deepseek.com"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.provider);
    const Compiled got = compile_config(
        R"({"version":1,"providers":[{"name":"p",)" + std::string(row.provider) + "}]}", 1);
    const Snapshot& s = snapshot(got);
    CHECK_MESSAGE(got.issues.empty(), all(got.issues));
    CHECK(s.providers[0]->type == find_provider_type(row.type));
    CHECK(s.providers[0]->base_url == row.base_url);
  }
}

struct Warned {
  std::string text;
  const char* pointer;
  const char* message;
};

TEST_CASE("what is only worth knowing is a warning, kept in the snapshot") {
  const Warned rows[] = {
      {R"({"version":1,"providers":[],"models":[]})", "/providers", "no providers"},
      {R"({"version":1,"providers":[{"name":"p","type":"groq"}]})", "/providers/0", "wants a key"},
      {R"({"version":1,"models":[{"name":"m","targets":[{"provider":"p","model":"x"}]}],
          "providers":[{"name":"p","type":"openai"}]})",
       "/providers/0", "wants a key"},
      {R"({"version":1,"models":[{"name":"m","targets":[{"provider":"p","model":"x"}]}],
          "providers":[{"name":"p","type":"openai","base_url":"HTTPS://API.openai.com/v2"}]})",
       "/providers/0", "wants a key"},
      {config({.provider = R"(,"base_url":"https://x/v1/chat/completions")"}),
       "/providers/0/base_url", "/chat/completions"},
      {config({.target = R"(,"weight":0)"}), "/models/0/targets", "every target has weight 0"},
      {R"({"version":1,"models":[{"name":"m","targets":[{"provider":"p","model":"x"}]}],
          "providers":[{"name":"p","type":"openai",
                        "credentials":[{"name":"a","secret":"s","weight":0}]}]})",
       "/providers/0/credentials", "every credential has weight 0"},
      {R"({"version":1,"models":[{"name":"m","targets":[{"provider":"p","model":"x"}]}],
          "providers":[{"name":"p","type":"openai","api_key":"${OPENAI_API_KEY}"}]})",
       "/providers/0/api_key", "reference"},
  };
  for (const Warned& row : rows) {
    CAPTURE(row.text);
    const Compiled got = compile_config(row.text, 1);
    const Snapshot& s = snapshot(got);
    REQUIRE_MESSAGE(got.issues.size() == 1, all(got.issues));
    CHECK(got.issues[0].severity == ConfigIssue::Severity::kWarning);
    CHECK(got.issues[0].json_pointer == row.pointer);
    CHECK_MESSAGE(got.issues[0].message.find(row.message) != std::string::npos,
                  got.issues[0].message);
    REQUIRE(s.warnings.size() == 1);
    CHECK(s.warnings[0].message == got.issues[0].message);
  }
}

TEST_CASE("no issue: an unused provider, an endpoint without a key, the same target twice") {
  for (const std::string& text :
       {std::string(R"({"version":1,"providers":[
          {"name":"p","type":"openai","base_url":"http://127.0.0.1:1"},
          {"name":"unused","type":"openai","api_key":"k"}],
          "models":[{"name":"m","targets":[{"provider":"p","model":"x"}]}]})"),
        config({.model = R"(,"aliases":[])"}),
        config({.provider = R"(,"credentials":[])"})
            .replace(config().find(R"(,"api_key":"k")"), 14, ""),
        config({.provider = R"(,"proxy":"","no_proxy":"")"}),
        config({.model = R"(},{"name":"n","targets":[{"provider":"p","model":"x"},
                                                     {"provider":"p","model":"x"}])"})}) {
    CAPTURE(text);
    const Compiled got = compile_config(text, 1);
    CHECK(got.snapshot != nullptr);
    // The third row drops the key of a vendor that wants one.
    CHECK_MESSAGE((got.issues.empty() || text.find("credentials") != std::string::npos),
                  all(got.issues));
  }
}

}  // namespace
}  // namespace llmorch
