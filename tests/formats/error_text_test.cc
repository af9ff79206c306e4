// Errors of upstreams: whatever their shape, there is a message, and the right one is blamed.
#include "formats/error_text.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

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
      // Wrapped in a list, as Gemini's errors are at times.
      {400,
       R"([{"error":{"code":400,"message":"API key not valid.","details":[{"reason":"API_KEY_INVALID"}]}}])",
       Verdict::kAuth, "API key not valid."},
  };
  for (const Case& c : cases) {
    CAPTURE(c.body);
    const ErrorText error = read_error_text(c.body);
    CHECK(error.message == c.message);
    CHECK(verdict_name(classify_error(c.status, error)) == verdict_name(c.verdict));
  }
}

struct Words {
  int status;
  const char* words;  // the message, or code, of an error in OpenAI's shape
  Verdict verdict;
};

// How vendors say it, each in words of its own.
const Words kVendorWords[] = {
    // too long
    {400, "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
     Verdict::kContextLength},
    {400, "This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
     Verdict::kContextLength},
    {400, "Prompt exceeds max length", Verdict::kContextLength},
    {400, "Your input exceeds the context window of this model.", Verdict::kContextLength},
    {413, "Request too large", Verdict::kContextLength},
    // refused content
    {400, "Output blocked by content filtering policy", Verdict::kContentPolicy},
    {400, "data_inspection_failed", Verdict::kContentPolicy},
    {400, "Content Exists Risk", Verdict::kContentPolicy},
    {403, "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_X",
     Verdict::kContentPolicy},
    {403, "Your chosen model requires moderation and your input was flagged",
     Verdict::kContentPolicy},
    // our key
    {400, "API key expired. Please renew the API key.", Verdict::kAuth},
    {400, "This organization has been disabled.", Verdict::kAuth},
    {403, "Your API key was reported as leaked. Please use another API key.", Verdict::kAuth},
    {401, "anything", Verdict::kAuth},
    // money
    {400, "Your credit balance is too low to access the Anthropic API.", Verdict::kBilling},
    {400, "billing_hard_limit_reached", Verdict::kBilling},
    {401, "insufficient_quota", Verdict::kBilling},
    {402, "Insufficient Balance", Verdict::kBilling},
    {403, "Key limit exceeded (total limit).", Verdict::kBilling},
    {429, "enforced_spend_limit_reached", Verdict::kBilling},
    {429, "contract_spend_limit_reached", Verdict::kBilling},
    {429, "exceeded_current_quota_error", Verdict::kBilling},
    {429, "Insufficient balance or no resource package. Please recharge.", Verdict::kBilling},
    {429, "Your prepayment credits are depleted.", Verdict::kBilling},
    // too fast
    {429, "ramp_limit_exceeded", Verdict::kRateLimit},
    {429, "You exceeded your current quota, please check your plan and billing details.",
     Verdict::kRateLimit},
    {429, "Rate limit reached for model `x` on tokens per day (TPD): try again in 7m12s",
     Verdict::kRateLimit},
    // place
    {400, "User location is not supported for the API use.", Verdict::kPermission},
    {400, "Gemini API free tier is not available in your country.", Verdict::kPermission},
    {403, "unsupported_country_region_territory", Verdict::kPermission},
    {400, "organization_on_hold", Verdict::kPermission},
    // model
    {400, "Model not exist.", Verdict::kModelNotFound},
    {400, "Unknown Model, please check the model code.", Verdict::kModelNotFound},
    {400, "model_decommissioned", Verdict::kModelNotFound},
    {400, "model_not_available", Verdict::kModelNotFound},
    {404, "", Verdict::kModelNotFound},
    {410, "gone", Verdict::kModelNotFound},
    // capacity and faults of theirs
    {429, "The engine is currently overloaded, please try again later", Verdict::kOverloaded},
    {498, "Flex tier capacity exceeded", Verdict::kOverloaded},
    {503, "The model is overloaded.", Verdict::kOverloaded},
    {529, "Overloaded", Verdict::kOverloaded},
    {499, "The operation was cancelled.", Verdict::kServerError},
    {520, "", Verdict::kServerError},
    {524, "", Verdict::kTimeout},
    // nothing known
    {400, "temperature: range: 0..1", Verdict::kInvalidRequest},
    {418, "teapot", Verdict::kInvalidRequest},
};

TEST_CASE("vendors' own words and statuses (WIRE_FORMATS 7.1)") {
  for (const Words& row : kVendorWords) {
    CAPTURE(row.status);
    CAPTURE(row.words);
    for (const char* key : {"message", "code"}) {
      const std::string body =
          std::string(R"({"error":{")") + key + R"(":")" + row.words + R"("}})";
      CHECK(verdict_name(classify_error(row.status, read_error_text(body))) ==
            verdict_name(row.verdict));
    }
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
      {200, R"({"type":"error","error":{"type":"timeout_error","message":"m"}})", Verdict::kTimeout,
       "m"},
      {200, R"({"type":"error","error":{"type":"not_found_error","message":"m"}})",
       Verdict::kModelNotFound, "m"},
      {200, R"({"type":"error","error":{"type":"api_error","message":"m"}})", Verdict::kServerError,
       "m"},
      {200, R"({"error":{"message":"m","status":"RESOURCE_EXHAUSTED"}})", Verdict::kRateLimit, "m"},
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

TEST_CASE("an error without a message costs no search over all paths of keys") {
  // One of these took a fifth of a second once, on a loop's thread; 2,000 would outlast any
  // time-out.
  for (int i = 0; i < 2000; ++i) CHECK_FALSE(read_error_text(R"({"error":{}})").message.empty());
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

}  // namespace
}  // namespace llmorch
