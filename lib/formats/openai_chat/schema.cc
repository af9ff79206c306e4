// JSON Schemas as OpenAI takes them.
#include <algorithm>
#include <array>

#include "formats/openai_chat/encoding.h"

namespace llmorch::openai_chat {
namespace {

using json::Value;

constexpr int kDeepest = 10;  // OpenAI's own bound for strict schemas

bool is_strict(const Value& schema, int depth);

bool all_strict(const Value& container, int depth) {
  for (const Value& item : container.items()) {
    if (!is_strict(item, depth)) return false;
  }
  for (const Value::Member& member : container.members()) {
    if (!is_strict(member.value, depth)) return false;
  }
  return true;
}

// An allow-list: what is not known to be taken is refused.
bool is_strict(const Value& schema, int depth) {
  static constexpr std::array<std::string_view, 8> kPlain{
      "type", "description", "title", "enum", "const", "$ref", "required", "additionalProperties"};
  if (!schema.is_object() || depth > kDeepest) return false;
  for (const Value::Member& member : schema.members()) {
    const std::string& key = member.key;
    if (key == "properties" || key == "$defs" || key == "anyOf") {
      if (!all_strict(member.value, depth + 1)) return false;
    } else if (key == "items") {
      if (!is_strict(member.value, depth + 1)) return false;
    } else if (std::find(kPlain.begin(), kPlain.end(), key) == kPlain.end()) {
      return false;
    }
  }
  const Value properties = schema["properties"];
  if (schema["type"].string() != "object" && !properties.exists()) return true;
  if (schema["additionalProperties"].boolean() != false) return false;
  const std::vector<Value> required = schema["required"].items();
  for (const Value::Member& member : properties.members()) {
    const bool needed = std::any_of(required.begin(), required.end(),
                                    [&](const Value& name) { return name.string() == member.key; });
    if (!needed) return false;
  }
  return properties.is_object();
}

}  // namespace

std::string function_schema(const std::string& schema) {
  const auto document = json::Document::parse(schema);
  if (!document || !document->root().is_object()) return schema;
  const Value root = document->root();
  const bool typed = root["type"].exists();
  if (typed && (root["type"].string() != "object" || root["properties"].exists())) return schema;
  std::string out;
  ObjectWriter object(out);
  if (!typed) object.string("type", "object");
  for (const Value::Member& member : root.members()) object.raw(member.key, member.value.raw());
  if (!root["properties"].exists()) object.raw("properties", "{}");
  object.close();
  return out;
}

bool is_strict_schema(const std::string& schema) {
  const auto document = json::Document::parse(schema);
  if (!document) return false;
  const Value root = document->root();
  return root["type"].string() == "object" && !root["anyOf"].exists() && is_strict(root, 0);
}

}  // namespace llmorch::openai_chat
