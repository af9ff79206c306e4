// Splices: single values replaced, every other byte kept.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "formats/anthropic_messages/anthropic_messages.h"
#include "formats/anthropic_messages/models.h"
#include "formats/object_writer.h"

namespace llmorch::anthropic_messages {
namespace {

struct Edit {
  std::size_t begin;
  std::size_t end;
  std::string text;
};

std::string text_block(std::string_view text_json) {
  return std::string(R"({"type":"text","text":)").append(text_json).append("}");
}

// `old`: the JSON text of `system`, or "" where there is none.
std::string with_prompt(const std::string& prompt, std::string_view old) {
  const std::string first = json_string(prompt);
  if (old.empty() || old == "null" || old == "\"\"") return first;
  if (old.front() == '"') return "[" + text_block(first) + "," + text_block(old) + "]";
  if (old.front() != '[') return std::string(old);  // nothing the vendor would take
  const std::string_view rest = trim(old.substr(1));
  return "[" + text_block(first) + (rest == "]" ? "" : ",") + std::string(rest);
}

// What becomes of each top-level key.
class Plan {
 public:
  Plan(const RequestEdits& edits, const RequestScan& scan)
      : edits_(edits),
        keeps_sampling_(
            model_traits(edits.model.empty() ? scan.model : edits.model, edits.capabilities)
                .sampling) {}

  bool is_removed(std::string_view name) const {
    if (find_set(name) != nullptr || name == "model") return false;
    if (name == "system" && !edits_.system_prompt.empty()) return false;
    // Models that take none refuse the whole request, and then a weaker one would answer it.
    const bool sampling = name == "temperature" || name == "top_p" || name == "top_k";
    return (sampling && !keeps_sampling_) ||
           std::find(edits_.remove.begin(), edits_.remove.end(), name) != edits_.remove.end();
  }

  // The new text of a key's value; nullopt: it stays. `old` is "" for a key that is not there.
  std::optional<std::string> replacement(std::string_view name, std::string_view old) const {
    const std::string* set = find_set(name);
    if (name == "system" && !edits_.system_prompt.empty()) {
      const bool gone =
          std::find(edits_.remove.begin(), edits_.remove.end(), name) != edits_.remove.end();
      return with_prompt(edits_.system_prompt, set != nullptr ? *set : gone ? "" : old);
    }
    if (set != nullptr) return *set;
    if (name == "model" && !edits_.model.empty()) return json_string(edits_.model);
    return std::nullopt;
  }

 private:
  const std::string* find_set(std::string_view name) const {
    const std::string* found = nullptr;
    for (const auto& [key, text] : edits_.set) {
      if (key == name) found = &text;
    }
    return found;
  }

  const RequestEdits& edits_;
  bool keeps_sampling_;
};

// Takes the members at `first` to `last` (inclusive) out of the object, with one comma.
Edit removal(const RequestScan& scan, std::size_t first, std::size_t last) {
  const auto& keys = scan.keys;
  if (last + 1 < keys.size()) return {keys[first].key_begin, keys[last + 1].key_begin, ""};
  const std::size_t begin = first > 0 ? keys[first - 1].value_end : keys[first].key_begin;
  return {begin, keys[last].value_end, ""};
}

}  // namespace

Result<Body> splice_request(const Body& original, const RequestScan& scan,
                            const RequestEdits& edits) {
  // Offsets count from the start of one piece of text.
  const Body body = original.segments().size() > 1 ? Body(original.str()) : original;
  const std::string_view text = body.contiguous();
  if (scan.object_close >= text.size()) {
    return Status(Code::kInternal, "the scan does not belong to this body");
  }
  const Plan plan(edits, scan);
  std::vector<Edit> list;
  std::vector<std::string_view> present;
  std::size_t tail = scan.object_open;  // where new members go: after the last one that stays
  for (std::size_t i = 0; i < scan.keys.size(); ++i) {
    const RequestScan::Key& key = scan.keys[i];
    if (plan.is_removed(key.name)) {
      std::size_t last = i;
      while (last + 1 < scan.keys.size() && plan.is_removed(scan.keys[last + 1].name)) ++last;
      list.push_back(removal(scan, i, last));
      i = last;
      continue;
    }
    present.push_back(key.name);
    tail = key.value_end;
    const std::string_view old = text.substr(key.value_begin, key.value_end - key.value_begin);
    if (auto now = plan.replacement(key.name, old); now && *now != old) {
      list.push_back({key.value_begin, key.value_end, std::move(*now)});
    }
  }

  std::string added;
  const auto append = [&](std::string_view name) {
    if (std::find(present.begin(), present.end(), name) != present.end()) return;
    auto value = plan.replacement(name, "");
    if (!value) return;
    if (!present.empty()) added.push_back(',');
    append_json_string(added, name);
    added.append(":").append(*value);
    present.push_back(name);
  };
  for (const auto& [name, value] : edits.set) append(name);
  append("system");
  if (!added.empty()) {
    const auto after = std::find_if(list.begin(), list.end(),
                                    [&](const Edit& edit) { return edit.begin >= tail; });
    list.insert(after, {tail, tail, std::move(added)});
  }

  Body out;
  std::size_t at = 0;
  for (Edit& edit : list) {
    out.append(body.slice(at, edit.begin - at));
    out.append(std::move(edit.text));
    at = edit.end;
  }
  out.append(body.slice(at, text.size() - at));
  return out;
}

}  // namespace llmorch::anthropic_messages
