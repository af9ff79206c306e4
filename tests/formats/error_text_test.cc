// Errors of upstreams: whatever their shape, there is a message, and the right one is blamed.
#include "formats/error_text.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/fixtures.h"
#include "json/json.h"

namespace llmorch {
namespace {

struct Case {
  int status;
  std::string body;
  Verdict verdict;
  std::string message;
};

TEST_CASE("shapes that break naive parsers (WIRE_FORMATS 7.1)") {
  const std::vector<Case> cases = {
      {400, R"({"code":"invalid-argument","error":"Incorrect API key provided. You can"})",
       Verdict::kAuth, "Incorrect API key provided. You can"},
      {400, R"({"code":"invalid-argument","error":"Model not found: grok-x"})",
       Verdict::kModelNotFound, "Model not found: grok-x"},
      {401, R"({"detail":"Invalid API Key"})", Verdict::kAuth, "Invalid API Key"},
      {400,
       R"({"object":"error","message":"Invalid model: x","type":"invalid_model","param":null,"code":"1500","raw_status_code":400})",
       Verdict::kModelNotFound, "Invalid model: x"},
      {400, R"({"error_type":"TOO_MANY_TOKENS","message":"limit"})", Verdict::kContextLength,
       "limit"},
      {400, R"({"error":{"message":"long","type":"too_many_prompt_tokens","code":400}})",
       Verdict::kContextLength, "long"},
      {422,
       R"({"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","x"],"msg":"Extra inputs are not permitted"}]}})",
       Verdict::kInvalidRequest, "Extra inputs are not permitted"},
      {400, R"({"errors":[{"message":"first"},{"message":"second"}]})", Verdict::kInvalidRequest,
       "first"},
      {400, R"([{"error":{"code":400,"message":"in a list"}}])", Verdict::kInvalidRequest,
       "in a list"},
      {429,
       R"({"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"slow"}}})",
       Verdict::kRateLimit, "Provider returned error: slow"},
      {500, R"({"error":{}})", Verdict::kServerError,
       "the upstream reported an error without a message"},
      {500, R"({"error":{"code":"boom"}})", Verdict::kServerError,
       "the upstream reported an error without a message: boom"},
      {502, "<html>Bad Gateway</html>", Verdict::kServerError,
       "the upstream sent a web page instead of JSON"},
      {500, "", Verdict::kServerError, "the upstream sent an empty body"},
      {503, " try later\n", Verdict::kOverloaded, "try later"},
      {500, R"("just text")", Verdict::kServerError, "just text"},
      {501, R"({"error":{"code":501,"message":"no","type":"not_supported_error"}})",
       Verdict::kInvalidRequest, "no"},
      {307, "", Verdict::kMalformed, "the upstream sent an empty body"},
      // Somebody else's words inside the error must not decide.
      {400, R"({"error":{"message":"Failed to call","failed_generation":"context window"}})",
       Verdict::kInvalidRequest, "Failed to call"},
      {429, R"({"error":{"message":"Too many tokens, please wait before trying again."}})",
       Verdict::kRateLimit, "Too many tokens, please wait before trying again."},
      {429, R"({"error":{"message":"access was terminated"}})", Verdict::kAuth,
       "access was terminated"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.body);
    const ErrorText error = read_error_text(c.body);
    CHECK(error.message == c.message);
    CHECK(verdict_name(classify_error(c.status, error)) == verdict_name(c.verdict));
  }
}

TEST_CASE("an error inside a 200: its own status or words decide, and it is never ok") {
  const std::vector<Case> cases = {
      {200, R"({"error":{"message":"m","code":502}})", Verdict::kServerError, "m"},
      {200, R"({"error":{"message":"m","code":"429"}})", Verdict::kRateLimit, "m"},
      {200, R"({"error":{"message":"m","code":401}})", Verdict::kAuth, "m"},
      {200, R"({"error":{"message":"m","type":"overloaded_error"}})", Verdict::kOverloaded, "m"},
      {200, R"({"error":{"message":"m","type":"rate_limit_error"}})", Verdict::kRateLimit, "m"},
      {200, R"({"error":{"message":"m","type":"invalid_request_error"}})", Verdict::kInvalidRequest,
       "m"},
      {200, R"({"error":{"message":"m","code":"insufficient_quota"}})", Verdict::kBilling, "m"},
      {200, R"({"error":"boom"})", Verdict::kServerError, "boom"},
      {200, R"({"error":{"message":"m","code":600}})", Verdict::kServerError, "m"},
      {200, R"({"error":true})", Verdict::kServerError,
       "the upstream reported an error without a message"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.body);
    const ErrorText error = read_error_text(c.body);
    CHECK(error.message == c.message);
    CHECK(verdict_name(classify_error(c.status, error)) == verdict_name(c.verdict));
  }
}

