// The tree and the scanner must agree on what is valid, and every accessor must be total.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "json/json.h"
#include "json/scan.h"

namespace {

using llmorch::json::Document;
using llmorch::json::Type;
using llmorch::json::Value;

struct Count : llmorch::json::Visitor {
  std::size_t values = 0;
  bool key(unsigned, std::string_view, std::size_t) override { return true; }
  bool scalar(unsigned, Type, std::string_view, std::size_t) override { return ++values > 0; }
  bool open(unsigned, Type, std::size_t) override { return ++values > 0; }
  bool close(unsigned, Type, std::size_t) override { return true; }
};

void require(bool condition) {
  if (!condition) std::abort();
}

std::size_t walk(const Value& value) {
  require(!value.raw().empty());
  if (const auto text = value.string()) {
    require(llmorch::is_utf8(*text));
    const auto again = Document::parse(llmorch::json_string(*text));
    require(again.has_value() && again->root().string() == text);
  }
  static_cast<void>(value.integer());
  static_cast<void>(value.number());
  std::size_t count = 1;
  for (const Value& item : value.items()) count += walk(item);
  for (const Value::Member& member : value.members()) {
    require(value[member.key].exists());
    count += walk(member.value);
  }
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto document = Document::parse(text);
  Count count;
  std::string scratch;
  const llmorch::Status scanned = llmorch::json::scan(text, {}, count, scratch);
  require(document.has_value() == scanned.ok());
  if (!document) {
    require(document.error().message() == scanned.message());
    return 0;
  }
  if (size < 4096) require(walk(document->root()) == count.values);
  // What stands for a value is a document of its own.
  const auto inner = Document::parse(std::string(document->root().raw()));
  require(inner.has_value());

  llmorch::RequestScan scan;
  Count nothing;
  const bool is_object = llmorch::json::scan_object(text, {}, scan, nothing).ok();
  require(is_object == document->root().is_object());
  if (!is_object) return 0;
  const auto members = document->root().members();
  require(members.size() == scan.keys.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto& key = scan.keys[i];
    require(key.name == members[i].key);
    require(key.value_begin == members[i].value.offset());
    require(text.substr(key.value_begin, key.value_end - key.value_begin) ==
            members[i].value.raw());
  }
  return 0;
}
