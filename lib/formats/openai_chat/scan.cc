// Requests without a tree: what they ask for, and splices that keep every other byte.
#include "json/scan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "formats/object_writer.h"
#include "formats/openai_chat/openai_chat.h"

namespace llmorch::openai_chat {
namespace {

enum class Top : std::uint8_t {
  kOther,
  kModel,
  kStream,
  kStreamOptions,
  kMessages,
  kTools,
  kResponseFormat
};

Top top_key(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Top>, 7> kKeys{{
      {"model", Top::kModel},
      {"stream", Top::kStream},
      {"stream_options", Top::kStreamOptions},
      {"messages", Top::kMessages},
      {"tools", Top::kTools},
      {"functions", Top::kTools},
      {"response_format", Top::kResponseFormat},
  }};
  for (const auto& [key, top] : kKeys) {
    if (name == key) return top;
  }
  return Top::kOther;
}

// Notes what a request asks for. Depths: 1 the top-level fields, 2 messages and tools, 3 a
// message's fields, 4 content parts, 5 their fields.
class Look : public json::Visitor {
 public:
  explicit Look(RequestScan& out) : out_(out) {}

  bool key(unsigned depth, std::string_view name, std::size_t) override {
    if (depth == 1) {
      top_ = top_key(name);
      inner_ = Inner::kOther;
    } else if (depth == 2) {
      inner_ = name == "include_usage" ? Inner::kIncludeUsage
               : name == "type"        ? Inner::kType
                                       : Inner::kOther;
    } else if (depth == 5) {
      part_type_ = name == "type";
    }
    return true;
  }

  bool scalar(unsigned depth, json::Type type, std::string_view text, std::size_t) override {
    if (depth == 0) root_ = type;
    if (depth == 1) field(type, text);
    if (depth == 2) {
      if (top_ == Top::kMessages) ++messages_;
      if (top_ == Top::kTools) out_.tools = true;
      if (top_ == Top::kStreamOptions && inner_ == Inner::kIncludeUsage) {
        out_.include_usage = text == "true";
      }
      if (top_ == Top::kResponseFormat && inner_ == Inner::kType) {
        out_.structured_output = text == "json_schema";
      }
    }
    if (depth == 5 && top_ == Top::kMessages && part_type_ && text == "image_url") {
      out_.images = true;
    }
    return true;
  }

  bool open(unsigned depth, json::Type type, std::size_t) override {
    if (depth == 0) root_ = type;
    if (depth == 1) field(type, "");
    if (depth == 2 && top_ == Top::kMessages) ++messages_;
    if (depth == 2 && top_ == Top::kTools) out_.tools = true;
    part_type_ = false;
    return true;
  }
  bool close(unsigned, json::Type, std::size_t) override { return true; }

  json::Type root() const { return root_; }
  Status check() const {
    if (!error_.ok()) return error_;
    if (model_ == json::Type::kMissing) return missing("model");
    if (messages_type_ == json::Type::kMissing) return missing("messages");
    if (messages_ == 0) {
      return Status(Code::kInvalidArgument,
                    "Invalid 'messages': empty array. Expected an array with minimum length 1, but "
                    "got an empty array instead.")
          .with_reason("empty_array")
          .with_param("messages");
    }
    return {};
  }

 private:
  enum class Inner : std::uint8_t { kOther, kIncludeUsage, kType };

  void fail(std::string param, std::string_view expected, json::Type got) {
    if (error_.ok()) error_ = wrong_type(std::move(param), expected, got);
  }

