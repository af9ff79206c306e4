#include "providers/model_list.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace llmorch {
namespace {

using Names = std::vector<std::string>;

struct Row {
  const char* type;
  const char* body;
  Names models;
  const char* next = "";
};

const Row kLists[] = {
    {"openai",
     R"({"object":"list","data":[{"id":"gpt-x","object":"model"},{"id":"a/b:free"}]})",
     {"gpt-x", "a/b:free"}},
    {"openai", R"([{"id":"m-1"},{"id":"m-2"}])", {"m-1", "m-2"}},  // Together
    {"openai", R"({"object":"list","data":null})", {}},            // Ollama
    {"openai", R"({"data":[]})", {}},
    {"openai", R"({"data":[{"id":"m"}],"has_more":true,"last_id":"m"})", {"m"}},
    // What is no name is left out.
    {"openai",
     R"({"data":[{"id":""},{"id":7},{},null,{"id":"a b"},{"id":"a\nb"},{"id":"ok"}]})",
     {"ok"}},
    {"anthropic",
     R"({"data":[{"type":"model","id":"claude-a"},{"type":"model","id":"claude-b"}],"first_id":"claude-a","last_id":"claude-b","has_more":true})",
     {"claude-a", "claude-b"},
     "claude-b"},
    {"anthropic",
     R"({"data":[{"id":"claude-a"}],"last_id":"claude-a","has_more":false})",
     {"claude-a"}},
    {"anthropic",
     R"({"data":[{"id":"old","lifecycle":"retired"},{"id":"new","lifecycle":"active"},{"id":"so","lifecycle":"deprecated"}],"has_more":false})",
     {"new", "so"}},
    {"anthropic", R"({"data":[],"has_more":true})", {}},  // no last_id: that was all
    {"gemini",
     R"({"models":[{"name":"models/gemini-x","supportedGenerationMethods":["countTokens","generateContent"]},{"name":"models/embed","supportedGenerationMethods":["embedContent"]},{"name":"tunedModels/mine","supportedGenerationMethods":["generateContent"]},{"name":"models/none"}],"nextPageToken":"Ch/+="})",
     {"gemini-x", "tunedModels/mine"},
     "Ch/+="},
    {"gemini", R"({"models":[]})", {}},
    {"gemini", R"({})", {}},
};

TEST_CASE("lists of models (WIRE_FORMATS 1.1, 2.1, 3.7)") {
  for (const Row& row : kLists) {
    CAPTURE(row.type);
    CAPTURE(row.body);
    const auto got = find_provider_type(row.type)->read_list(row.body);
    REQUIRE_MESSAGE(got.has_value(), got.error().message());
    CHECK(got->models == row.models);
    CHECK(got->next_page == row.next);
  }
}

TEST_CASE("what is no list of models is an error, and never echoed") {
  for (const std::string_view type : provider_type_names()) {
    for (const char* body :
         {"", "<html>secret</html>", "7", "\"secret\"", "null",
          R"({"data":"secret","models":"secret"})", R"({"error":{"message":"secret"}})"}) {
      CAPTURE(type);
      CAPTURE(body);
      const auto got = find_provider_type(type)->read_list(body);
      REQUIRE_FALSE(got.has_value());
      CHECK(got.error().code() == Code::kProtocol);
      CHECK(got.error().message().find("secret") == std::string::npos);
    }
  }
}

TEST_CASE("lists are bounded: 8 MB, 10,000 names, 256 bytes a name") {
  std::string ids = "{\"data\":[";
  std::string names = "{\"models\":[";
  for (int i = 0; i < 10'000; ++i) {
    ids.append("{\"id\":\"m").append(std::to_string(i)).append("\"},");
    names.append("{\"name\":\"m").append(std::to_string(i));
    names.append("\",\"supportedGenerationMethods\":[\"generateContent\"]},");
  }
  CHECK(read_id_list(ids + "{}]}")->models.size() == 10'000);
  CHECK(read_id_list(ids + "{\"id\":\"one more\"},{\"id\":\"m\"}]}").error().code() ==
        Code::kTooLarge);
  CHECK(read_gemini_list(names + "{}]}")->models.size() == 10'000);
  CHECK(read_gemini_list(names +
                         "{\"name\":\"m\",\"supportedGenerationMethods\":[\"generateContent\"]}]}")
            .error()
            .code() == Code::kTooLarge);
  const std::string huge((8u << 20) + 1, ' ');
  CHECK(read_id_list(huge).error().code() == Code::kTooLarge);
  CHECK(read_gemini_list(huge).error().code() == Code::kTooLarge);
  const auto name = [](std::size_t size) {
    return read_id_list("{\"data\":[{\"id\":\"" + std::string(size, 'n') + "\"}]}");
  };
  CHECK(name(256)->models.size() == 1);
  CHECK(name(257)->models.empty());
}

struct Request {
  const char* type;
  const char* base;
  const char* page;
  const char* url;
  const char* key;  // the header's name
  const char* value;
};
const Request kRequests[] = {
    {"openai", "https://x/v1", "", "https://x/v1/models", "authorization", "Bearer sk-canary"},
    {"anthropic", "https://x/v1", "", "https://x/v1/models?limit=1000", "x-api-key", "sk-canary"},
    {"anthropic", "https://x/v1", "claude-b", "https://x/v1/models?limit=1000&after_id=claude-b",
     "x-api-key", "sk-canary"},
    {"gemini", "https://x/v1beta", "", "https://x/v1beta/models?pageSize=1000", "x-goog-api-key",
     "sk-canary"},
    {"gemini", "https://x/v1beta", "Ch/+=&x\r\n",
     "https://x/v1beta/models?pageSize=1000&pageToken=Ch%2F%2B%3D%26x%0D%0A", "x-goog-api-key",
     "sk-canary"},
};

TEST_CASE("asking for a page of the list") {
  for (const Request& row : kRequests) {
    CAPTURE(row.url);
    const ProviderType& type = *find_provider_type(row.type);
    Provider provider;
    provider.type = &type;
    provider.base_url = row.base;
    provider.proxy = "http://proxy:3128";
    provider.headers = {{"X-Team", "t"}, {"anthropic-version", "2026-10-21"}};
    const Credential credential{"main", Secret("sk-canary"), 1};
    const auto got = type.list_request(provider, credential, row.page);
    REQUIRE(got.has_value());
    CHECK(got->method == "GET");
    CHECK(got->url == row.url);
    CHECK(got->body.empty());
    CHECK_FALSE(got->stream);
    CHECK(got->proxy == "http://proxy:3128");
    REQUIRE(find_header(got->headers, row.key) != nullptr);
    CHECK(*find_header(got->headers, row.key) == row.value);
    CHECK(*find_header(got->headers, "x-team") == "t");
    CHECK(*find_header(got->headers, "anthropic-version") == "2026-10-21");
    CHECK(find_header(got->headers, "content-type") == nullptr);
    CHECK(got->url.find("canary") == std::string::npos);
    // Without a key, and where a version is needed.
    provider.headers.clear();
    const auto bare = type.list_request(provider, {"main", Secret(), 1}, row.page);
    REQUIRE(bare.has_value());
    CHECK(find_header(bare->headers, row.key) == nullptr);
    CHECK((find_header(bare->headers, "anthropic-version") != nullptr) ==
          (type.name() == "anthropic"));
    // A malformed key says nothing of itself.
    const auto bad = type.list_request(provider, {"main", Secret("canary\r\nX: y"), 1}, row.page);
    REQUIRE_FALSE(bad.has_value());
    CHECK(bad.error().message().find("canary") == std::string::npos);
  }
  Provider provider;
  CHECK(find_provider_type("gemini")
            ->list_request(provider, {}, std::string(2049, 'p'))
            .error()
            .code() == Code::kProtocol);
}

}  // namespace
}  // namespace llmorch
