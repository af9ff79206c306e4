#include "formats/gemini/encoding.h"

#include <algorithm>
#include <array>

namespace llmorch::gemini {
namespace {

struct Words {
  std::string_view neutral;  // OpenAI Chat's own
  std::string_view responses;
  std::string_view anthropic;
  std::string_view gemini;
};

constexpr std::array<Words, 17> kWords{{
    {"messages", "input", "messages", "contents"},
    {"max_tokens", "max_output_tokens", "max_tokens", "generationConfig.maxOutputTokens"},
    {"n", "n", "n", "generationConfig.candidateCount"},
    {"stop", "stop", "stop_sequences", "generationConfig.stopSequences"},
    {"seed", "seed", "seed", "generationConfig.seed"},
    {"temperature", "temperature", "temperature", "generationConfig.temperature"},
    {"top_p", "top_p", "top_p", "generationConfig.topP"},
    {"top_k", "top_k", "top_k", "generationConfig.topK"},
    {"presence_penalty", "presence_penalty", "presence_penalty",
     "generationConfig.presencePenalty"},
    {"frequency_penalty", "frequency_penalty", "frequency_penalty",
     "generationConfig.frequencyPenalty"},
    {"response_format", "text.format", "output_config.format", "generationConfig.responseSchema"},
    {"reasoning_effort", "reasoning.effort", "thinking", "generationConfig.thinkingConfig"},
    {"tool_choice", "tool_choice", "tool_choice", "toolConfig"},
    {"parallel_tool_calls", "parallel_tool_calls", "tool_choice.disable_parallel_tool_use", ""},
    {"user", "user", "metadata", "labels"},
    {"service_tier", "service_tier", "service_tier", "serviceTier"},
    {"messages.reasoning_content", "input.reasoning", "messages.thinking",
     "contents.parts.thought"},
}};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_char(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == ':' || c == '-';
}

bool in_tool_calls(const Part& part) {
  return part.kind == Part::Kind::kToolCall ||
         (part.kind == Part::Kind::kOpaque && part.tool_type != "function");
}

}  // namespace

std::string caller_word(Format format, std::string_view neutral) {
  for (const Words& row : kWords) {
    if (row.neutral != neutral) continue;
    switch (format) {
      case Format::kOpenAiResponses:
        return std::string(row.responses);
      case Format::kAnthropicMessages:
      case Format::kBedrockConverse:
        return std::string(row.anthropic);
      case Format::kGemini:
        return std::string(row.gemini);
      case Format::kOpenAiChat:
        break;
    }
  }
  return std::string(neutral);
}

std::string caller_path(const ChatRequest& request, std::size_t message, std::size_t part) {
  const bool apart = request.format != Format::kOpenAiChat;  // system stands outside the list
  std::size_t place = message;
  for (std::size_t i = 0; apart && i < message; ++i) {
    if (request.messages[i].role != Message::Role::kSystem) break;
    --place;
  }
  std::string out = caller_word(request.format, "messages") + "[" + std::to_string(place) + "]";
  const auto at = [](std::string_view list, std::size_t index) {
    return std::string(list).append("[").append(std::to_string(index)).append("]");
  };
  const std::vector<Part>& parts = request.messages[message].parts;
  if (part >= parts.size()) return out;
  if (request.format == Format::kGemini) return out + at(".parts", part);
  if (request.format != Format::kOpenAiChat) return out + at(".content", part);
  // OpenAI keeps calls in a list of their own, and thoughts in a string.
  const bool call = in_tool_calls(parts[part]);
  std::size_t index = 0;
  for (std::size_t i = 0; i < part; ++i) {
    const bool other_call = in_tool_calls(parts[i]);
    if (call ? other_call : !other_call && parts[i].kind != Part::Kind::kReasoning) ++index;
  }
  return out + at(call ? ".tool_calls" : ".content", index);
}

ToolNames::ToolNames(const ChatRequest& request, std::size_t longest) : longest_(longest) {
  // Declared names come first, so that a good one is never taken by a mended one.
  for (const Tool& tool : request.tools) {
    const std::string& name = tool.name;
    const bool good = !name.empty() && name.size() <= longest_ && is_letter(name.front()) &&
                      std::all_of(name.begin(), name.end(), is_name_char);
    if (good) sent_[name] = name;
  }
}

bool ToolNames::is_taken(const std::string& name) const {
  return std::any_of(sent_.begin(), sent_.end(),
                     [&](const auto& entry) { return entry.second == name; });
}

const std::string& ToolNames::sent(const std::string& asked) {
  const auto known = sent_.find(asked);
  if (known != sent_.end()) return known->second;
  std::string name = asked;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_name_char(c); }, '_');
  if (name.empty() || !is_letter(name.front())) name.insert(name.begin(), '_');
  if (name.size() > longest_) name.resize(longest_);
  const std::string base = name.substr(0, longest_ - 5);
  for (int i = 2; is_taken(name); ++i) name = base + "_" + std::to_string(i);
  return sent_[asked] = name;
}

std::vector<std::pair<std::string, std::string>> ToolNames::changed() const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [asked, sent] : sent_) {
    if (asked != sent) out.emplace_back(sent, asked);
  }
  return out;
}

Encoding::Encoding(const ChatRequest& asked, const ModelTraits& known)
    : request(asked),
      traits(known),
      own(asked.format == Format::kGemini),
      names(asked, known.longest_tool_name) {}

void Encoding::fail(Status status) {
  if (error.ok()) error = std::move(status);
}

void Encoding::refuse(std::string param, std::string why) {
  fail(Status(Code::kUnsupported, std::move(why)).with_param(std::move(param)));
}

void Encoding::drop(std::string what) {
  if (std::find(dropped.begin(), dropped.end(), what) == dropped.end()) {
    dropped.push_back(std::move(what));
  }
}

std::string_view find_extra(const Extras& extras, std::string_view path) {
  for (const Extra& extra : extras) {
    if (extra.path == path) return extra.json;
  }
  return {};
}

}  // namespace llmorch::gemini
