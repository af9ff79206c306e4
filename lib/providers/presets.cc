#include "providers/presets.h"

#include <algorithm>
#include <array>

namespace llmorch {
namespace {

// In alphabetical order. What runs where its owner put it (vLLM, say, whose usual port is also this
// gateway's) has no row: type "openai" and a base URL say it all.
constexpr std::array<Preset, 18> kPresets{{
    {"cerebras", "https://api.cerebras.ai/v1", "openai", "CEREBRAS_API_KEY", ""},
    {"dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "openai",
     "DASHSCOPE_API_KEY",
     "Alibaba's Qwen, international; a system message is only accepted as the first one"},
    {"dashscope-cn", "https://dashscope.aliyuncs.com/compatible-mode/v1", "openai",
     "DASHSCOPE_API_KEY",
     "Alibaba's Qwen, mainland China; a system message is only accepted as the first one"},
    {"deepseek", "https://api.deepseek.com", "openai", "DEEPSEEK_API_KEY",
     "thinking models want their reasoning_content back and refuse a forced tool_choice"},
    {"fireworks", "https://api.fireworks.ai/inference/v1", "openai", "FIREWORKS_API_KEY",
     "its own models are named accounts/fireworks/models/..."},
    {"github", "https://models.github.ai/inference", "openai", "GITHUB_TOKEN",
     "has no list of models at this address"},
    {"groq", "https://api.groq.com/openai/v1", "openai", "GROQ_API_KEY",
     "usage comes twice at the end of a stream"},
    {"lmstudio", "http://127.0.0.1:1234/v1", "openai", "", "LM Studio on this machine"},
    {"mistral", "https://api.mistral.ai/v1", "openai", "MISTRAL_API_KEY",
     "refuses unknown fields; reasoning comes as parts of content"},
    {"moonshot", "https://api.moonshot.ai/v1", "openai", "MOONSHOT_API_KEY", "Kimi, international"},
    {"moonshot-cn", "https://api.moonshot.cn/v1", "openai", "MOONSHOT_API_KEY",
     "Kimi, mainland China"},
    {"ollama", "http://127.0.0.1:11434/v1", "openai", "", "Ollama on this machine"},
    {"openrouter", "https://openrouter.ai/api/v1", "openai", "OPENROUTER_API_KEY",
     "models are named vendor/model; an upstream's error may come inside a 200"},
    {"perplexity", "https://api.perplexity.ai", "openai", "PERPLEXITY_API_KEY",
     "has no list of models; usage comes with every chunk"},
    {"together", "https://api.together.xyz/v1", "openai", "TOGETHER_API_KEY", ""},
    {"xai", "https://api.x.ai/v1", "openai", "XAI_API_KEY", "says 400 to a wrong key"},
    {"zai", "https://api.z.ai/api/paas/v4", "openai", "ZAI_API_KEY", "Zhipu GLM, international"},
    {"zhipu", "https://open.bigmodel.cn/api/paas/v4", "openai", "ZHIPUAI_API_KEY",
     "Zhipu GLM, mainland China"},
}};

}  // namespace

const Preset* find_preset(std::string_view name) {
  const auto* found = std::find_if(kPresets.begin(), kPresets.end(),
                                   [&](const Preset& preset) { return preset.name == name; });
  return found == kPresets.end() ? nullptr : found;
}

std::vector<std::string_view> preset_names() {
  std::vector<std::string_view> names;
  for (const Preset& preset : kPresets) names.push_back(preset.name);
  return names;
}

bool is_preset_base_url(std::string_view url) {
  return std::any_of(kPresets.begin(), kPresets.end(),
                     [&](const Preset& preset) { return preset.base_url == url; });
}

}  // namespace llmorch
