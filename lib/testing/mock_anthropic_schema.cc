// The schemas that Anthropic compiles into a grammar: which keywords they may hold, and how many
// of what (WIRE_FORMATS 2.4; the messages are recorded ones where there are any).
#include <algorithm>

#include "testing/mock_anthropic.h"

namespace llmorch::testing {
namespace {

using json::Value;

constexpr int kMaxDepth = 64;
constexpr std::string_view kKeywords[] = {
    "$defs",    "$ref",  "$schema",     "additionalProperties",
    "anyOf",    "const", "description", "enum",
    "format",   "items", "minItems",    "properties",
    "required", "title", "type"};
constexpr std::string_view kFormats[] = {"date-time", "time", "date", "duration", "email",
                                         "hostname",  "uri",  "ipv4", "ipv6",     "uuid"};

template <std::size_t N>
bool among(std::string_view word, const std::string_view (&words)[N]) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

std::string definition_of(const Value& node) {
  const std::string ref = node["$ref"].string().value_or("");
  constexpr std::string_view kPlace = "#/$defs/";
  return ref.starts_with(kPlace) ? ref.substr(kPlace.size()) : "";
}

}  // namespace

Problem StrictSchemas::check_node(const Value& node, std::string_view at) {
  const std::string type = node["type"].string().value_or("");
  if (!node.is_object()) {
    return joined(at, ": For 'object' type, property 'properties' is not supported");
  }
  for (const auto& [key, value] : node.members()) {
    if (!among(key, kKeywords)) {
      return joined(at, ": For '", type, "' type, property '", key, "' is not supported");
    }
  }
  const Value ref = node["$ref"];
  if (ref.exists() && node.size() > 1 && !node["$defs"].exists()) {
    return joined(at, ": Invalid schema: $ref cannot have siblings");
  }
  const Value format = node["format"];
  if (format.exists() && !among(format.string().value_or(""), kFormats)) {
    return joined(at, ": For 'string' type, format '", format.string().value_or(""),
                  "' is not supported");
  }
  if (node["minItems"].exists() && node["minItems"].integer().value_or(2) > 1) {
    return joined(at, ": For 'array' type, 'minItems' values other than 0 or 1 are not supported");
  }
  if (type == "object" && node["additionalProperties"].boolean() != false) {
    return joined(at,
                  ": For 'object' type, 'additionalProperties' must be explicitly set to false");
  }
  if (node["type"].is_array() || node["anyOf"].is_array()) ++unions_;
  return std::nullopt;
}

Problem StrictSchemas::walk(const Value& node, std::string_view at, int depth) {
  if (depth > kMaxDepth) return joined(at, ": Invalid schema: too deep");
  if (auto problem = check_node(node, at)) return problem;
  const auto required = node["required"].items();
  for (const auto& [name, value] : node["properties"].members()) {
    const bool demanded =
        std::any_of(required.begin(), required.end(),
                    [&key = name](const Value& item) { return item.string() == key; });
    if (!demanded) ++optional_;
    if (auto problem = walk(value, at, depth + 1)) return problem;
  }
  for (const auto& [name, value] : node["$defs"].members()) {
    if (auto problem = walk(value, at, depth + 1)) return problem;
  }
  for (const Value& choice : node["anyOf"].items()) {
    if (auto problem = walk(choice, at, depth + 1)) return problem;
  }
  return node["items"].exists() ? walk(node["items"], at, depth + 1) : std::nullopt;
}

Problem StrictSchemas::check_cycles(const Value& node, const Value& definitions,
                                    std::vector<std::string>& way, int depth) {
  if (depth > kMaxDepth) return std::nullopt;
  if (const std::string name = definition_of(node); !name.empty()) {
    if (std::find(free_.begin(), free_.end(), name) != free_.end()) return std::nullopt;
    const bool again = std::find(way.begin(), way.end(), name) != way.end();
    way.push_back(name);
    if (again) {
      std::string circle;
      for (const std::string& step : way) put(circle, circle.empty() ? "" : " -> ", step);
      return "Invalid schema: Circular reference detected in schema definitions: " + circle +
             ". Self-referencing or mutually-referencing definitions are not supported.";
    }
    if (!definitions[name].exists()) return "Invalid schema: unresolvable $ref to " + name;
    auto problem = check_cycles(definitions[name], definitions, way, depth + 1);
    way.pop_back();
    free_.push_back(name);
    return problem;
  }
  for (const auto& [name, value] : node["properties"].members()) {
    if (auto problem = check_cycles(value, definitions, way, depth + 1)) return problem;
  }
  for (const Value& choice : node["anyOf"].items()) {
    if (auto problem = check_cycles(choice, definitions, way, depth + 1)) return problem;
  }
  return node["items"].exists() ? check_cycles(node["items"], definitions, way, depth + 1)
                                : std::nullopt;
}

Problem StrictSchemas::check(const Value& schema, std::string_view at) {
  if (schema["type"].string() != "object") return joined(at, ".type: Input should be 'object'");
  if (auto problem = walk(schema, at, 0)) return problem;
  std::vector<std::string> way;
  if (auto problem = check_cycles(schema, schema["$defs"], way, 0)) {
    return joined(at, ": ", *problem);
  }
  if (optional_ > 24) {
    return joined("Schemas contains too many optional parameters (", optional_,
                  "), which would make grammar compilation inefficient. Reduce the number of "
                  "optional parameters in your tool schemas (limit: 24).");
  }
  if (unions_ > 16) {
    return joined("Schemas contains too many parameters with union types (", unions_,
                  " parameters with type arrays or anyOf). This causes exponential compilation "
                  "cost. Reduce the number of nullable or union-typed parameters (limit: 16 "
                  "parameters with unions).");
  }
  return std::nullopt;
}

}  // namespace llmorch::testing
