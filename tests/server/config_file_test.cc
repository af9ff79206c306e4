// Configuration files: YAML to JSON, references, lines, and everything that is refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "server/config_file.h"
#include "server/json_text.h"
#include "server/load_config.h"
#include "server/yaml_scalar.h"

namespace llmorch::server {
namespace {

Lookup fake_lookup() {
  Lookup out;
  out.variable = [](const std::string& name) -> std::optional<std::string> {
    static const std::map<std::string, std::string> all = {{"KEY", "sk-1"},
                                                           {"NUMBER", "12345"},
                                                           {"EMPTY", ""},
                                                           {"EVIL", "x\"\nb: {$$}${KEY}"},
                                                           {"TWO", "2"}};
    const auto found = all.find(name);
    if (found == all.end()) return std::nullopt;
    return found->second;
  };
  out.file = [](const std::string& path) -> Result<std::string> {
    if (path == "secret") return std::string("from file");
    return Status(Code::kNotFound, "cannot read " + path);
  };
  return out;
}

TEST_CASE("YAML becomes JSON with the types of the core schema") {
  struct Row {
    const char* yaml;
    const char* json;
  };
  for (const Row& row : std::vector<Row>{
           {"a: 1", R"({"a":1})"},
           {"a: \"1\"", R"({"a":"1"})"},
           {"a: '1'", R"({"a":"1"})"},
           {"a: 3s", R"({"a":"3s"})"},
           {"a: true\nb: False\nc: yes\nd: on", R"({"a":true,"b":false,"c":"yes","d":"on"})"},
           {"a:\nb: ~\nc: null\nd: \"null\"", R"({"a":null,"b":null,"c":null,"d":"null"})"},
           {"a: [1, x, {b: c}]", R"({"a":[1,"x",{"b":"c"}]})"},
           {"- a", ""},  // no map
           {"{\"a\": [1, 2.50, \"b\\u00e9\\n\\/\", null, {}], \"c\": []}",
            "{\"a\":[1,2.50,\"b\xc3\xa9\\n/\",null,{}],\"c\":[]}"},
           {"a: |\n  two\n  lines\n", R"({"a":"two\nlines\n"})"},
           {"1: a\ntrue: b", R"({"1":"a","true":"b"})"},
           {"# only a comment\na: b # and one more", R"({"a":"b"})"},
           {"a: &x [1, 2]\nb: *x", R"({"a":[1,2],"b":[1,2]})"},
           {"--- \na: b\n...\n", R"({"a":"b"})"},
           {"a: \xc3\xa9\xe2\x82\xac", "{\"a\":\"\xc3\xa9\xe2\x82\xac\"}"},
       }) {
    CAPTURE(row.yaml);
    const ConfigText text = parse_config(row.yaml, fake_lookup());
    CHECK(text.json == row.json);
    CHECK(text.issues.empty() == (*row.json != '\0'));
  }
}

TEST_CASE("scalars: numbers in JSON's spelling, everything else a string") {
  struct Row {
    const char* yaml;
    const char* json;
  };
  for (const Row& row :
       std::vector<Row>{{"0", "0"},
                        {"-1", "-1"},
                        {"+1", "1"},
                        {"007", "7"},
                        {"0x1F", "31"},
                        {"0o17", "15"},
                        {"1.50", "1.50"},
                        {".5", "0.5"},
                        {"5.", "5.0"},
                        {"1e3", "1e3"},
                        {"-1.5E-3", "-1.5e-3"},
                        {"123456789012345678901234567890", "123456789012345678901234567890"},
                        {"1_000", R"("1_000")"},
                        {".", R"(".")"},
                        {"-", R"("-")"},
                        {"1e", R"("1e")"},
                        {".inf", R"(".inf")"},
                        {".nan", R"(".nan")"},
                        {"0x", R"("0x")"},
                        {"0x-1", R"("0x-1")"},
                        {"0xfffffffffffffffff", R"("0xfffffffffffffffff")"},
                        {"1.2.3", R"("1.2.3")"},
                        {"127.0.0.1:80", R"("127.0.0.1:80")"},
                        {"10MB", R"("10MB")"},
                        {"TRUE", "true"},
                        {"tRUE", R"("tRUE")"},
                        {"", "null"},
                        {"NULL", "null"}}) {
    CAPTURE(row.yaml);
    CHECK(core_schema_json(row.yaml) == row.json);
  }
}

TEST_CASE("references: in values only, after parsing, and always strings") {
  struct Row {
    const char* yaml;
    const char* json;
  };
  for (const Row& row : std::vector<Row>{
           {"a: ${KEY}", R"({"a":"sk-1"})"},
           {"a: x${KEY}y${KEY}", R"({"a":"xsk-1ysk-1"})"},
           {"a: ${NUMBER}", R"({"a":"12345"})"},
           {"a: { b: \"${KEY}\" }", R"({"a":{"b":"sk-1"}})"},
           {"a: '${KEY}'", R"({"a":"sk-1"})"},
           {"a: ${NONE:-d}", R"({"a":"d"})"},
           {"a: ${EMPTY:-d}", R"({"a":"d"})"},
           {"a: ${EMPTY}", R"({"a":""})"},
           {"a: ${NONE:-}", R"({"a":""})"},
           {"a: ${KEY:-d}", R"({"a":"sk-1"})"},
           {"a: ${file:secret}", R"({"a":"from file"})"},
           {"a: $${KEY}", R"({"a":"${KEY}"})"},
           {"a: $$$${KEY}", R"({"a":"$${KEY}"})"},
           {"a: $$5", R"({"a":"$5"})"},
           {"a: $5", R"({"a":"$5"})"},
           {"${KEY}: a", R"({"${KEY}":"a"})"},
           {"a: ${EVIL}", R"({"a":"x\"\nb: {$$}${KEY}"})"},
       }) {
    CAPTURE(row.yaml);
    const ConfigText text = parse_config(row.yaml, fake_lookup());
    CHECK(text.json == row.json);
    CHECK(text.issues.empty());
  }
}

TEST_CASE("what is wrong is said with its line, and all of it at once") {
  struct Row {
    std::string yaml;
    int line;
    const char* says;
  };
  std::string deep = "a: ", wide = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 0; i < 40; ++i) deep += "[";
  std::string deep_closed = deep + std::string(40, ']');
  char name = 'b';
  for (; name < 'j'; ++name) {
    wide += std::string(1, name) + ": &" + name + " [";
    for (int i = 0; i < 10; ++i)
      wide += std::string(i == 0 ? "" : ",") + "*" + static_cast<char>(name - 1);
    wide += "]\n";
  }
  for (const Row& row : std::vector<Row>{
           {"a: 1\nb: ${NONE}", 2, "/b: the environment variable NONE is not set"},
           {"x:\n - y: 1\n   k: ${NONE}", 3, "/x/0/k: the environment variable NONE is not set"},
           {"a: ${file:none}", 1, "cannot read none"},
           {"a: ${not a name}", 1, "is no reference"},
           {"a: ${}", 1, "is no reference"},
           {"a: ${KEY", 1, "has no \"}\""},
           {"a: 1\nb: 2\na: 3", 3, "\"a\" stands here twice"},
           {"x:\n  a: 1\n  a: 2", 3, "\"a\" stands here twice"},
           {"x: { a: 1, 'a': 2 }", 1, "\"a\" stands here twice"},
           {"x:\n  - { api_key: ${KEY} }", 2, "quote it: \"${NAME}\""},
           {"x:\n  y: [ ${KEY} ]", 2, "quote it: \"${NAME}\""},
           {"a: \"${KEY}\"\nb: { c: ${KEY}, d: 1 }", 2, "quote it: \"${NAME}\""},
           {"a: [1", 1, "this is not YAML"},
           {"a: b\n  c: d", 2, "this is not YAML"},
           {"a: !!str 1", 1, "tags have no meaning"},
           {"a: !env X", 1, "tags have no meaning"},
           {"a: 1\n---\nb: 2", 2, "a second document"},
           {"a: *b", 1, "this is not YAML"},
           {"a: &a [*a]", 1, "this alias stands inside what it names"},
           {"x: &x {a: 1}\ny:\n  <<: *x", 3, "merge keys"},
           {"~: 1", 1, "a key must be a word"},
           {"[a, b]: 1", 1, "a key must be a plain word"},
           {deep_closed, 1, "nested deeper than 32"},
           {wide, 0, "too large from here on"},
           {"", 0, "the file is empty"},
           {"# nothing\n", 0, "the file is empty"},
           {"just words", 1, "not a list of keys and values"},
           {"- a", 1, "not a list of keys and values"},
           {std::string("a: b\nc: d\0e: f", 13), 2, "a NUL byte"},
           {std::string(kMaxConfigBytes + 1, ' '), 0, "larger than 4 MB"},
           {"listen: 8000", 1, "must be HOST:PORT"},
           {"a: 1\nadmin: 1", 2, "/admin: must be an object"},
           {"admin: { listen: 9 }", 1, "/admin/listen: must be HOST:PORT"},
           {"admin:\n  lisen: 127.0.0.1:1", 2, "unknown key \"lisen\" did you mean \"listen\"?"},
           {"client_keys: sk-1", 1, "/client_keys: must be a list"},
           {"client_keys: [sk-1]", 1, "/client_keys/0: must be an object"},
           {"client_keys:\n- name: a", 2, "/client_keys/0: \"secret\" is missing"},
           {"client_keys:\n- secret: a", 2, "/client_keys/0: \"name\" is missing"},
           {"client_keys:\n- name: a b\n  secret: c", 2, "/client_keys/0/name: must be 1 to 64"},
           {"client_keys:\n- name: a\n  secret: ''", 3, "/client_keys/0/secret: must be a text"},
           {"client_keys:\n- name: a\n  secret: ${EMPTY}", 3, "/client_keys/0/secret: must be a"},
           {"client_keys:\n- name: a\n  secret: b c", 3, "no client can send"},
           {"client_keys:\n- name: a\n  secret: b\n  nmae: c", 4, "did you mean \"name\"?"},
           {"client_keys: [{name: a, secret: x}, {name: a, secret: y}]", 1, "is called \"a\" too"},
           {"client_keys: [{name: a, secret: x}, {name: b, secret: x}]", 1, "the same secret"},
           {"listen: [a]", 1, "must be an address"},
           {"threads: 0", 1, "from 1 to 256"},
           {"threads: many", 1, "from 1 to 256"},
           {"threads: -1", 1, "from 1 to 256"},
       }) {
    CAPTURE(row.yaml.substr(0, 80));
    const ConfigText text = parse_config(row.yaml, fake_lookup());
    REQUIRE_FALSE(text.issues.empty());
    const FileIssue& issue = text.issues.front();
    CHECK_MESSAGE((issue.message + " " + issue.hint).find(row.says) != std::string::npos,
                  issue.message);
    if (row.line != 0) CHECK(issue.line == row.line);
  }
  const ConfigText three = parse_config("a: ${NONE}\na: 1\nb: ${NIL}\nc: ${file:x}", fake_lookup());
  CHECK(three.issues.size() == 4);
}

