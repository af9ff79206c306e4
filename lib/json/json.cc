#include "json/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "base/text.h"
#include "json/scan.h"

namespace llmorch::json {

// One value, in the order of the text; a container's children follow it, and `next` is where its
// next sibling stands.
struct Node {
  Type type = Type::kMissing;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t key_begin = 0;  // of the key's opening quote; only members of objects
  std::uint32_t key_end = 0;
  std::uint32_t next = 0;
  std::uint32_t size = 0;  // children
};

struct Tree {
  std::string text;
  std::vector<Node> nodes;

  std::string_view raw(std::uint32_t begin, std::uint32_t end) const {
    return std::string_view(text).substr(begin, end - begin);
  }
};

namespace {

unsigned hex4(std::string_view digits) {
  unsigned value = 0;
  std::from_chars(digits.data(), digits.data() + 4, value, 16);
  return value;
}

void append_utf8(std::string& out, unsigned point) {
  const auto put = [&](unsigned byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | point >> 6);
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3F));
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  }
}

// `raw` is a string with its quotes out of a text that was scanned, so it is well formed.
std::string decode_string(std::string_view raw) {
  raw = raw.substr(1, raw.size() - 2);
  std::string out;
  out.reserve(raw.size());
  std::size_t at = 0;
  while (at < raw.size()) {
    const std::size_t slash = std::min(raw.find('\\', at), raw.size());
    out.append(raw.substr(at, slash - at));
    if (slash == raw.size()) break;
    const char escape = raw[slash + 1];
    at = slash + 2;
    switch (escape) {
      case 'b':
        out.push_back('\b');
        break;
      case 'f':
        out.push_back('\f');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 't':
        out.push_back('\t');
        break;
      case 'u': {
        unsigned point = hex4(raw.substr(at, 4));
        at += 4;
        if (point >= 0xD800 && point <= 0xDBFF) {
          point = ((point - 0xD800) << 10 | (hex4(raw.substr(at + 2, 4)) - 0xDC00)) + 0x10000;
          at += 6;
        }
        append_utf8(out, point);
        break;
      }
      default:
        out.push_back(escape);
    }
  }
  return out;
}

bool is_named(std::string_view raw_key, std::string_view name) {
  const std::string_view inner = raw_key.substr(1, raw_key.size() - 2);
  if (inner.find('\\') == std::string_view::npos) return inner == name;
  return decode_string(raw_key) == name;
}

class Builder : public Visitor {
 public:
  Builder(std::string_view text, std::vector<Node>& nodes, bool reject_duplicates)
      : text_(text), nodes_(nodes), reject_duplicates_(reject_duplicates) {}

  bool key(unsigned, std::string_view name, std::size_t begin) override {
    key_begin_ = static_cast<std::uint32_t>(begin);
    key_end_ = static_cast<std::uint32_t>(string_end(text_, begin));
    if (!reject_duplicates_ || names_.back().insert(std::string(name)).second) return true;
    duplicate_ = name;
    return false;
  }
  bool scalar(unsigned, Type type, std::string_view text, std::size_t begin) override {
    Node& node = add(type, begin);
    node.end = static_cast<std::uint32_t>(type == Type::kString ? string_end(text_, begin)
                                                                : begin + text.size());
    node.next = static_cast<std::uint32_t>(nodes_.size());
    return true;
  }
  bool open(unsigned, Type type, std::size_t begin) override {
    add(type, begin);
    open_.push_back(nodes_.size() - 1);
    if (reject_duplicates_) names_.emplace_back();
    return true;
  }
  bool close(unsigned, Type, std::size_t end) override {
    Node& node = nodes_[open_.back()];
    node.end = static_cast<std::uint32_t>(end);
    node.next = static_cast<std::uint32_t>(nodes_.size());
    open_.pop_back();
    if (reject_duplicates_) names_.pop_back();
    return true;
  }

  const std::string& duplicate() const { return duplicate_; }
  std::size_t duplicate_at() const { return key_begin_; }

 private:
  Node& add(Type type, std::size_t begin) {
    if (!open_.empty()) ++nodes_[open_.back()].size;
    Node& node = nodes_.emplace_back();
    node.type = type;
    node.begin = static_cast<std::uint32_t>(begin);
    if (open_.empty() || nodes_[open_.back()].type != Type::kObject) return node;
    node.key_begin = key_begin_;
    node.key_end = key_end_;
    return node;
  }

  std::string_view text_;
  std::vector<Node>& nodes_;
  bool reject_duplicates_;
  std::vector<std::size_t> open_;
  std::vector<std::unordered_set<std::string>> names_;
  std::string duplicate_;
  std::uint32_t key_begin_ = 0;
  std::uint32_t key_end_ = 0;
};

}  // namespace

