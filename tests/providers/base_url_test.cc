#include <doctest/doctest.h>

#include <string>

#include "llmorch/spi/provider.h"
#include "providers/base_url.h"

namespace llmorch {
namespace {

struct Good {
  const char* written;
  const char* url;
  const char* cut = "";  // what the warning names
};

const Good kGood[] = {
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

TEST_CASE("openai: base URLs as people write them") {
  const ProviderType* type = find_provider_type("openai");
  REQUIRE(type != nullptr);
  for (const Good& row : kGood) {
    CAPTURE(row.written);
    const auto got = type->normalise_base_url(row.written);
    REQUIRE_MESSAGE(got.has_value(), got.error().message());
    CHECK(got->url == row.url);
    CHECK(got->warning.empty() == std::string(row.cut).empty());
    CHECK(got->warning.find(row.cut) != std::string::npos);
  }
}

TEST_CASE("openai: what is no base URL is refused, in words, without echoing it") {
  const ProviderType* type = find_provider_type("openai");
  for (const Bad& row : kBad) {
    CAPTURE(row.written);
    const auto got = type->normalise_base_url(row.written);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().code() == Code::kInvalidArgument);
    CHECK_MESSAGE(got.error().message().find(row.says) != std::string::npos, got.error().message());
    CHECK(got.error().message().find("pass@") == std::string::npos);
  }
}

TEST_CASE("openai: the default base URL is already normal") {
  const ProviderType* type = find_provider_type("openai");
  const auto got = type->normalise_base_url(type->default_base_url());
  REQUIRE(got.has_value());
  CHECK(got->url == "https://api.openai.com/v1");
  CHECK(got->warning.empty());
}

TEST_CASE("version segments") {
  for (const char* yes : {"v1", "v2", "V1", "v1beta", "v1beta2", "v10"})
    CHECK(is_version_segment(yes));
  for (const char* no : {"", "v", "1", "vx", "v-1", "v1.0.0/x", "version1", "v1-x"})
    CHECK_FALSE(is_version_segment(no));
}

}  // namespace
}  // namespace llmorch
