// Puts a call's arguments together that come as paths and values: Vertex's
// streamFunctionCallArguments (WIRE_FORMATS 3.5).
//
// Belongs to one call. Bounds: number of nodes, depth, list positions; what passes them is an
// error of the upstream.
#ifndef LLMORCH_FORMATS_GEMINI_PARTIAL_ARGS_H_
#define LLMORCH_FORMATS_GEMINI_PARTIAL_ARGS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/json.h"

namespace llmorch::gemini {

class PartialArgs {
 public:
  // One entry of partialArgs. False when it has no place: a wrong path, or over a bound.
  bool add(const json::Value& entry);
  bool empty() const { return nodes_.size() == 1; }
  // What came so far, as an object; what stood open counts as it is.
  std::string json() const;

 private:
  enum class Kind : std::uint8_t { kUnset, kScalar, kString, kObject, kArray };
  struct Node {
    Kind kind = Kind::kUnset;
    std::string text;                                          // kString decoded, kScalar as JSON
    std::vector<std::pair<std::string, std::size_t>> members;  // of an object: name and node
    std::vector<std::size_t> items;                            // of an array
  };

  // The node at the path, made where it is not there yet; nullptr when that cannot be.
  Node* find(std::string_view path);
  std::size_t child(std::size_t parent, std::string_view name);
  std::size_t item(std::size_t parent, std::size_t index);
  std::size_t make();
  void write(std::string& out, std::size_t node) const;

  std::vector<Node> nodes_{Node{Kind::kObject, {}, {}, {}}};  // 0 is the object itself
};

}  // namespace llmorch::gemini

#endif  // LLMORCH_FORMATS_GEMINI_PARTIAL_ARGS_H_
