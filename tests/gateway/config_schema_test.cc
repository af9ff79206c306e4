// One table of keys (config_keys.h) is behind the reader, the JSON Schema and docs/CONFIG.md.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "gateway/compile.h"
#include "gateway/config_keys.h"
#include "gateway/config_text.h"
#include "json/json.h"
#include "providers/presets.h"

namespace llmorch {
namespace {

using config::Key;
using config::keys;
using Kind = Key::Kind;

std::string slurp(const std::string& path) {
  std::ifstream in(std::string(LLMORCH_SOURCE_DIR) + "/" + path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// A configuration that holds nothing but `value` at a key's place, and the pointer to it.
struct Placed {
  std::string text;
  std::string pointer;
};
Placed place(std::string_view path, const std::string& value) {
  Placed out;
  std::string close;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    std::string_view step = path.substr(0, dot);
    path = dot == path.npos ? std::string_view() : path.substr(dot + 1);
    const bool list = step.ends_with("[]");
    if (list) step.remove_suffix(2);
    out.text.append("{\"").append(step).append("\":").append(list ? "[" : "");
    out.pointer.append("/").append(step).append(list ? "/0" : "");
    close.insert(0, list ? "]}" : "}");
  }
  out.text.append(value).append(close);
  return out;
}

// The messages of the errors that stand exactly at `pointer`.
std::vector<std::string> errors_at(const Placed& placed, const std::string& pointer) {
  std::vector<std::string> out;
  for (const ConfigIssue& issue : check_config(placed.text)) {
    if (issue.severity == ConfigIssue::Severity::kError && issue.json_pointer == pointer)
      out.push_back(issue.message);
  }
  return out;
}
bool refused(std::string_view path, const std::string& value) {
  const Placed placed = place(path, value);
  return !errors_at(placed, placed.pointer).empty();
}
bool unknown(std::string_view path) {
  const Placed placed = place(path, "null");
  for (const std::string& message : errors_at(placed, placed.pointer)) {
    if (message.find("unknown key") != std::string::npos) return true;
  }
  return false;
}

std::string times(std::int64_t count, const std::string& item, bool numbered = false) {
  std::string out;
  for (std::int64_t i = 0; i < count; ++i) {
    if (i > 0) out += ",";
    out += numbered ? "\"k" + std::to_string(i) + "\":" + item : item;
  }
  return out;
}

void collect(const json::Value& schema, const std::string& path, std::set<std::string>& out) {
  CHECK(schema["additionalProperties"].boolean() == false);
  for (const json::Value::Member& m : schema["properties"].members()) {
    const std::string here = path.empty() ? m.key : path + "." + m.key;
    CHECK_MESSAGE(out.insert(here).second, here);
    CHECK_MESSAGE(!m.value["description"].string().value_or("").empty(), here);
    if (m.value["properties"].exists()) collect(m.value, here, out);
    if (m.value["items"]["properties"].exists()) collect(m.value["items"], here + "[]", out);
  }
}

TEST_CASE("the schema holds every key of the table, and no other") {
  const Result<json::Document> schema =
      json::Document::parse(std::string(config_schema()), {.reject_duplicate_keys = true});
  REQUIRE_MESSAGE(schema, schema.error().message());
  CHECK(schema->root()["$schema"].string() == "https://json-schema.org/draft/2020-12/schema");
  std::set<std::string> in_schema;
  collect(schema->root(), "", in_schema);
  std::set<std::string> in_table;
  for (const Key& key : keys()) CHECK_MESSAGE(in_table.emplace(key.path).second, key.path);
  CHECK(in_schema == in_table);
}

TEST_CASE("the reader knows every key of the table but the program's, and no other") {
  std::set<std::string> owners{""};
  for (const Key& key : keys()) {
    CAPTURE(key.path);
    if (key.program) {
      CHECK(unknown(key.path.substr(0, key.path.find_first_of(".["))));
      continue;
    }
    CHECK_FALSE(unknown(key.path));
    if (key.kind == Kind::kObject) owners.emplace(key.path);
    if (key.kind == Kind::kObjects) owners.insert(std::string(key.path) + "[]");
  }
  CHECK(owners.size() == 7);
  for (const std::string& owner : owners) {
    CAPTURE(owner);
    CHECK(unknown(owner.empty() ? "nobody_knows_this" : owner + ".nobody_knows_this"));
  }
}

TEST_CASE("the reader keeps to the table's types and bounds") {
  for (const Key& key : keys()) {
    if (key.program) continue;
    CAPTURE(key.path);
    const auto number = [](std::int64_t value) { return std::to_string(value); };
    switch (key.kind) {
      case Kind::kInteger:
        CHECK_FALSE(refused(key.path, number(key.least)));
        CHECK_FALSE(refused(key.path, number(key.most)));
        CHECK(refused(key.path, number(key.least - 1)));
        CHECK(refused(key.path, number(key.most + 1)));
        CHECK(refused(key.path, "\"1\""));
        break;
      case Kind::kFlag:
        CHECK_FALSE(refused(key.path, "true"));
        CHECK(refused(key.path, "1"));
        break;
      case Kind::kDuration:
        CHECK_FALSE(refused(key.path, "\"1.5s\""));
        CHECK(refused(key.path, "\"1.5\""));
        CHECK(refused(key.path, "1"));
        break;
      case Kind::kText:
        CHECK(refused(key.path, "1"));
        CHECK(refused(key.path, "\"\"") == (key.least > 0));
        if (key.most > 0) {
          CHECK(refused(key.path,
                        '"' + std::string(static_cast<std::size_t>(key.most) + 1, 'x') + '"'));
        }
        break;
      case Kind::kTexts:
        CHECK_FALSE(refused(key.path, "[" + times(key.most, "\"x\"") + "]"));
        CHECK(refused(key.path, "[" + times(key.most + 1, "\"x\"") + "]"));
        CHECK(refused(key.path, "{}"));
        break;
      case Kind::kTextMap:
      case Kind::kJsonMap:
        CHECK_FALSE(refused(key.path, "{" + times(key.most, "\"x\"", true) + "}"));
        CHECK(refused(key.path, "{" + times(key.most + 1, "\"x\"", true) + "}"));
        CHECK(refused(key.path, "[]"));
        break;
      case Kind::kObjects:
        CHECK(refused(key.path, "[" + times(key.most + 1, "{}") + "]"));
        CHECK(refused(key.path, "[]") == (key.least > 0));
        CHECK(refused(key.path, "{}"));
        break;
      case Kind::kObject:
        CHECK_FALSE(refused(key.path, "{}"));
        CHECK(refused(key.path, "[]"));
        break;
      case Kind::kVersion:
        CHECK_FALSE(refused(key.path, "1"));
        CHECK(refused(key.path, "2"));
        break;
      case Kind::kStrategy:
      case Kind::kType:
        CHECK(refused(key.path, "\"nothing of the kind\""));
        CHECK(refused(key.path, "1"));
        break;
    }
  }
}

TEST_CASE("what the table calls required is missed, and nothing else") {
  std::set<std::string> owners{""};
  for (const Key& key : keys()) {
    if (key.program) continue;
    const std::size_t dot = key.path.rfind('.');
    const std::string owner(key.path.substr(0, dot == key.path.npos ? 0 : dot));
    const std::string name(key.path.substr(dot == key.path.npos ? 0 : dot + 1));
    CAPTURE(key.path);
    const Placed placed = owner.empty() ? Placed{"{}", ""} : place(owner, "{}");
    bool missed = false;
    for (const std::string& message : errors_at(placed, placed.pointer)) {
      missed |= message.find("\"" + name + "\" is missing") != std::string::npos;
      missed |= name == "targets" && message.find("no targets") != std::string::npos;
    }
    CHECK(missed == key.required());
  }
}

TEST_CASE("the schema names every type and vendor that the reader takes") {
  const Result<json::Document> schema = json::Document::parse(std::string(config_schema()));
  REQUIRE(schema);
  std::set<std::string> listed;
  for (const json::Value& word :
       schema->root()["properties"]["providers"]["items"]["properties"]["type"]["enum"].items())
    listed.insert(word.string().value_or(""));
  std::set<std::string> known;
  for (const std::string_view name : provider_type_names()) known.emplace(name);
  for (const std::string_view name : preset_names()) known.emplace(name);
  CHECK(listed == known);
  for (const std::string& name : known) {
    CAPTURE(name);
    CHECK_FALSE(refused("providers[].type", '"' + name + '"'));
  }
}

TEST_CASE("docs/config.schema.json is what config_schema() gives") {
  const bool same = slurp("docs/config.schema.json") == config_schema();
  CHECK_MESSAGE(same, "renew it: llmorch config schema > docs/config.schema.json");
}

std::string type_words(const Key& key) {
  const std::string most = std::to_string(key.most);
  const std::string size =
      key.most == 0
          ? ""
          : (key.least == 0 ? ", at most " : ", " + std::to_string(key.least) + " to ") + most;
  switch (key.kind) {
    case Kind::kObject:
      return "object";
    case Kind::kObjects:
      return "array" + size;
    case Kind::kText:
      return key.most == 0 ? "text" : "text, at most " + most;
    case Kind::kTexts:
      return "array of text" + size;
    case Kind::kTextMap:
      return "object of text" + size;
    case Kind::kJsonMap:
      return "object" + size;
    case Kind::kInteger:
      return std::to_string(key.least) + " to " + most;
    case Kind::kFlag:
      return "true, false";
    case Kind::kDuration:
      return "duration";
    case Kind::kVersion:
      return "`1`";
    case Kind::kStrategy:
      return "`weighted`";
    case Kind::kType:
      return "text";
  }
  return "";
}

// The rows of the first table after a heading, without the table's own head.
std::vector<std::string> table_under(const std::string& text, const std::string& heading) {
  std::vector<std::string> rows;
  std::size_t at = text.find("\n" + heading + "\n");
  if (at == std::string::npos) return rows;
  at = text.find("\n|", at);
  while (at != std::string::npos && text.compare(at, 2, "\n|") == 0) {
    const std::size_t end = text.find('\n', at + 1);
    rows.push_back(text.substr(at + 1, end - at - 1));
    at = end;
  }
  rows.erase(rows.begin(), rows.begin() + std::min<std::ptrdiff_t>(2, std::ssize(rows)));
  return rows;
}

TEST_CASE("docs/CONFIG.md lists the keys of the table, word for word") {
  const std::string doc = slurp("docs/CONFIG.md");
  for (const bool program : {false, true}) {
    std::vector<std::string> wanted;
    for (const Key& key : keys()) {
      if (key.program != program) continue;
      wanted.push_back("| `" + std::string(key.path) + "` | " + type_words(key) + " | " +
                       std::string(key.fallback) + " | " + std::string(key.meaning) + " |");
    }
    const std::vector<std::string> rows =
        table_under(doc, program ? "## The gateway program" : "## Every key");
    for (std::size_t i = 0; i < std::max(rows.size(), wanted.size()); ++i)
      CHECK((i < rows.size() ? rows[i] : "") == (i < wanted.size() ? wanted[i] : ""));
  }
}

TEST_CASE("docs/CONFIG.md lists the vendors and where they are") {
  std::vector<std::string> wanted;
  for (const std::string_view name : preset_names()) {
    wanted.push_back("| `" + std::string(name) + "` | `" +
                     std::string(find_preset(name)->base_url) + "` |");
  }
  CHECK(table_under(slurp("docs/CONFIG.md"), "## Types") == wanted);
}

}  // namespace
}  // namespace llmorch