  void field(json::Type type, std::string_view text) {
    switch (top_) {
      case Top::kModel:
        model_ = type;
        out_.model = text;
        if (type != json::Type::kString) fail("model", "a string", type);
        break;
      case Top::kStream:
        out_.stream = text == "true";
        if (type != json::Type::kBool && type != json::Type::kNull) {
          fail("stream", "a boolean", type);
        }
        break;
      case Top::kStreamOptions:
        out_.include_usage = false;
        if (type != json::Type::kObject && type != json::Type::kNull) {
          fail("stream_options", "an object", type);
        }
        break;
      case Top::kMessages:
        messages_type_ = type;
        messages_ = 0;
        if (type != json::Type::kArray) fail("messages", "an array of objects", type);
        break;
      case Top::kTools:
        if (type != json::Type::kArray && type != json::Type::kNull) {
          fail("tools", "an array of objects", type);
        }
        break;
      case Top::kResponseFormat:
        out_.structured_output = false;
        break;
      case Top::kOther:
        break;
    }
  }

  RequestScan& out_;
  Top top_ = Top::kOther;
  Inner inner_ = Inner::kOther;
  bool part_type_ = false;
  json::Type root_ = json::Type::kMissing;
  json::Type model_ = json::Type::kMissing;
  json::Type messages_type_ = json::Type::kMissing;
  std::size_t messages_ = 0;
  Status error_;
};

struct Edit {
  std::size_t begin;
  std::size_t end;
  std::string text;
};

const std::string* find_set(const RequestEdits& edits, std::string_view name) {
  const std::string* found = nullptr;
  for (const auto& [key, text] : edits.set) {
    if (key == name) found = &text;
  }
  return found;
}

// What the configuration says the model cannot take is as good as removed; what its name tells is
// left to the caller, whose own words these are.
bool is_refused(const Capabilities& can, std::string_view name) {
  if (can.sampling == false && (name == "temperature" || name == "top_p" || name == "top_k")) {
    return true;
  }
  return can.reasoning == false && (name == "reasoning_effort" || name == "reasoning");
}

bool is_removed(const RequestEdits& edits, std::string_view name) {
  if (name == "model" || find_set(edits, name) != nullptr) return false;
  return is_refused(edits.capabilities, name) ||
         std::find(edits.remove.begin(), edits.remove.end(), name) != edits.remove.end();
}

// A limit above what the model can say.
bool is_too_long(const RequestEdits& edits, std::string_view name, std::string_view value) {
  if (name != "max_tokens" && name != "max_completion_tokens") return false;
  std::int64_t number = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
  const auto& most = edits.capabilities.max_output_tokens;
  return most && read.ec == std::errc() && read.ptr == value.data() + value.size() &&
         number > *most;
}

// The list of messages with the target's own prompt in front; nullopt: it stays.
std::optional<Edit> prompt_edit(const RequestEdits& edits, const RequestScan::Key& key,
                                std::string_view text) {
  if (edits.system_prompt.empty() || key.name != "messages" || text[key.value_begin] != '[') {
    return std::nullopt;
  }
  std::string added;
  ObjectWriter message(added);
  message.string("role", "system");
  message.string("content", edits.system_prompt);
  message.close();
  const std::size_t begin = key.value_begin + 1;
  const std::string_view rest = trim(text.substr(begin, key.value_end - begin));
  if (rest != "]") added.push_back(',');
  return Edit{begin, begin, std::move(added)};
}

// The new text of a key's value; nullopt: it stays.
std::optional<std::string> replacement(const RequestEdits& edits, bool ask_usage,
                                       std::string_view name, std::string_view old) {
  const std::string* set = find_set(edits, name);
  if (name == "stream_options" && ask_usage) return with_include_usage(set ? *set : old);
  if (set != nullptr) return *set;
  if (name == "model") return json_string(edits.model);
  if (is_too_long(edits, name, old)) return std::to_string(*edits.capabilities.max_output_tokens);
  return std::nullopt;
}

// Takes the members at `first` to `last` (inclusive) out of the object, with one comma.
Edit removal(const RequestScan& scan, std::size_t first, std::size_t last) {
  const auto& keys = scan.keys;
  if (last + 1 < keys.size()) return {keys[first].key_begin, keys[last + 1].key_begin, ""};
  const std::size_t begin = first > 0 ? keys[first - 1].value_end : keys[first].key_begin;
  return {begin, keys[last].value_end, ""};
}

}  // namespace

Result<RequestScan> scan_request(const Body& body) {
  const std::string copy = body.segments().size() > 1 ? body.str() : "";
  const std::string_view text = copy.empty() ? body.contiguous() : std::string_view(copy);
  RequestScan out;
  Look look(out);
  if (Status status = json::scan_object(text, {}, out, look); !status.ok()) {
    if (status.code() != Code::kCancelled) return wrong_json(status);
    return Status(Code::kInvalidArgument, "The body of the request must be a JSON object.");
  }
  if (Status status = look.check(); !status.ok()) return status;
  return out;
}

std::string with_include_usage(std::string_view stream_options) {
  struct Nothing : json::Visitor {
    bool key(unsigned, std::string_view, std::size_t) override { return true; }
    bool scalar(unsigned, json::Type, std::string_view, std::size_t) override { return true; }
    bool open(unsigned, json::Type, std::size_t) override { return true; }
    bool close(unsigned, json::Type, std::size_t) override { return true; }
  } nothing;
  RequestScan scan;
  if (!json::scan_object(stream_options, {}, scan, nothing).ok())
    return R"({"include_usage":true})";
  std::string out;
  std::size_t kept = 0;
  bool present = false;
  for (const RequestScan::Key& key : scan.keys) {
    if (key.name != "include_usage") continue;
    out.append(stream_options.substr(kept, key.value_begin - kept)).append("true");
    kept = key.value_end;
    present = true;
  }
  if (!present) {
    out.append(stream_options.substr(0, scan.object_open)).append(R"("include_usage":true)");
    if (!scan.keys.empty()) out.push_back(',');
    kept = scan.object_open;
  }
  return out.append(stream_options.substr(kept));
}

Result<Body> splice_request(const Body& original, const RequestScan& scan,
                            const RequestEdits& edits) {
  // Offsets count from the start of one piece of text.
  const Body body = original.segments().size() > 1 ? Body(original.str()) : original;
  const std::string_view text = body.contiguous();
  if (scan.object_close >= text.size()) {
    return Status(Code::kInternal, "the scan does not belong to this body");
  }
  const bool ask_usage = edits.ask_usage && scan.stream && !scan.include_usage;

  std::vector<Edit> list;
  std::vector<std::string_view> present;
  std::size_t tail = scan.object_open;  // where new members go: after the last one that stays
  for (std::size_t i = 0; i < scan.keys.size(); ++i) {
    const RequestScan::Key& key = scan.keys[i];
    if (is_removed(edits, key.name)) {
      std::size_t last = i;
      while (last + 1 < scan.keys.size() && is_removed(edits, scan.keys[last + 1].name)) ++last;
      list.push_back(removal(scan, i, last));
      i = last;
      continue;
    }
    present.push_back(key.name);
    tail = key.value_end;
    const std::string_view old = text.substr(key.value_begin, key.value_end - key.value_begin);
    if (auto now = replacement(edits, ask_usage, key.name, old); now && *now != old) {
      list.push_back({key.value_begin, key.value_end, std::move(*now)});
    } else if (auto prompt = prompt_edit(edits, key, text)) {
      list.push_back(std::move(*prompt));
    }
  }

  std::string added;
  const auto append = [&](std::string_view name) {
    if (std::find(present.begin(), present.end(), name) != present.end()) return;
    auto value = replacement(edits, ask_usage, name, "");
    if (!value) return;
    if (!present.empty()) added.push_back(',');
    append_json_string(added, name);
    added.append(":").append(*value);
    present.push_back(name);
  };
  for (const auto& [name, value] : edits.set) append(name);
  if (ask_usage) append("stream_options");
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

}  // namespace llmorch::openai_chat
