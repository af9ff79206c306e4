// Requests without a tree: what they ask for, and splices that keep every other byte.
#include "json/scan.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "formats/gemini/gemini.h"
#include "formats/object_writer.h"

namespace llmorch::gemini {
namespace {

using json::Type;

enum class Top : std::uint8_t { kOther, kModel, kContents, kTools, kConfig };

Top top_key(std::string_view name) {
  if (name == "contents") return Top::kContents;
  if (name == "tools") return Top::kTools;
  if (name == "generationConfig" || name == "generation_config") return Top::kConfig;
  return name == "model" ? Top::kModel : Top::kOther;
}

// Notes what a request asks for. A lone object may stand where a list is meant, so depths below the
// top-level fields tell nothing.
class Look : public json::Visitor {
 public:
  explicit Look(RequestScan& out) : out_(out) {}

  bool key(unsigned depth, std::string_view name, std::size_t) override {
    if (depth == 1) {
      top_ = top_key(name);
      contents_seen_ = contents_seen_ || top_ == Top::kContents;
    }
    mime_ = top_ == Top::kContents && (name == "mimeType" || name == "mime_type");
    if (depth == 2 && top_ == Top::kConfig) {
      const std::string camel = camel_case(name);
      schema_ = camel == "responseSchema" || camel == "responseJsonSchema";
    } else {
      schema_ = false;
    }
    return true;
  }

  bool scalar(unsigned depth, Type type, std::string_view text, std::size_t) override {
    if (depth == 1 && top_ == Top::kModel && type == Type::kString) out_.model = text;
    if (depth == 1 && top_ == Top::kContents) bad_contents_ = true;
    if (mime_ && text.rfind("image/", 0) == 0) out_.images = true;
    mime_ = schema_ = false;
    return true;
  }

  bool open(unsigned depth, Type type, std::size_t) override {
    if (depth == 1 && top_ == Top::kContents && type == Type::kObject) any_content_ = true;
    if (depth == 2 && top_ == Top::kContents) any_content_ = true;
    const bool lone_tool = depth == 1 && type == Type::kObject;
    if (top_ == Top::kTools && (depth == 2 || lone_tool)) out_.tools = true;
    if (schema_) out_.structured_output = true;
    mime_ = schema_ = false;
    return true;
  }
  bool close(unsigned, Type, std::size_t) override { return true; }

  Status check() const {
    if (bad_contents_) {
      return Status(Code::kInvalidArgument, "Invalid value at 'contents': it must be a list")
          .with_param("contents");
    }
    if (contents_seen_ && any_content_) return {};
    return Status(Code::kInvalidArgument,
                  "* GenerateContentRequest.contents: contents is not specified")
        .with_param("contents");
  }

 private:
  RequestScan& out_;
  Top top_ = Top::kOther;
  bool mime_ = false;    // the next value is a file's type
  bool schema_ = false;  // the next value is an answer's schema
  bool contents_seen_ = false;
  bool any_content_ = false;
  bool bad_contents_ = false;
};

struct Edit {
  std::size_t begin;
  std::size_t end;
  std::string text;
};

// The system instruction with `prompt` in front of what stood there ("" nothing).
std::string with_system_prompt(std::string_view old, const std::string& prompt) {
  std::string parts = "[{\"text\":" + json_string(prompt) + "}";
  std::string out;
  const auto document = json::Document::parse(std::string(old));
  if (document && document->root().is_string()) {  // an unusual short form
    parts.append(",{\"text\":").append(document->root().raw()).append("}");
  }
  ObjectWriter object(out);
  if (document) {
    for (const json::Value& part : list_of(document->root()["parts"])) {
      parts.append(",").append(part.raw());
    }
    for (const json::Value::Member& member : document->root().members()) {
      if (member.key != "parts" && !object.wrote(member.key)) {
        object.raw(member.key, member.value.raw());
      }
    }
  }
  object.raw("parts", parts + "]");
  object.close();
  return out;
}

// What becomes of the top-level keys: names are compared in one spelling.
class Edits {
 public:
  explicit Edits(const RequestEdits& edits) : edits_(edits) {}

