// What the readers of a request share: typed fields, paths as OpenAI writes them in `param`, and
// the first wrong field, which ends the reading.
//
// Belongs to one function call on one thread.
#ifndef LLMORCH_FORMATS_OPENAI_CHAT_FIELD_READER_H_
#define LLMORCH_FORMATS_OPENAI_CHAT_FIELD_READER_H_

#include <string>
#include <string_view>
#include <utility>

#include "formats/object_writer.h"
#include "formats/openai_chat/openai_chat.h"

namespace llmorch::openai_chat {

inline std::string at(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}
inline std::string in(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

// "" and null say "absent" in the neutral form; a literal one is kept apart.
inline void keep_if_blank(const json::Value& object, std::string_view key, std::string_view prefix,
                          Extras& out) {
  const json::Value value = object[key];
  if (value.is_null() || (value.is_string() && value.raw() == "\"\"")) {
    keep(out, std::string(prefix) + pointer_step(key), value.raw());
  }
}

// A field that a neutral one restates; see Extra.
inline void keep_restated(Extras& out, std::string path, const json::Value& value) {
  if (value.exists()) out.push_back({std::move(path), std::string(value.raw()), true});
}

// What stands for "not said", or for the default, has nothing to report.
inline void settle(Extras& extras) {
  for (Extra& extra : extras) {
    const std::string& json = extra.json;
    if (json == "null" || json == "false" || json == "\"\"" || json == "[]" || json == "{}") {
      extra.restated = true;
    }
  }
}

class FieldReader {
 public:
  const Status& error() const { return error_; }

 protected:
  void fail(Status status) {
    if (error_.ok()) error_ = std::move(status);
  }
  // A string field that must be there.
  std::string need_string(const json::Value& object, std::string_view key,
                          const std::string& path) {
    const json::Value value = object[key];
    if (!value.exists()) fail(missing(in(path, key)));
    return take_string(value, in(path, key));
  }
  // A string field that may be missing; null counts as an unusual form, which the caller keeps.
  std::string take_string(const json::Value& value, const std::string& path) {
    if (value.is_string()) return value.string().value_or("");
    if (value.exists() && !value.is_null()) fail(wrong_type(path, "a string", value.type()));
    return "";
  }
  bool need_object(const json::Value& value, const std::string& path) {
    if (value.is_object()) return true;
    fail(value.exists() ? wrong_type(path, "an object", value.type()) : missing(path));
    return false;
  }

 private:
  Status error_;
};

}  // namespace llmorch::openai_chat

#endif  // LLMORCH_FORMATS_OPENAI_CHAT_FIELD_READER_H_
