#include "providers/wait_hint.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

namespace llmorch {
namespace {

using std::chrono::milliseconds;

// Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110's own example.
const auto kNow = std::chrono::system_clock::time_point(std::chrono::seconds(784'111'777));
constexpr int kNone = -1;

struct Row {
  const char* rule;
  Headers headers;
  std::string body;
  int ms;
};

const Row kRows[] = {
    {"nothing said", {}, "", kNone},
    {"retry-after-ms", {{"retry-after-ms", "2500"}}, "", 2500},
    {"retry-after-ms is a float", {{"Retry-After-Ms", " 12.25 "}}, "", 13},
    {"retry-after-ms before Retry-After",
     {{"retry-after", "3"}, {"retry-after-ms", "2500"}},
     "",
     2500},
    {"what does not parse is passed over",
     {{"retry-after-ms", "soon"}, {"retry-after", "3"}},
     "",
     3000},
    {"Retry-After in seconds", {{"Retry-After", "17"}}, "", 17'000},
    {"Retry-After as a float", {{"retry-after", "0.5"}}, "", 500},
    {"Retry-After 0", {{"retry-after", "0"}}, "", 0},
    {"at most an hour", {{"retry-after", "86400"}}, "", 3'600'000},
    {"a number without end", {{"retry-after", std::string(400, '9')}}, "", kNone},
    {"negative", {{"retry-after", "-5"}}, "", kNone},
    {"NaN", {{"retry-after", "nan"}}, "", kNone},
    {"infinite", {{"retry-after-ms", "inf"}}, "", kNone},
    {"empty", {{"retry-after", ""}}, "", kNone},
    {"seconds with a tail", {{"retry-after", "5 apples"}}, "", kNone},
    {"a date", {{"retry-after", "Sun, 06 Nov 1994 08:49:57 GMT"}}, "", 20'000},
    {"a date counts from the answer's own Date",
     {{"retry-after", "Mon, 23 Nov 2026 00:00:40 GMT"}, {"date", "Mon, 23 Nov 2026 00:00:00 GMT"}},
     "",
     40'000},
    {"a date in the past", {{"retry-after", "Sun, 06 Nov 1994 08:49:07 GMT"}}, "", kNone},
    {"no such date", {{"retry-after", "Sun, 31 Feb 1994 08:49:57 GMT"}}, "", kNone},
    {"no such month", {{"retry-after", "Sun, 06 anF 1994 08:49:57 GMT"}}, "", kNone},
    {"no such hour", {{"retry-after", "Sun, 06 Nov 1994 24:49:57 GMT"}}, "", kNone},
    {"letters for digits", {{"retry-after", "Sun, 06 Nov 199x 08:49:57 GMT"}}, "", kNone},
    {"spoken, seconds", {}, R"({"error":{"message":"Please try again in 1.2s. Visit …"}})", 1200},
    {"spoken, milliseconds", {}, "Please try again in 20ms.", 20},
    {"spoken, minutes and seconds", {}, "Please try again in 6m0s.", 360'000},
    {"spoken, all units", {}, "Please try again in 1h0m0.5s", 3'600'000},
    {"spoken, no unit", {}, "Please try again in 5", kNone},
    {"spoken, no number", {}, "Please try again in a while", kNone},
    {"a header before words", {{"retry-after", "2"}}, "Please try again in 9s", 2000},
    {"RetryInfo", {}, R"([{"error":{"details":[{"retryDelay": "34.4s"}]}}])", 34'400},
    {"RetryInfo before words", {}, R"({"m":"try again in 9s","retryDelay":"1s"})", 1000},
    {"RetryInfo cut off", {}, R"({"retryDelay")", kNone},
    {"reset of the exhausted dimension",
     {{"x-ratelimit-remaining-requests", "10"},
      {"x-ratelimit-remaining-tokens", "0"},
      {"x-ratelimit-reset-requests", "8ms"},
      {"x-ratelimit-reset-tokens", "6m0s"}},
     "",
     360'000},
    {"the longer of two exhausted ones",
     {{"x-ratelimit-remaining-requests", "0"},
      {"x-ratelimit-remaining-tokens", "0"},
      {"x-ratelimit-reset-requests", "8s"},
      {"x-ratelimit-reset-tokens", "2s"}},
     "",
     8000},
    {"overdrawn",
     {{"X-RateLimit-Remaining-Tokens", "-1"}, {"x-ratelimit-reset-tokens", "3"}},
     "",
     3000},
    {"nothing exhausted",
     {{"x-ratelimit-remaining-tokens", "1"}, {"x-ratelimit-reset-tokens", "6m0s"}},
     "",
     kNone},
    {"exhausted without a reset", {{"x-ratelimit-remaining-tokens", "0"}}, "", kNone},
    {"a reset that is a date",
     {{"x-ratelimit-remaining-tokens", "0"}, {"x-ratelimit-reset-tokens", "1784111777"}},
     "",
     kNone},
    {"spoken by Gemini", {}, R"({"message":"Please retry in 34.074824224s."})", 34'075},
    {"Anthropic's reset of the exhausted dimension",
     {{"anthropic-ratelimit-requests-remaining", "5"},
      {"anthropic-ratelimit-requests-reset", "1994-11-06T08:49:42Z"},
      {"Anthropic-RateLimit-Input-Tokens-Remaining", "0"},
      {"Anthropic-RateLimit-Input-Tokens-Reset", "1994-11-06T08:50:17Z"}},
     "",
     40'000},
    {"the longest of Anthropic's, with a fraction",
     {{"anthropic-ratelimit-tokens-remaining", "0"},
      {"anthropic-ratelimit-tokens-reset", "1994-11-06T08:49:47.999Z"},
      {"anthropic-ratelimit-requests-remaining", "0"},
      {"anthropic-ratelimit-requests-reset", "1994-11-06T08:49:42Z"}},
     "",
     10'000},
    {"Anthropic's reset counts from the answer's own Date",
     {{"date", "Mon, 23 Nov 2026 00:00:00 GMT"},
      {"anthropic-ratelimit-tokens-remaining", "0"},
      {"anthropic-ratelimit-tokens-reset", "2026-11-23T00:00:09Z"}},
     "",
     9000},
    {"a reset in the past",
     {{"anthropic-ratelimit-tokens-remaining", "0"},
      {"anthropic-ratelimit-tokens-reset", "1994-11-06T08:49:17Z"}},
     "",
     kNone},
    {"a reset far ahead is clamped",
     {{"anthropic-ratelimit-tokens-remaining", "0"},
      {"anthropic-ratelimit-tokens-reset", "2026-11-06T08:49:17Z"}},
     "",
     3'600'000},
    {"no such reset",
     {{"anthropic-ratelimit-tokens-remaining", "0"},
      {"anthropic-ratelimit-tokens-reset", "1994-13-06T08:49:42Z"}},
     "",
     kNone},
    {"a reset with rubbish in it",
     {{"anthropic-ratelimit-tokens-remaining", "0"},
      {"anthropic-ratelimit-tokens-reset", "1994-11-06T08:49:42.x1Z"}},
     "",
     kNone},
    {"Anthropic's without a dimension",
     {{"anthropic-ratelimit-remaining", "0"}, {"anthropic-ratelimit-reset", "9"}},
     "",
     kNone},
    {"words before reset headers",
     {{"x-ratelimit-remaining-tokens", "0"}, {"x-ratelimit-reset-tokens", "60s"}},
     "try again in 5s",
     5000},
};

TEST_CASE("the first wait hint that parses (WIRE_FORMATS 7.2)") {
  for (const Row& row : kRows) {
    CAPTURE(row.rule);
    const auto got = wait_hint(row.headers, row.body, kNow);
    CHECK((got ? static_cast<int>(got->count()) : kNone) == row.ms);
  }
}

struct Day {
  const char* rule;
  Headers headers;
  std::int64_t seconds;
};
const Day kDays[] = {
    {"now, at 00:49:37", {}, 23 * 3600 + 10 * 60 + 23},
    {"by the answer's Date, a second before midnight",
     {{"date", "Mon, 23 Nov 2026 07:59:59 GMT"}},
     1},
    {"at midnight itself", {{"date", "Mon, 23 Nov 2026 08:00:00 GMT"}}, 24 * 3600},
    {"a Date that is none", {{"date", "soon"}}, 23 * 3600 + 10 * 60 + 23},
};

TEST_CASE("daily quotas come back at midnight, UTC-8 (WIRE_FORMATS 7.2)") {
  for (const Day& row : kDays) {
    CAPTURE(row.rule);
    CHECK(until_next_day(row.headers, kNow).count() == row.seconds * 1000);
  }
}

}  // namespace
}  // namespace llmorch