  bool removes(std::string_view name) const {
    const std::string camel = camel_case(name);
    if (find_set(camel) != nullptr) return false;
    return std::any_of(edits_.remove.begin(), edits_.remove.end(),
                       [&](const std::string& other) { return camel_case(other) == camel; });
  }
  // The new text of a key's value; nullopt: it stays.
  std::optional<std::string> replacement(std::string_view name, std::string_view old) const {
    const std::string camel = camel_case(name);
    const std::string* set = find_set(camel);
    if (camel == "systemInstruction" && !edits_.system_prompt.empty()) {
      return with_system_prompt(set != nullptr ? std::string_view(*set) : old,
                                edits_.system_prompt);
    }
    if (set != nullptr) return *set;
    return std::nullopt;
  }
  // Names to append where they are absent.
  std::vector<std::string> wanted() const {
    std::vector<std::string> out;
    for (const auto& [name, json] : edits_.set) out.push_back(camel_case(name));
    if (!edits_.system_prompt.empty()) out.emplace_back("systemInstruction");
    return out;
  }

 private:
  const std::string* find_set(std::string_view camel) const {
    const std::string* found = nullptr;
    for (const auto& [name, json] : edits_.set) {
      if (camel_case(name) == camel) found = &json;
    }
    return found;
  }
  const RequestEdits& edits_;
};

// Takes the members at `first` to `last` (inclusive) out of the object, with one comma.
Edit removal(const RequestScan& scan, std::size_t first, std::size_t last) {
  const auto& keys = scan.keys;
  if (last + 1 < keys.size()) return {keys[first].key_begin, keys[last + 1].key_begin, ""};
  const std::size_t begin = first > 0 ? keys[first - 1].value_end : keys[first].key_begin;
  return {begin, keys[last].value_end, ""};
}

}  // namespace

Result<RequestScan> scan_request(const CallSpec& spec) {
  const Body& body = spec.body;
  const std::string copy = body.segments().size() > 1 ? body.str() : "";
  const std::string_view text = copy.empty() ? body.contiguous() : std::string_view(copy);
  RequestScan out;
  Look look(out);
  if (Status status = json::scan_object(text, {}, out, look); !status.ok()) {
    if (status.code() != Code::kCancelled) {
      return status.with_message("Invalid JSON payload received. " + status.message())
          .with_http_status(400);
    }
    return Status(Code::kInvalidArgument,
                  "Invalid JSON payload received. The body of the request must be a JSON object.");
  }
  if (Status status = look.check(); !status.ok()) return status;
  PathParts path = read_path(spec.path);
  if (!path.model.empty()) out.model = std::move(path.model);
  if (out.model.rfind("models/", 0) == 0) out.model.erase(0, 7);
  if (out.model.empty()) {
    return Status(Code::kInvalidArgument, "the path of the request names no model")
        .with_param("model");
  }
  out.stream = path.verb == "streamGenerateContent";
  out.json_array = out.stream && wants_array(spec.query);
  out.include_usage = true;  // this format always tells
  return out;
}

Result<Body> splice_request(const Body& original, const RequestScan& scan,
                            const RequestEdits& given) {
  // Offsets count from the start of one piece of text.
  const Body body = original.segments().size() > 1 ? Body(original.str()) : original;
  const std::string_view text = body.contiguous();
  if (scan.object_close >= text.size()) {
    return Status(Code::kInternal, "the scan does not belong to this body");
  }
  const Edits edits(given);
  std::vector<Edit> list;
  std::vector<std::string> present;
  std::size_t tail = scan.object_open;  // where new members go: after the last one that stays
  for (std::size_t i = 0; i < scan.keys.size(); ++i) {
    const RequestScan::Key& key = scan.keys[i];
    if (edits.removes(key.name)) {
      std::size_t last = i;
      while (last + 1 < scan.keys.size() && edits.removes(scan.keys[last + 1].name)) ++last;
      list.push_back(removal(scan, i, last));
      i = last;
      continue;
    }
    present.push_back(camel_case(key.name));
    tail = key.value_end;
    const std::string_view old = text.substr(key.value_begin, key.value_end - key.value_begin);
    if (present.back() == "cachedContent" && !given.system_prompt.empty()) {
      return Status(Code::kUnsupported,
                    "a cached content cannot be combined with this target's system prompt")
          .with_param("cachedContent");
    }
    if (auto now = edits.replacement(key.name, old); now && *now != old) {
      list.push_back({key.value_begin, key.value_end, std::move(*now)});
    }
  }

  std::string added;
  for (const std::string& name : edits.wanted()) {
    if (std::find(present.begin(), present.end(), name) != present.end()) continue;
    if (!present.empty()) added.push_back(',');
    append_json_string(added, name);
    added.append(":").append(edits.replacement(name, "").value_or("null"));
    present.push_back(name);
  }
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

}  // namespace llmorch::gemini