TEST_CASE("the server's own keys are taken out, at the root only") {
  const ConfigText text = parse_config(
      "listen: 127.0.0.1:1\nversion: 1\nthreads: ${TWO}\nx: { listen: a, threads: b }\n"
      "admin: { listen: 127.0.0.1:2 }\n"
      "client_keys: [ { name: laptop, secret: \"${KEY}\" } ]",
      fake_lookup());
  CHECK(text.issues.empty());
  CHECK(text.json == R"({"version":1,"x":{"listen":"a","threads":"b"}})");
  CHECK(text.own.listen == "127.0.0.1:1");
  CHECK(text.own.admin_listen == "127.0.0.1:2");
  CHECK(text.own.threads == 2);
  REQUIRE(text.own.client_keys.size() == 1);
  CHECK(text.own.client_keys[0].name == "laptop");
  CHECK(text.own.client_keys[0].secret.reveal() == "sk-1");
}

TEST_CASE("a mistyped key of the server is one of the library's unknown keys, with a suggestion") {
  struct Row {
    const char* yaml;
    const char* hint;
  };
  for (const Row& row : std::vector<Row>{{"version: 1\nlisten_on: a:1", ""},
                                         {"version: 1\nlisen: a:1", "did you mean \"listen\"?"},
                                         {"version: 1\nclient_key: []", "\"client_keys\"?"},
                                         {"version: 1\nthread: 1", "did you mean \"threads\"?"}}) {
    CAPTURE(row.yaml);
    const ConfigFindings findings = check_text(parse_config(row.yaml, fake_lookup()), "f.yaml");
    REQUIRE(findings.has_errors);
    const auto line = std::find_if(findings.lines.begin(), findings.lines.end(), [](const auto& l) {
      return l.find("f.yaml:2: error: ") == 0 && l.find("unknown key") != std::string::npos;
    });
    REQUIRE(line != findings.lines.end());
    CHECK_MESSAGE(line->find(row.hint) != std::string::npos, *line);
  }
}

