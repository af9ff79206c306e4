#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gateway/compile.h"
#include "gateway/config_text.h"

namespace llmorch {
namespace {

using test::all;
using test::config;

struct Bad {
  std::string text;
  const char* pointer;
  const char* message;    // a part of it
  const char* hint = "";  // likewise
};

std::string times(int count, const std::string& item) {
  std::string out;
  for (int i = 0; i < count; ++i) out += (i == 0 ? "" : ",") + item;
  return out;
}

const Bad kBad[] = {
    // The text itself, and the root.
    {"", "", ""},
    {"{", "", ""},
    {"[]", "", "must be an object, not an array"},
    {"{\"version\":1}", "", "\"providers\" is missing"},
    {R"({"providers":[],"models":[]})", "", "\"version\" is missing", "\"version\": 1"},
    {R"({"version":2,"providers":[],"models":[]})", "/version", "must be 1"},
    {R"({"version":"1","providers":[],"models":[]})", "/version", "must be 1"},
    {R"({"version":1,"providers":{},"models":[]})", "/providers", "must be an array"},
    {R"({"version":1,"providers":[],"models":7})", "/models", "must be an array, not a number"},
    {config({.root = R"(,"model":[])"}), "/model", "unknown key \"model\"", "\"models\""},
    {config({.root = R"(,"listen":"127.0.0.1:1")"}), "/listen", "unknown key", "known here"},
    {config({.root = R"(,"version":1)"}), "/version", "more than once"},
    {config({.root = R"(,"a/b~c":1)"}), "/a~1b~0c", "unknown key"},
    // Providers.
    {R"({"version":1,"providers":[3],"models":[]})", "/providers/0", "must be an object"},
    {R"({"version":1,"providers":[{"type":"openai"}],"models":[]})", "/providers/0",
     "\"name\" is missing"},
    {R"({"version":1,"providers":[{"name":"p","api_key":"k"}],"models":[]})", "/providers/0",
     "\"type\" is missing"},
    {R"({"version":1,"providers":[{"name":"p","type":"opnai"}],"models":[]})", "/providers/0/type",
     "unknown type \"opnai\"", "\"openai\""},
    {R"({"version":1,"providers":[{"name":"p","type":"zzzzzzzz"}],"models":[]})",
     "/providers/0/type", "unknown type", "openrouter"},
    {R"({"version":1,"providers":[{"name":"p","type":"gorq"}],"models":[]})", "/providers/0/type",
     "unknown type", "\"groq\""},
    {R"({"version":1,"providers":[{"name":"p","type":1}],"models":[]})", "/providers/0/type",
     "must be a string, not a number"},
    {R"({"version":1,"providers":[{"name":"a b","type":"openai"}],"models":[]})",
     "/providers/0/name", "may hold only"},
    {R"({"version":1,"providers":[{"name":"a/b","type":"openai"}],"models":[]})",
     "/providers/0/name", "may hold only"},
    {R"({"version":1,"providers":[{"name":"","type":"openai"}],"models":[]})", "/providers/0/name",
     "must not be empty"},
    {R"({"version":1,"providers":[{"name":")" + std::string(65, 'n') +
         R"(","type":"openai"}],"models":[]})",
     "/providers/0/name", "longer than 64"},
    {R"({"version":1,"models":[],"providers":[{"name":"p","type":"openai","api_key":"k"},
        {"name":"p","type":"openai","api_key":"k"}]})",
     "/providers/1/name", "another provider is named \"p\""},
    {config({.provider = R"(,"base_ulr":"https://x")"}), "/providers/0/base_ulr", "unknown key",
     "\"base_url\""},
    {config({.provider = R"(,"base_url":"x.example")"}), "/providers/0/base_url", "https://",
     "https://api.openai.com/v1"},
    {config({.provider = R"(,"base_url":"https://u:p@x")"}), "/providers/0/base_url",
     "user name or password"},
    {config({.provider = R"(,"base_url":null)"}), "/providers/0/base_url", "must be a string"},
    {config({.provider = R"(,"credentials":[{"name":"a","secret":"s"}])"}), "/providers/0/api_key",
     "both given"},
    {R"({"version":1,"models":[],"providers":[{"name":"p","type":"openai","api_key":""}]})",
     "/providers/0/api_key", "must not be empty"},
    {R"({"version":1,"models":[],"providers":[{"name":"p","type":"openai","api_key":"k\n"}]})",
     "/providers/0/api_key", "control character"},
    {R"({"version":1,"models":[],"providers":[{"name":"p","type":"openai","api_key":" k"}]})",
     "/providers/0/api_key", "space"},
    {R"({"version":1,"models":[],"providers":[{"name":"p","type":"openai","api_key":true}]})",
     "/providers/0/api_key", "must be a string"},
    {R"({"version":1,"models":[],"providers":[{"name":"p","type":"openai",
        "credentials":[{"secret":"s"}]}]})",
     "/providers/0/credentials/0", "\"name\" is missing"},
    {R"({"version":1,"models":[],"providers":[{"name":"p","type":"openai",
        "credentials":[{"name":"a"}]}]})",
     "/providers/0/credentials/0", "\"secret\" is missing"},
    {R"({"version":1,"models":[],"providers":[{"name":"p","type":"openai",
        "credentials":[{"name":"a","secret":"s"},{"name":"a","secret":"t"}]}]})",
     "/providers/0/credentials/1/name", "another credential"},
    {R"({"version":1,"models":[],"providers":[{"name":"p","type":"openai",
        "credentials":[{"name":"a","secret":"s","weight":-1}]}]})",
     "/providers/0/credentials/0/weight", "from 0 to"},
    {R"({"version":1,"models":[],"providers":[{"name":"p","type":"openai",
        "credentials":[{"name":"a","secret":"s\u0000t"}]}]})",
     "/providers/0/credentials/0/secret", "control character"},
    {R"({"version":1,"models":[],"providers":[{"name":"p","type":"openai",
        "credentials":[{"name":"a","key":"s"}]}]})",
     "/providers/0/credentials/0/key", "unknown key"},
    {config({.provider = R"(,"headers":[])"}), "/providers/0/headers", "must be an object"},
    {config({.provider = R"(,"headers":{"a b":"c"})"}), "/providers/0/headers/a b",
     "not a header name"},
    {config({.provider = R"(,"headers":{"":"c"})"}), "/providers/0/headers/", "not a header name"},
    {config({.provider = R"(,"headers":{"X-A":"c\r\nX-B: d"})"}), "/providers/0/headers/X-A",
     "control character"},
    {config({.provider = R"(,"headers":{"X-A":1})"}), "/providers/0/headers/X-A",
     "must be a string"},
    {config({.provider = R"(,"headers":{"Content-Length":"0"})"}),
     "/providers/0/headers/Content-Length", "set by llmorch itself"},
    {config({.provider = R"(,"headers":{"X-A":"1","x-a":"2"})"}), "/providers/0/headers/x-a",
     "more than once", "upper and lower"},
    {config({.provider = R"(,"headers":{"X-A":"1","X-A":"2"})"}), "/providers/0/headers/X-A",
     "more than once", "keep one"},
    {config({.provider = R"(,"proxy":"proxy:3128")"}), "/providers/0/proxy", "no scheme"},
    {config({.provider = R"(,"proxy":"ftp://proxy")"}), "/providers/0/proxy", "one of http"},
    {config({.provider = R"(,"proxy":"http://")"}), "/providers/0/proxy", "host is missing"},
    {config({.provider = R"(,"proxy":"http://u:p@:80")"}), "/providers/0/proxy", "host is missing"},
    {config({.provider = R"(,"proxy":"http://a b")"}), "/providers/0/proxy", "space"},
    {config({.provider = R"(,"proxy":1)"}), "/providers/0/proxy", "must be a string"},
    {config({.provider = R"(,"no_proxy":"a\nb")"}), "/providers/0/no_proxy", "control"},
    {config({.provider = R"(,"no_proxy":["a"])"}), "/providers/0/no_proxy", "must be a string"},
    {config({.provider = R"(,"http2":"yes")"}), "/providers/0/http2", "must be true or false"},
    {config({.provider = R"(,"discover":"yes")"}), "/providers/0/discover",
     "must be true or false"},
    {config({.provider = R"(,"discovery":true)"}), "/providers/0/discovery", "unknown key",
     "\"discover\""},
    {config({.provider = R"(,"pass_headers":"X-A")"}), "/providers/0/pass_headers",
     "must be an array"},
    {config({.provider = R"(,"pass_headers":["X-A",1])"}), "/providers/0/pass_headers/1",
     "must be a string"},
    {config({.provider = R"(,"pass_headers":["X A"])"}), "/providers/0/pass_headers/0",
     "not a header name"},
    {config({.provider = R"(,"pass_headers":[""])"}), "/providers/0/pass_headers/0",
     "not a header name"},
    {config({.provider = R"(,"pass_headers":["X-Ok","AUTHORIZATION"])"}),
     "/providers/0/pass_headers/1", "never passed on", "authenticates"},
    {config({.provider = R"(,"pass_headers":["x-api-key"])"}), "/providers/0/pass_headers/0",
     "never passed on"},
    {config({.provider = R"(,"pass_headers":["X-Goog-Api-Key"])"}), "/providers/0/pass_headers/0",
     "never passed on"},
    {config({.provider = R"(,"pass_headers":["Cookie"])"}), "/providers/0/pass_headers/0",
     "never passed on"},
    {config({.provider = R"(,"pass_headers":["Content-Length"])"}), "/providers/0/pass_headers/0",
     "never passed on"},
    {config({.provider = R"(,"pass_headers":["transfer-encoding"])"}),
     "/providers/0/pass_headers/0", "never passed on"},
    {config({.provider = R"(,"pass_headers":["Host"])"}), "/providers/0/pass_headers/0",
     "never passed on"},
    // Models.
    {R"({"version":1,"providers":[],"models":["m"]})", "/models/0", "must be an object"},
    {R"({"version":1,"providers":[],"models":[{"name":"m"}]})", "/models/0", "no targets"},
    {R"({"version":1,"providers":[],"models":[{"name":"m","targets":[]}]})", "/models/0/targets",
     "no targets"},
    {R"({"version":1,"providers":[],"models":[{"name":"m","targets":{}}]})", "/models/0/targets",
     "must be an array"},
    {config({.model = R"(,"alias":["a"])"}), "/models/0/alias", "unknown key", "\"aliases\""},
    {config({.model = R"(,"aliases":"a")"}), "/models/0/aliases", "must be an array"},
    {config({.model = R"(,"aliases":[""])"}), "/models/0/aliases/0", "must not be empty"},
    {config({.model = R"(,"aliases":["a","m"])"}), "/models/0/aliases/1", "taken already",
     "/models/0/name"},
    {config({.model = R"(,"aliases":["a","b","a"])"}), "/models/0/aliases/2", "taken already",
     "/models/0/aliases/0"},
    {config({.model = R"(,"aliases":["a"]},{"name":"a","targets":[{"provider":"p","model":"x"}])"}),
     "/models/1/name", "taken already", "/models/0/aliases/0"},
    {config({.model = R"(,"name":"again")"}), "/models/0/name", "more than once"},
    {config({.model = R"(,"strategy":"latency")"}), "/models/0/strategy", "unknown strategy",
     "weighted"},
    {config({.model = R"(,"max_attempts":0)"}), "/models/0/max_attempts", "from 1 to 10"},
    {config({.model = R"(,"max_attempts":11)"}), "/models/0/max_attempts", "from 1 to 10"},
    {config({.model = R"(,"max_attempts":2.5)"}), "/models/0/max_attempts", "whole number"},
    {config({.model = R"(,"max_attempts":"3")"}), "/models/0/max_attempts", "whole number"},
    {config({.model = R"(,"failover":0)"}), "/models/0/failover", "must be true or false"},
    {config({.model = R"(,"timeouts":"30s")"}), "/models/0/timeouts", "must be an object"},
    {config({.model = R"(,"timeouts":{"ttft":"30s"})"}), "/models/0/timeouts/ttft", "unknown key"},
    {config({.model = R"(,"timeouts":{"idle":30})"}), "/models/0/timeouts/idle", "needs a unit",
     "\"30s\""},
    {config({.model = R"(,"timeouts":{"idle":"30"})"}), "/models/0/timeouts/idle", "needs a unit",
     "\"30s\""},
    {config({.model = R"(,"timeouts":{"idle":"30 s"})"}), "/models/0/timeouts/idle",
     "not a duration"},
    {config({.model = R"(,"timeouts":{"idle":"30S"})"}), "/models/0/timeouts/idle",
     "not a duration"},
    {config({.model = R"(,"timeouts":{"idle":"-1s"})"}), "/models/0/timeouts/idle", "from 1ms"},
    {config({.model = R"(,"timeouts":{"idle":"nans"})"}), "/models/0/timeouts/idle",
     "not a duration"},
    {config({.model = R"(,"timeouts":{"idle":""})"}), "/models/0/timeouts/idle", "not a duration"},
    {config({.model = R"(,"timeouts":{"idle":true})"}), "/models/0/timeouts/idle",
     "must be a string"},
    {config({.model = R"(,"timeouts":{"total":"25h"})"}), "/models/0/timeouts/total", "to 24h"},
    {config({.model = R"(,"timeouts":{"connect":"0s"})"}), "/models/0/timeouts/connect",
     "from 1ms"},
    {config({.model = R"(,"timeouts":{"early_head":"0s"})"}), "/models/0/timeouts/early_head",
     "from 1ms"},
    {config({.model = R"(,"timeouts":{"heartbeat":0})"}), "/models/0/timeouts/heartbeat",
     "needs a unit"},
    // Targets.
    {R"({"version":1,"providers":[],"models":[{"name":"m","targets":[{}]}]})",
     "/models/0/targets/0", "\"provider\" is missing"},
    {R"({"version":1,"providers":[{"name":"openai-eu","type":"openai","api_key":"k"}],
        "models":[{"name":"m","targets":[{"provider":"openai-ue","model":"x"}]}]})",
     "/models/0/targets/0/provider", "there is no provider \"openai-ue\"", "\"openai-eu\""},
    {R"({"version":1,"providers":[{"name":"p","type":"openai","api_key":"k"}],
        "models":[{"name":"m","targets":[{"provider":"p"}]}]})",
     "/models/0/targets/0", "\"model\" is missing"},
    {R"({"version":1,"providers":[{"name":"p","type":"openai","api_key":"k"}],
        "models":[{"name":"m","targets":[{"provider":"p","model":" x"}]}]})",
     "/models/0/targets/0/model", "space"},
    {config({.target = R"(,"tier":0)"}), "/models/0/targets/0/tier", "from 1 to"},
    {config({.target = R"(,"weight":1000001)"}), "/models/0/targets/0/weight", "from 0 to"},
    {config({.target = R"(,"weigth":1)"}), "/models/0/targets/0/weigth", "unknown key",
     "\"weight\""},
    {config({.target = R"(,"headers":{"X":"\u0007"})"}), "/models/0/targets/0/headers/X",
     "control"},
    {config({.target = R"(,"set":[1])"}), "/models/0/targets/0/set", "must be an object"},
    {config({.target = R"(,"set":{"model":"y"})"}), "/models/0/targets/0/set/model",
     "not a target's to change"},
    {config({.target = R"(,"set":{"stream":true})"}), "/models/0/targets/0/set/stream",
     "not a target's to change"},
    {config({.target = R"(,"set":{"contents":[]})"}), "/models/0/targets/0/set/contents",
     "not a target's to change"},
    {config({.target = R"(,"remove":["input"])"}), "/models/0/targets/0/remove/0",
     "not a target's to change"},
    {config({.target = R"(,"remove":["stream_options"])"}), "/models/0/targets/0/remove/0",
     "not a target's to change"},
    {config({.target = R"(,"set":{"":1})"}), "/models/0/targets/0/set/", "1 to 256"},
    {config({.target = R"(,"set":{"x":{"a":1,"a":2}})"}), "/models/0/targets/0/set/x/a",
     "more than once"},
    {config({.target = R"(,"remove":"x")"}), "/models/0/targets/0/remove", "must be an array"},
    {config({.target = R"(,"remove":["messages"])"}), "/models/0/targets/0/remove/0",
     "not a target's to change"},
    {config({.target = R"(,"set":{"x":1},"remove":["y","x"])"}), "/models/0/targets/0/remove/1",
     "both set and removed"},
    {config({.target = R"(,"system_prompt":"")"}), "/models/0/targets/0/system_prompt",
     "must not be empty"},
    {config({.target = R"(,"system_prompt":["a"])"}), "/models/0/targets/0/system_prompt",
     "must be a string"},
    {config({.target = R"(,"system_prompt":"a\u0000b")"}), "/models/0/targets/0/system_prompt",
     "NUL"},
    {config({.target = R"(,"system_prompt":")" + std::string(65'537, 'x') + "\""}),
     "/models/0/targets/0/system_prompt", "longer than 65536"},
    {config({.target = R"(,"capabilities":["tools"])"}), "/models/0/targets/0/capabilities",
     "must be an object"},
    {config({.target = R"(,"capabilities":{"visoin":true})"}),
     "/models/0/targets/0/capabilities/visoin", "unknown key", "\"vision\""},
    {config({.target = R"(,"capabilities":{"tools":1})"}), "/models/0/targets/0/capabilities/tools",
     "must be true or false"},
    {config({.target = R"(,"capabilities":{"max_output_tokens":0})"}),
     "/models/0/targets/0/capabilities/max_output_tokens", "from 1 to"},
    // Bounds.
    {R"({"version":1,"models":[],"providers":[)" + times(1001, "{}") + "]}", "/providers",
     "at most 1000"},
    {R"({"version":1,"providers":[],"models":[)" + times(10'001, "{}") + "]}", "/models",
     "at most 10000"},
    {R"({"version":1,"providers":[],"models":[{"name":"m","targets":[)" + times(65, "{}") + "]}]}",
     "/models/0/targets", "at most 64"},
    {R"({"version":1,"models":[],"providers":[{"name":"p","type":"openai","credentials":[)" +
         times(65, "{}") + "]}]}",
     "/providers/0/credentials", "at most 64"},
    {std::string(100'000, '['), "", ""},
};

TEST_CASE("what is wrong is refused, exactly there and in words") {
  for (const Bad& row : kBad) {
    CAPTURE(row.text.substr(0, 300));
    const Compiled got = compile_config(row.text, 1);
    CHECK(got.snapshot == nullptr);
    const auto found =
        std::find_if(got.issues.begin(), got.issues.end(), [&](const ConfigIssue& issue) {
          return issue.severity == ConfigIssue::Severity::kError &&
                 issue.json_pointer == row.pointer &&
                 issue.message.find(row.message) != std::string::npos &&
                 issue.hint.find(row.hint) != std::string::npos;
        });
    CHECK_MESSAGE(found != got.issues.end(), all(got.issues).substr(0, 2000));
    for (const ConfigIssue& issue : got.issues) {
      CHECK_FALSE(issue.message.empty());
      CHECK(issue.message.find('\n') == std::string::npos);
    }
  }
}

TEST_CASE("a mistake is told once: no row above has an unrelated second error") {
  for (const Bad& row : kBad) {
    CAPTURE(row.text.substr(0, 300));
    if (row.text.find("[{}]") != std::string::npos || row.text == "{\"version\":1}") continue;
    const Compiled got = compile_config(row.text, 1);
    const auto errors = std::count_if(got.issues.begin(), got.issues.end(), [](const auto& issue) {
      return issue.severity == ConfigIssue::Severity::kError;
    });
    // A misspelt required key is both unknown and missing.
    const bool misspelt = row.text.find("\"key\":\"s\"") != std::string::npos;
    CHECK_MESSAGE(errors == (misspelt ? 2 : 1), all(got.issues));
  }
}

TEST_CASE("every error comes in one run, in the order of the text") {
  const Compiled got = compile_config(R"({
    "models": [{"name": "m", "max_attempts": 99,
                "targets": [{"provider": "q", "model": "x", "weight": -1}]}],
    "providers": [{"name": "p", "type": "nope", "http2": 1}],
    "version": 3})",
                                      1);
  std::vector<std::string> pointers;
  for (const ConfigIssue& issue : got.issues) pointers.push_back(issue.json_pointer);
  CHECK(pointers == std::vector<std::string>{"/models/0/max_attempts",
                                             "/models/0/targets/0/provider",
                                             "/models/0/targets/0/weight", "/providers/0/type",
                                             "/providers/0/http2", "/version"});
  CHECK(check_config("{\"version\":3}").size() == 2);
}

TEST_CASE("errors without number are cut, and that is said") {
  const std::string text = R"({"version":1,"providers":[],"models":[)" + times(10'000, "{}") + "]}";
  const std::vector<ConfigIssue> issues = check_config(text);
  REQUIRE(issues.size() == 1001);
  CHECK(issues.back().message.find("more than") != std::string::npos);
}

TEST_CASE("an issue never quotes a secret") {
  for (const std::string& text :
       {config({.provider = R"(,"api_key":"hunter2\n")"}),
        config({.provider = R"(,"credentials":[{"name":"a","secret":"hunter2\u0001"}])"}),
        config({.provider = R"(,"base_url":"https://u:hunter2@x")"}),
        config({.provider = R"(,"base_url":"https://x/?key=hunter2")"}),
        config({.provider = R"(,"proxy":"ftp://u:hunter2@x")"}),
        config({.provider = R"(,"headers":{"X-Key":"hunter2\n"})"}),
        std::string(R"({"version":1,"providers":[{"api_key":"hunter2" x}]})")}) {
    CAPTURE(text);
    const std::vector<ConfigIssue> issues = check_config(text);
    CHECK_FALSE(issues.empty());
    CHECK(all(issues).find("hunter2") == std::string::npos);
  }
}

}  // namespace
}  // namespace llmorch
