// Finish reasons, token counts and log probabilities, both ways (WIRE_FORMATS 3.4, 6.2).
#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "formats/gemini/gemini.h"
#include "formats/object_writer.h"

namespace llmorch::gemini {
namespace {

using json::Value;

constexpr std::int64_t kMostTokens = std::int64_t{1} << 40;  // beyond it, a count is nonsense

constexpr std::array<std::pair<std::string_view, FinishReason>, 22> kFinishWords{{
    {"STOP", FinishReason::kStop},
    {"MAX_TOKENS", FinishReason::kLength},
    {"CONTINUATION", FinishReason::kLength},
    {"SAFETY", FinishReason::kContentFilter},
    {"RECITATION", FinishReason::kContentFilter},
    {"LANGUAGE", FinishReason::kContentFilter},
    {"BLOCKLIST", FinishReason::kContentFilter},
    {"PROHIBITED_CONTENT", FinishReason::kContentFilter},
    {"SPII", FinishReason::kContentFilter},
    {"MODEL_ARMOR", FinishReason::kContentFilter},
    {"IMAGE_SAFETY", FinishReason::kContentFilter},
    {"IMAGE_PROHIBITED_CONTENT", FinishReason::kContentFilter},
    {"IMAGE_RECITATION", FinishReason::kContentFilter},
    {"IMAGE_OTHER", FinishReason::kContentFilter},
    {"NO_IMAGE", FinishReason::kOther},
    {"OTHER", FinishReason::kOther},
    {"MALFORMED_FUNCTION_CALL", FinishReason::kOther},
    {"UNEXPECTED_TOOL_CALL", FinishReason::kOther},
    {"TOO_MANY_TOOL_CALLS", FinishReason::kOther},
    {"MALFORMED_RESPONSE", FinishReason::kOther},
    {"MISSING_THOUGHT_SIGNATURE", FinishReason::kOther},
    {"FINISH_REASON_UNSPECIFIED", FinishReason::kNone},
}};

bool read_count(const Value& object, std::string_view camel, std::int64_t& to) {
  const Value value = field(object, camel);
  std::optional<std::int64_t> number = value.integer();
  const std::string text = value.string().value_or("");  // int64 may be a string in proto JSON
  if (!text.empty()) {
    std::int64_t read = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
    if (error == std::errc() && end == text.data() + text.size()) number = read;
  }
  if (!number || *number < 0 || *number > kMostTokens) return false;
  to = *number;
  return true;
}

// OpenAI writes a token's bytes beside it.
std::string byte_list(std::string_view token) {
  std::string out = "[";
  for (const char c : token) {
    if (out.size() > 1) out.push_back(',');
    out.append(std::to_string(static_cast<unsigned char>(c)));
  }
  return out.append("]");
}

void write_token(ObjectWriter& to, const Value& candidate) {
  const std::string token = candidate["token"].string().value_or("");
  const Value probability = field(candidate, "logProbability");
  to.string("token", token);
  to.raw("logprob", probability.type() == json::Type::kNumber ? probability.raw() : "0");
  to.raw("bytes", byte_list(token));
}

void write_candidate(std::string& out, const Value& entry) {
  ObjectWriter object(out);
  object.string("token", entry["token"].string().value_or(""));
  if (entry["logprob"].exists()) object.raw("logProbability", entry["logprob"].raw());
  object.close();
}

}  // namespace

FinishReason read_finish(std::string_view word) {
  if (word.empty()) return FinishReason::kNone;
  for (const auto& [name, reason] : kFinishWords) {
    if (word == name) return reason;
  }
  return FinishReason::kOther;
}

bool is_finish_word(std::string_view word) {
  return std::any_of(kFinishWords.begin(), kFinishWords.end(),
                     [&](const auto& entry) { return entry.first == word; });
}

std::string_view finish_word(FinishReason reason) {
  switch (reason) {
    case FinishReason::kLength:
      return "MAX_TOKENS";
    case FinishReason::kContentFilter:
    case FinishReason::kRefusal:
      return "SAFETY";
    case FinishReason::kOther:
      return "OTHER";
    default:
      return "STOP";
  }
}

bool UsageMeter::add(const Value& usage) {
  const Usage before = this->usage();
  const bool had = any_;
  bool known = read_count(usage, "promptTokenCount", prompt_);
  known = read_count(usage, "candidatesTokenCount", candidates_) || known;
  known = read_count(usage, "thoughtsTokenCount", thoughts_) || known;
  known = read_count(usage, "cachedContentTokenCount", cached_) || known;
  known = read_count(usage, "toolUsePromptTokenCount", tool_prompt_) || known;
  any_ = any_ || known;
  return known && (!had || !(before == this->usage()));
}

Usage UsageMeter::usage() const {
  Usage out;
  const std::int64_t in = prompt_ + tool_prompt_;
  out.input_cache_read = std::min(cached_, in);
  out.input = in - out.input_cache_read;
  out.output = candidates_;
  out.output_reasoning = thoughts_;
  return out;
}

std::string usage_json(const Usage& usage, std::string_view raw) {
  if (!raw.empty()) {
    const auto document = json::Document::parse(std::string(raw));
    // A stream's last chunk may leave out a count that an earlier one had.
    UsageMeter said;
    if (document && said.add(document->root()) && said.usage() == usage) return std::string(raw);
  }
  std::string out;
  ObjectWriter object(out);
  object.integer("promptTokenCount", usage.total_input());
  if (usage.input_cache_read > 0) {
    object.integer("cachedContentTokenCount", usage.input_cache_read);
  }
  object.integer("candidatesTokenCount", usage.output);
  if (usage.output_reasoning > 0) object.integer("thoughtsTokenCount", usage.output_reasoning);
  object.integer("totalTokenCount", usage.total_input() + usage.total_output());
  object.close();
  return out;
}

std::string read_logprobs(const Value& result) {
  const std::vector<Value> chosen = field(result, "chosenCandidates").items();
  if (chosen.empty()) return "";
  const Value top = field(result, "topCandidates");
  std::string out = "[";
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (out.size() > 1) out.push_back(',');
    ObjectWriter entry(out);
    write_token(entry, chosen[i]);
    std::string& list = entry.value("top_logprobs");
    list.push_back('[');
    for (const Value& candidate : top.at(i)["candidates"].items()) {
      if (list.back() != '[') list.push_back(',');
      ObjectWriter other(list);
      write_token(other, candidate);
      other.close();
    }
    list.push_back(']');
    entry.close();
  }
  return out.append("]");
}

std::string logprobs_json(std::string_view neutral) {
  const auto document = json::Document::parse(std::string(neutral));
  if (!document || document->root().size() == 0) return "";
  std::string chosen = "[";
  std::string top = "[";
  for (const Value& entry : document->root().items()) {
    if (chosen.size() > 1) chosen.push_back(',');
    write_candidate(chosen, entry);
    if (top.size() > 1) top.push_back(',');
    ObjectWriter group(top);
    std::string& list = group.value("candidates");
    list.push_back('[');
    for (const Value& other : entry["top_logprobs"].items()) {
      if (list.back() != '[') list.push_back(',');
      write_candidate(list, other);
    }
    list.push_back(']');
    group.close();
  }
  return "{\"topCandidates\":" + top + "],\"chosenCandidates\":" + chosen + "]}";
}

}  // namespace llmorch::gemini