TEST_CASE("JSON is the same configuration: tabs, escapes and surrogate pairs included") {
  const std::string json =
      "{\n\t\"version\": 1,\r\n\t\"a\": \"\\ud83d\\ude00 \\\\ud83d\\\\ude00 \\u00e9 \\/ \\\"\",\n"
      "\t\"b\": [1, -2.5e3, true, null]}\n";
  const ConfigText text = parse_config(json, fake_lookup());
  CHECK(text.issues.empty());
  CHECK(text.json ==
        "{\"version\":1,\"a\":\"\xf0\x9f\x98\x80 \\\\ud83d\\\\ude00 \xc3\xa9 / \\\"\","
        "\"b\":[1,-2.5e3,true,null]}");
  CHECK(text.line_of("/b/1") == 4);
  // In YAML a plain scalar may hold backslashes, which mean nothing there.
  CHECK(parse_config("a: \\ud83d\\ude00", fake_lookup()).json == R"({"a":"\\ud83d\\ude00"})");
}

TEST_CASE("every JSON pointer has its line, or that of what it is missing from") {
  const ConfigText text = parse_config(
      "version: 1\nproviders:\n  - name: a\n    base_url: b\n  - name: c\n\"a/b~c\": { d: 1 }\n",
      fake_lookup());
  struct Row {
    const char* pointer;
    int line;
  };
  for (const Row& row : {Row{"/version", 1}, Row{"/providers", 2}, Row{"/providers/0", 3},
                         Row{"/providers/0/base_url", 4}, Row{"/providers/1/name", 5},
                         Row{"/providers/1/base_url", 5}, Row{"/providers/1/x/y", 5},
                         Row{"/a~1b~0c/d", 6}, Row{"/none", 1}, Row{"", 1}}) {
    CAPTURE(row.pointer);
    CHECK(text.line_of(row.pointer) == row.line);
  }
}

