#include "formats/gemini/models.h"

#include <array>

#include "base/text.h"

namespace llmorch::gemini {
namespace {

enum class Generation : std::uint8_t { k1, k2, k25, k3, kIds };

struct Row {
  std::string_view prefix;
  std::string_view word;  // must occur too; "" any
  Generation generation;
  Thinking thinking;
  std::int64_t least_budget = 0;
  std::int64_t most_budget = 0;
  bool minimal_level = true;
  bool xhigh_level = false;
};

// The first row that fits counts.
constexpr std::array<Row, 18> kRows{{
    {"gemini-1", "", Generation::k1, Thinking::kNone},
    {"gemini-2.0", "", Generation::k2, Thinking::kNone},
    {"gemini-2.5", "image", Generation::k25, Thinking::kNone},
    {"gemini-2.5", "tts", Generation::k25, Thinking::kNone},
    {"gemini-2.5", "pro", Generation::k25, Thinking::kBudget, 128, 32768},
    {"gemini-2.5", "", Generation::k25, Thinking::kBudget, 0, 24576},
    {"gemini-2", "", Generation::k2, Thinking::kNone},
    {"gemini-3.", "pro", Generation::kIds, Thinking::kLevel, 0, 0, false},
    {"gemini-3.", "", Generation::kIds, Thinking::kLevel},
    {"gemini-3", "pro", Generation::k3, Thinking::kLevel, 0, 0, false},
    {"gemini-3", "", Generation::k3, Thinking::kLevel},
    {"gemini-4-hydrogen", "", Generation::kIds, Thinking::kLevel, 0, 0, true, true},
    {"gemini-pro", "", Generation::kIds, Thinking::kLevel, 0, 0, false},  // -latest
    {"gemini-flash", "", Generation::kIds, Thinking::kLevel},
    {"gemini-", "pro", Generation::kIds, Thinking::kLevel, 0, 0, false},
    {"gemini-", "", Generation::kIds, Thinking::kLevel},
    {"gemma", "", Generation::k2, Thinking::kNone},
    // A tuned model, or somebody's own name for one: nothing is known of ids.
    {"", "", Generation::k3, Thinking::kLevel, 0, 0, false},
}};

ModelTraits of_row(const Row& row) {
  ModelTraits out;
  out.thinking = row.thinking;
  out.least_budget = row.least_budget;
  out.most_budget = row.most_budget;
  out.minimal_level = row.minimal_level;
  out.xhigh_level = row.xhigh_level;
  const bool new_enough = row.generation >= Generation::k3;
  out.needs_signature = new_enough;
  out.media_in_results = new_enough;
  out.json_with_tools = new_enough;
  out.builtin_with_tools = new_enough;
  out.call_ids = row.generation == Generation::kIds;
  out.https_files = row.generation >= Generation::k25;
  out.penalties = row.generation != Generation::k25;
  out.logprobs = row.generation < Generation::k3;
  out.json_schema = row.generation != Generation::k1;
  out.longest_tool_name = new_enough ? 128 : 64;
  return out;
}

}  // namespace

ModelTraits model_traits(std::string_view model, const Capabilities& configured) {
  // "models/x", "tunedModels/x" and Vertex's resource names all end in the name.
  const std::string name = to_lower(model.substr(model.find_last_of('/') + 1));
  const Row* row = &kRows.back();
  for (const Row& candidate : kRows) {
    if (name.rfind(candidate.prefix, 0) == 0 && name.find(candidate.word) != name.npos) {
      row = &candidate;
      break;
    }
  }
  ModelTraits out = of_row(*row);
  out.tools = configured.tools.value_or(out.tools);
  out.vision = configured.vision.value_or(out.vision);
  out.structured_output = configured.structured_output.value_or(out.structured_output);
  out.sampling = configured.sampling.value_or(out.sampling);
  out.max_output_tokens = configured.max_output_tokens.value_or(out.max_output_tokens);
  if (configured.reasoning == false) out.thinking = Thinking::kNone;
  if (configured.reasoning == true && out.thinking == Thinking::kNone) {
    out.thinking = Thinking::kLevel;
  }
  return out;
}

}  // namespace llmorch::gemini
