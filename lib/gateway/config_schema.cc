#include <string>
#include <string_view>

#include "base/text.h"
#include "gateway/config_keys.h"
#include "llmorch/config.h"
#include "llmorch/spi/provider.h"
#include "providers/presets.h"

namespace llmorch {
namespace {

using config::Key;

// Writes the schema as indented JSON: it is read by people, and kept as a file.
class SchemaWriter {
 public:
  std::string write() {
    open('{');
    member("$schema", "https://json-schema.org/draft/2020-12/schema");
    member("title", "Configuration of llmorch");
    object("");
    close('}');
    out_.push_back('\n');
    return std::move(out_);
  }

 private:
  // A new member or item; what follows is its value.
  void next() {
    if (out_.back() != '{' && out_.back() != '[') out_.push_back(',');
    out_.push_back('\n');
    out_.append(2 * depth_, ' ');
  }
  void name(std::string_view key) {
    next();
    append_json_string(out_, key);
    out_.append(": ");
  }
  void open(char bracket) {
    out_.push_back(bracket);
    ++depth_;
  }
  void close(char bracket) {
    out_.push_back('\n');
    out_.append(2 * --depth_, ' ');
    out_.push_back(bracket);
  }
  void member(std::string_view key, std::string_view text) {
    name(key);
    append_json_string(out_, text);
  }
  void literal(std::string_view key, std::string_view json) {
    name(key);
    out_.append(json);
  }
  void number(std::string_view key, std::int64_t value) { literal(key, std::to_string(value)); }
  // What bounds a size from `least` to `most`, where these say something.
  void bounds(const Key& key, std::string_view lower, std::string_view upper) {
    if (key.least > 0) number(lower, key.least);
    if (key.most > 0) number(upper, key.most);
  }

  // The members of a schema of an object whose keys stand in the table under `path`.
  void object(std::string_view path) {
    member("type", "object");
    literal("additionalProperties", "false");
    std::string required;
    name("properties");
    open('{');
    for (const Key& key : config::keys()) {
      if (!is_in(key.path, path)) continue;
      const std::string_view last = key.path.substr(path.empty() ? 0 : path.size() + 1);
      if (key.required()) required.append(required.empty() ? "" : ", ").append(json_string(last));
      name(last);
      open('{');
      value(key);
      close('}');
    }
    close('}');
    if (!required.empty()) literal("required", "[" + required + "]");
  }

  static bool is_in(std::string_view key, std::string_view path) {
    if (!path.empty()) {
      if (!key.starts_with(path) || key.size() == path.size() || key[path.size()] != '.')
        return false;
      key.remove_prefix(path.size() + 1);
    }
    return key.find('.') == key.npos;
  }

  void value(const Key& key) {
    member("description", key.meaning);
    if (key.program) member("$comment", "read by the gateway program; the library refuses it");
    fallback(key);
    switch (key.kind) {
      case Key::Kind::kObject:
        return object(key.path);
      case Key::Kind::kObjects:
        member("type", "array");
        bounds(key, "minItems", "maxItems");
        name("items");
        open('{');
        object(std::string(key.path) + "[]");
        return close('}');
      case Key::Kind::kText:
        member("type", "string");
        return bounds(key, "minLength", "maxLength");
      case Key::Kind::kTexts:
        member("type", "array");
        bounds(key, "minItems", "maxItems");
        return literal("items", R"({ "type": "string", "minLength": 1 })");
      case Key::Kind::kTextMap:
        member("type", "object");
        bounds(key, "minProperties", "maxProperties");
        return literal("additionalProperties", R"({ "type": "string" })");
      case Key::Kind::kJsonMap:
        member("type", "object");
        return bounds(key, "minProperties", "maxProperties");
      case Key::Kind::kInteger:
        member("type", "integer");
        number("minimum", key.least);
        return number("maximum", key.most);
      case Key::Kind::kFlag:
        return member("type", "boolean");
      case Key::Kind::kDuration:
        member("type", "string");
        return member("pattern", R"(^([0-9]+\.?[0-9]*|\.[0-9]+)(ms|s|m|h)$)");
      case Key::Kind::kVersion:
        return literal("const", "1");
      case Key::Kind::kStrategy:
        return literal("enum", R"(["weighted"])");
      case Key::Kind::kType:
        name("enum");
        open('[');
        for (const std::string_view type : provider_type_names()) item(type);
        for (const std::string_view preset : preset_names()) item(preset);
        return close(']');
    }
  }

  void item(std::string_view text) {
    next();
    append_json_string(out_, text);
  }

  void fallback(const Key& key) {
    const std::string_view text = key.fallback;
    if (text.size() < 2 || text.front() != '`' || text.back() != '`') return;
    const std::string_view inner = text.substr(1, text.size() - 2);
    const bool bare = key.kind == Key::Kind::kInteger || key.kind == Key::Kind::kFlag;
    if (bare) {
      literal("default", inner);
    } else {
      member("default", inner);
    }
  }

  std::string out_;
  std::size_t depth_ = 0;
};

}  // namespace

std::string_view config_schema() {
  static const std::string kSchema = SchemaWriter().write();
  return kSchema;
}

}  // namespace llmorch