TEST_CASE("the library's findings are shown where they stand, together with the file's") {
  const ConfigText text = parse_config(
      "version: 1\nproviders:\n  - name: a\n    typ: openai\n    api_key: ${NONE}\nmodels:\n"
      "  - name: m\n    targets: [ { provider: a, model: x, weight: 0 } ]\n",
      fake_lookup());
  const ConfigFindings findings = check_text(text, "f.yaml");
  CHECK(findings.has_errors);
  const auto has = [&](const std::string& start, const std::string& part) {
    return std::any_of(findings.lines.begin(), findings.lines.end(), [&](const std::string& line) {
      return line.starts_with(start) && line.find(part) != std::string::npos;
    });
  };
  CHECK(has("f.yaml:4: error: ", "typ"));
  CHECK(has("f.yaml:5: error: ", "NONE is not set"));
  CHECK(has("f.yaml:8: warning: ", "weight 0"));
}

TEST_CASE("a good file has no findings") {
  const ConfigText text = parse_config(
      "version: 1\nproviders:\n  - name: a\n    type: openai\n    api_key: ${NUMBER}\nmodels:\n"
      "  - name: m\n    targets: [ { provider: a, model: x } ]\n",
      fake_lookup());
  const ConfigFindings findings = check_text(text, "f.yaml");
  CHECK(findings.lines.empty());
  CHECK_FALSE(findings.has_errors);
}

