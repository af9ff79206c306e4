// Shapes: which members an object of a vendor's API has, written as one line of text.
//
//   "text:s! cache_control:o citations:ao"
//
// A word per member: its name, a colon, the kinds of value it takes — s string, n number, i whole
// number, b boolean, o object, a array, * anything — and "!" when it must be there. null is as good
// as absent. What follows a "=" is the caller's own, such as the name of the member's own shape.
#ifndef LLMORCH_TESTING_MOCK_SHAPE_H_
#define LLMORCH_TESTING_MOCK_SHAPE_H_

#include <optional>
#include <string>
#include <string_view>

#include "json/json.h"

namespace llmorch::testing {

struct ShapeMember {
  std::string_view name;
  std::string_view kinds;
  bool required = false;
  std::string_view note;  // behind "="
};

// Takes the next word off the front of `shape`; nullopt at its end.
std::optional<ShapeMember> next_member(std::string_view& shape);
std::optional<ShapeMember> find_member(std::string_view shape, std::string_view name);

// 's', 'n', 'i', 'b', 'a', 'o'; '0' for null, '-' when missing.
char kind_of(const json::Value& value);
bool fits(char kind, std::string_view kinds);

struct ShapeFault {
  enum class Kind { kUnknown, kMissing, kWrongType };
  Kind kind = Kind::kUnknown;
  std::string name;
  std::string kinds;  // that would have been right
  json::Value value;
};
// The first fault of an object: unknown members first, in their order, then the shape's.
std::optional<ShapeFault> check_shape(const json::Value& object, std::string_view shape);

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_MOCK_SHAPE_H_