TEST_CASE("what the caller is told is one redacted line, and never that our key is bad") {
  const std::string body =
      R"({"error":{"message":"bad\nkey sk-abcdefghijk at https://x.example/a?token=1","code":"c","param":"p"}})";
  const ErrorText error = read_error_text(body);
  const Status shown = error_status(Verdict::kInvalidRequest, error, body);
  CHECK(shown.message() == "bad key sk-*** at https://x.example/a?***");
  CHECK(shown.reason() == "c");
  CHECK(shown.param() == "p");
  CHECK(shown.http_status() == 400);
  const Status ours = error_status(Verdict::kAuth, error, body);
  CHECK(ours.message().find("key") == std::string::npos);
  CHECK(ours.reason() == "upstream_auth");
  CHECK(ours.http_status() == 502);
  CHECK(ours.upstream_body().find("abcdefg") == std::string::npos);
  const Status huge = error_status(
      Verdict::kServerError, read_error_text(std::string(1 << 21, 'x')), std::string(1 << 21, 'x'));
  CHECK(huge.message().size() < 1100);
  CHECK(huge.upstream_body().size() < 2100);
}

TEST_CASE("recorded classification cases") {
  const auto folder = testing::fixtures();
  if (folder.empty()) return;
  int checked = 0;
  const auto text = testing::read_file(folder / "errors/synthetic/classification-cases.jsonl");
  for (const std::string& line : testing::split_lines(text)) {
    const auto document = json::Document::parse(line);
    REQUIRE(document.has_value());
    const json::Value root = document->root();
    const json::Value expect = root["expect"];
    std::string wanted = expect["class"].string().value_or("");
    const auto status = static_cast<int>(root["status"].integer().value_or(0));
    // Answers that are no errors, or lack choices, are the decoders' business.
    if (wanted == "ok" || wanted == "malformed") continue;
    if (wanted == "not_found_model") wanted = "model_not_found";
    const json::Value body = root["body"];
    const std::string bytes =
        body.is_string() ? body.string().value_or("") : std::string(body.raw());
    const ErrorText error = read_error_text(bytes);
    const Verdict verdict = classify_error(status, error);
    CAPTURE(line);
    CHECK(verdict_name(verdict) == wanted);
    CHECK_FALSE(error.message.empty());
    const Status shown = error_status(verdict, error, bytes);
    CHECK(shown.http_status() == expect["client_status"].integer().value_or(0));
    if (const auto code = expect["client_code"].string()) CHECK(shown.reason() == *code);
    ++checked;
  }
  CHECK(checked >= 60);
}

TEST_CASE("recorded live errors: each has a message and a verdict that is not ok") {
  const auto folder = testing::fixtures();
  if (folder.empty()) return;
  for (const std::string& line :
       testing::split_lines(testing::read_file(folder / "errors/recorded/rig.jsonl"))) {
    const auto document = json::Document::parse(line);
    REQUIRE(document.has_value());
    const json::Value root = document->root();
    const ErrorText error = read_error_text(root["body"].raw());
    const auto status = static_cast<int>(root["status"].integer().value_or(0));
    const Verdict verdict = classify_error(status, error);
    CAPTURE(line);
    CHECK(error.message.find("without a message") == std::string::npos);
    CHECK(verdict != Verdict::kOk);
    CHECK(verdict != Verdict::kMalformed);
    if (status == 401) CHECK(verdict == Verdict::kAuth);
  }
}

}  // namespace
}  // namespace llmorch
