// JSON in, as a tree whose every value knows its own bytes; and JSON out, as text.
//
// This folder is the only includer of RapidJSON (namespace renamed, assertions mapped to errors).
// A Document keeps the text it was parsed from: numbers are never converted unless asked, so "0.70"
// stays "0.70" and long integers stay long, and what nobody understands can be passed on as it
// stood.
//
// Ownership: Values are views into their Document, which must outlive them. Threads: a Document is
// immutable after parse(). Bounds: depth, number of values, UTF-8 and full syntax are checked.
#ifndef LLMORCH_JSON_JSON_H_
#define LLMORCH_JSON_JSON_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmorch/status.h"

namespace llmorch::json {

struct Limits {
  std::size_t max_depth = 64;
  std::size_t max_values = 1'000'000;
  bool reject_duplicate_keys = false;
};

enum class Type : std::uint8_t { kMissing, kNull, kBool, kNumber, kString, kArray, kObject };
std::string_view type_name(Type type);  // "a string", for messages

struct Tree;  // internal: the text and its nodes

class Value {
 public:
  Value() = default;  // missing

  Type type() const noexcept;
  bool exists() const noexcept { return type() != Type::kMissing; }
  bool is_null() const noexcept { return type() == Type::kNull; }
  bool is_string() const noexcept { return type() == Type::kString; }
  bool is_object() const noexcept { return type() == Type::kObject; }
  bool is_array() const noexcept { return type() == Type::kArray; }

  // The value's own bytes in the text it was parsed from; "" when missing.
  std::string_view raw() const noexcept;
  std::size_t offset() const noexcept;  // of raw() in the text

  // nullopt when the value is missing or of another type (or does not fit).
  std::optional<std::string> string() const;  // decoded
  std::optional<std::int64_t> integer() const;
  std::optional<double> number() const;
  std::optional<bool> boolean() const;

  // Children. All are total: on a value of another type they are empty or missing.
  std::size_t size() const noexcept;             // of an array or object
  Value operator[](std::string_view key) const;  // the last member of that name, as vendors read it
  Value at(std::size_t index) const;
  struct Member;
  std::vector<Value> items() const;
  std::vector<Member> members() const;  // in order, duplicates included

 private:
  friend class Document;
  Value(const Tree* tree, std::uint32_t index) : tree_(tree), index_(index) {}
  const Tree* tree_ = nullptr;  // stays where it is when the Document is moved
  std::uint32_t index_ = 0;
};

struct Value::Member {
  std::string key;  // decoded
  Value value;
};

class Document {
 public:
  // Fails with kInvalidArgument and a message that names line, column and cause; kTooLarge when a
  // bound was passed. Takes the text over.
  static Result<Document> parse(std::string text, const Limits& limits = {});

  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  Value root() const;
  std::string_view text() const noexcept;

 private:
  Document();
  std::unique_ptr<Tree> tree_;
};

}  // namespace llmorch::json

#endif  // LLMORCH_JSON_JSON_H_
