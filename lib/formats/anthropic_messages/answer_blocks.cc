#include "formats/anthropic_messages/answer_blocks.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <variant>

#include "base/text.h"
#include "formats/anthropic_messages/anthropic_messages.h"

namespace llmorch::anthropic_messages {
namespace {

constexpr std::string_view kContent = "/content/";

// Names that the writer gives itself, or that would make an SDK throw.
bool is_reserved(std::string_view key) {
  static constexpr std::array<std::string_view, 13> kNames{
      "error", "type",  "index",       "role",          "content", "message", "delta",
      "usage", "model", "stop_reason", "stop_sequence", "object",  "choices"};
  return std::find(kNames.begin(), kNames.end(), key) != kNames.end();
}

bool is_late(std::string_view key) { return key == "stop_details" || key == "container"; }

}  // namespace

std::size_t JsonProgress::feed(std::string_view text) {
  if (complete_) return 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (escaped_) {
      escaped_ = false;
    } else if (quoted_) {
      escaped_ = c == '\\';
      quoted_ = c != '"';
    } else if (c == '"') {
      quoted_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      if (--depth_ > 0) continue;
      complete_ = true;
      return at + 1;
    }
  }
  return text.size();
}

bool AnswerState::take(const Event& event) {
  if (const auto* start = std::get_if<event::Start>(&event)) {
    start_ = *start;
  } else if (const auto* finish = std::get_if<event::Finish>(&event)) {
    if (finish->choice == 0) finish_ = *finish;
  } else if (const auto* usage = std::get_if<event::UsageUpdate>(&event)) {
    usage_ = *usage;
  } else if (const auto* field = std::get_if<event::ExtraField>(&event)) {
    const std::string& path = field->extra.path;
    std::string key;
    if (!is_own()) return true;
    if (field->choice < 0) {
      if (step_below(path, "", key) && !is_reserved(key)) keep_latest(field->extra);
    } else if (field->choice == 0 && path.rfind(kContent, 0) == 0) {
      int part = -1;
      const std::size_t slash = path.find('/', kContent.size());
      if (slash == path.npos) return true;
      std::from_chars(path.data() + kContent.size(), path.data() + slash, part);
      block_extras_[part].push_back({path.substr(slash), field->extra.json});
    }
  } else {
    return std::holds_alternative<event::Logprobs>(event);  // no place for them
  }
  return true;
}

void AnswerState::keep_latest(const Extra& extra) {
  const auto same = std::find_if(extras_.begin(), extras_.end(),
                                 [&](const Extra& other) { return other.path == extra.path; });
  if (same == extras_.end()) {
    extras_.push_back(extra);
  } else {
    *same = extra;
  }
}

const Extras* AnswerState::block_extras(int part) const {
  const auto found = block_extras_.find(part);
  return found == block_extras_.end() ? nullptr : &found->second;
}

void AnswerState::write_head(ObjectWriter& message) const {
  message.string("id", start_.id.empty() ? "msg_" + options_.request_id : start_.id);
  message.string("type", "message");
  message.string("role", "assistant");
  message.string("model", start_.model.empty() ? options_.model : start_.model);
}

void AnswerState::write_stop(ObjectWriter& to, bool details) const {
  FinishReason reason = finish_.reason;
  if (reason == FinishReason::kNone && call_) reason = FinishReason::kToolCalls;
  if (refusal_ && (reason == FinishReason::kStop || reason == FinishReason::kNone)) {
    reason = FinishReason::kRefusal;
  }
  // The vendor's own word says more than the reason that was made of it.
  const bool kept_word = is_own() && is_stop_word(finish_.raw);
  std::string word(kept_word ? std::string_view(finish_.raw) : stop_word(reason));
  const bool matched = !finish_.stop_sequence.empty();
  if (matched && reason == FinishReason::kStop) word = "stop_sequence";
  to.string("stop_reason", word);
  if (matched) {
    to.string("stop_sequence", finish_.stop_sequence);
  } else {
    to.raw("stop_sequence", "null");
  }
  if (!details) return;
  const bool kept = std::any_of(extras_.begin(), extras_.end(),
                                [](const Extra& extra) { return extra.path == "/stop_details"; });
  if (kept || word != "refusal") return;
  ObjectWriter refusal(to.value("stop_details"));
  refusal.string("type", "refusal");
  refusal.raw("category", "null");
  if (finish_.explanation.empty()) {
    refusal.raw("explanation", "null");
  } else {
    refusal.string("explanation", finish_.explanation);
  }
  refusal.close();
}

std::string AnswerState::usage() const {
  if (usage_) return usage_json(usage_->usage, usage_->raw);
  return R"({"input_tokens":0,"output_tokens":0})";  // SDKs fail without the object
}

void AnswerState::write_extras(ObjectWriter& to, bool late, bool in_delta) const {
  std::string key;
  for (std::size_t i = 0; i < extras_.size(); ++i) {
    if (!step_below(extras_[i].path, "", key) || to.wrote(key)) continue;
    if (!late && key == "stop_details") continue;
    if (late && is_late(key) != in_delta) continue;
    if (late && i < sent_ && key != "stop_details") continue;
    to.raw(key, extras_[i].json);
  }
}

std::string AnswerState::signature_to_show(const std::string& signature,
                                           const std::string& redacted) const {
  if (is_own()) return signature;
  return make_carrier({options_.upstream, signature, redacted});
}

bool AnswerState::is_block(const std::string& json) const {
  if (!is_own()) return false;
  const auto document = json::Document::parse(json);
  return document && document->root()["type"].is_string();
}

}  // namespace llmorch::anthropic_messages
