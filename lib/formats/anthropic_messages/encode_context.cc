#include "formats/anthropic_messages/encode_context.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/text.h"

namespace llmorch::anthropic_messages {
namespace {

constexpr std::size_t kMostMarks = 4;
constexpr std::size_t kLongestId = 64;
constexpr std::size_t kLongestName = 64;  // 128 on newer models only
constexpr std::string_view kShortMark = R"({"type":"ephemeral"})";

bool is_legal(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

// Readable, legal, and still different where the originals were.
std::string made_legal(std::string_view text, std::size_t most) {
  if (is_legal(text, most)) return std::string(text);
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  std::string out(text.substr(0, most - 9));
  for (char& c : out) {
    if (!is_legal(std::string_view(&c, 1), 1)) c = '_';
  }
  out.push_back('_');
  for (int i = 0; i < 8; ++i) out.push_back("0123456789abcdef"[hash >> (4 * i) & 0xF]);
  return out;
}

// A value that says no more than its absence would.
bool says_nothing(std::string_view json) {
  static constexpr std::array<std::string_view, 5> kNothing{"null", "false", "\"\"", "[]", "{}"};
  return std::find(kNothing.begin(), kNothing.end(), json) != kNothing.end();
}

std::string dotted(std::string_view pointer) {
  std::string out;
  for (std::size_t at = 1; at < pointer.size(); ++at) {
    if (pointer[at] == '/') {
      out.push_back('.');
    } else if (pointer[at] == '~' && at + 1 < pointer.size()) {
      out.push_back(pointer[++at] == '1' ? '/' : '~');
    } else {
      out.push_back(pointer[at]);
    }
  }
  return out;
}

// The mark as it may be sent: "" when it is none.
std::string valid_mark(const std::string& json) {
  if (json.empty()) return "";
  const auto document = json::Document::parse(json);
  if (!document || document->root()["type"].string() != "ephemeral") return "";
  const std::string ttl = document->root()["ttl"].string().value_or("");
  return ttl == "1h"   ? R"({"type":"ephemeral","ttl":"1h"})"
         : ttl == "5m" ? R"({"type":"ephemeral","ttl":"5m"})"
                       : std::string(kShortMark);
}

bool can_carry_mark(const Part& part) {
  switch (part.kind) {
    case Part::Kind::kReasoning:
    case Part::Kind::kOpaque:
      return false;
    case Part::Kind::kText:
    case Part::Kind::kRefusal:
      return !trim(part.text).empty();
    default:
      return true;
  }
}

bool stands_in_content(const Part& part) {
  return part.kind != Part::Kind::kReasoning && part.kind != Part::Kind::kToolCall;
}

}  // namespace

std::string mark_of(const Part& part) {
  if (!can_carry_mark(part)) return "";
  std::string mark = valid_mark(part.cache_control);
  for (const Part& inner : part.content) {
    // A result is cached as a whole.
    if (mark.empty()) mark = valid_mark(inner.cache_control);
  }
  return mark;
}

EncodeContext::EncodeContext(const ChatRequest& r, const RequestEdits& e)
    : request(r),
      edits(e),
      traits(model_traits(e.model.empty() ? r.model : e.model, e.capabilities)),
      own(r.format == Format::kAnthropicMessages) {
  for (const Tool& tool : request.tools) {
    if (!valid_mark(tool.cache_control).empty()) ++marks_to_skip_;
  }
  for (const Message& message : request.messages) count_marks(message.parts);
  marks_to_skip_ = marks_to_skip_ > kMostMarks ? marks_to_skip_ - kMostMarks : 0;
  if (marks_to_skip_ > 0) drop("cache_control");
}

void EncodeContext::count_marks(const std::vector<Part>& parts) {
  for (const Part& part : parts) {
    if (!mark_of(part).empty()) ++marks_to_skip_;
  }
}

void EncodeContext::write_mark(ObjectWriter& object, const std::string& json) {
  std::string mark = valid_mark(json);
  if (mark.empty()) return;
  if (marks_to_skip_ > 0) {  // the last ones cover the most
    --marks_to_skip_;
    return;
  }
  const bool is_long = mark.find("1h") != std::string::npos;
  if (is_long && short_mark_written_) {  // refused in this order
    mark = kShortMark;
    drop("cache_control.ttl");
  }
  short_mark_written_ = short_mark_written_ || !is_long;
  object.raw("cache_control", mark);
}

void EncodeContext::refuse(std::string param, std::string why) {
  if (error.ok()) error = Status(Code::kUnsupported, std::move(why)).with_param(std::move(param));
}

void EncodeContext::drop(const std::string& what) {
  auto& dropped = result.dropped;
  if (std::find(dropped.begin(), dropped.end(), what) == dropped.end()) dropped.push_back(what);
}

void EncodeContext::drop_extras(const Extras& extras, std::string_view prefix) {
  if (own) return;
  for (const Extra& extra : extras) {
    if (extra.restated || says_nothing(extra.json)) continue;
    const std::string name = dotted(extra.path);
    drop(prefix.empty() ? name : std::string(prefix) + "." + name);
  }
}

std::string EncodeContext::message_param(std::size_t message) const {
  // These formats say the leading system prompt outside of the list.
  const bool apart = (own || request.format == Format::kGemini) && !request.messages.empty() &&
                     request.messages.front().role == Message::Role::kSystem;
  const bool gemini = request.format == Format::kGemini;
  if (apart && message == 0) return gemini ? "systemInstruction" : "system";
  const std::string_view list = gemini                                       ? "contents"
                                : request.format == Format::kOpenAiResponses ? "input"
                                                                             : "messages";
  return std::string(list) + "[" + std::to_string(message - (apart ? 1 : 0)) + "]";
}

std::string EncodeContext::part_param(std::size_t message, std::size_t part) const {
  const std::string base = message_param(message);
  const Message& from = request.messages[message];
  const std::string index = "[" + std::to_string(part) + "]";
  if (request.format == Format::kGemini) return base + ".parts" + index;
  if (base == "system") return base + (from.plain_text ? "" : index);
  if (own) return base + ".content" + (from.plain_text ? "" : index);
  const Part& at = from.parts[part];
  if (at.kind == Part::Kind::kReasoning) return base + ".reasoning_content";
  const bool call = at.kind == Part::Kind::kToolCall;
  if (!call && (from.plain_text || at.kind == Part::Kind::kToolResult)) return base + ".content";
  // Calls and content are two lists.
  const auto end = from.parts.begin() + static_cast<std::ptrdiff_t>(part);
  const auto place = std::count_if(from.parts.begin(), end, [&](const Part& other) {
    return call ? other.kind == Part::Kind::kToolCall : stands_in_content(other);
  });
  return base + (call ? ".tool_calls[" : ".content[") + std::to_string(place) + "]";
}

std::string EncodeContext::inner_param(std::size_t message, std::size_t part,
                                       std::size_t inner) const {
  const std::string index = "[" + std::to_string(inner) + "]";
  return part_param(message, part) + (own ? ".content" : "") + index;
}

std::string EncodeContext::field(std::string_view neutral) const {
  struct Row {
    std::string_view neutral;
    std::string_view own;
    std::string_view gemini;
  };
  static constexpr std::array<Row, 13> kRows{{
      {"max_tokens", "max_tokens", "generationConfig.maxOutputTokens"},
      {"stop", "stop_sequences", "generationConfig.stopSequences"},
      {"n", "n", "generationConfig.candidateCount"},
      {"seed", "seed", "generationConfig.seed"},
      {"temperature", "temperature", "generationConfig.temperature"},
      {"top_p", "top_p", "generationConfig.topP"},
      {"top_k", "top_k", "generationConfig.topK"},
      {"presence_penalty", "presence_penalty", "generationConfig.presencePenalty"},
      {"frequency_penalty", "frequency_penalty", "generationConfig.frequencyPenalty"},
      {"reasoning_effort", "output_config.effort", "generationConfig.thinkingConfig"},
      {"response_format", "output_config.format", "generationConfig.responseJsonSchema"},
      {"tool_choice", "tool_choice", "toolConfig"},
      {"user", "metadata.user_id", "labels"},
  }};
  for (const Row& row : kRows) {
    if (row.neutral != neutral) continue;
    if (own) return std::string(row.own);
    if (request.format == Format::kGemini) return std::string(row.gemini);
  }
  if (neutral == "max_tokens" && request.max_completion_tokens) return "max_completion_tokens";
  return std::string(neutral);
}

std::string EncodeContext::tool_name(const std::string& asked) {
  std::string sent = made_legal(asked, own ? 128 : kLongestName);
  if (sent != asked) {
    auto& names = result.hints.tool_names;
    const std::pair<std::string, std::string> entry{sent, asked};
    if (std::find(names.begin(), names.end(), entry) == names.end()) names.push_back(entry);
  }
  return sent;
}

std::string EncodeContext::legal_id(std::string_view id) { return made_legal(id, kLongestId); }

}  // namespace llmorch::anthropic_messages
