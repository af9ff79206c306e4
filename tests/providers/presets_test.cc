#include "providers/presets.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "llmorch/spi/provider.h"

namespace llmorch {
namespace {

TEST_CASE("presets: every row is whole, and known by its name only") {
  std::set<std::string_view> seen;
  for (const std::string_view name : preset_names()) {
    CAPTURE(name);
    const Preset* preset = find_preset(name);
    REQUIRE(preset != nullptr);
    CHECK(preset->name == name);
    CHECK(seen.insert(name).second);
    CHECK(is_token(name));
    CHECK(to_lower(name) == name);
    // A type's own name means the type.
    CHECK(find_provider_type(name) == nullptr);
    const ProviderType* type = find_provider_type(preset->type);
    REQUIRE(type != nullptr);
    const auto url = type->normalise_base_url(preset->base_url);
    REQUIRE_MESSAGE(url.has_value(), url.error().message());
    CHECK(url->url == preset->base_url);
    CHECK(url->warning.empty());
    CHECK(is_preset_base_url(preset->base_url));
    const bool local = preset->base_url.rfind("http://127.0.0.1:", 0) == 0;
    CHECK(local == preset->key_env.empty());
    CHECK((local || preset->base_url.rfind("https://", 0) == 0));
    CHECK(std::all_of(preset->key_env.begin(), preset->key_env.end(),
                      [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; }));
  }
  CHECK(seen.size() >= 15);
  const std::vector<std::string_view> names = preset_names();
  CHECK(std::is_sorted(names.begin(), names.end()));
}

TEST_CASE("presets: what is none") {
  for (const char* name : {"", "Groq", "openai", "anthropic", "gemini", "groq ", "vllm"})
    CHECK(find_preset(name) == nullptr);
  CHECK_FALSE(is_preset_base_url("https://api.openai.com/v1"));
  CHECK_FALSE(is_preset_base_url(""));
}

struct Row {
  const char* name;
  const char* url;
  const char* key;
};
const Row kKnown[] = {
    {"groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"},
    {"deepseek", "https://api.deepseek.com", "DEEPSEEK_API_KEY"},
    {"ollama", "http://127.0.0.1:11434/v1", ""},
};

TEST_CASE("presets: some that must not change under people") {
  for (const Row& row : kKnown) {
    const Preset* preset = find_preset(row.name);
    REQUIRE(preset != nullptr);
    CHECK(preset->base_url == row.url);
    CHECK(preset->key_env == row.key);
    CHECK(preset->type == "openai");
  }
}

}  // namespace
}  // namespace llmorch
