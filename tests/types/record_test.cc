// A Record as log lines show it: one line of valid JSON, whatever stands in it.
#include <doctest/doctest.h>

#include "llmorch/types.h"

namespace llmorch {
namespace {

TEST_CASE("a record is one line of JSON") {
  Record record;
  record.id = "r\n1";
  record.started =
      std::chrono::system_clock::time_point(std::chrono::microseconds(1700000000123456));
  record.model_asked = "say \"hi\"\xFF";
  record.error_type = "provider_timeout";
  record.attempts.push_back({.provider = "p", .verdict = Verdict::kTimeout, .message = "late"});
  record.plan.push_back({.provider = "p", .reason = "weighted"});
  record.dropped = {"seed"};
  const std::string line = record_json(record);
  CHECK(line.find('\n') == std::string::npos);
  CHECK(line.find("\"ts\":\"2023-11-14T22:13:20.123456Z\"") != std::string::npos);
  CHECK(line.find(R"("request_id":"r\n1")") != std::string::npos);
  CHECK(line.find("\"model_requested\":\"say \\\"hi\\\"\xEF\xBF\xBD\"") != std::string::npos);
  CHECK(line.find(R"("verdict":"timeout")") != std::string::npos);
  CHECK(line.find(R"("dropped":["seed"])") != std::string::npos);
  CHECK(line.back() == '}');
}

TEST_CASE("names and back") {
  for (const Format format :
       {Format::kOpenAiChat, Format::kOpenAiResponses, Format::kAnthropicMessages, Format::kGemini,
        Format::kBedrockConverse}) {
    CHECK(format_from_name(format_name(format)) == format);
  }
  CHECK_FALSE(format_from_name("openai").has_value());
}

TEST_CASE("headers are found without case and set once") {
  Headers headers{{"X-A", "1"}, {"x-a", "2"}};
  REQUIRE(find_header(headers, "x-A") != nullptr);
  CHECK(*find_header(headers, "x-A") == "1");
  set_header(headers, "X-a", "3");
  CHECK(headers == Headers{{"X-a", "3"}});
  CHECK(find_header(headers, "b") == nullptr);
}

}  // namespace
}  // namespace llmorch
