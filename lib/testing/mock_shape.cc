#include "testing/mock_shape.h"

#include <algorithm>

namespace llmorch::testing {

std::optional<ShapeMember> next_member(std::string_view& shape) {
  const std::size_t begin = shape.find_first_not_of(' ');
  if (begin == std::string_view::npos) return std::nullopt;
  const std::size_t end = std::min(shape.find(' ', begin), shape.size());
  std::string_view word = shape.substr(begin, end - begin);
  shape.remove_prefix(end);
  ShapeMember member;
  if (const std::size_t note = word.find('='); note != std::string_view::npos) {
    member.note = word.substr(note + 1);
    word = word.substr(0, note);
  }
  const std::size_t colon = word.find(':');
  member.name = word.substr(0, colon);
  member.kinds = word.substr(colon + 1);
  member.required = member.kinds.ends_with('!');
  if (member.required) member.kinds.remove_suffix(1);
  return member;
}

std::optional<ShapeMember> find_member(std::string_view shape, std::string_view name) {
  while (const auto member = next_member(shape)) {
    if (member->name == name) return member;
  }
  return std::nullopt;
}

char kind_of(const json::Value& value) {
  switch (value.type()) {
    case json::Type::kMissing:
      return '-';
    case json::Type::kNull:
      return '0';
    case json::Type::kString:
      return 's';
    case json::Type::kBool:
      return 'b';
    case json::Type::kArray:
      return 'a';
    case json::Type::kObject:
      return 'o';
    case json::Type::kNumber:
      return value.integer() ? 'i' : 'n';
  }
  return '-';
}

bool fits(char kind, std::string_view kinds) {
  return kinds.find(kind) != std::string_view::npos || kinds == "*" ||
         (kind == 'i' && kinds.find('n') != std::string_view::npos);
}

std::optional<ShapeFault> check_shape(const json::Value& object, std::string_view shape) {
  for (const auto& [name, value] : object.members()) {
    if (!find_member(shape, name)) return ShapeFault{ShapeFault::Kind::kUnknown, name, "", value};
  }
  while (const auto member = next_member(shape)) {
    const json::Value value = object[member->name];
    const bool absent = !value.exists() || value.is_null();
    if (absent && !member->required) continue;
    if (!absent && fits(kind_of(value), member->kinds)) continue;
    return ShapeFault{absent ? ShapeFault::Kind::kMissing : ShapeFault::Kind::kWrongType,
                      std::string(member->name), std::string(member->kinds), value};
  }
  return std::nullopt;
}

}  // namespace llmorch::testing
