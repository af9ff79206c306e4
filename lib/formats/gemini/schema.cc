#include "formats/gemini/schema.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "formats/object_writer.h"

namespace llmorch::gemini {
namespace {

using json::Type;
using json::Value;

constexpr int kDeepest = 48;                            // below what a JSON text may have
constexpr std::size_t kLargest = std::size_t{1} << 20;  // inlining may not explode

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string to_upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

// The JSON Schema type of a literal; "" for null.
std::string_view literal_type(const Value& value) {
  switch (value.type()) {
    case Type::kBool:
      return "boolean";
    case Type::kNumber:
      return value.integer() ? "integer" : "number";
    case Type::kString:
      return "string";
    case Type::kArray:
      return "array";
    case Type::kObject:
      return "object";
    default:
      return "";
  }
}

// A schema with its allOf merged in: whatever says a thing first counts, properties and required
// names add up.
struct Flat {
  std::vector<Value::Member> keys;
  std::vector<Value::Member> properties;
  std::vector<std::string> required;
  bool has_properties = false;
  bool has_required = false;

  Value operator[](std::string_view name) const {
    const auto found = std::find_if(keys.begin(), keys.end(),
                                    [&](const Value::Member& key) { return key.key == name; });
    return found == keys.end() ? Value() : found->value;
  }
};

class Converter {
 public:
  explicit Converter(const Value& root) : root_(root) {}

  void to_json_schema(std::string& out, const Value& node, int depth);
  void to_openapi(std::string& out, const Value& node, int depth, bool nullable = false);

 private:
  Value resolve(const Value& ref) const;
  void flatten(const Value& node, bool follow_ref, int depth, Flat& out) const;
  void write_properties(ObjectWriter& to, const Flat& flat, bool openapi, int depth);
  void write_list(ObjectWriter& to, std::string_view key, const std::vector<Value>& list,
                  bool openapi, int depth);
  bool write_openapi_choice(ObjectWriter& to, const Flat& flat, bool& nullable, int depth);
  static void write_openapi_enum(ObjectWriter& to, const Flat& flat, std::string& type,
                                 bool& nullable);

