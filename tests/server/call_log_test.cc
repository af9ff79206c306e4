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
  record.usage_known = true;
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

}  // namespace
}  // namespace llmorch::server
