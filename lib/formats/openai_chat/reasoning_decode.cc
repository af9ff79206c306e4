// What a model thought, as clients of this dialect give it back (WIRE_FORMATS 6.6).
#include <array>
#include <utility>

#include "formats/openai_chat/reasoning_decode.h"

namespace llmorch::openai_chat {
namespace {

using json::Value;

Part thought(std::string text) {
  Part part;
  part.kind = Part::Kind::kReasoning;
  part.text = std::move(text);
  return part;
}

// LiteLLM's name: Anthropic's own blocks.
std::vector<Part> from_blocks(const Value& list) {
  std::vector<Part> out;
  for (const Value& block : list.items()) {
    const std::string type = block["type"].string().value_or("");
    if (type != "thinking" && type != "redacted_thinking") continue;
    Part part = thought(block["thinking"].string().value_or(""));
    part.signature = block["signature"].string().value_or("");
    part.redacted = block["data"].string().value_or("");
    if (!part.signature.empty() || !part.redacted.empty()) part.origin = Format::kAnthropicMessages;
    out.push_back(std::move(part));
  }
  return out;
}

std::optional<Format> origin_of(std::string_view format) {
  static constexpr std::array<std::pair<std::string_view, Format>, 3> kFormats{{
      {"anthropic-claude", Format::kAnthropicMessages},
      {"google-gemini", Format::kGemini},
      {"openai-responses", Format::kOpenAiResponses},
  }};
  for (const auto& [name, origin] : kFormats) {
    if (format.substr(0, name.size()) == name) return origin;
  }
  return std::nullopt;
}

// OpenRouter's list; `format` says whose proofs these are.
std::vector<Part> from_details(const Value& list) {
  std::vector<Part> out;
  for (const Value& detail : list.items()) {
    const std::string type = detail["type"].string().value_or("");
    Part part = thought("");
    if (type == "reasoning.text") {
      part.text = detail["text"].string().value_or("");
      part.signature = detail["signature"].string().value_or("");
    } else if (type == "reasoning.summary") {
      part.text = detail["summary"].string().value_or("");
    } else if (type == "reasoning.encrypted") {
      part.redacted = detail["data"].string().value_or("");
    }
    if (part.text.empty() && part.signature.empty() && part.redacted.empty()) continue;
    if (!part.signature.empty() || !part.redacted.empty()) {
      part.origin = origin_of(detail["format"].string().value_or(""));
    }
    out.push_back(std::move(part));
  }
  return out;
}

}  // namespace

std::vector<Part> read_reasoning(const Value& message, Extras& extras) {
  const Value plain = message["reasoning_content"];
  const Value other = message["reasoning"];
  const Value blocks = message["thinking_blocks"];
  const Value details = message["reasoning_details"];

  std::vector<Part> parts = from_blocks(blocks);
  if (parts.empty()) parts = from_details(details);
  if (parts.empty() && plain.is_string() && !other.exists() && !blocks.exists() &&
      !details.exists()) {
    parts.push_back(thought(plain.string().value_or("")));
    return parts;
  }
  for (const Value& text : {plain, other}) {
    if (parts.empty() && text.is_string()) parts.push_back(thought(text.string().value_or("")));
  }
  const std::pair<std::string_view, const Value*> fields[] = {{"/reasoning_content", &plain},
                                                              {"/reasoning", &other},
                                                              {"/thinking_blocks", &blocks},
                                                              {"/reasoning_details", &details}};
  for (const auto& [path, value] : fields) {
    if (!parts.empty()) {
      keep_restated(extras, std::string(path), *value);
    } else if (value->exists()) {
      keep(extras, std::string(path), value->raw());
    }
  }
  return parts;
}

Status read_reasoning_controls(const Value& root, ChatRequest& out) {
  const auto effort_of = [](const Value& value) { return value.string().value_or(""); };
  const Value effort = root["reasoning_effort"];
  const Value reasoning = root["reasoning"];  // OpenRouter
  const Value thinking = root["thinking"];    // LiteLLM, DeepSeek, GLM, Kimi
  out.reasoning_effort = effort_of(effort);
  if (out.reasoning_effort.empty() && reasoning.is_object()) {
    out.reasoning_effort = effort_of(reasoning["effort"]);
    out.reasoning_budget = reasoning["max_tokens"].integer();
    const auto enabled = reasoning["enabled"].boolean();
    if (enabled == false) out.reasoning_effort = "none";
    if (enabled == true && out.reasoning_effort.empty() && !out.reasoning_budget) {
      out.reasoning_effort = "medium";
    }
  }
  if (out.reasoning_effort.empty() && !out.reasoning_budget && thinking.is_object()) {
    const std::string type = thinking["type"].string().value_or("");
    out.reasoning_budget = thinking["budget_tokens"].integer();
    if (type == "disabled") out.reasoning_effort = "none";
    if ((type == "enabled" || type == "adaptive") && !out.reasoning_budget) {
      out.reasoning_effort = "medium";
    }
  }
  if (const auto exclude = reasoning["exclude"].boolean()) out.include_reasoning = !*exclude;
  const Value include = root["include_reasoning"];
  if (include.boolean()) out.include_reasoning = include.boolean();

  const bool restated = reasoning.is_object() || thinking.is_object();
  if (restated || !effort.is_string() || effort.raw() == "\"\"") {
    keep_restated(out.extras, "/reasoning_effort", effort);
  }
  const std::pair<std::string_view, const Value*> fields[] = {
      {"/reasoning", &reasoning}, {"/thinking", &thinking}, {"/include_reasoning", &include}};
  for (const auto& [path, value] : fields) {
    const bool understood = value->is_object() || value->boolean().has_value();
    if (value->exists()) {
      out.extras.push_back({std::string(path), std::string(value->raw()), understood});
    }
  }

  if (effort.exists() && !effort.is_string() && !effort.is_null()) {
    return wrong_type("reasoning_effort", "a string", effort.type());
  }
  return {};
}

}  // namespace llmorch::openai_chat
