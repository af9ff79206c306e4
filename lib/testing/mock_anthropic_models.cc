// What single models of Anthropic accept (WIRE_FORMATS 2.6): sampling, thinking, effort, formats.
#include <algorithm>

#include "testing/mock_anthropic.h"

namespace llmorch::testing {
namespace {

using json::Value;
using Effort = AnthropicModel::Effort;

// The first row that fits counts, so longer ids stand before shorter ones.
constexpr std::string_view kOlder = "sampling both budget off forced prefill";
constexpr AnthropicModel kModels[] = {
    {"claude-sonnet-5-5", 128000, Effort::kAll, "adaptive schema system"},
    {"claude-opus-5-5", 128000, Effort::kAll, "adaptive schema system"},
    {"claude-fable-5", 128000, Effort::kAll, "adaptive schema system"},
    {"claude-mythos-5", 128000, Effort::kAll, "adaptive schema system"},
    {"claude-haiku-5-5", 128000, Effort::kAll, "adaptive off forced schema"},
    {"claude-opus-5", 128000, Effort::kAll, "budget adaptive off forced schema system"},
    {"claude-opus-4-8", 128000, Effort::kAll, "adaptive off forced schema system"},
    {"claude-opus-4-7", 128000, Effort::kAll, "adaptive off forced schema"},
    {"claude-sonnet-5", 128000, Effort::kAll, "adaptive off forced schema system"},
    {"claude-opus-4-6", 128000, Effort::kNoXhigh, "sampling budget adaptive off forced schema"},
    {"claude-sonnet-4-6", 128000, Effort::kNoXhigh, "sampling budget adaptive off forced schema"},
    {"claude-opus-4-5", 64000, Effort::kNoXhigh, "sampling budget off forced schema prefill"},
    {"claude-sonnet-4-5", 64000, Effort::kNone, "sampling budget off forced schema prefill"},
    {"claude-haiku-4-5", 64000, Effort::kNone, "sampling budget off forced schema prefill"},
    {"claude-opus-4-1", 32000, Effort::kNone, "sampling budget off forced schema prefill"},
    {"claude-opus-4", 32000, Effort::kNone, kOlder},
    {"claude-sonnet-4", 64000, Effort::kNone, kOlder},
    {"claude-3-haiku", 4096, Effort::kNone, "sampling both off forced prefill"},
};
constexpr AnthropicModel kUnknown = {
    "", 0, Effort::kAll, "sampling both budget adaptive off forced schema prefill system"};

bool given(const Value& value) { return value.exists() && !value.is_null(); }

Problem check_sampling(const Value& root, const AnthropicModel& model, bool budget) {
  const Value temperature = root["temperature"];
  const Value top_p = root["top_p"];
  const Value top_k = root["top_k"];
  const double heat = temperature.number().value_or(1);
  if (heat < 0 || heat > 1) return "temperature: range: 0..1";
  if (top_p.number().value_or(1) < 0 || top_p.number().value_or(1) > 1) return "top_p: range: 0..1";
  if (top_k.integer().value_or(0) < 0) return "top_k: range: 0..";
  if (!model.takes("sampling")) {
    if (heat != 1) return "'temperature' is deprecated for this model.";
    if (top_p.number().value_or(1) < 0.99) return "'top_p' is deprecated for this model.";
    if (given(top_k)) return "'top_k' is deprecated for this model.";
  }
  if (!model.takes("both") && given(temperature) && given(top_p)) {
    return "`temperature` and `top_p` cannot both be specified for this model. Please use only "
           "one.";
  }
  if (!budget) return std::nullopt;
  if (heat != 1) return "`temperature` may only be set to 1 when thinking is enabled.";
  if (given(top_k)) return "`top_k` must be unset when thinking is enabled.";
  if (top_p.number().value_or(1) < 0.95) {
    return "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.";
  }
  return std::nullopt;
}

Problem unsupported_thinking(std::string_view type) {
  return joined("\"thinking.type.", type, "\" is not supported for this model.");
}

Problem check_thinking(const Value& root, const AnthropicModel& model) {
  const Value thinking = root["thinking"];
  if (!thinking.is_object()) return std::nullopt;
  const std::string type = thinking["type"].string().value_or("");
  static constexpr std::pair<std::string_view, std::string_view> kShapes[] = {
      {"enabled", "type:s! budget_tokens:i! display:s"},
      {"adaptive", "type:s! display:s"},
      {"disabled", "type:s!"},
      {"between_tools", "type:s!"}};
  const auto row = std::find_if(std::begin(kShapes), std::end(kShapes),
                                [&type](const auto& shape) { return shape.first == type; });
  if (row == std::end(kShapes)) {
    return "thinking: Input tag '" + type +
           "' found using 'type' does not match any of the expected tags: 'adaptive', "
           "'between_tools', 'disabled', 'enabled'";
  }
  if (auto problem = anthropic_shape(thinking, row->second, "thinking." + type)) return problem;
  const std::string display = thinking["display"].string().value_or("summarized");
  if (display != "summarized" && display != "omitted") {
    return "thinking." + type + ".display: Input should be 'summarized' or 'omitted'";
  }
  if ((type == "enabled" && !model.takes("budget")) ||
      (type == "disabled" && !model.takes("off")) ||
      ((type == "adaptive" || type == "between_tools") && !model.takes("adaptive"))) {
    return unsupported_thinking(type);
  }
  if (type != "enabled") return std::nullopt;
  const std::int64_t budget = thinking["budget_tokens"].integer().value_or(0);
  if (budget < 1024) {
    return "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024";
  }
  if (const auto most = root["max_tokens"].integer(); most && budget >= *most) {
    return "`max_tokens` must be greater than `thinking.budget_tokens`.";
  }
  return std::nullopt;
}

Problem check_output(const Value& root, const AnthropicModel& model) {
  const Value config = root["output_config"];
  if (!config.is_object()) return std::nullopt;
  if (auto problem = anthropic_shape(config, "effort:s format:o", "output_config")) return problem;
  if (const auto effort = config["effort"].string()) {
    static constexpr std::string_view kLevels[] = {"low", "medium", "high", "xhigh", "max"};
    if (std::find(std::begin(kLevels), std::end(kLevels), *effort) == std::end(kLevels)) {
      return "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'";
    }
    if (model.effort == Effort::kNone) return "This model does not support the effort parameter.";
    if (model.effort == Effort::kNoXhigh && *effort == "xhigh") {
      return "This model does not support effort level 'xhigh'. Supported levels: high, low, max, "
             "medium.";
    }
  }
  const Value format = config["format"];
  if (!format.is_object()) return std::nullopt;
  const std::string at = "output_config.format";
  if (auto problem = anthropic_shape(format, "type:s! schema:o!", at)) return problem;
  if (format["type"].string() != "json_schema") return at + ".type: Input should be 'json_schema'";
  if (!model.takes("schema")) return at + ": This model does not support output format.";
  return StrictSchemas().check(format["schema"], at + ".schema");
}

}  // namespace

const AnthropicModel& anthropic_model(std::string_view name) {
  const auto row =
      std::find_if(std::begin(kModels), std::end(kModels), [name](const AnthropicModel& model) {
        return name.find(model.id) != std::string_view::npos;
      });
  return row == std::end(kModels) ? kUnknown : *row;
}

Problem check_anthropic_model(const Value& root, const AnthropicModel& model) {
  const std::int64_t most = root["max_tokens"].integer().value_or(0);
  if (most < 0) return "max_tokens: Input should be greater than or equal to 0";
  if (model.max_output > 0 && most > model.max_output) {
    return joined("max_tokens: ", most, " > ", model.max_output,
                  ", which is the maximum allowed number of output tokens for this model");
  }
  if (auto problem = check_thinking(root, model)) return problem;
  const std::string thinking = root["thinking"]["type"].string().value_or("");
  if (auto problem = check_sampling(root, model, thinking == "enabled")) return problem;
  const std::string choice = root["tool_choice"]["type"].string().value_or("");
  if (choice == "any" || choice == "tool") {
    if (!model.takes("forced"))
      return "tool_choice: forced tool use is not supported for this model.";
    if (thinking == "enabled" || thinking == "adaptive") {
      return "Thinking may not be enabled when tool_choice forces tool use.";
    }
  }
  return check_output(root, model);
}

}  // namespace llmorch::testing
