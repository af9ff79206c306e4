// Stop reasons, token counts and errors, both ways (WIRE_FORMATS 2.3, 2.7, 6.2).
#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "formats/anthropic_messages/anthropic_messages.h"
#include "formats/error_text.h"
#include "formats/media.h"
#include "formats/object_writer.h"

namespace llmorch::anthropic_messages {
namespace {

constexpr std::int64_t kMostTokens = std::int64_t{1} << 40;  // beyond it, a count is nonsense
constexpr std::size_t kMostFields = 64;                      // of one answer's usage
constexpr std::string_view kCarrier = "llmorch.v1.";

std::optional<std::int64_t> count_of(const json::Value& value) {
  const std::optional<std::int64_t> number = value.integer();
  if (!number || *number < 0 || *number > kMostTokens) return std::nullopt;
  return number;
}

}  // namespace

FinishReason read_stop(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, FinishReason>, 7> kWords{{
      {"", FinishReason::kNone},
      {"end_turn", FinishReason::kStop},
      {"stop_sequence", FinishReason::kStop},
      {"tool_use", FinishReason::kToolCalls},
      {"max_tokens", FinishReason::kLength},
      {"model_context_window_exceeded", FinishReason::kLength},
      {"refusal", FinishReason::kRefusal},
  }};
  for (const auto& [name, reason] : kWords) {
    if (word == name) return reason;
  }
  return FinishReason::kOther;  // pause_turn, compaction, and what comes next
}

bool is_stop_word(std::string_view word) {
  return !word.empty() &&
         (read_stop(word) != FinishReason::kOther || word == "pause_turn" || word == "compaction");
}

std::string_view stop_word(FinishReason reason) {
  switch (reason) {
    case FinishReason::kLength:
      return "max_tokens";
    case FinishReason::kToolCalls:
      return "tool_use";
    case FinishReason::kContentFilter:
    case FinishReason::kRefusal:
      return "refusal";
    default:
      return "end_turn";
  }
}

void UsageMerge::add(const json::Value& usage) {
  for (const json::Value::Member& member : usage.members()) {
    const auto known = std::find_if(fields_.begin(), fields_.end(),
                                    [&](const auto& field) { return field.first == member.key; });
    if (known == fields_.end()) {
      if (fields_.size() < kMostFields) fields_.emplace_back(member.key, member.value.raw());
    } else if (!member.value.is_null()) {
      known->second = member.value.raw();
    }
  }
}

std::int64_t UsageMerge::count(std::string_view key) const {
  for (const auto& [name, text] : fields_) {
    if (name != key) continue;
    const auto document = json::Document::parse(text);
    return document ? count_of(document->root()).value_or(0) : 0;
  }
  return 0;
}

Usage UsageMerge::usage() const {
  Usage out;
  out.input = count("input_tokens");
  out.input_cache_write = count("cache_creation_input_tokens");
  out.input_cache_read = count("cache_read_input_tokens");
  const std::int64_t all = count("output_tokens");
  for (const auto& [name, text] : fields_) {
    if (name != "output_tokens_details") continue;
    const auto document = json::Document::parse(text);
    if (document) {
      out.output_reasoning =
          std::min(count_of(document->root()["thinking_tokens"]).value_or(0), all);
    }
  }
  out.output = all - out.output_reasoning;
  return out;
}

std::string UsageMerge::raw() const {
  std::string out;
  ObjectWriter object(out);
  for (const auto& [name, text] : fields_) object.raw(name, text);
  object.close();
  return out;
}

std::string usage_json(const Usage& usage, std::string_view raw) {
  if (!raw.empty()) {
    const auto document = json::Document::parse(std::string(raw));
    if (document && count_of(document->root()["input_tokens"]) &&
        count_of(document->root()["output_tokens"]) &&
        !document->root()["input_tokens_details"].exists()) {
      return std::string(raw);
    }
  }
  std::string out;
  ObjectWriter object(out);
  object.integer("input_tokens", usage.input);
  object.integer("cache_creation_input_tokens", usage.input_cache_write);
  object.integer("cache_read_input_tokens", usage.input_cache_read);
  object.integer("output_tokens", usage.total_output());
  if (usage.output_reasoning > 0) {
    ObjectWriter details = object.object("output_tokens_details");
    details.integer("thinking_tokens", usage.output_reasoning);
    details.close();
  }
  object.close();
  return out;
}

InBand read_in_band_error(std::string_view json) {
  const ErrorText error = read_error_text(json);
  Verdict verdict = classify_error(200, error);
  if (error.type == "conflict_error") verdict = Verdict::kConflict;
  return {verdict, error_status(verdict, error, json)};
}

std::string make_carrier(const Carried& carried) {
  std::string json;
  ObjectWriter object(json);
  if (carried.origin) object.string("provider", format_name(*carried.origin));
  if (!carried.signature.empty()) object.string("signature", carried.signature);
  if (!carried.redacted.empty()) object.string("redacted", carried.redacted);
  object.close();
  return std::string(kCarrier).append(encode_base64(json));
}

std::optional<Carried> read_carrier(std::string_view signature) {
  if (signature.substr(0, kCarrier.size()) != kCarrier) return std::nullopt;
  Carried out;
  const auto json = decode_base64(signature.substr(kCarrier.size()));
  const auto document = json ? json::Document::parse(*json) : json::Document::parse("{}");
  if (!document) return out;  // ours, and broken on the way: nothing in it can be used
  const json::Value root = document->root();
  out.origin = format_from_name(root["provider"].string().value_or(""));
  out.signature = root["signature"].string().value_or("");
  out.redacted = root["redacted"].string().value_or("");
  return out;
}

}  // namespace llmorch::anthropic_messages