TEST_CASE("keys in the environment make a configuration: one provider each, its models its own") {
  using Set = std::map<std::string, std::string>;
  const auto made = [](const Set& set) {
    return config_from_environment([&](const std::string& name) -> std::optional<std::string> {
      const auto found = set.find(name);
      if (found == set.end()) return std::nullopt;
      return found->second;
    });
  };
  const auto provider = [](const std::string& name, const std::string& rest) {
    return R"({"name":")" + name + R"(","type":")" + name + R"(",)" + rest + R"(,"discover":true})";
  };
  struct Row {
    Set set;
    std::string providers;  // "": nothing is made
  };
  for (const Row& row : std::vector<Row>{
           {{}, ""},
           {{{"OPENAI_API_KEY", ""}}, ""},
           {{{"OPENAI_BASE_URL", "http://127.0.0.1:1"}, {"LLMORCH_CLIENT_KEY", "x"}}, ""},
           {{{"OPENAI_API_KEY", "sk-\"1"}}, provider("openai", R"("api_key":"sk-\"1")")},
           {{{"OPENAI_API_KEY", "${A} $$"}}, provider("openai", R"("api_key":"${A} $$")")},
           {{{"ANTHROPIC_API_KEY", "a"}, {"ANTHROPIC_BASE_URL", "http://127.0.0.1:1"}},
            provider("anthropic", R"("base_url":"http://127.0.0.1:1","api_key":"a")")},
           {{{"GEMINI_API_KEY", "g"}}, provider("gemini", R"("api_key":"g")")},
           {{{"GOOGLE_API_KEY", "h"}}, provider("gemini", R"("api_key":"h")")},
           {{{"GEMINI_API_KEY", "g"}, {"GOOGLE_API_KEY", "h"}},
            provider("gemini", R"("api_key":"h")")},
           {{{"GEMINI_API_KEY", "g"}, {"ANTHROPIC_API_KEY", "a"}, {"OPENAI_API_KEY", "o"}},
            provider("openai", R"("api_key":"o")") + "," +
                provider("anthropic", R"("api_key":"a")") + "," +
                provider("gemini", R"("api_key":"g")")},
       }) {
    CAPTURE(row.providers);
    const std::optional<ConfigText> text = made(row.set);
    REQUIRE(text.has_value() == !row.providers.empty());
    if (!text) continue;
    CHECK(text->json == R"({"version":1,"providers":[)" + row.providers + R"(],"models":[]})");
    const bool odd_key = row.providers.find('$') != std::string::npos;  // the library warns
    if (!odd_key) CHECK(check_text(*text, "environment").lines.empty());
  }

  const std::optional<ConfigText> text =
      made({{"OPENAI_API_KEY", "o"}, {"OPENAI_BASE_URL", "nonsense"}, {"LLMORCH_CLIENT_KEY", "k"}});
  REQUIRE(text.has_value());
  REQUIRE(text->own.client_keys.size() == 1);
  CHECK(text->own.client_keys[0].secret.equals("k"));
  const ConfigFindings findings = check_text(*text, "environment");
  REQUIRE(findings.has_errors);
  CHECK(
      findings.lines[0].starts_with("environment OPENAI_BASE_URL: error: /providers/0/base_url: "));
}

TEST_CASE("JSON strings: controls escaped, what is not UTF-8 replaced") {
  struct Row {
    std::string text, json;
  };
  const std::string bad = "\xef\xbf\xbd";
  for (const Row& row : std::vector<Row>{
           {"a\"\\b", R"("a\"\\b")"},
           {"\n\t\x01\x7f", "\"\\n\\u0009\\u0001\\u007f\""},
           {"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
           {"\xff", '"' + bad + '"'},
           {"\xc3", '"' + bad + '"'},
           {"\xc0\xaf", '"' + bad + bad + '"'},
           {"\xed\xa0\x80", '"' + bad + bad + bad + '"'},
           {"\xf4\x90\x80\x80", '"' + bad + bad + bad + bad + '"'},
       }) {
    std::string out;
    append_json_string(out, row.text);
    CHECK(out == row.json);
  }
}

}  // namespace
}  // namespace llmorch::server
