#include "formats/object_writer.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace llmorch {

ObjectWriter::ObjectWriter(std::string& out, const Extras* extras, std::string prefix)
    : out_(out), extras_(extras), prefix_(std::move(prefix)) {
  out_.push_back('{');
}

std::string& ObjectWriter::value(std::string_view key) {
  if (!written_.empty()) out_.push_back(',');
  append_json_string(out_, key);
  out_.push_back(':');
  written_.emplace_back(key);
  return out_;
}

void ObjectWriter::raw(std::string_view key, std::string_view json) { value(key).append(json); }
void ObjectWriter::string(std::string_view key, std::string_view text) {
  append_json_string(value(key), text);
}
void ObjectWriter::integer(std::string_view key, std::int64_t number) {
  value(key).append(std::to_string(number));
}
void ObjectWriter::boolean(std::string_view key, bool is) {
  value(key).append(is ? "true" : "false");
}

ObjectWriter ObjectWriter::object(std::string_view key) {
  return ObjectWriter(value(key), extras_, prefix_ + pointer_step(key));
}

bool ObjectWriter::wrote(std::string_view key) const {
  return std::find(written_.begin(), written_.end(), key) != written_.end();
}

void ObjectWriter::close() {
  if (extras_ != nullptr) {
    const std::size_t own = written_.size();
    std::string key;
    for (const Extra& extra : *extras_) {
      if (!step_below(extra.path, prefix_, key)) continue;
      const auto end = written_.begin() + static_cast<std::ptrdiff_t>(own);
      if (std::find(written_.begin(), end, key) == end) raw(key, extra.json);
    }
  }
  out_.push_back('}');
}

std::string pointer_step(std::string_view key) {
  std::string out = "/";
  for (const char c : key) {
    if (c == '~') {
      out.append("~0");
    } else if (c == '/') {
      out.append("~1");
    } else {
      out.push_back(c);
    }
  }
  return out;
}

bool step_below(std::string_view pointer, std::string_view prefix, std::string& key) {
  key.clear();
  if (pointer.size() <= prefix.size() || pointer.substr(0, prefix.size()) != prefix) return false;
  pointer.remove_prefix(prefix.size());
  if (pointer.front() != '/' || pointer.find('/', 1) != pointer.npos) return false;
  for (std::size_t at = 1; at < pointer.size(); ++at) {
    const bool escaped = pointer[at] == '~' && at + 1 < pointer.size();
    key.push_back(!escaped ? pointer[at] : pointer[++at] == '1' ? '/' : '~');
  }
  return true;
}

void keep_unknown(const json::Value& object, std::string_view prefix,
                  std::initializer_list<std::string_view> known, Extras& out) {
  for (const json::Value::Member& member : object.members()) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    keep(out, std::string(prefix) + pointer_step(member.key), member.value.raw());
  }
}

void keep(Extras& out, std::string path, std::string_view json) {
  out.push_back({std::move(path), std::string(json)});
}

}  // namespace llmorch
