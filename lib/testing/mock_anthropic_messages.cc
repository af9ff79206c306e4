// The turns of Messages: shapes of blocks, tool calls and their results, thinking that must come
// back unaltered (WIRE_FORMATS 2.2).
#include <algorithm>
#include <set>

#include "testing/mock_anthropic.h"
#include "testing/mock_shape.h"
#include "testing/mock_signature.h"

namespace llmorch::testing {
namespace {

using json::Value;

// What blocks hold, and the roles that may send them: u user, a assistant, s system.
struct BlockRow {
  std::string_view type;
  std::string_view roles;
  std::string_view shape;  // "" is not checked
};
constexpr BlockRow kBlocks[] = {
    {"text", "uas", "type:s! text:s! cache_control:o citations:ao"},
    {"image", "u", "type:s! source:o! cache_control:o transformations:o"},
    {"document", "u", "type:s! source:o! title:s context:s citations:o cache_control:o"},
    {"search_result", "u", "type:s! source:s! title:s! content:a! citations:o cache_control:o"},
    {"tool_use", "a", "type:s! id:s! name:s! input:o! caller:o toolset_name:s cache_control:o"},
    {"tool_result", "u", "type:s! tool_use_id:s! content:sa is_error:b cache_control:o"},
    {"thinking", "a", "type:s! thinking:s! signature:s!"},
    {"redacted_thinking", "a", "type:s! data:s!"},
    {"server_tool_use", "a", ""},
    {"container_upload", "u", ""},
    {"tool_addition", "s", ""},
    {"web_search_tool_result", "a", ""},
    {"web_fetch_tool_result", "a", ""},
    {"code_execution_tool_result", "a", ""},
    {"bash_code_execution_tool_result", "a", ""},
    {"text_editor_code_execution_tool_result", "a", ""},
    {"tool_search_tool_result", "a", ""},
};
constexpr std::string_view kResultBlocks[] = {"text",          "image",          "document",
                                              "search_result", "tool_reference", "browser_state"};
constexpr std::string_view kImages[] = {"image/jpeg", "image/png", "image/gif", "image/webp"};

bool blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

// What the bytes are; "" when they are none of these.
std::string_view image_type(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (bytes.starts_with("\x89PNG\r\n\x1A\n")) return "image/png";
  if (bytes.starts_with("GIF8")) return "image/gif";
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return "image/webp";
  return "";
}

Problem check_source(const Value& source, bool image, const std::string& at) {
  const std::string type = source["type"].string().value_or("");
  const std::string place = at + ".source." + type;
  static constexpr std::pair<std::string_view, std::string_view> kShapes[] = {
      {"base64", "type:s! media_type:s! data:s!"},
      {"url", "type:s! url:s!"},
      {"file", "type:s! file_id:s!"},
      {"text", "type:s! media_type:s! data:s!"},
      {"content", "type:s! content:sa!"}};
  const auto row = std::find_if(std::begin(kShapes), std::end(kShapes),
                                [&type](const auto& shape) { return shape.first == type; });
  if (row == std::end(kShapes) || (image && (type == "text" || type == "content"))) {
    return at + ".source: Input tag '" + type +
           "' found using 'type' does not match any of the expected tags";
  }
  if (auto problem = anthropic_shape(source, row->second, place)) return problem;
  if (type == "url" && !source["url"].string()->starts_with("https://")) {
    return place + ".url: Only HTTPS URLs are supported.";
  }
  const std::string media = source["media_type"].string().value_or("");
  if (type == "text" && media != "text/plain") {
    return place + ".media_type: Input should be 'text/plain'";
  }
  if (type != "base64") return std::nullopt;
  std::string bytes;
  if (!decode_base64(*source["data"].string(), bytes)) {
    return place + ".data: Invalid base64 data";
  }
  if (!image) {
    if (media != "application/pdf") return place + ".media_type: Input should be 'application/pdf'";
    return bytes.starts_with("%PDF") ? std::nullopt
                                     : Problem(place + ".data: The PDF specified was not valid.");
  }
  if (std::find(std::begin(kImages), std::end(kImages), media) == std::end(kImages)) {
    return place +
           ".media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or "
           "'image/webp'";
  }
  const std::string_view found = image_type(bytes);
  if (found.empty()) return place + ".data: Could not process image";
  if (found != media) {
    return joined(place, ": The image was specified using the ", media,
                  " media type, but the image appears to be a ", found, " image");
  }
  return std::nullopt;
}

// Turns as the server sees them: runs of one role are one.
struct Turn {
  std::string role;
  std::string at;  // of its first message
  std::vector<Value> calls;
  std::vector<Value> results;
  bool result_late = false;   // a result stands behind something else
  bool thinks_first = false;  // its first block is thinking
  bool has_other = false;     // a block that is no result
  std::size_t blocks = 0;
  std::string text;         // of blocks that are no results
  std::string result_text;  // of results
};

class Reader {
 public:
  explicit Reader(MockAsk& ask) : ask_(ask) {}