  const Value& root_;
  std::vector<std::string> open_refs_;  // being inlined: one of them again is a cycle
};

// Only references into the document itself, as "#/$defs/Name".
Value Converter::resolve(const Value& ref) const {
  const std::string path = ref.string().value_or("");
  if (path == "#") return root_;
  if (path.rfind("#/", 0) != 0) return {};
  Value at = root_;
  std::size_t begin = 2;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    std::string step;
    step_below("/" + path.substr(begin, end - begin), "", step);
    at = at[step];
    begin = end + 1;
  }
  return at;
}

void Converter::flatten(const Value& node, bool follow_ref, int depth, Flat& out) const {
  if (depth > kDeepest) return;
  for (const Value::Member& member : node.members()) {
    if (member.key == "properties" && member.value.is_object()) {
      out.has_properties = true;
      for (Value::Member& property : member.value.members()) {
        const bool known =
            std::any_of(out.properties.begin(), out.properties.end(),
                        [&](const Value::Member& other) { return other.key == property.key; });
        if (!known) out.properties.push_back(std::move(property));
      }
    } else if (member.key == "required" && member.value.is_array()) {
      out.has_required = true;
      for (const Value& item : member.value.items()) {
        std::string name = item.string().value_or("");
        if (std::find(out.required.begin(), out.required.end(), name) == out.required.end()) {
          out.required.push_back(std::move(name));
        }
      }
    } else if (member.key != "allOf" && !out[member.key].exists()) {
      out.keys.push_back(member);
    }
  }
  const std::vector<Value> all = node["allOf"].items();
  for (const Value& part : all) {
    const bool only_ref = all.size() == 1 && !out.has_properties && !follow_ref;
    const Value target = part["$ref"].exists() && !only_ref ? resolve(part["$ref"]) : part;
    flatten(target, follow_ref, depth + 1, out);
  }
}

void Converter::write_properties(ObjectWriter& to, const Flat& flat, bool openapi, int depth) {
  if (flat.has_properties && !(openapi && flat.properties.empty())) {
    ObjectWriter object = to.object("properties");
    for (const Value::Member& property : flat.properties) {
      std::string& out = object.value(property.key);
      if (openapi) {
        to_openapi(out, property.value, depth + 1);
      } else {
        to_json_schema(out, property.value, depth + 1);
      }
    }
    object.close();
  }
  std::string names = "[";
  for (const std::string& name : flat.required) {
    const bool declared =
        std::any_of(flat.properties.begin(), flat.properties.end(),
                    [&](const Value::Member& property) { return property.key == name; });
    if (!declared && (openapi || flat.has_properties)) continue;
    if (names.size() > 1) names.push_back(',');
    append_json_string(names, name);
  }
  if (flat.has_required && (names.size() > 1 || !openapi)) to.raw("required", names + "]");
}

void Converter::write_list(ObjectWriter& to, std::string_view key, const std::vector<Value>& list,
                           bool openapi, int depth) {
  std::string& out = to.value(key);
  out.push_back('[');
  for (const Value& item : list) {
    if (out.back() != '[') out.push_back(',');
    if (openapi) {
      to_openapi(out, item, depth + 1);
    } else {
      to_json_schema(out, item, depth + 1);
    }
  }
  out.push_back(']');
}

void Converter::to_json_schema(std::string& out, const Value& node, int depth) {
  if (!node.is_object() || depth > kDeepest) {
    out.append("{}");  // a schema that is just `true`
    return;
  }
  Flat flat;
  flatten(node, false, depth, flat);
  ObjectWriter object(out);
  const Value ref = flat["$ref"];
  if (ref.is_string()) {  // may only have keys with a dollar beside it
    std::string target = ref.string().value_or("");
    constexpr std::string_view kOld = "#/definitions/";
    if (target.rfind(kOld, 0) == 0) target = "#/$defs/" + target.substr(kOld.size());
    object.string("$ref", target);
  }
  const bool nullable = flat["nullable"].boolean() == true;
  for (const Value::Member& member : flat.keys) {
    const Value& value = member.value;
    const std::string_view key = member.key;
    if (object.wrote(key)) continue;
    if ((key == "$defs" || key == "definitions") && value.is_object()) {
      ObjectWriter definitions = object.object("$defs");
      for (const Value::Member& definition : value.members()) {
        if (definitions.wrote(definition.key)) continue;
        to_json_schema(definitions.value(definition.key), definition.value, depth + 1);
      }
      definitions.close();
      continue;
    }
    if (ref.is_string()) {
      if (key == "$id" || key == "$anchor") object.raw(key, value.raw());
      continue;
    }
    static constexpr std::array<std::string_view, 12> kAsTheyStand{
        "$id",  "$anchor",  "type",     "format",  "title",   "description",
        "enum", "minItems", "maxItems", "minimum", "maximum", "propertyOrdering"};
    if (key == "type" && nullable && value.is_string()) {
      object.raw("type", "[" + std::string(value.raw()) + ",\"null\"]");
    } else if (is_one_of(kAsTheyStand, key)) {
      object.raw(key, value.raw());
    } else if (key == "const") {
      if (!flat["type"].exists() && !value.is_null()) object.string("type", literal_type(value));
      if (!flat["enum"].exists()) object.raw("enum", "[" + std::string(value.raw()) + "]");
    } else if (key == "items" && !value.is_array()) {
      to_json_schema(object.value("items"), value, depth + 1);
    } else if (key == "prefixItems" || key == "items") {  // a list of items is the older spelling
      if (!object.wrote("prefixItems")) {
        write_list(object, "prefixItems", value.items(), false, depth);
      }
    } else if ((key == "anyOf" || key == "oneOf") && value.is_array()) {
      write_list(object, key, value.items(), false, depth);
    } else if (key == "additionalProperties") {
      if (value.is_object()) {
        to_json_schema(object.value(key), value, depth + 1);
      } else {
        object.raw(key, value.raw());
      }
    }
  }
  if (!ref.is_string()) write_properties(object, flat, false, depth);
  object.close();
}

// anyOf and oneOf: a null among them is `nullable`, and what is then alone needs no choice.
bool Converter::write_openapi_choice(ObjectWriter& to, const Flat& flat, bool& nullable,
                                     int depth) {
  for (const std::string_view key : {"anyOf", "oneOf"}) {
    const Value list = flat[key];
    if (!list.is_array()) continue;
    std::vector<Value> rest;
    for (const Value& item : list.items()) {
      if (item["type"].string() == "null") {
        nullable = true;
      } else {
        rest.push_back(item);
      }
    }
    if (rest.empty()) continue;
    write_list(to, "anyOf", rest, true, depth);
    return true;
  }
  return false;
}

// Enums are lists of strings here.
void Converter::write_openapi_enum(ObjectWriter& to, const Flat& flat, std::string& type,
                                   bool& nullable) {
  std::vector<Value> values = flat["enum"].items();
  if (const Value literal = flat["const"]; literal.exists()) values = {literal};
  std::string list = "[";
  for (const Value& value : values) {
    if (value.is_null()) {
      nullable = true;
      continue;
    }
    if (list.size() > 1) list.push_back(',');
    append_json_string(list, value.is_string() ? value.string().value_or("") : value.raw());
  }
  if (list.size() == 1) return;
  to.raw("enum", list + "]");
  type = "STRING";
}

void Converter::to_openapi(std::string& out, const Value& given, int depth, bool nullable) {
  if (!given.is_object() || depth > kDeepest || out.size() > kLargest) {
    out.append(R"({"type":"OBJECT"})");
    return;
  }
  Value node = given;
  const std::string ref = node["$ref"].string().value_or("");
  if (!ref.empty()) {
    node = resolve(node["$ref"]);
    const bool cycle = std::find(open_refs_.begin(), open_refs_.end(), ref) != open_refs_.end();
    if (cycle || !node.is_object()) {
      out.append(R"({"type":"OBJECT"})");
      return;
    }
    open_refs_.push_back(ref);
    to_openapi(out, node, depth + 1, nullable);
    open_refs_.pop_back();
    return;
  }
  Flat flat;
  flatten(node, true, depth, flat);
  // One choice beside a null is that choice.
  for (const std::string_view key : {"anyOf", "oneOf"}) {
    const std::vector<Value> list = flat[key].items();
    std::vector<Value> rest;
    for (const Value& item : list) {
      if (item["type"].string() != "null") rest.push_back(item);
    }
    if (rest.size() == 1 && !flat["type"].exists() && !flat.has_properties) {
      return to_openapi(out, rest.front(), depth + 1, nullable || rest.size() < list.size());
    }
  }

  ObjectWriter object(out);
  nullable = nullable || flat["nullable"].boolean() == true;
  std::string type = to_upper(flat["type"].string().value_or(""));
  std::vector<std::string> types;
  for (const Value& item : flat["type"].items()) {
    std::string name = to_upper(item.string().value_or(""));
    if (name == "NULL") {
      nullable = true;
    } else {
      types.push_back(std::move(name));
    }
  }
  if (types.size() == 1) type = types.front();
  if (type == "NULL") {
    nullable = true;
    type = "STRING";
  }
  const bool choice = write_openapi_choice(object, flat, nullable, depth);
  if (!choice && types.size() > 1) {
    std::string list = "[";
    for (const std::string& name : types) {
      if (list.size() > 1) list.push_back(',');
      list.append("{\"type\":\"" + name + "\"}");
    }
    object.raw("anyOf", list + "]");
  } else if (!choice) {
    write_openapi_enum(object, flat, type, nullable);
    if (type.empty()) type = flat.has_properties ? "OBJECT" : flat["items"].exists() ? "ARRAY" : "";
    object.string("type", type.empty() ? "STRING" : type);
  }
  if (nullable) object.boolean("nullable", true);
  static constexpr std::array<std::string_view, 12> kAsTheyStand{
      "title",         "description", "propertyOrdering", "minItems", "maxItems", "minProperties",
      "maxProperties", "minLength",   "maxLength",        "pattern",  "minimum",  "maximum"};
  for (const Value::Member& member : flat.keys) {
    if (is_one_of(kAsTheyStand, member.key)) object.raw(member.key, member.value.raw());
  }
  const std::string format = flat["format"].string().value_or("");
  static constexpr std::array<std::string_view, 2> kTextFormats{"enum", "date-time"};
  static constexpr std::array<std::string_view, 4> kNumberFormats{"float", "double", "int32",
                                                                  "int64"};
  const bool number = type == "NUMBER" || type == "INTEGER";
  if ((type == "STRING" && is_one_of(kTextFormats, format)) ||
      (number && is_one_of(kNumberFormats, format))) {
    object.string("format", format);
  }
  if (type == "ARRAY") {
    const Value items = flat["items"];
    if (items.is_object()) {
      to_openapi(object.value("items"), items, depth + 1);
    } else {
      object.raw("items", R"({"type":"STRING"})");
    }
  }
  write_properties(object, flat, true, depth);
  object.close();
}

}  // namespace

std::string json_schema(const Value& schema) {
  std::string out;
  Converter(schema).to_json_schema(out, schema, 0);
  return out;
}

std::string openapi_schema(const Value& schema) {
  std::string out;
  Converter(schema).to_openapi(out, schema, 0);
  return out;
}

bool is_empty_object(const Value& schema) {
  const Value more = schema["additionalProperties"];
  if (more.exists() && more.boolean() != false) return false;
  for (const Value::Member& member : schema.members()) {
    static constexpr std::array<std::string_view, 8> kSayNothing{
        "type",       "title",    "description", "$schema", "additionalProperties",
        "properties", "required", "$id"};
    if (!is_one_of(kSayNothing, member.key)) return false;
  }
  return schema["properties"].size() == 0;
}

}  // namespace llmorch::gemini
