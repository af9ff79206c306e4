// Finish reasons and token counts, both ways (WIRE_FORMATS 6.2).
#include <algorithm>
#include <array>
#include <utility>

#include "formats/object_writer.h"
#include "formats/openai_chat/openai_chat.h"

namespace llmorch::openai_chat {
namespace {

constexpr std::int64_t kMostTokens = std::int64_t{1} << 40;  // beyond it, a count is nonsense

std::optional<std::int64_t> count(const json::Value& value) {
  const std::optional<std::int64_t> number = value.integer();
  if (!number || *number < 0 || *number > kMostTokens) return std::nullopt;
  return number;
}

}  // namespace

FinishReason read_finish(std::string_view word) {
  // OpenAI's words, then those of compatible servers that pass others' words on.
  static constexpr std::array<std::pair<std::string_view, FinishReason>, 14> kWords{{
      {"", FinishReason::kNone},
      {"stop", FinishReason::kStop},
      {"length", FinishReason::kLength},
      {"tool_calls", FinishReason::kToolCalls},
      {"content_filter", FinishReason::kContentFilter},
      {"function_call", FinishReason::kToolCalls},
      {"tool_use", FinishReason::kToolCalls},
      {"end_turn", FinishReason::kStop},
      {"stop_sequence", FinishReason::kStop},
      {"eos", FinishReason::kStop},
      {"max_tokens", FinishReason::kLength},
      {"model_length", FinishReason::kLength},
      {"refusal", FinishReason::kRefusal},
      {"safety", FinishReason::kContentFilter},
  }};
  for (const auto& [name, reason] : kWords) {
    if (word == name) return reason;
  }
  return FinishReason::kOther;
}

std::string_view finish_word(FinishReason reason) {
  switch (reason) {
    case FinishReason::kLength:
      return "length";
    case FinishReason::kToolCalls:
      return "tool_calls";
    case FinishReason::kContentFilter:
    case FinishReason::kRefusal:
      return "content_filter";
    default:  // never `length` or `content_filter` for the unknown: SDK helpers throw on them
      return "stop";
  }
}

std::optional<Usage> read_usage(const json::Value& usage) {
  const auto prompt = count(usage["prompt_tokens"]);
  const auto completion = count(usage["completion_tokens"]);
  if (!prompt && !completion) return std::nullopt;
  const json::Value details = usage["prompt_tokens_details"];
  auto cached = count(details["cached_tokens"]);
  if (!cached) cached = count(usage["prompt_cache_hit_tokens"]);  // DeepSeek
  if (!cached) cached = count(usage["cached_tokens"]);            // Moonshot
  auto reasoning = count(usage["completion_tokens_details"]["reasoning_tokens"]);
  if (!reasoning) reasoning = count(usage["reasoning_tokens"]);

  Usage out;
  const std::int64_t in = prompt.value_or(0);
  out.input_cache_read = std::min(cached.value_or(0), in);
  out.input_cache_write =
      std::min(count(details["cache_write_tokens"]).value_or(0), in - out.input_cache_read);
  out.input = in - out.input_cache_read - out.input_cache_write;

  const std::int64_t all = completion.value_or(0);
  const std::int64_t thought = reasoning.value_or(0);
  // xAI does not count reasoning among the completion tokens, which its total tells.
  const bool apart = thought > 0 && (count(usage["total_tokens"]) == in + all + thought);
  out.output_reasoning = apart ? thought : std::min(thought, all);
  out.output = apart ? all : all - out.output_reasoning;
  return out;
}

std::string usage_json(const Usage& usage, std::string_view raw) {
  if (!raw.empty()) {
    const auto document = json::Document::parse(std::string(raw));
    if (document && count(document->root()["prompt_tokens"]) &&
        count(document->root()["completion_tokens"]) && count(document->root()["total_tokens"])) {
      return std::string(raw);
    }
  }
  std::string out;
  ObjectWriter object(out);
  object.integer("prompt_tokens", usage.total_input());
  object.integer("completion_tokens", usage.total_output());
  object.integer("total_tokens", usage.total_input() + usage.total_output());
  if (usage.input_cache_read > 0 || usage.input_cache_write > 0) {
    ObjectWriter details = object.object("prompt_tokens_details");
    details.integer("cached_tokens", usage.input_cache_read);
    if (usage.input_cache_write > 0) {
      details.integer("cache_write_tokens", usage.input_cache_write);
    }
    details.close();
  }
  if (usage.output_reasoning > 0) {
    ObjectWriter details = object.object("completion_tokens_details");
    details.integer("reasoning_tokens", usage.output_reasoning);
    details.close();
  }
  object.close();
  return out;
}

}  // namespace llmorch::openai_chat
