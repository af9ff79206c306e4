// The line per call for people: one line, whatever callers and upstreams wrote.
#include "server/call_log.h"

#include <doctest/doctest.h>

namespace llmorch::server {
namespace {

TEST_CASE("a record for people says who was asked, how it went, and how much it was") {
  Record record;
  record.id = "id-1";
  record.http_status = 200;
  record.model_asked = "smart";
  record.stream = true;
  record.attempts.resize(2);
  record.attempts[0].provider = "a";
  record.attempts[0].model = "x";
  record.attempts[0].verdict = Verdict::kTimeout;
  record.attempts[1].provider = "b";
  record.attempts[1].model = "y";
  record.duration_us = 1'234'567;
  record.usage_source = UsageSource::kUpstream;
  record.usage.input = 10;
  record.usage.output = 20;
  const std::string line = record_line(record);
  CHECK(line.substr(8) == " 200 smart -> a/x (timeout) then b/y 1.235s stream 10+20 tokens id-1");
}

TEST_CASE("nothing a caller wrote begins a line of its own or moves the cursor") {
  Record record;
  record.model_asked = "a\nb\x1b[2J\x9b";
  record.error_type = "caller_model_unknown";
  record.error_message = "no \"a\r\nb\"";
  const std::string line = record_line(record);
  CHECK(line.find_first_of("\r\n\x1b\x9b") == std::string::npos);
  CHECK(line.find("caller_model_unknown: no \"a??b\"") != std::string::npos);
}

TEST_CASE("a record for machines is one line of JSON with the fields of operations A.6") {
  Record record;
  record.id = "id-1";
  record.principal.id = "laptop";
  record.model_asked = "smart";
  record.http_status = 502;
  record.error_type = "provider_timeout";
  record.attempts.resize(2);
  record.attempts[0].provider = "a";
  record.attempts[0].start_us = 1'000;
  record.attempts[0].end_us = 3'005;
  record.attempts[1].provider = "b";
  record.attempts[1].credential = "main";
  record.duration_us = 1'234'567;
  record.prices = Prices{};
  record.cost_nano_usd = 1'000'000'042;
  const std::string line = record_json(record);
  for (const char* part :
       {R"("ts":"1970-01-01T00:00:00.000000Z")", R"("level":"error")", R"("event":"request.end")",
        R"("msg":"call ended")", R"("request_id":"id-1")", R"("key_id":"laptop")",
        R"("model_requested":"smart")", R"("provider":"b","provider_key_id":"main")",
        R"("fallback":true)", R"("stream":false)", R"("status":502)",
        R"("error_type":"provider_timeout")", R"("duration_ms":1234.567,)", R"("ms":2.005,)",
        R"("cost_usd":1.000000042,)", R"("usage_source":"none")", R"("tokens_in":0)",
        R"("config_version":0)"}) {
    CHECK_MESSAGE(line.find(part) != std::string::npos, line);
  }
  CHECK(line.find("ttft_ms") == std::string::npos);  // never reached
  record.first_event_us = 5;
  CHECK(record_json(record).find(R"("ttft_ms":0.005,)") != std::string::npos);
  struct Row {
    const char* error;
    const char* level;
  };
  for (const Row& row : {Row{"", "info"}, Row{"caller_cancelled", "warn"},
                         Row{"policy_access_denied", "warn"}, Row{"gateway_shed", "error"}}) {
    record.error_type = row.error;
    CHECK(record_json(record).find(std::string(R"("level":")") + row.level + '"') !=
          std::string::npos);
  }
}

}  // namespace
}  // namespace llmorch::server
