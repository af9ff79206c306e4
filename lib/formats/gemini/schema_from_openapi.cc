#include <string>

#include "base/text.h"
#include "formats/gemini/schema.h"
#include "formats/object_writer.h"

namespace llmorch::gemini {
namespace {

using json::Value;

constexpr int kDeepest = 48;  // below what a JSON text may have

void write_plain(std::string& out, const Value& node, int depth) {
  if (!node.is_object() || depth > kDeepest) {
    out.append("{}");
    return;
  }
  ObjectWriter object(out);
  const bool nullable = node["nullable"].boolean() == true;
  for (const Value::Member& member : node.members()) {
    const Value& value = member.value;
    const std::string& key = member.key;
    if (object.wrote(key)) continue;
    if (key == "type" && value.is_string()) {
      const std::string type = to_lower(value.string().value_or(""));
      if (type == "type_unspecified") continue;
      object.raw("type", nullable ? "[" + json_string(type) + ",\"null\"]" : json_string(type));
    } else if (key == "properties" && value.is_object()) {
      ObjectWriter properties = object.object("properties");
      for (const Value::Member& property : value.members()) {
        if (properties.wrote(property.key)) continue;
        write_plain(properties.value(property.key), property.value, depth + 1);
      }
      properties.close();
    } else if (key == "items" || key == "additionalProperties") {
      if (value.is_object()) {
        write_plain(object.value(key), value, depth + 1);
      } else {
        object.raw(key, value.raw());
      }
    } else if ((key == "anyOf" || key == "any_of") && value.is_array()) {
      std::string& list = object.value("anyOf");
      list.push_back('[');
      for (const Value& item : value.items()) {
        if (list.back() != '[') list.push_back(',');
        write_plain(list, item, depth + 1);
      }
      if (nullable) list.append(list.back() == '[' ? "" : ",").append(R"({"type":"null"})");
      list.push_back(']');
    } else if (key == "enum" && nullable && value.is_array() && value.size() > 0) {
      std::string list(value.raw());
      list.insert(list.size() - 1, ",null");
      object.raw(key, list);
    } else if (key == "example") {
      object.raw("examples", "[" + std::string(value.raw()) + "]");
    } else if (key != "nullable" && key != "propertyOrdering" && key != "property_ordering") {
      // "minItems": "1" is how proto JSON writes a long number.
      const std::string text = value.string().value_or("");
      const bool bound = key.rfind("min", 0) == 0 || key.rfind("max", 0) == 0;
      const bool digits =
          !text.empty() && text.size() < 19 && text.find_first_not_of("0123456789") == text.npos;
      object.raw(key,
                 bound && digits ? std::to_string(std::stoll(text)) : std::string(value.raw()));
    }
  }
  object.close();
}

}  // namespace

std::string from_openapi(const Value& schema) {
  std::string out;
  write_plain(out, schema, 0);
  return out;
}

}  // namespace llmorch::gemini
