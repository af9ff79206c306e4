#include "providers/openai.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "base/text.h"

namespace llmorch {
namespace {

struct Fixture {
  std::shared_ptr<Provider> provider = std::make_shared<Provider>();
  Target target;
  Credential credential{"main", Secret("sk-test"), 1};
  CallSpec spec;

  Fixture() {
    provider->name = "p";
    provider->type = find_provider_type("openai");
    provider->base_url = "https://x/v1";
    target.provider = provider;
    target.model = "gpt-x";
  }
  Result<TransferSpec> request(bool stream = false) const {
    return provider->type->request(target, credential, spec, Body("{}"), "", stream);
  }
};

std::string value(const TransferSpec& spec, std::string_view name) {
  const std::string* found = find_header(spec.headers, name);
  return found == nullptr ? "(none)" : *found;
}

TEST_CASE("registry: known by name, and only by it") {
  REQUIRE(find_provider_type("openai") != nullptr);
  CHECK(find_provider_type("openai")->name() == "openai");
  CHECK(find_provider_type("openai")->format() == Format::kOpenAiChat);
  CHECK(find_provider_type("OpenAI") == nullptr);
  CHECK(find_provider_type("") == nullptr);
  for (const std::string_view name : provider_type_names()) {
    REQUIRE(find_provider_type(name) != nullptr);
    CHECK(find_provider_type(name)->name() == name);
  }
}

TEST_CASE_FIXTURE(Fixture, "openai: a request") {
  provider->proxy = "http://proxy:3128";
  provider->no_proxy = "localhost";
  provider->http2 = true;
  const auto got = request();
  REQUIRE(got.has_value());
  CHECK(got->method == "POST");
  CHECK(got->url == "https://x/v1/chat/completions");
  CHECK(got->body.str() == "{}");
  CHECK(got->proxy == "http://proxy:3128");
  CHECK(got->no_proxy == "localhost");
  CHECK(got->http2);
  CHECK(value(*got, "Authorization") == "Bearer sk-test");
  CHECK(value(*got, "Content-Type") == "application/json");
  CHECK(value(*got, "Accept") == "application/json");
  CHECK(value(*got, "User-Agent").rfind("llmorch/0.", 0) == 0);
  CHECK(value(*request(true), "Accept") == "text/event-stream");
}

TEST_CASE_FIXTURE(Fixture, "openai: an endpoint without a key gets no Authorization") {
  credential.secret = Secret();
  CHECK(value(*request(), "authorization") == "(none)");
}

TEST_CASE_FIXTURE(Fixture, "openai: the target's header replaces the provider's, and both ours") {
  provider->headers = {{"X-Team", "one"}, {"user-agent", "mine"}, {"X-Only", "p"}};
  target.headers = {{"x-team", "two"}};
  const auto got = request();
  REQUIRE(got.has_value());
  CHECK(value(*got, "X-Team") == "two");
  CHECK(value(*got, "User-Agent") == "mine");
  CHECK(value(*got, "X-Only") == "p");
  for (const char* name : {"x-team", "user-agent"}) {
    CHECK(std::count_if(got->headers.begin(), got->headers.end(), [&](const Header& header) {
            return equals_ignore_case(header.name, name);
          }) == 1);
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "openai: of the caller's headers only the allow-listed ones go upstream") {
  spec.headers = {{"authorization", "Bearer client"},
                  {"openai-beta", "assistants=v2"},
                  {"openai-organization", "org-client"},
                  {"traceparent", "00-1-2-01"},
                  {"tracestate", "a=b"},
                  {"cookie", "c"},
                  {"host", "evil"},
                  {"content-length", "0"},
                  {"x-forwarded-for", "1.2.3.4"}};
  const auto got = request();
  REQUIRE(got.has_value());
  CHECK(value(*got, "Authorization") == "Bearer sk-test");
  CHECK(value(*got, "OpenAI-Beta") == "assistants=v2");
  CHECK(value(*got, "traceparent") == "00-1-2-01");
  CHECK(value(*got, "tracestate") == "a=b");
  CHECK(got->headers.size() == 7);
  provider->headers = {{"OpenAI-Beta", "configured"}};
  CHECK(value(*request(), "OpenAI-Beta") == "configured");
}

TEST_CASE_FIXTURE(Fixture, "openai: no header value can break the framing") {
  for (const std::string& evil : {std::string("a\r\nX: y"), std::string("a\nb"),
                                  std::string("a\0b", 3), std::string("a\x7F")}) {
    Fixture by_caller;
    by_caller.spec.headers = {{"traceparent", evil}};
    const Status caller = by_caller.request().error();
    CHECK(caller.code() == Code::kInvalidArgument);
    CHECK(caller.http_status() == 400);
    CHECK(caller.param() == "traceparent");
    CHECK(caller.message().find('\n') == std::string::npos);

    Fixture by_secret;
    by_secret.credential.secret = Secret(evil);
    CHECK(by_secret.request().error().http_status() == 500);
    CHECK(by_secret.request().error().message().find("a") != 0);
    Fixture by_provider;
    by_provider.provider->headers = {{"X-A", evil}};
    CHECK(by_provider.request().error().http_status() == 500);
    Fixture by_target;
    by_target.target.headers = {{evil, "v"}};
    CHECK(by_target.request().error().http_status() == 500);
    CHECK(by_target.request().error().message().find('\n') == std::string::npos);
  }
}

TEST_CASE_FIXTURE(Fixture, "openai: other operations are unsupported") {
  spec.operation = Operation::kEmbed;
  CHECK(request().error().code() == Code::kUnsupported);
}

struct Row {
  int status;
  Headers headers;
  const char* body;
  Verdict verdict;
  int client_status;
  const char* reason;
  int wait_ms = -1;
};

// What the classes are recognised by is tested where it is written, in formats; these rows check
// that the caller sees what WIRE_FORMATS 7.1 says, and that waits come only with what waits.
const Row kErrors[] = {
    {401,
     {},
     R"({"error":{"message":"Incorrect API key provided: sk-abcdefgh."}})",
     Verdict::kAuth,
     502,
     "upstream_auth"},
    {403,
     {},
     R"({"error":{"message":"Country not supported"}})",
     Verdict::kPermission,
     502,
     "upstream_permission"},
    {404,
     {},
     R"({"error":{"message":"The model `x` does not exist","code":"model_not_found"}})",
     Verdict::kModelNotFound,
     404,
     "model_not_found"},
    {400,
     {},
     R"({"error":{"message":"too long","code":"context_length_exceeded"}})",
     Verdict::kContextLength,
     400,
     "context_length_exceeded"},
    {400,
     {{"retry-after", "5"}},
     R"({"error":{"message":"bad","code":"unsupported_parameter"}})",
     Verdict::kInvalidRequest,
     400,
     "unsupported_parameter"},
    {429,
     {},
     R"({"error":{"message":"Please try again in 20s.","code":"rate_limit_exceeded"}})",
     Verdict::kRateLimit,
     429,
     "rate_limit_exceeded",
     20'000},
    {429,
     {{"retry-after", "3"}, {"retry-after-ms", "2500"}},
     R"({"error":{"message":"slow"}})",
     Verdict::kRateLimit,
     429,
     "rate_limit_exceeded",
     2500},
    {429,
     {{"retry-after", "1"}},
     R"({"error":{"message":"quota","code":"insufficient_quota"}})",
     Verdict::kBilling,
     429,
     "insufficient_quota"},
    {503,
     {{"retry-after", "9"}},
     R"({"error":{"message":"overloaded"}})",
     Verdict::kOverloaded,
     503,
     "overloaded",
     9000},
    {500,
     {{"retry-after", "9"}},
     R"({"error":{"message":"oops"}})",
     Verdict::kServerError,
     502,
     "server_error"},
    {502, {}, "<html>Bad gateway</html>", Verdict::kServerError, 502, "server_error"},
    {408, {}, "", Verdict::kTimeout, 504, "timeout"},
    {409, {}, R"({"error":{"message":"conflict"}})", Verdict::kConflict, 502, "server_error"},
};

TEST_CASE("openai: what the caller is told about an upstream's error (WIRE_FORMATS 7.1)") {
  const ProviderType& type = openai_provider_type();
  for (const Row& row : kErrors) {
    CAPTURE(row.status);
    CAPTURE(row.body);
    const Outcome got = type.read_error(row.status, row.headers, row.body);
    CHECK(verdict_name(got.verdict) == verdict_name(row.verdict));
    CHECK(got.status.http_status() == row.client_status);
    CHECK(got.status.reason() == row.reason);
    const auto wait = got.status.retry_after();
    CHECK((wait ? static_cast<int>(wait->count()) : -1) == row.wait_ms);
    CHECK_FALSE(got.status.message().empty());
    CHECK(got.status.message().find("sk-abc") == std::string::npos);
    CHECK(got.status.upstream_body().find("sk-abc") == std::string::npos);
  }
  CHECK(type.read_error(401, {}, kErrors[0].body).status.message().find("Incorrect") ==
        std::string::npos);
}

}  // namespace
}  // namespace llmorch