  Problem message(const Value& message, const std::string& at) {
    if (auto problem = anthropic_shape(message, "role:s! content:sa!", at)) return problem;
    const std::string role = *message["role"].string();
    if (role != "user" && role != "assistant" && role != "system") {
      return at + ".role: Input should be 'user', 'assistant' or 'system'";
    }
    if (turns_.empty() || turns_.back().role != role) {
      turns_.emplace_back();
      turns_.back().role = role;
      turns_.back().at = at;
    }
    const Value content = message["content"];
    if (content.is_string()) return text(*content.string(), turns_.back().role == "assistant");
    if (content.size() == 0) return "messages: all messages must have non-empty content";
    std::size_t index = 0;
    for (const Value& item : content.items()) {
      if (auto problem = block(item, joined(at, ".content.", index++))) return problem;
    }
    return std::nullopt;
  }

  Problem check_pairs() const {
    for (std::size_t i = 0; i < turns_.size(); ++i) {
      const Turn& turn = turns_[i];
      const Turn* next = i + 1 < turns_.size() ? &turns_[i + 1] : nullptr;
      std::string missing;
      for (const Value& call : turn.calls) {
        const std::string id = *call["id"].string();
        if (next == nullptr || next->result_late || !answers(*next, id)) {
          put(missing, missing.empty() ? "" : ", ", id);
        }
      }
      if (!missing.empty()) {
        return turn.at +
               ": `tool_use` ids were found without `tool_result` blocks immediately "
               "after: " +
               missing +
               ". Each `tool_use` block must have a corresponding `tool_result` block in the next "
               "message.";
      }
      for (const Value& result : turn.results) {
        const std::string id = *result["tool_use_id"].string();
        if (i == 0 || !calls(turns_[i - 1], id)) {
          return turn.at +
                 ".content.0: unexpected `tool_use_id` found in `tool_result` blocks: " + id +
                 ". Each `tool_result` block must have a corresponding `tool_use` block in the "
                 "previous message.";
        }
      }
    }
    return std::nullopt;
  }

  Problem check_end(const Value& root, const AnthropicModel& model) const {
    const Turn& last = turns_.back();
    if (last.role == "assistant") {
      if (!model.takes("prefill")) {
        return "This model does not support assistant message prefill. The conversation must end "
               "with a user message.";
      }
      if (!last.text.empty() && blank(last.text.substr(last.text.size() - 1))) {
        return "messages: final assistant content cannot end with trailing whitespace";
      }
    }
    for (const Turn& turn : turns_) {
      if (turn.role == "system" && !model.takes("system")) {
        return "role 'system' is not supported on this model";
      }
    }
    // In a tool loop the turn that called must still show its thinking.
    if (root["thinking"]["type"].string() != "enabled" || turns_.size() < 2) return std::nullopt;
    const Turn& caller = turns_[turns_.size() - 2];
    if (!last.results.empty() && !caller.thinks_first) {
      return caller.at +
             ".content.0.type: Expected `thinking` or `redacted_thinking`, but found "
             "`tool_use`. When `thinking` is enabled, a final `assistant` message must "
             "start with a thinking block.";
    }
    return std::nullopt;
  }

  void finish(std::string& last_user) {
    for (const Turn& turn : turns_) {
      if (turn.role != "user") continue;
      ask_.after_tool = !turn.has_other;
      ask_.text = turn.has_other ? turn.text : turn.result_text;
      if (turn.has_other) last_user = turn.text;
    }
  }

 private:
  static bool calls(const Turn& turn, std::string_view id) {
    return std::any_of(turn.calls.begin(), turn.calls.end(),
                       [id](const Value& call) { return call["id"].string() == id; });
  }
  static bool answers(const Turn& turn, std::string_view id) {
    return std::count_if(turn.results.begin(), turn.results.end(), [id](const Value& result) {
             return result["tool_use_id"].string() == id;
           }) == 1;
  }

  void add_text(std::string_view text) {
    turns_.back().text += text;
    ask_.prompt_bytes += text.size();
  }
  void add_result_text(std::string_view text) {
    turns_.back().result_text += text;
    ask_.prompt_bytes += text.size();
  }

  Problem text(std::string_view text, bool assistant) {
    if (text.empty()) return "messages: text content blocks must be non-empty";
    if (!assistant && blank(text)) {
      return "messages: text content blocks must contain non-whitespace text";
    }
    Turn& turn = turns_.back();
    ++turn.blocks;
    turn.has_other = true;
    add_text(text);
    return std::nullopt;
  }

