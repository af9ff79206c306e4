// Gemini's two schema dialects (WIRE_FORMATS 3.3): the OpenAPI subset, whose names were checked
// with all others, and JSON Schema with its own limits.
#include <algorithm>

#include "base/text.h"
#include "testing/mock_gemini.h"

namespace llmorch::testing {
namespace {

using json::Value;

constexpr std::string_view kTypes[] = {"TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER",
                                       "BOOLEAN",          "ARRAY",  "OBJECT", "NULL"};

std::string request_field(const std::string& at) { return "* GenerateContentRequest." + at; }

bool is_type(const Value& type, std::string_view word) {
  return equals_ignore_case(type.string().value_or(""), word);
}

GeminiProblem check_words(const Value& schema, const std::string& at) {
  const Value type = schema["type"];
  const bool known =
      !type.exists() || std::any_of(std::begin(kTypes), std::end(kTypes),
                                    [&type](std::string_view word) { return is_type(type, word); });
  if (!known) {
    return joined("Invalid value at '", at,
                  ".type' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type), ",
                  type.raw());
  }
  for (const Value& word : schema["enum"].items()) {
    if (!word.is_string()) {
      return joined("Invalid value at '", at, ".enum[0]' (TYPE_STRING), ", word.raw());
    }
  }
  if (schema["enum"].size() > 0 && !is_type(type, "STRING")) {
    return request_field(at) + ".enum: only allowed for STRING type\n";
  }
  const std::string format = schema["format"].string().value_or("");
  if (format.empty()) return std::nullopt;
  if (is_type(type, "STRING") && format != "enum" && format != "date-time") {
    return request_field(at) +
           ".format: only 'enum' and 'date-time' are supported for STRING type\n";
  }
  const bool number = format == "float" || format == "double";
  const bool whole = format == "int32" || format == "int64";
  if ((is_type(type, "NUMBER") && !number && !whole) || (is_type(type, "INTEGER") && !whole)) {
    return request_field(at) + ".format: '" + format + "' is not supported for this type\n";
  }
  return std::nullopt;
}

// The nodes below this one that any JSON Schema holds.
std::vector<Value> children(const Value& node) {
  std::vector<Value> out;
  for (const std::string_view key : {"properties", "$defs"}) {
    for (const auto& [name, value] : node[key].members()) out.push_back(value);
  }
  for (const std::string_view key : {"anyOf", "oneOf", "prefixItems"}) {
    for (const Value& value : node[key].items()) out.push_back(value);
  }
  for (const std::string_view key : {"items", "additionalProperties"}) {
    if (node[key].is_object()) out.push_back(node[key]);
  }
  return out;
}

class JsonSchema {
 public:
  JsonSchema(const Value& root, const std::string& at) : root_(root), at_(at) {}

  GeminiProblem check(const Value& node) {
    if (node["const"].exists()) return at_ + ": const is not supported. Use a one-value enum.";
    if (node["$ref"].exists()) {
      for (const auto& [key, value] : node.members()) {
        // A title was seen to be accepted.
        if (!key.starts_with('$') && key != "title")
          return at_ + ": $ref cannot stand beside '" + key + "'.";
      }
      if (!target(node).exists()) {
        return joined(at_, ": cannot resolve $ref ", node["$ref"].raw(), ".");
      }
    }
    for (const Value& child : children(node)) {
      if (auto problem = check(child)) return problem;
    }
    return std::nullopt;
  }

  // A circle of required properties has no finite value.
  GeminiProblem check_circles(const Value& node, std::vector<std::string> way) {
    if (node["$ref"].exists()) {
      const std::string ref = node["$ref"].string().value_or("");
      if (std::find(way.begin(), way.end(), ref) != way.end()) {
        return at_ + ": cyclic $ref '" + ref + "' in required properties.";
      }
      if (std::find(free_.begin(), free_.end(), ref) != free_.end()) return std::nullopt;
      way.push_back(ref);
      auto problem = check_circles(target(node), std::move(way));
      free_.push_back(ref);
      return problem;
    }
    for (const Value& name : node["required"].items()) {
      const Value property = node["properties"][name.string().value_or("")];
      if (!property.exists()) continue;
      if (auto problem = check_circles(property, way)) return problem;
    }
    return std::nullopt;
  }

 private:
  Value target(const Value& node) const {
    const std::string ref = node["$ref"].string().value_or("");
    constexpr std::string_view kPlace = "#/$defs/";
    if (ref == "#") return root_;
    return ref.starts_with(kPlace) ? root_["$defs"][ref.substr(kPlace.size())] : Value();
  }

  const Value root_;
  const std::string at_;
  std::vector<std::string> free_;  // references that were seen to lead into no circle
};

}  // namespace

GeminiProblem check_gemini_schema(const Value& schema, const std::string& at) {
  if (!schema.is_object()) return std::nullopt;
  if (auto problem = check_words(schema, at)) return problem;
  const Value properties = schema["properties"];
  if (is_type(schema["type"], "ARRAY") && !schema["items"].exists()) {
    return request_field(at) + ".items: missing field.\n";
  }
  std::size_t index = 0;
  for (const Value& name : schema["required"].items()) {
    if (!properties[name.string().value_or("")].exists()) {
      return joined(request_field(at), ".required[", index, "]: property is not defined\n");
    }
    ++index;
  }
  for (const auto& [name, value] : properties.members()) {
    if (auto problem = check_gemini_schema(value, at + ".properties[" + name + "]")) return problem;
  }
  const Value choices = gemini_member(schema, "anyOf");
  for (const Value& choice : choices.items()) {
    if (auto problem = check_gemini_schema(choice, at + ".any_of")) return problem;
  }
  return check_gemini_schema(schema["items"], at + ".items");
}

GeminiProblem check_gemini_json_schema(const Value& schema, const std::string& at) {
  if (!schema.exists()) return std::nullopt;
  if (!schema.is_object()) return "Invalid value at '" + at + "': a JSON Schema must be an object.";
  JsonSchema reader(schema, at);
  if (auto problem = reader.check(schema)) return problem;
  return reader.check_circles(schema, {});
}

}  // namespace llmorch::testing
