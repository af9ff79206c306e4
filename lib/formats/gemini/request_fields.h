// Single fields of a Gemini request, as its readers share them. Pure functions; any thread.
#ifndef LLMORCH_FORMATS_GEMINI_REQUEST_FIELDS_H_
#define LLMORCH_FORMATS_GEMINI_REQUEST_FIELDS_H_

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/gemini/gemini.h"
#include "formats/object_writer.h"

namespace llmorch::gemini {

inline Status wrong_type(const std::string& path, std::string_view expected) {
  return Status(Code::kInvalidArgument,
                "Invalid value at '" + path + "': it must be " + std::string(expected))
      .with_param(path);
}

inline std::string at(std::string_view list, std::size_t index) {
  return std::string(list).append("[").append(std::to_string(index)).append("]");
}

// int64 may be a string in proto JSON.
inline std::optional<std::int64_t> integer(const json::Value& value) {
  if (const auto number = value.integer()) return number;
  const std::string text = value.string().value_or("");
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

// Members of `object` whose camel-case name is not known, under `prefix`.
inline void keep_others(const json::Value& object, std::string_view prefix,
                        std::initializer_list<std::string_view> known, Extras& out) {
  for (const json::Value::Member& member : object.members()) {
    if (std::find(known.begin(), known.end(), camel_case(member.key)) != known.end()) continue;
    keep(out, std::string(prefix) + pointer_step(member.key), member.value.raw());
  }
}

// What a neutral field says too, in the words it had.
inline void restate(Extras& out, std::string path, const json::Value& value) {
  out.push_back({std::move(path), std::string(value.raw()), true});
}

// Reads `contents` and `systemInstruction`. Belongs to one request; the first wrong type ends it.
class ContentReader {
 public:
  Message read(const json::Value& content, const std::string& path);
  Message read_system(const json::Value& system);  // without parts where there is none
  const Status& error() const { return error_; }

 private:
  Part read_part(const json::Value& value, const std::string& path);
  void read_media(const json::Value& value, Part& part);
  void read_call(const json::Value& value, const std::string& path, Part& part);
  void read_response(const json::Value& value, const std::string& path, Part& part);
  void match_response(Part& part);
  void fail(Status status) {
    if (error_.ok()) error_ = std::move(status);
  }

  Status error_;
  std::size_t calls_ = 0;
  struct Waiting {
    std::string id;
    std::string name;
  };
  std::vector<Waiting> unanswered_;
};

}  // namespace llmorch::gemini

#endif  // LLMORCH_FORMATS_GEMINI_REQUEST_FIELDS_H_
