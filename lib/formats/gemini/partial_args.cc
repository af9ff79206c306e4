#include "formats/gemini/partial_args.h"

#include <algorithm>

#include "base/text.h"
#include "formats/gemini/gemini.h"

namespace llmorch::gemini {
namespace {

constexpr std::size_t kMostNodes = 20'000;
constexpr std::size_t kMostItems = 10'000;
constexpr int kDeepest = 60;
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

}  // namespace

std::size_t PartialArgs::make() {
  if (nodes_.size() >= kMostNodes) return kNone;
  nodes_.emplace_back();
  return nodes_.size() - 1;
}

std::size_t PartialArgs::child(std::size_t parent, std::string_view name) {
  if (nodes_[parent].kind == Kind::kUnset) nodes_[parent].kind = Kind::kObject;
  if (nodes_[parent].kind != Kind::kObject) return kNone;
  for (const auto& [key, node] : nodes_[parent].members) {
    if (key == name) return node;
  }
  const std::size_t made = make();
  if (made != kNone) nodes_[parent].members.emplace_back(name, made);
  return made;
}

std::size_t PartialArgs::item(std::size_t parent, std::size_t index) {
  if (nodes_[parent].kind == Kind::kUnset) nodes_[parent].kind = Kind::kArray;
  if (nodes_[parent].kind != Kind::kArray || index >= kMostItems) return kNone;
  while (nodes_[parent].items.size() <= index) {
    const std::size_t made = make();
    if (made == kNone) return kNone;
    nodes_[parent].items.push_back(made);
  }
  return nodes_[parent].items[index];
}

// "$.a.b[0].c" and "$['a b'][0]".
PartialArgs::Node* PartialArgs::find(std::string_view path) {
  if (path.empty() || path.front() != '$') return nullptr;
  path.remove_prefix(1);
  std::size_t at = 0;
  for (int depth = 0; !path.empty(); ++depth) {
    if (depth > kDeepest) return nullptr;
    if (path.front() == '.') {
      path.remove_prefix(1);
      const std::size_t end = std::min(path.find_first_of(".["), path.size());
      if (end == 0) return nullptr;
      at = child(at, path.substr(0, end));
      path.remove_prefix(end);
    } else if (path.front() == '[' && path.size() > 2 && (path[1] == '\'' || path[1] == '"')) {
      const std::size_t quote = path.find(std::string{path[1], ']'}, 2);
      if (quote == path.npos) return nullptr;
      at = child(at, path.substr(2, quote - 2));
      path.remove_prefix(quote + 2);
    } else if (path.front() == '[') {
      const std::size_t end = path.find(']');
      if (end == path.npos || end < 2 || end > 6) return nullptr;
      std::size_t index = 0;
      for (const char c : path.substr(1, end - 1)) {
        if (c < '0' || c > '9') return nullptr;
        index = index * 10 + static_cast<std::size_t>(c - '0');
      }
      at = item(at, index);
      path.remove_prefix(end + 1);
    } else {
      return nullptr;
    }
    if (at == kNone) return nullptr;
  }
  return at == 0 ? nullptr : &nodes_[at];
}

bool PartialArgs::add(const json::Value& entry) {
  Node* node = find(field(entry, "jsonPath").string().value_or(""));
  if (node == nullptr) return false;
  if (node->kind == Kind::kObject || node->kind == Kind::kArray) return false;
  if (const auto text = field(entry, "stringValue").string()) {
    if (node->kind != Kind::kString) node->text.clear();
    node->kind = Kind::kString;
    node->text.append(*text);  // in pieces
    return true;
  }
  node->kind = Kind::kScalar;
  node->text = "null";
  for (const std::string_view name : {"numberValue", "boolValue"}) {
    const json::Value value = field(entry, name);
    const bool good = name == "numberValue" ? value.type() == json::Type::kNumber
                                            : value.type() == json::Type::kBool;
    if (good) node->text = value.raw();
  }
  return true;
}

void PartialArgs::write(std::string& out, std::size_t index) const {
  const Node& node = nodes_[index];
  switch (node.kind) {
    case Kind::kUnset:
      out.append("null");
      return;
    case Kind::kScalar:
      out.append(node.text);
      return;
    case Kind::kString:
      append_json_string(out, node.text);
      return;
    case Kind::kObject:
      out.push_back('{');
      for (const auto& [name, member] : node.members) {
        if (out.back() != '{') out.push_back(',');
        append_json_string(out, name);
        out.push_back(':');
        write(out, member);
      }
      out.push_back('}');
      return;
    case Kind::kArray:
      out.push_back('[');
      for (const std::size_t item : node.items) {
        if (out.back() != '[') out.push_back(',');
        write(out, item);
      }
      out.push_back(']');
      return;
  }
}

std::string PartialArgs::json() const {
  std::string out;
  write(out, 0);
  return out;
}

}  // namespace llmorch::gemini
