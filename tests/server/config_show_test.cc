// What `config show` prints: what is in effect, where it came from, and never a secret.
#include "server/config_show.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

namespace llmorch::server {
namespace {

using Set = std::map<std::string, std::string>;

Variables variables(const Set& set) {
  return [set](const std::string& name) -> std::optional<std::string> {
    const auto found = set.find(name);
    if (found == set.end()) return std::nullopt;
    return found->second;
  };
}

constexpr char kSchema[] = R"({"type":"object","properties":{
  "version":{"const":1},
  "listen":{"type":"string","default":"not asked"},
  "providers":{"type":"array","items":{"$ref":"#/$defs/provider"}},
  "models":{"type":"array","items":{"properties":{
     "failover":{"default":true},
     "timeouts":{"type":"object","properties":{"connect":{"default":"3s"},"idle":{}}},
     "set":{"type":"object"}}}}},
  "$defs":{"provider":{"type":"object","properties":{"http2":{"default":false},"api_key":{}}}}})";

constexpr char kYaml[] = R"(version: 1
listen: 127.0.0.1:1
client_keys:
  - name: laptop
    secret: canary-client
providers:
  - name: a
    type: openai
    api_key: ${KEY}
    proxy: http://canary-user:canary-password@proxy:1
    headers: { x-secret: canary-header, "x: y": canary-too }
  - name: b
    credentials:
      - name: one
        secret: ${file:key}
models:
  - name: "true"
    aliases: []
    set: { temperature: 0.70, note: "two\nlines" }
)";

LoadedConfig loaded(const char* yaml) {
  Lookup lookup;
  lookup.variable = variables({{"KEY", "canary-key"}});
  lookup.file = [](const std::string&) -> Result<std::string> {
    return std::string("canary-file");
  };
  LoadedConfig out;
  out.path = "f.yaml";
  out.text = parse_config(yaml, lookup);
  REQUIRE(out.text.issues.empty());
  return out;
}

TEST_CASE("what is written, what the flags say, and the defaults, each with its origin") {
  const LoadedConfig config = loaded(kYaml);
  ServeOptions options;
  options.threads = 2;
  options.data = "/var/lib/llmorch";
  const Settings settings = effective_settings(options, config, variables({}));
  const std::string text = show_config(config, settings, kSchema, true);
  CHECK(text == R"(version: 1                                  # f.yaml:1
listen: 127.0.0.1:1                         # f.yaml:2
admin:
  listen: 127.0.0.1:1                       # f.yaml:2
threads: 2                                  # flag --threads
client_keys:
  - name: laptop                            # f.yaml:4
    secret: "<hidden>"                      # f.yaml:5
providers:
  - name: a                                 # f.yaml:7
    type: openai                            # f.yaml:8
    api_key: "<hidden>"                     # f.yaml:9, environment KEY
    proxy: "http://<hidden>@proxy:1"        # f.yaml:10
    headers:
      x-secret: "<hidden>"                  # f.yaml:11
      "x: y": "<hidden>"                    # f.yaml:11
    http2: false                            # default
  - name: b                                 # f.yaml:12
    credentials:
      - name: one                           # f.yaml:14
        secret: "<hidden>"                  # f.yaml:15, file key
    http2: false                            # default
models:
  - name: "true"                            # f.yaml:17
    aliases: []                             # f.yaml:18
    set:
      temperature: 0.70                     # f.yaml:19
      note: "two\nlines"                    # f.yaml:19
    failover: true                          # default
    timeouts:
      connect: 3s                           # default
# data directory: /var/lib/llmorch (flag --data)
)");
  CHECK(text.find("canary") == std::string::npos);
}

TEST_CASE("without origins it is a configuration again") {
  const LoadedConfig config = loaded(kYaml);
  const std::string text =
      show_config(config, effective_settings({}, config, variables({})), config_schema(), false);
  CHECK(text.find("canary") == std::string::npos);
  CHECK(text.find("heartbeat: 15s") != std::string::npos);  // the library's own schema
  Lookup none;
  const ConfigText again = parse_config(text, none);
  CHECK(again.issues.empty());
  CHECK(again.own.listen == "127.0.0.1:1");
  CHECK(again.own.client_keys.size() == 1);
}

TEST_CASE("settings: flag over file over environment over default") {
  const LoadedConfig file =
      loaded("version: 1\nlisten: 127.0.0.1:1\nthreads: 3\nadmin:\n  listen: 127.0.0.1:2\n");
  const LoadedConfig bare = loaded("version: 1\n");
  ServeOptions flags;
  flags.listen = "127.0.0.1:7";
  flags.admin_listen = "127.0.0.1:8";
  flags.threads = 4;
  flags.data = "/flag";
  const Set set = {{"LLMORCH_DATA", "/variable"}};

  const Settings by_flag = effective_settings(flags, file, variables(set));
  CHECK(by_flag.listen == "127.0.0.1:7");
  CHECK(by_flag.admin_listen == "127.0.0.1:8");
  CHECK(by_flag.threads == 4);
  CHECK(by_flag.data == "/flag");
  CHECK(by_flag.admin_listen_from == "flag --admin-listen");

  const Settings by_file = effective_settings({}, file, variables(set));
  CHECK(by_file.listen == "127.0.0.1:1");
  CHECK(by_file.admin_listen == "127.0.0.1:2");
  CHECK(by_file.admin_listen_from == "f.yaml:5");
  CHECK(by_file.threads == 3);
  CHECK(by_file.data == "/variable");
  CHECK(by_file.data_from == "environment LLMORCH_DATA");

  const Settings by_default = effective_settings({}, bare, variables({}));
  CHECK(by_default.listen == "127.0.0.1:8000");
  CHECK(by_default.listen_from == "default");
  CHECK(by_default.admin_listen.empty());
  CHECK(by_default.threads >= 1);
  CHECK(by_default.data.ends_with("/llmorch-data"));
  CHECK(by_default.data_from == "default");

  flags.admin_listen = flags.listen;  // the same address is the same listener
  CHECK(effective_settings(flags, bare, variables({})).admin_listen.empty());
  flags.listen = flags.admin_listen = "127.0.0.1:0";  // two free ports are two listeners
  CHECK(effective_settings(flags, bare, variables({})).admin_listen == "127.0.0.1:0");
}

TEST_CASE("what the environment made says which variables it is from") {
  LoadedConfig config;
  config.text = *config_from_environment(
      variables({{"OPENAI_API_KEY", "canary"}, {"OPENAI_BASE_URL", "http://127.0.0.1:1"}}));
  const std::string text =
      show_config(config, effective_settings({}, config, variables({})), kSchema, true);
  for (const char* part :
       {"api_key: \"<hidden>\"                     # environment OPENAI_API_KEY\n",
        "# environment OPENAI_BASE_URL\n", "listen: 127.0.0.1:8000"}) {
    CHECK_MESSAGE(text.find(part) != std::string::npos, text);
  }
  CHECK(text.find("canary") == std::string::npos);
}

}  // namespace
}  // namespace llmorch::server
