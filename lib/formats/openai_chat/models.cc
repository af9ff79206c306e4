#include "formats/openai_chat/models.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace llmorch::openai_chat {
namespace {

constexpr Model openai_reasoning(std::string_view prefix, bool none, Effort lowest,
                                 Effort highest) {
  Model model;
  model.prefix = prefix;
  model.openai = true;
  model.reasoning = true;
  model.none = none;
  model.lowest = lowest;
  model.highest = highest;
  return model;
}
constexpr Model openai_o(std::string_view prefix) {
  Model model = openai_reasoning(prefix, false, Effort::kLow, Effort::kHigh);
  model.parallel = false;
  return model;
}
constexpr Model openai_plain(std::string_view prefix) {
  Model model;
  model.prefix = prefix;
  model.openai = true;
  model.efforts = false;
  return model;
}
constexpr Model without_effort_beside_tools(Model model) {
  model.effort_with_tools = false;
  return model;
}
constexpr Model echoing(std::string_view prefix, Echo echo) {
  Model model;
  model.prefix = prefix;
  model.echo = echo;
  return model;
}
constexpr Model mistral(std::string_view prefix) {
  Model model;
  model.prefix = prefix;
  model.id_length = 9;
  return model;
}

// The first prefix that fits counts.
constexpr std::array<Model, 31> kModels{{
    openai_reasoning("gpt-6", false, Effort::kLow, Effort::kMax),
    without_effort_beside_tools(openai_reasoning("gpt-5.6", true, Effort::kLow, Effort::kMax)),
    without_effort_beside_tools(openai_reasoning("gpt-5.5", true, Effort::kLow, Effort::kXHigh)),
    openai_reasoning("gpt-5.1", true, Effort::kLow, Effort::kHigh),
    openai_reasoning("gpt-5.", true, Effort::kLow, Effort::kXHigh),
    openai_reasoning("gpt-5", false, Effort::kMinimal, Effort::kHigh),
    openai_o("o1"),
    openai_o("o3"),
    openai_o("o4"),
    echoing("gpt-oss", Echo::kNever),
    openai_plain("gpt-"),
    openai_plain("chatgpt-"),
    openai_plain("ft:gpt-"),
    echoing("deepseek", Echo::kAlways),
    echoing("kimi", Echo::kGiven),
    echoing("moonshot", Echo::kGiven),
    echoing("glm", Echo::kGiven),
    echoing("qwen", Echo::kGiven),
    echoing("qwq", Echo::kGiven),
    echoing("minimax", Echo::kGiven),
    echoing("mimo", Echo::kGiven),
    mistral("mistral"),
    mistral("magistral"),
    mistral("ministral"),
    mistral("codestral"),
    mistral("devstral"),
    mistral("pixtral"),
    mistral("voxtral"),
    mistral("open-mistral"),
    mistral("open-mixtral"),
    Model{},
}};

constexpr std::array<std::string_view, 7> kEfforts{"none", "minimal", "low", "medium",
                                                   "high", "xhigh",   "max"};

}  // namespace

Model find_model(std::string_view name, const Capabilities& capabilities) {
  if (const std::size_t slash = name.rfind('/'); slash != name.npos) name.remove_prefix(slash + 1);
  const std::string lower = to_lower(name);
  Model model = *std::find_if(kModels.begin(), kModels.end(), [&](const Model& row) {
    return lower.compare(0, row.prefix.size(), row.prefix) == 0;
  });
  if (model.openai && lower.find("-chat") != lower.npos) model = openai_plain(model.prefix);
  if (capabilities.reasoning) model.efforts = *capabilities.reasoning;
  return model;
}

std::string_view fit_effort(const Model& model, std::string_view effort) {
  const auto found = std::find(kEfforts.begin(), kEfforts.end(), effort);
  if (found == kEfforts.end() || !model.efforts) return "";
  const auto wanted = static_cast<Effort>(found - kEfforts.begin());
  if (wanted == Effort::kNone) {
    if (model.none) return "none";
    if (!model.reasoning) return "";
  }
  const Effort fit = std::clamp(wanted, model.lowest, model.highest);
  return kEfforts[static_cast<std::size_t>(fit)];
}

std::string_view effort_of_budget(std::int64_t tokens) {
  if (tokens < 0) return "";  // as much as the model likes
  if (tokens == 0) return "none";
  if (tokens < 512) return "minimal";
  if (tokens <= 1024) return "low";
  return tokens <= 8192 ? "medium" : "high";
}

}  // namespace llmorch::openai_chat