  Problem block(const Value& item, const std::string& at) {
    Turn& turn = turns_.back();
    const std::string type = item["type"].string().value_or("");
    const auto row = std::find_if(std::begin(kBlocks), std::end(kBlocks),
                                  [&type](const BlockRow& known) { return known.type == type; });
    if (row == std::end(kBlocks)) {
      return at + ": Input tag '" + type +
             "' found using 'type' does not match any of the expected tags";
    }
    if (row->roles.find(turn.role[0]) == std::string_view::npos) {
      return at + ": `" + type + "` blocks are not permitted in `" + turn.role + "` messages";
    }
    const std::string place = at + "." + type;
    if (!row->shape.empty()) {
      if (auto problem = anthropic_shape(item, row->shape, place)) return problem;
    }
    if (type == "text") return text(*item["text"].string(), turn.role == "assistant");
    if (type == "tool_result") return result(item, place);
    turn.has_other = true;
    if (turn.blocks++ == 0) turn.thinks_first = type.find("thinking") != std::string::npos;
    if (type == "thinking" || type == "redacted_thinking") return thinking(item, at);
    if (type == "tool_use") return call(item, place);
    if (type == "image" || type == "document") {
      add_text("[" + type + "]");
      return check_source(item["source"], type == "image", place);
    }
    return std::nullopt;
  }

  static Problem thinking(const Value& item, const std::string& at) {
    if (item["type"].string() == "redacted_thinking") {
      if (verify(*item["data"].string(), kRedactedTag, "")) return std::nullopt;
      return at + ": Invalid `data` in `redacted_thinking` block";
    }
    if (verify(*item["signature"].string(), kAnthropicTag, *item["thinking"].string())) {
      return std::nullopt;
    }
    return at + ": Invalid `signature` in `thinking` block";
  }

  Problem call(const Value& item, const std::string& at) {
    const std::string id = *item["id"].string();
    if (!is_name(id, "_-", 1000)) {
      return at + ".id: String should match pattern '^[a-zA-Z0-9_-]+$'";
    }
    if (!is_name(*item["name"].string(), "_-", 128)) {
      return at + ".name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'";
    }
    if (!ids_.insert(id).second) return "messages: `tool_use` ids must be unique";
    turns_.back().calls.push_back(item);
    return std::nullopt;
  }

  Problem result(const Value& item, const std::string& at) {
    Turn& turn = turns_.back();
    ++turn.blocks;
    turn.results.push_back(item);
    turn.result_late = turn.result_late || turn.has_other;
    const Value content = item["content"];
    if (item["is_error"].boolean().value_or(false) && content.size() == 0 &&
        content.string().value_or("").empty()) {
      return at + ": content cannot be empty if `is_error` is true";
    }
    if (content.is_string()) add_result_text(*content.string());
    std::size_t index = 0;
    for (const Value& part : content.items()) {
      const std::string place = joined(at, ".content.", index++);
      const std::string type = part["type"].string().value_or("");
      if (std::find(std::begin(kResultBlocks), std::end(kResultBlocks), type) ==
          std::end(kResultBlocks)) {
        return place + ": Input tag '" + type +
               "' found using 'type' does not match any of the expected tags";
      }
      const auto row = std::find_if(std::begin(kBlocks), std::end(kBlocks),
                                    [&type](const BlockRow& known) { return known.type == type; });
      if (row != std::end(kBlocks)) {
        if (auto problem = anthropic_shape(part, row->shape, place + "." + type)) return problem;
      }
      if (type == "text") {
        if (part["text"].string()->empty())
          return "messages: text content blocks must be non-empty";
        add_result_text(*part["text"].string());
      } else if (type == "image" || type == "document") {
        add_result_text("[" + type + "]");
        if (auto problem = check_source(part["source"], type == "image", place + "." + type)) {
          return problem;
        }
      }
    }
    return std::nullopt;
  }

  MockAsk& ask_;
  std::vector<Turn> turns_;
  std::set<std::string> ids_;
};

}  // namespace

Problem read_anthropic_messages(const Value& root, const AnthropicModel& model, MockAsk& ask,
                                std::string& last_user) {
  Reader reader(ask);
  std::size_t index = 0;
  for (const Value& message : root["messages"].items()) {
    if (auto problem = reader.message(message, joined("messages.", index++))) return problem;
  }
  if (auto problem = reader.check_pairs()) return problem;
  if (auto problem = reader.check_end(root, model)) return problem;
  reader.finish(last_user);
  return std::nullopt;
}

}  // namespace llmorch::testing
