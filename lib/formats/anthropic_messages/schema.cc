#include "formats/anthropic_messages/schema.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/text.h"
#include "formats/object_writer.h"

namespace llmorch::anthropic_messages {
namespace {

using json::Type;
using json::Value;

constexpr std::string_view kEmptyObject = R"({"type":"object","properties":{}})";
constexpr std::string_view kDefs = "#/$defs/";
constexpr std::string_view kOldDefs = "#/definitions/";  // draft 7
constexpr std::size_t kMostNames = 1000;                 // definitions, or merged properties

template <std::size_t N>
bool has(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_union(std::string_view key) { return key == "anyOf" || key == "oneOf" || key == "allOf"; }

// The name that a reference points at; "" for the root and for anything not in this schema.
std::string_view ref_name(std::string_view ref) {
  for (const std::string_view prefix : {kDefs, kOldDefs}) {
    if (ref.substr(0, prefix.size()) == prefix) return ref.substr(prefix.size());
  }
  return "";
}

void collect_refs(const Value& node, std::set<std::string>& out) {
  for (const Value& item : node.items()) collect_refs(item, out);
  for (const Value::Member& member : node.members()) {
    if (member.key == "$ref" && member.value.is_string()) {
      out.emplace(ref_name(member.value.string().value_or("")));
    } else {
      collect_refs(member.value, out);
    }
  }
}

using Refs = std::map<std::string, std::set<std::string>>;

// Whether following references from `name` leads back to it, or out of the schema.
bool is_endless(const Refs& refs, const std::string& name, std::set<std::string>& open,
                std::set<std::string>& done) {
  if (done.count(name) != 0) return false;
  const auto found = refs.find(name);
  if (found == refs.end() || !open.insert(name).second) return true;
  for (const std::string& next : found->second) {
    if (is_endless(refs, next, open, done)) return true;
  }
  open.erase(name);
  done.insert(name);
  return false;
}

bool has_bad_refs(const Value& root) {
  if (root["$defs"].size() + root["definitions"].size() > kMostNames) return true;
  Refs refs;
  for (const std::string_view key : {"$defs", "definitions"}) {
    for (const Value::Member& member : root[key].members()) {
      collect_refs(member.value, refs[member.key]);
    }
  }
  std::set<std::string> used;
  collect_refs(root, used);
  std::set<std::string> open;
  std::set<std::string> done;
  return std::any_of(used.begin(), used.end(),
                     [&](const std::string& name) { return is_endless(refs, name, open, done); });
}

class Strict {
 public:
  explicit Strict(StrictSchema& out) : out_(out) {}
  void write(const Value& node);

 private:
  struct Note {
    std::string key;
    std::string_view json;
  };
  void write_members(const Value& node, ObjectWriter& object, std::vector<Note>& notes);
  bool write_member(const Value::Member& member, ObjectWriter& object);
  void write_map(ObjectWriter& object, std::string_view key, const Value& schemas);
  void write_list(ObjectWriter& object, std::string_view key, const Value& schemas);
  void count_optional(const Value& node);

  StrictSchema& out_;
};

void Strict::write_map(ObjectWriter& object, std::string_view key, const Value& schemas) {
  ObjectWriter map(object.value(key));
  for (const Value::Member& member : schemas.members()) {
    map.value(member.key);
    write(member.value);
  }
  map.close();
}

void Strict::write_list(ObjectWriter& object, std::string_view key, const Value& schemas) {
  object.value(key).push_back('[');
  for (const Value& schema : schemas.items()) {
    if (out_.json.back() != '[') out_.json.push_back(',');
    write(schema);
  }
  out_.json.push_back(']');
}

bool is_plain(const Value& value) { return !value.is_array() && !value.is_object(); }

// True when the keyword was taken; false when a note must be left.
bool Strict::write_member(const Value::Member& member, ObjectWriter& object) {
  static constexpr std::array<std::string_view, 9> kFormats{
      "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6"};
  const std::string& key = member.key;
  const Value& value = member.value;
  if (key == "$schema" || key == "$id" || key == "$comment") return true;
  if ((key == "$defs" || key == "definitions") && value.is_object()) {
    if (object.wrote("$defs")) return false;
    write_map(object, "$defs", value);
    return true;
  }
  if (is_union(key) && value.is_array()) {
    const std::string_view name = key == "allOf" ? "allOf" : "anyOf";
    if (object.wrote(name)) return false;
    if (name == "anyOf" && value.size() > 1) ++out_.unions;
    write_list(object, name, value);
    return true;
  }
  if (object.wrote(key)) return true;  // a key twice: the first was written, nobody can mean both
  if (key == "properties" && value.is_object()) {
    write_map(object, key, value);
    return true;
  }
  if (key == "items" && value.is_object()) {
    object.value(key);
    write(value);
    return true;
  }
  const bool plain_list = key == "enum" && value.is_array() && [&] {
    const auto items = value.items();
    return std::all_of(items.begin(), items.end(), is_plain);
  }();
  const std::string word = value.string().value_or("");
  const bool taken = plain_list || (key == "const" && is_plain(value)) || key == "type" ||
                     (key == "title" && value.is_string()) ||
                     (key == "required" && value.is_array()) ||
                     (key == "minItems" && (value.raw() == "0" || value.raw() == "1")) ||
                     (key == "format" && (has(kFormats, word) || word == "uuid"));
  if (taken) object.raw(key, value.raw());
  return taken;
}

void Strict::write_members(const Value& node, ObjectWriter& object, std::vector<Note>& notes) {
  for (const Value::Member& member : node.members()) {
    if (member.key == "description" && member.value.is_string()) continue;
    if (member.key == "additionalProperties") {
      // A map with free keys: held to "no other members" it would stay empty.
      if (member.value.is_object() && member.value.size() > 0) out_.possible = false;
      continue;
    }
    if (!write_member(member, object)) notes.push_back({member.key, member.value.raw()});
  }
}

void Strict::count_optional(const Value& node) {
  std::set<std::string> required;
  for (const Value& name : node["required"].items()) required.insert(name.string().value_or(""));
  for (const Value::Member& member : node["properties"].members()) {
    if (required.count(member.key) == 0) ++out_.optional;
  }
}

void Strict::write(const Value& node) {
  const Value ref = node["$ref"];
  const Value type = node["type"];
  ObjectWriter object(out_.json);
  if (ref.is_string()) {
    const std::string name(ref_name(ref.string().value_or("")));
    object.string("$ref", std::string(kDefs) + name);
    return object.close();
  }
  const bool says_type = type.exists() || node["enum"].exists() || node["const"].exists() ||
                         node["anyOf"].exists() || node["oneOf"].exists() || node["allOf"].exists();
  if (!node.is_object() || !says_type) out_.possible = false;
  if (type.is_array() && type.size() > 1) ++out_.unions;
  count_optional(node);
  std::vector<Note> notes;
  write_members(node, object, notes);
  const auto types = type.items();
  const bool is_object = type.string() == "object" ||
                         std::any_of(types.begin(), types.end(),
                                     [](const Value& item) { return item.string() == "object"; });
  if (is_object) {
    if (!object.wrote("properties")) object.raw("properties", "{}");
    object.boolean("additionalProperties", false);
  }
  std::string text = node["description"].string().value_or("");
  if (!notes.empty()) {
    text.append(text.empty() ? "{" : "\n\n{");
    for (const Note& note : notes) {
      if (&note != &notes.front()) text.append(", ");
      text.append(note.key).append(": ").append(note.json);
    }
    text.push_back('}');
  }
  if (!text.empty()) object.string("description", text);
  object.close();
}

// What the branches of a union at the root have in common with a plain object: their properties.
void write_merged(const Value& root, std::string& out) {
  ObjectWriter object(out);
  object.string("type", "object");
  std::string properties;
  ObjectWriter merged(properties);
  std::set<std::string> seen;
  const auto add = [&](const Value& schema) {
    for (const Value::Member& member : schema["properties"].members()) {
      if (seen.size() < kMostNames && seen.insert(member.key).second) {
        merged.raw(member.key, member.value.raw());
      }
    }
  };
  add(root);
  std::string note;
  for (const Value::Member& member : root.members()) {
    if (!is_union(member.key)) continue;
    for (const Value& branch : member.value.items()) add(branch);
    note.append(note.empty() ? "{" : ", ").append(member.key).append(": ");
    note.append(member.value.raw());
  }
  merged.close();
  object.raw("properties", properties);
  seen = {"type", "properties", "description"};
  for (const Value::Member& member : root.members()) {
    if (!is_union(member.key) && seen.insert(member.key).second) {
      object.raw(member.key, member.value.raw());
    }
  }
  std::string text = root["description"].string().value_or("");
  text.append(text.empty() ? "" : "\n\n").append(note).append("}");
  object.string("description", text);
  object.close();
}

}  // namespace

StrictSchema strict_schema(std::string_view schema) {
  StrictSchema out;
  const auto document = json::Document::parse(std::string(schema));
  if (!document || document->root()["type"].string() != "object" ||
      document->root()["$ref"].exists()) {
    out.json = kEmptyObject;
    out.possible = false;
    return out;
  }
  const Value root = document->root();
  for (const Value::Member& member : root.members()) {
    if (is_union(member.key)) out.possible = false;
  }
  if (has_bad_refs(root)) out.possible = false;
  Strict(out).write(root);
  return out;
}

std::string tool_schema(std::string_view schema) {
  const auto document = json::Document::parse(std::string(schema));
  if (!document || !document->root().is_object() || document->root().size() == 0) {
    return std::string(kEmptyObject);
  }
  const Value root = document->root();
  std::string out;
  for (const Value::Member& member : root.members()) {
    if (!is_union(member.key)) continue;
    write_merged(root, out);
    return out;
  }
  if (root["type"].string() == "object") return std::string(schema);
  ObjectWriter object(out);
  object.string("type", "object");
  for (const Value::Member& member : root.members()) {
    if (member.key != "type") object.raw(member.key, member.value.raw());
  }
  object.close();
  return out;
}

}  // namespace llmorch::anthropic_messages
