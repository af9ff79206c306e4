#include "formats/anthropic_messages/models.h"

#include <array>
#include <string>

#include "base/text.h"

namespace llmorch::anthropic_messages {
namespace {

constexpr auto kAdaptive = Thinking::kAdaptive;
constexpr auto kBudget = Thinking::kBudget;
constexpr auto kNone = Thinking::kNone;
constexpr auto kOmit = NoThinking::kOmit;
constexpr auto kDisabled = NoThinking::kDisabled;
constexpr auto kBetween = NoThinking::kBetweenTools;
constexpr auto kImpossible = NoThinking::kImpossible;

// name, most output tokens, thinking, no thinking, sampling, one of them, forced tool choice,
// structured, xhigh, system inside messages, prefill. clang-format would make columns of it.
// clang-format off
constexpr std::array<ModelTraits, 24> kModels{{
    {"claude-sonnet-5-5", 128'000, kAdaptive, kBetween,    false, true,  false, true,  true,  false, false},
    {"claude-opus-5-5",   128'000, kAdaptive, kImpossible, false, true,  false, true,  true,  true,  false},
    {"claude-fable-5",    128'000, kAdaptive, kImpossible, false, true,  false, true,  true,  true,  false},
    {"claude-mythos-5",   128'000, kAdaptive, kImpossible, false, true,  false, true,  true,  true,  false},
    {"claude-haiku-5-5",  128'000, kAdaptive, kDisabled,   false, true,  true,  true,  true,  false, false},
    {"claude-opus-5",     128'000, kAdaptive, kDisabled,   false, true,  true,  true,  true,  true,  false},
    {"claude-opus-4-8",   128'000, kAdaptive, kDisabled,   false, true,  true,  true,  true,  true,  false},
    {"claude-opus-4-7",   128'000, kAdaptive, kDisabled,   false, true,  true,  true,  true,  false, false},
    {"claude-sonnet-5",   128'000, kAdaptive, kDisabled,   false, true,  true,  true,  true,  false, false},
    {"claude-opus-4-6",   128'000, kAdaptive, kDisabled,   true,  true,  true,  true,  false, false, false},
    {"claude-sonnet-4-6", 128'000, kAdaptive, kDisabled,   true,  true,  true,  true,  false, false, false},
    {"claude-opus-4-5",    64'000, kBudget,   kDisabled,   true,  true,  true,  true,  false, false, true},
    {"claude-sonnet-4-5",  64'000, kBudget,   kDisabled,   true,  true,  true,  true,  false, false, true},
    {"claude-haiku-4-5",   64'000, kBudget,   kDisabled,   true,  true,  true,  true,  false, false, true},
    {"claude-opus-4-1",    32'000, kBudget,   kDisabled,   true,  true,  true,  true,  false, false, true},
    {"claude-opus-4",      32'000, kBudget,   kDisabled,   true,  false, true,  false, false, false, true},
    {"claude-sonnet-4",    64'000, kBudget,   kDisabled,   true,  false, true,  false, false, false, true},
    {"claude-3-7-sonnet",  64'000, kBudget,   kDisabled,   true,  false, true,  false, false, false, true},
    {"claude-3-5-sonnet",   8'192, kNone,     kOmit,       true,  false, true,  false, false, false, true},
    {"claude-3-5-haiku",    8'192, kNone,     kOmit,       true,  false, true,  false, false, false, true},
    {"claude-3-haiku",      4'096, kNone,     kOmit,       true,  false, true,  false, false, false, true},
    {"claude-3-sonnet",     4'096, kNone,     kOmit,       true,  false, true,  false, false, false, true},
    {"claude-3-opus",       4'096, kNone,     kOmit,       true,  false, true,  false, false, false, true},
    {"claude-2",            4'096, kNone,     kOmit,       true,  false, true,  false, false, false, true},
}};
// clang-format on

}  // namespace

ModelTraits model_traits(std::string_view model, const Capabilities& configured) {
  // Dots, as some aggregators write them ("claude-opus-4.6"), mean the same.
  std::string id = to_lower(model);
  for (char& c : id) {
    if (c == '.') c = '-';
  }
  ModelTraits out;
  for (const ModelTraits& row : kModels) {
    if (row.name.size() > out.name.size() && id.find(row.name) != id.npos) out = row;
  }
  out.known = !out.name.empty();

  out.tools = configured.tools.value_or(true);
  out.vision = configured.vision.value_or(true);
  out.structured = configured.structured_output.value_or(out.structured);
  out.sampling = configured.sampling.value_or(out.sampling);
  out.max_output_tokens = configured.max_output_tokens.value_or(out.max_output_tokens);
  if (configured.reasoning == false) out.thinking = kNone;
  if (configured.reasoning == true && out.thinking == kNone) {
    // A Claude that no row knows is newer than this table; compatible servers of other vendors
    // copied the older way.
    out.thinking = id.find("claude") != id.npos ? kAdaptive : kBudget;
    out.no_thinking = kDisabled;
  }
  return out;
}

}  // namespace llmorch::anthropic_messages
