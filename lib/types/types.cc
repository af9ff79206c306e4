#include "llmorch/types.h"

#include <array>

#include "base/text.h"

namespace llmorch {
namespace {

template <std::size_t N>
std::string_view pick(const std::array<std::string_view, N>& names, std::size_t index) {
  return index < N ? names[index] : std::string_view("unknown");
}

constexpr std::array<std::string_view, 5> kFormats{
    "openai_chat", "openai_responses", "anthropic_messages", "gemini", "bedrock_converse"};
constexpr std::array<std::string_view, 7> kFinish{
    "", "stop", "length", "tool_calls", "content_filter", "refusal", "other"};
constexpr std::array<std::string_view, 17> kVerdicts{
    "ok",      "invalid_request", "context_length", "content_policy", "auth",         "permission",
    "billing", "model_not_found", "rate_limit",     "overloaded",     "server_error", "timeout",
    "network", "malformed",       "conflict",       "client_cancel",  "inexpressible"};
constexpr std::array<std::string_view, 5> kPhases{"", "before_attempt", "before_first_byte",
                                                  "before_commit", "streaming"};
constexpr std::array<std::string_view, 3> kUsageSources{"none", "upstream", "estimated"};

}  // namespace

std::string_view format_name(Format format) {
  return pick(kFormats, static_cast<std::size_t>(format));
}

std::optional<Format> format_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kFormats.size(); ++i) {
    if (kFormats[i] == name) return static_cast<Format>(i);
  }
  return std::nullopt;
}

std::string_view finish_reason_name(FinishReason reason) {
  return pick(kFinish, static_cast<std::size_t>(reason));
}
std::string_view verdict_name(Verdict verdict) {
  return pick(kVerdicts, static_cast<std::size_t>(verdict));
}
std::string_view cancel_phase_name(CancelPhase phase) {
  return pick(kPhases, static_cast<std::size_t>(phase));
}
std::string_view usage_source_name(UsageSource source) {
  return pick(kUsageSources, static_cast<std::size_t>(source));
}

const std::string* find_header(const Headers& headers, std::string_view name) {
  for (const Header& header : headers) {
    if (equals_ignore_case(header.name, name)) return &header.value;
  }
  return nullptr;
}

void set_header(Headers& headers, std::string_view name, std::string value) {
  std::erase_if(headers,
                [&](const Header& header) { return equals_ignore_case(header.name, name); });
  headers.push_back({std::string(name), std::move(value)});
}

}  // namespace llmorch
