#include <doctest/doctest.h>

#include <iterator>
#include <string>
#include <string_view>

#include "llmorch/spi/provider.h"
#include "providers/base_url.h"

namespace llmorch {
namespace {

struct Good {
  const char* written;
  const char* url;
  const char* cut = "";  // what the warning names
};

const Good kOpenAi[] = {
    {"https://api.openai.com/v1", "https://api.openai.com/v1"},
    {"https://api.openai.com/v1/", "https://api.openai.com/v1"},
    {"https://api.openai.com", "https://api.openai.com/v1"},
    {"https://api.openai.com///", "https://api.openai.com/v1"},
    {"  https://api.openai.com/v1\n", "https://api.openai.com/v1"},
    {"HTTPS://API.OpenAI.com/v1", "https://api.openai.com/v1"},
    {"http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"},
    {"http://[::1]:8080/v1", "http://[::1]:8080/v1"},
    {"http://[2001:DB8::1]", "http://[2001:db8::1]/v1"},
    {"http://my_host/v1", "http://my_host/v1"},
    // Another prefix is kept; a version anywhere in it is enough.
    {"https://host/api/openai", "https://host/api/openai/v1"},
    {"https://host/Api/OpenAI/", "https://host/Api/OpenAI/v1"},
    {"https://host/api/paas/v4", "https://host/api/paas/v4"},
    {"https://host/v1beta/openai", "https://host/v1beta/openai"},
    {"https://host/v1beta2/openai/", "https://host/v1beta2/openai"},
    {"https://host//v1//x", "https://host/v1/x"},
    {"https://host/video", "https://host/video/v1"},
    {"https://host/v", "https://host/v/v1"},
    // Pasted endpoints.
    {"https://x/v1/chat/completions", "https://x/v1", "/chat/completions"},
    {"https://x/v1/chat/completions/", "https://x/v1", "/chat/completions"},
    {"https://x/v1/responses", "https://x/v1", "/responses"},
    {"https://x/v1/models", "https://x/v1", "/models"},
    {"https://x/v1/completions", "https://x/v1", "/completions"},
    {"https://x/v1/embeddings", "https://x/v1", "/embeddings"},
    {"https://x/inference/v2/models/", "https://x/inference/v2", "/models"},
    // The whole chat endpoint says that there is no version.
    {"https://x/chat/completions", "https://x", "/chat/completions"},
    {"https://x/inference/chat/completions", "https://x/inference", "/chat/completions"},
    // A single word without a version before it may be the proxy's own.
    {"https://x/models", "https://x/models/v1"},
    {"https://x/api/models", "https://x/api/models/v1"},
    {"https://x/chat", "https://x/chat/v1"},
    // Presets that have no version in their address.
    {"https://api.perplexity.ai", "https://api.perplexity.ai"},
    {"https://api.perplexity.ai/chat/completions", "https://api.perplexity.ai",
     "/chat/completions"},
    {"https://models.github.ai/inference/", "https://models.github.ai/inference"},
};

const Good kAnthropic[] = {
    {"https://api.anthropic.com", "https://api.anthropic.com/v1"},
    {"https://api.anthropic.com/", "https://api.anthropic.com/v1"},
    {"https://api.anthropic.com/v1", "https://api.anthropic.com/v1"},
    {"https://api.anthropic.com/v1/", "https://api.anthropic.com/v1"},
    {"HTTPS://API.Anthropic.com/V1", "https://api.anthropic.com/V1"},
    {"https://api.anthropic.com/v1/messages", "https://api.anthropic.com/v1", "\"/messages\""},
    {"https://api.anthropic.com/v1/messages/", "https://api.anthropic.com/v1", "\"/messages\""},
    {"https://api.anthropic.com/v1/messages/count_tokens", "https://api.anthropic.com/v1",
     "/messages/count_tokens"},
    {"https://api.anthropic.com/v1/messages/batches", "https://api.anthropic.com/v1",
     "/messages/batches"},
    {"https://api.anthropic.com/v1/models", "https://api.anthropic.com/v1", "/models"},
    // Others who speak the dialect, as they document it.
    {"https://api.deepseek.com/anthropic", "https://api.deepseek.com/anthropic/v1"},
    {"https://api.z.ai/api/anthropic", "https://api.z.ai/api/anthropic/v1"},
    {"https://api.z.ai/api/anthropic/v1/messages", "https://api.z.ai/api/anthropic/v1",
     "/messages"},
    {"https://api.moonshot.ai/anthropic/", "https://api.moonshot.ai/anthropic/v1"},
    // A version further up is the proxy's.
    {"https://gw/v1/account/gateway/anthropic", "https://gw/v1/account/gateway/anthropic/v1"},
    {"http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"},
    // A single word without a version before it may be the proxy's own.
    {"https://x/messages", "https://x/messages/v1"},
    {"https://x/models", "https://x/models/v1"},
};

const Good kGemini[] = {
    {"https://generativelanguage.googleapis.com",
     "https://generativelanguage.googleapis.com/v1beta"},
    {"https://generativelanguage.googleapis.com/",
     "https://generativelanguage.googleapis.com/v1beta"},
    {"https://generativelanguage.googleapis.com/v1beta",
     "https://generativelanguage.googleapis.com/v1beta"},
    {"https://generativelanguage.googleapis.com/v1beta/",
     "https://generativelanguage.googleapis.com/v1beta"},
    {"https://generativelanguage.googleapis.com/v1",
     "https://generativelanguage.googleapis.com/v1"},
    {"https://x/v1beta/models", "https://x/v1beta", "\"/models\""},
    {"https://x/v1beta/models/gemini-x:generateContent", "https://x/v1beta",
     "/models/gemini-x:generateContent"},
    {"https://x/v1beta/models/gemini-x:streamGenerateContent", "https://x/v1beta",
     "/models/gemini-x:streamGenerateContent"},
    {"https://x/v1beta/models/gemini-x", "https://x/v1beta", "/models/gemini-x"},
    {"https://x/v1beta/tunedModels/mine:generateContent", "https://x/v1beta", "/tunedModels/mine"},
    {"https://x/models/gemini-x:generateContent", "https://x/v1beta", "/models/gemini-x"},
    {"https://x/v1beta/openai", "https://x/v1beta", "own dialect"},
    {"https://x/v1beta/openai/", "https://x/v1beta", "own dialect"},
    {"https://gw/v1/account/gateway/google-ai-studio",
     "https://gw/v1/account/gateway/google-ai-studio/v1beta"},
    {"http://127.0.0.1:8080", "http://127.0.0.1:8080/v1beta"},
    // Vertex AI
    {"https://aiplatform.googleapis.com/v1/publishers/google",
     "https://aiplatform.googleapis.com/v1/publishers/google"},
    {"https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-x:generateContent",
     "https://aiplatform.googleapis.com/v1/publishers/google", "/models/gemini-x"},
    {"https://eu-aiplatform.googleapis.com/v1/projects/p/locations/eu/publishers/google",
     "https://eu-aiplatform.googleapis.com/v1/projects/p/locations/eu/publishers/google"},
};

struct Spellings {
  const char* type;
  const Good* begin;
  const Good* end;
};
const Spellings kSpellings[] = {
    {"openai", std::begin(kOpenAi), std::end(kOpenAi)},
    {"anthropic", std::begin(kAnthropic), std::end(kAnthropic)},
    {"gemini", std::begin(kGemini), std::end(kGemini)},
};

struct Bad {
  std::string written;
  const char* says;
};

const Bad kBad[] = {
    {"", "empty"},
    {"   ", "empty"},
    {"api.openai.com/v1", "https://"},
    {"ftp://x/v1", "scheme"},
    {"file:///etc/passwd", "scheme"},
    {"://x", "scheme"},
    {"https://", "host is missing"},
    {"https:///v1", "host is missing"},
    {"https://:443/v1", "host is missing"},
    {"https://user:pass@x/v1", "user name or password"},
    {"https://key@x", "user name or password"},
    {"https://x/v1?key=1", "query"},
    {"https://x?key=1", "query"},
    {"https://x/v1#top", "fragment"},
    {"https://x:0/v1", "port"},
    {"https://x:65536", "port"},
    {"https://x:4294967297", "port"},
    {"https://x:", "port"},
    {"https://x:80a", "port"},
    {"https://x:80:80", "port"},
    {"https://a b/v1", "space"},
    {"https://x/v 1", "space"},
    {std::string("https://x/\0v1", 13), "control"},
    {"https://x/v1\r\nHost: y", "control"},
    {"https://ex\xC3\xA4mple/v1", "ASCII"},
    {"https://a%41/v1", "host may hold"},
    {"https://[::1/v1", "IPv6"},
    {"https://[]/v1", "IPv6"},
    {"https://[::1]x/v1", "IPv6"},
    {"https://[::g]/v1", "IPv6"},
    {"https://x/../v1", "'..'"},
    {"https://x/./v1", "'.'"},
    {"https://x/a\\b", "character"},
    {"https://" + std::string(3000, 'a'), "longer"},
};

TEST_CASE("base URLs as people write them, and again as they came out") {
  for (const Spellings& group : kSpellings) {
    const ProviderType* type = find_provider_type(group.type);
    REQUIRE(type != nullptr);
    for (const Good* row = group.begin; row != group.end; ++row) {
      CAPTURE(group.type);
      CAPTURE(row->written);
      const auto got = type->normalise_base_url(row->written);
      REQUIRE_MESSAGE(got.has_value(), got.error().message());
      CHECK(got->url == row->url);
      CHECK(got->warning.empty() == std::string(row->cut).empty());
      CHECK(got->warning.find(row->cut) != std::string::npos);
      const auto again = type->normalise_base_url(got->url);
      REQUIRE(again.has_value());
      // Only what was pasted whole may stand without a version, and only openai's.
      if (!got->warning.empty() && std::string(group.type) == "openai") continue;
      CHECK(again->url == got->url);
      CHECK(again->warning.empty());
    }
  }
}

TEST_CASE("what is no base URL is refused, in words, without echoing it") {
  for (const std::string_view name : provider_type_names()) {
    const ProviderType* type = find_provider_type(name);
    for (const Bad& row : kBad) {
      CAPTURE(row.written);
      const auto got = type->normalise_base_url(row.written);
      REQUIRE_FALSE(got.has_value());
      CHECK(got.error().code() == Code::kInvalidArgument);
      CHECK_MESSAGE(got.error().message().find(row.says) != std::string::npos,
                    got.error().message());
      CHECK(got.error().message().find("pass@") == std::string::npos);
    }
  }
}

TEST_CASE("the default base URLs are already normal") {
  for (const std::string_view name : provider_type_names()) {
    const ProviderType* type = find_provider_type(name);
    const auto got = type->normalise_base_url(type->default_base_url());
    REQUIRE(got.has_value());
    CHECK(got->url == type->default_base_url());
    CHECK(got->warning.empty());
  }
}

TEST_CASE("version segments") {
  for (const char* yes : {"v1", "v2", "V1", "v1beta", "v1beta2", "v10"})
    CHECK(is_version_segment(yes));
  for (const char* no : {"", "v", "1", "vx", "v-1", "v1.0.0/x", "version1", "v1-x"})
    CHECK_FALSE(is_version_segment(no));
}

}  // namespace
}  // namespace llmorch