std::string_view type_name(Type type) {
  switch (type) {
    case Type::kMissing:
      return "missing";
    case Type::kNull:
      return "null";
    case Type::kBool:
      return "a boolean";
    case Type::kNumber:
      return "a number";
    case Type::kString:
      return "a string";
    case Type::kArray:
      return "an array";
    case Type::kObject:
      return "an object";
  }
  return "unknown";
}

Document::Document() : tree_(std::make_unique<Tree>()) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::parse(std::string text, const Limits& limits) {
  Document document;
  document.tree_->text = std::move(text);
  const std::string& kept = document.tree_->text;
  Builder builder(kept, document.tree_->nodes, limits.reject_duplicate_keys);
  std::string scratch;
  if (Status status = scan(kept, limits, builder, scratch); !status.ok()) {
    if (status.code() != Code::kCancelled) return status;
    const auto lines = std::count(
        kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(builder.duplicate_at()), '\n');
    return Status(Code::kInvalidArgument, "invalid JSON at line " + std::to_string(lines + 1) +
                                              ": the key " + json_string(builder.duplicate()) +
                                              " stands twice in one object");
  }
  return document;
}

Value Document::root() const {
  return tree_ == nullptr || tree_->nodes.empty() ? Value() : Value(tree_.get(), 0);
}

std::string_view Document::text() const noexcept {
  return tree_ == nullptr ? std::string_view() : std::string_view(tree_->text);
}

Type Value::type() const noexcept {
  return tree_ == nullptr ? Type::kMissing : tree_->nodes[index_].type;
}

std::string_view Value::raw() const noexcept {
  if (tree_ == nullptr) return {};
  const Node& node = tree_->nodes[index_];
  return tree_->raw(node.begin, node.end);
}

std::size_t Value::offset() const noexcept {
  return tree_ == nullptr ? 0 : tree_->nodes[index_].begin;
}

std::optional<std::string> Value::string() const {
  if (type() != Type::kString) return std::nullopt;
  return decode_string(raw());
}

std::optional<std::int64_t> Value::integer() const {
  if (type() != Type::kNumber) return std::nullopt;
  const std::string_view text = raw();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  // 3.0 and 1e3 are integers too; beyond 2^53 a double no longer tells.
  const std::optional<double> real = number();
  if (error == std::errc::result_out_of_range || !real || *real != std::trunc(*real) ||
      std::abs(*real) > 9007199254740992.0) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(*real);
}

std::optional<double> Value::number() const {
  if (type() != Type::kNumber) return std::nullopt;
  const std::string_view text = raw();
  double value = 0;
  const std::errc error = std::from_chars(text.data(), text.data() + text.size(), value).ec;
  if (error != std::errc::result_out_of_range) return value;
  if (text.find("e-") == text.npos && text.find("E-") == text.npos) return std::nullopt;
  return 0;  // too small to tell from nothing
}

std::optional<bool> Value::boolean() const {
  if (type() != Type::kBool) return std::nullopt;
  return raw() == "true";
}

std::size_t Value::size() const noexcept {
  return tree_ == nullptr ? 0 : tree_->nodes[index_].size;
}

Value Value::operator[](std::string_view key) const {
  if (type() != Type::kObject) return {};
  std::uint32_t found = 0;  // the root is nobody's child
  const std::uint32_t end = tree_->nodes[index_].next;
  for (std::uint32_t at = index_ + 1; at < end; at = tree_->nodes[at].next) {
    const Node& node = tree_->nodes[at];
    if (is_named(tree_->raw(node.key_begin, node.key_end), key)) found = at;
  }
  return found == 0 ? Value() : Value(tree_, found);
}

Value Value::at(std::size_t index) const {
  if (type() != Type::kArray || index >= size()) return {};
  std::uint32_t at = index_ + 1;
  for (; index > 0; --index) at = tree_->nodes[at].next;
  return Value(tree_, at);
}

std::vector<Value> Value::items() const {
  std::vector<Value> out;
  if (type() != Type::kArray) return out;
  out.reserve(size());
  const std::uint32_t end = tree_->nodes[index_].next;
  for (std::uint32_t at = index_ + 1; at < end; at = tree_->nodes[at].next) {
    out.push_back(Value(tree_, at));
  }
  return out;
}

std::vector<Value::Member> Value::members() const {
  std::vector<Member> out;
  if (type() != Type::kObject) return out;
  out.reserve(size());
  const std::uint32_t end = tree_->nodes[index_].next;
  for (std::uint32_t at = index_ + 1; at < end; at = tree_->nodes[at].next) {
    const Node& node = tree_->nodes[at];
    out.push_back({decode_string(tree_->raw(node.key_begin, node.key_end)), Value(tree_, at)});
  }
  return out;
}

}  // namespace llmorch::json
