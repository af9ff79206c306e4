#include "providers/gemini.h"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>

namespace llmorch {
namespace {

struct Fixture {
  std::shared_ptr<Provider> provider = std::make_shared<Provider>();
  Target target;
  Credential credential{"main", Secret("AIzaTest"), 1};
  CallSpec spec;

  Fixture() {
    provider->name = "p";
    provider->type = find_provider_type("gemini");
    provider->base_url = "https://x/v1beta";
    target.provider = provider;
    target.model = "gemini-x";
  }
  Result<TransferSpec> request(bool stream = false) const {
    return provider->type->request(target, credential, spec, Body("{}"), "", stream);
  }
  std::string value(std::string_view name) const {
    const auto made = request();
    REQUIRE(made.has_value());
    const std::string* found = find_header(made->headers, name);
    return found == nullptr ? "(none)" : *found;
  }
};

TEST_CASE_FIXTURE(Fixture, "gemini: a request (WIRE_FORMATS 3.1)") {
  CHECK(provider->type->format() == Format::kGemini);
  const auto got = request();
  REQUIRE(got.has_value());
  CHECK(got->method == "POST");
  CHECK(got->url == "https://x/v1beta/models/gemini-x:generateContent");
  CHECK(got->body.str() == "{}");
  CHECK(value("x-goog-api-key") == "AIzaTest");
  CHECK(value("authorization") == "(none)");
  CHECK(value("accept") == "application/json");
  CHECK(got->headers.size() == 4);
  const auto streamed = request(true);
  CHECK(streamed->url == "https://x/v1beta/models/gemini-x:streamGenerateContent?alt=sse");
  CHECK(streamed->stream);
  CHECK(*find_header(streamed->headers, "accept") == "text/event-stream");
  spec.operation = Operation::kCountTokens;
  const auto count = request(true);
  CHECK(count->url == "https://x/v1beta/models/gemini-x:countTokens");
  CHECK_FALSE(count->stream);
  spec.operation = Operation::kEmbed;
  CHECK(request().error().code() == Code::kUnsupported);
}

struct Model {
  std::string written;
  const char* path;  // null: refused
};
const Model kModels[] = {
    {"gemini-2.5-flash", "/models/gemini-2.5-flash"},
    {"models/gemini-2.5-flash", "/models/gemini-2.5-flash"},
    {"tunedModels/mine-1", "/tunedModels/mine-1"},
    {"modelsx", "/models/modelsx"},
    {"models", "/models/models"},
    {"a b", nullptr},
    {"", nullptr},
    {"models/", nullptr},
    {"tunedModels/", nullptr},
    {"..", nullptr},
    {"../files", nullptr},
    {"models/../files", nullptr},
    {"a/../../b", nullptr},
    {"a//b", nullptr},
    {"a/", nullptr},
    {"./a", nullptr},
    {"a\r\nX: y", nullptr},
    {std::string("a\0b", 3), nullptr},
    {std::string(513, 'm'), nullptr},
    // A caller may have named it ("provider/model"), so it must stay one segment.
    {"publishers/google/x", "/models/publishers%2Fgoogle%2Fx"},
    {"x?key=1", "/models/x%3Fkey%3D1"},
    {"x#y", "/models/x%23y"},
    {"x:countTokens", "/models/x%3AcountTokens"},
    {"x%2e%2e", "/models/x%252e%252e"},
    {"x@001", "/models/x%40001"},
    {"\xC3\xA9", "/models/%C3%A9"},
};

TEST_CASE_FIXTURE(Fixture, "gemini: no model's name leads elsewhere on the host") {
  for (const Model& row : kModels) {
    CAPTURE(row.written);
    target.model = row.written;
    const auto got = request();
    REQUIRE(got.has_value() == (row.path != nullptr));
    if (row.path != nullptr) {
      CHECK(got->url == "https://x/v1beta" + std::string(row.path) + ":generateContent");
    } else {
      CHECK(got.error().http_status() == 400);
      CHECK(got.error().param() == "model");
      CHECK(got.error().message().find('\n') == std::string::npos);
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "gemini: keys are in a header, never in the URL; the caller's nowhere") {
  spec.headers = {{"x-goog-api-key", "AIzaClient"},
                  {"authorization", "Bearer client"},
                  {"anthropic-beta", "b"},
                  {"openai-beta", "b"},
                  {"tracestate", "a=b"},
                  {"x-goog-user-project", "p"}};
  spec.query = "key=AIzaClient&alt=sse";
  for (const bool stream : {false, true}) {
    const auto got = request(stream);
    CHECK(got->url.find("AIza") == std::string::npos);
    CHECK(got->headers.size() == 5);
  }
  CHECK(value("x-goog-api-key") == "AIzaTest");
  CHECK(value("tracestate") == "a=b");
  CHECK(value("x-goog-user-project") == "(none)");
  provider->pass_headers = {"x-goog-user-project", "x-goog-api-key"};
  CHECK(value("x-goog-user-project") == "p");
  CHECK(value("x-goog-api-key") == "AIzaTest");
  credential.secret = Secret();
  CHECK(value("x-goog-api-key") == "(none)");
}

std::string quota(const std::string& id) {
  return R"({"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":")" +
         id +
         R"("}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.4s"}]}})";
}

TEST_CASE("gemini: a minute's quota waits as told, a day's until the next day (WIRE_FORMATS 3.7)") {
  using std::chrono::milliseconds;
  const ProviderType& type = gemini_provider_type();
  const std::string minute = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier");
  for (const std::string& body : {minute, "[" + minute + "]"}) {
    const Outcome got = type.read_error(429, {}, body);
    CHECK(got.verdict == Verdict::kRateLimit);
    CHECK(got.status.retry_after() == milliseconds(34'400));
  }
  const std::string day = quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier");
  const Outcome got = type.read_error(429, {{"date", "Mon, 23 Nov 2026 07:00:00 GMT"}}, day);
  CHECK(got.verdict == Verdict::kBilling);
  CHECK(got.status.retry_after() == milliseconds(3'600'000));
  CHECK(got.status.reason() == "insufficient_quota");
  const auto unknown_date = type.read_error(429, {}, day).status.retry_after();
  REQUIRE(unknown_date.has_value());
  CHECK(*unknown_date > milliseconds(0));
  CHECK(*unknown_date <= std::chrono::hours(24));
}

}  // namespace
}  // namespace llmorch
