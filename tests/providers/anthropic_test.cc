#include "providers/anthropic.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "providers/request_headers.h"

namespace llmorch {
namespace {

struct Fixture {
  std::shared_ptr<Provider> provider = std::make_shared<Provider>();
  Target target;
  Credential credential{"main", Secret("sk-ant-test"), 1};
  CallSpec spec;

  Fixture() {
    provider->name = "p";
    provider->type = find_provider_type("anthropic");
    provider->base_url = "https://x/v1";
    target.provider = provider;
    target.model = "claude-x";
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

TEST_CASE_FIXTURE(Fixture, "anthropic: a request (WIRE_FORMATS 2.1)") {
  provider->proxy = "http://proxy:3128";
  provider->no_proxy = "localhost";
  provider->http2 = true;
  CHECK(provider->type->format() == Format::kAnthropicMessages);
  const auto got = request();
  REQUIRE(got.has_value());
  CHECK(got->method == "POST");
  CHECK(got->url == "https://x/v1/messages");
  CHECK(got->body.str() == "{}");
  CHECK(got->proxy == "http://proxy:3128");
  CHECK(got->no_proxy == "localhost");
  CHECK(got->http2);
  CHECK_FALSE(got->stream);
  CHECK(value("x-api-key") == "sk-ant-test");
  CHECK(value("authorization") == "(none)");
  CHECK(value("anthropic-version") == "2023-06-01");
  CHECK(value("content-type") == "application/json");
  CHECK(value("accept") == "application/json");
  CHECK(got->headers.size() == 5);
  const auto streamed = request(true);
  CHECK(streamed->url == "https://x/v1/messages");
  CHECK(streamed->stream);
  CHECK(*find_header(streamed->headers, "accept") == "text/event-stream");
  credential.secret = Secret();
  CHECK(value("x-api-key") == "(none)");
}

TEST_CASE_FIXTURE(Fixture, "anthropic: counting tokens has a path of its own and never streams") {
  spec.operation = Operation::kCountTokens;
  const auto got = request(true);
  REQUIRE(got.has_value());
  CHECK(got->url == "https://x/v1/messages/count_tokens");
  CHECK_FALSE(got->stream);
  CHECK(*find_header(got->headers, "accept") == "application/json");
  for (const Operation other : {Operation::kEmbed, Operation::kListModels}) {
    spec.operation = other;
    CHECK(request().error().code() == Code::kUnsupported);
  }
}

TEST_CASE_FIXTURE(Fixture, "anthropic: the caller's version is for the caller's own body") {
  spec.headers = {{"anthropic-version", "2026-10-21"}};
  spec.format = Format::kOpenAiChat;
  CHECK(value("anthropic-version") == "2023-06-01");
  spec.format = Format::kAnthropicMessages;
  CHECK(value("anthropic-version") == "2026-10-21");
  provider->headers = {{"Anthropic-Version", "2024-01-01"}};
  CHECK(value("anthropic-version") == "2024-01-01");
  target.headers = {{"anthropic-version", "2025-01-01"}};
  CHECK(value("anthropic-version") == "2025-01-01");
  CHECK(request()->headers.size() == 5);
}

TEST_CASE_FIXTURE(Fixture, "anthropic: beta features of the caller, the configuration, the body") {
  spec.headers = {{"anthropic-beta", "context-1m-2025-08-07"}};
  provider->headers = {{"anthropic-beta", "effort-2025-11-24"}};
  auto got = request();
  REQUIRE(got.has_value());
  merge_header(got->headers, "anthropic-beta", "effort-2025-11-24,files-api-2025-04-14");
  CHECK(*find_header(got->headers, "anthropic-beta") ==
        "context-1m-2025-08-07,effort-2025-11-24,files-api-2025-04-14");
}

TEST_CASE_FIXTURE(Fixture, "anthropic: of the caller's headers only the allow-listed ones") {
  spec.format = Format::kAnthropicMessages;
  spec.headers = {{"x-api-key", "sk-client"},
                  {"authorization", "Bearer client"},
                  {"openai-beta", "assistants=v2"},
                  {"anthropic-workspace-id", "w"},
                  {"x-stainless-lang", "js"},
                  {"user-agent", "claude-cli"},
                  {"traceparent", "00-1-2-01"},
                  {"cookie", "c"},
                  {"x-app", "cli"}};
  CHECK(value("x-api-key") == "sk-ant-test");
  CHECK(value("authorization") == "(none)");
  CHECK(value("openai-beta") == "(none)");
  CHECK(value("anthropic-workspace-id") == "(none)");
  CHECK(value("cookie") == "(none)");
  CHECK(value("traceparent") == "00-1-2-01");
  CHECK(request()->headers.size() == 6);
  provider->pass_headers = {"x-app", "authorization", "x-api-key"};
  CHECK(value("x-app") == "cli");
  CHECK(value("x-api-key") == "sk-ant-test");
  CHECK(value("authorization") == "(none)");
  // Even where there is no key of ours in its place.
  credential.secret = Secret();
  CHECK(value("x-api-key") == "(none)");
}

TEST_CASE("anthropic: x-should-retry is obeyed where nothing else is known (WIRE_FORMATS 2.1)") {
  const ProviderType& type = anthropic_provider_type();
  const std::string plain =
      R"({"type":"error","error":{"type":"invalid_request_error","message":"m"}})";
  CHECK(type.read_error(400, {}, plain).verdict == Verdict::kInvalidRequest);
  CHECK(type.read_error(400, {{"x-should-retry", "false"}}, plain).verdict ==
        Verdict::kInvalidRequest);
  CHECK(type.read_error(400, {{"X-Should-Retry", "true"}}, plain).verdict == Verdict::kConflict);
  const std::string poor =
      R"({"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}})";
  CHECK(type.read_error(400, {{"x-should-retry", "true"}}, poor).verdict == Verdict::kBilling);
}

}  // namespace
}  // namespace llmorch
