#include "formats/anthropic_messages/reasoning_encode.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace llmorch::anthropic_messages {
namespace {

constexpr std::int64_t kLeastBudget = 1024;

// Tokens that an effort stands for, where a model counts in tokens.
struct Effort {
  std::string_view name;
  std::int64_t budget;
  std::string_view adaptive;
};
constexpr std::array<Effort, 7> kEfforts{{
    {"none", 0, ""},
    {"minimal", 1024, "low"},
    {"low", 2048, "low"},
    {"medium", 10'000, "medium"},
    {"high", 16'384, "high"},
    {"xhigh", 32'768, "xhigh"},
    {"max", 63'999, "max"},
}};

std::string_view effort_of(std::int64_t budget) {
  if (budget <= 1024) return "low";
  return budget <= 8192 ? "medium" : "high";
}

class Chooser {
 public:
  Chooser(EncodeContext& context, bool calls_without_thinking)
      : context_(context),
        request_(context.request),
        traits_(context.traits),
        calls_without_thinking_(calls_without_thinking) {}

  Reasoning choose();

 private:
  void keep_own_words();
  void think_not();
  void think_adaptively();
  void think_within_budget();

  EncodeContext& context_;
  const ChatRequest& request_;
  const ModelTraits& traits_;
  bool calls_without_thinking_;
  const Effort* effort_ = nullptr;
  Reasoning out_;
};

// A caller of this format said it in its own words, which body and config are written back from.
void Chooser::keep_own_words() {
  out_.effort = request_.reasoning_effort == "none" ? "" : request_.reasoning_effort;
  for (const Extra& extra : request_.extras) {
    if (extra.path != "/thinking") continue;
    const auto document = json::Document::parse(extra.json);
    const auto type = document ? document->root()["type"].string() : std::nullopt;
    out_.thinks = type && *type != "disabled";
  }
}

void Chooser::think_not() {
  switch (traits_.no_thinking) {
    case NoThinking::kOmit:
      break;
    case NoThinking::kDisabled:
      out_.thinking = R"({"type":"disabled"})";
      break;
    case NoThinking::kBetweenTools:
      out_.thinking = R"({"type":"between_tools"})";
      break;
    case NoThinking::kImpossible:
      context_.drop(context_.field("reasoning_effort"));
      out_.effort = "low";
      break;
  }
}

void Chooser::think_adaptively() {
  out_.thinks = true;
  // Newer models keep their thoughts to themselves unless they are asked for.
  const bool shown = request_.include_reasoning.value_or(true);
  out_.thinking = R"({"type":"adaptive","display":")";
  out_.thinking.append(shown ? "summarized\"}" : "omitted\"}");
  if (effort_ != nullptr) {
    out_.effort = effort_->adaptive;
  } else if (request_.reasoning_budget) {
    out_.effort = effort_of(*request_.reasoning_budget);
  }
  if (out_.effort == "xhigh" && !traits_.xhigh) out_.effort = "max";
}

void Chooser::think_within_budget() {
  std::int64_t budget =
      request_.reasoning_budget.value_or(effort_ != nullptr ? effort_->budget : 0);
  if (budget <= 0) return;
  budget = std::max(budget, kLeastBudget);
  // The default is already the most the model can write, so there is nothing to raise: half of it
  // is left for the answer.
  budget = std::min(budget, request_.max_tokens ? out_.max_tokens - 1 : out_.max_tokens / 2);
  if (budget < kLeastBudget || calls_without_thinking_) {
    context_.drop(context_.field("reasoning_effort"));
    return;
  }
  out_.thinks = true;
  out_.thinking = R"({"type":"enabled","budget_tokens":)" + std::to_string(budget) + "}";
}

Reasoning Chooser::choose() {
  out_.max_tokens = request_.max_tokens.value_or(traits_.max_output_tokens);
  const bool limit_known = traits_.known || context_.edits.capabilities.max_output_tokens;
  if (limit_known && out_.max_tokens > traits_.max_output_tokens) {
    out_.max_tokens = traits_.max_output_tokens;
    context_.drop(context_.field("max_tokens"));
  }
  if (context_.own) {
    keep_own_words();
    return std::move(out_);
  }
  if (!request_.reasoning_effort.empty()) {
    const auto* found = std::find_if(kEfforts.begin(), kEfforts.end(), [&](const Effort& effort) {
      return effort.name == request_.reasoning_effort;
    });
    if (found == kEfforts.end()) {
      context_.refuse(context_.field("reasoning_effort"),
                      "it must be none, minimal, low, medium, high, xhigh or max");
      return std::move(out_);
    }
    effort_ = found;
  }
  const bool none = (effort_ != nullptr && effort_->name == "none") ||
                    (effort_ == nullptr && request_.reasoning_budget == 0);
  const bool asked = effort_ != nullptr || request_.reasoning_budget.value_or(0) > 0;
  if (traits_.thinking == Thinking::kNone) {
    if (asked && !none) context_.drop(context_.field("reasoning_effort"));
  } else if (none) {
    think_not();
  } else if (traits_.thinking == Thinking::kAdaptive) {
    if (asked || request_.include_reasoning == true) think_adaptively();
  } else if (asked) {
    think_within_budget();
  }
  return std::move(out_);
}

}  // namespace

Reasoning choose_reasoning(EncodeContext& context, bool calls_without_thinking) {
  return Chooser(context, calls_without_thinking).choose();
}

}  // namespace llmorch::anthropic_messages
