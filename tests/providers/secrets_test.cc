// No secret leaves a provider type but in the header it belongs in: not in a URL, not in a Status.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "llmorch/spi/provider.h"

namespace llmorch {
namespace {

const std::string kCanary = "sk-canary-0123456789abcdef";

bool tells(const Status& status) {
  for (const std::string& text :
       {status.message(), std::string(status.reason()), status.param(), status.upstream_body()}) {
    if (text.find("canary") != std::string::npos) return true;
  }
  return false;
}

TEST_CASE("canary: a request holds the secret once, in its header") {
  for (const std::string_view name : provider_type_names()) {
    CAPTURE(name);
    auto provider = std::make_shared<Provider>();
    provider->type = find_provider_type(name);
    provider->base_url = std::string(provider->type->default_base_url());
    Target target;
    target.provider = provider;
    target.model = "m";
    const Credential credential{"main", Secret(kCanary), 1};
    std::vector<Result<TransferSpec>> made;
    for (const bool stream : {false, true})
      made.push_back(provider->type->request(target, credential, {}, Body("{}"), "", stream));
    made.push_back(provider->type->list_request(*provider, credential, ""));
    for (const auto& got : made) {
      REQUIRE(got.has_value());
      CHECK(got->url.find("canary") == std::string::npos);
      int headers = 0;
      for (const Header& header : got->headers)
        headers += header.value.find("canary") != header.value.npos;
      CHECK(headers == 1);
    }
  }
}

TEST_CASE("canary: no Status tells it, whatever fails") {
  const std::vector<std::string> evil = {"canary\r\nX: y", std::string("canary\0", 7), "\ncanary"};
  for (const std::string_view name : provider_type_names()) {
    const ProviderType& type = *find_provider_type(name);
    for (const std::string& secret : evil) {
      CAPTURE(name);
      auto provider = std::make_shared<Provider>();
      provider->base_url = "https://x/v1";
      Target target;
      target.provider = provider;
      target.model = "m";
      const Credential credential{"main", Secret(secret), 1};
      const auto got = type.request(target, credential, {}, Body("{}"), "", false);
      REQUIRE_FALSE(got.has_value());
      CHECK_FALSE(tells(got.error()));
      CHECK(got.error().http_status() == 500);
      CHECK_FALSE(tells(type.list_request(*provider, credential, "").error()));
      // Configured headers may hold keys as well.
      provider->headers = {{"X-Auth", secret}};
      const auto configured = type.request(target, {}, {}, Body("{}"), "", false);
      REQUIRE_FALSE(configured.has_value());
      CHECK_FALSE(tells(configured.error()));
    }
    CHECK_FALSE(tells(type.normalise_base_url("https://user:canary@host/v1").error()));
    CHECK_FALSE(tells(type.normalise_base_url("https://host/v1?key=canary").error()));
  }
}

TEST_CASE("canary: an upstream that repeats our key in its error") {
  const std::vector<std::string> bodies = {
      R"({"error":{"message":"Incorrect API key provided: )" + kCanary + R"(."}})",
      R"({"error":{"message":"m","code":")" + kCanary + R"(","param":")" + kCanary + R"("}})",
      R"({"error":")" + kCanary + R"("})",
      R"([{"error":{"message":"Consumer 'api_key:AIzacanary0123456789' has been suspended."}}])",
      "Bearer canary-0123456789",
      "<html>https://host/v1?key=canary</html>",
  };
  for (const std::string_view name : provider_type_names()) {
    for (const int status : {200, 400, 401, 402, 403, 404, 408, 409, 413, 429, 500, 503, 529}) {
      for (const std::string& body : bodies) {
        CAPTURE(status);
        CAPTURE(body);
        CHECK_FALSE(tells(find_provider_type(name)->read_error(status, {}, body).status));
      }
    }
  }
}

}  // namespace
}  // namespace llmorch
