#include "providers/wait_hint.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>

#include "base/text.h"

namespace llmorch {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr double kLongestMs = 3'600'000;
constexpr std::size_t kSearchedBytes = 64 * 1024;

// A finite, non-negative decimal number at the start of `text`, taken off it.
std::optional<double> take_number(std::string_view& text) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::optional<milliseconds> clamped(double ms) {
  if (!std::isfinite(ms) || ms < 0) return std::nullopt;
  return milliseconds(static_cast<std::int64_t>(std::ceil(std::min(ms, kLongestMs))));
}

// The whole of `text` as a plain number.
std::optional<double> plain_number(std::string_view text) {
  text = trim(text);
  const auto value = take_number(text);
  return text.empty() ? value : std::nullopt;
}

// "1.2s", "20ms", "6m0s" at the start of `text`; what follows the last unit is not looked at.
std::optional<double> spoken_ms(std::string_view text) {
  struct Unit {
    std::string_view name;
    double ms;
  };
  static constexpr std::array<Unit, 5> kUnits{
      // "ms" before "m"
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  std::optional<double> total;
  for (;;) {
    const auto number = take_number(text);
    if (!number) return total;
    const auto* unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& candidate) {
      return text.substr(0, candidate.name.size()) == candidate.name;
    });
    if (unit == kUnits.end()) return total;
    text.remove_prefix(unit->name.size());
    total = total.value_or(0) + *number * unit->ms;
  }
}

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7); by hand, since strptime() obeys the locale.
std::optional<system_clock::time_point> http_date(std::string_view text) {
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  text = trim(text);
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT" ||
      text[19] != ':' || text[22] != ':') {
    return std::nullopt;
  }
  const auto digits = [&](std::size_t at, std::size_t count) -> int {
    int value = 0;
    for (const char c : text.substr(at, count)) {
      if (c < '0' || c > '9') return -1;
      value = value * 10 + (c - '0');
    }
    return value;
  };
  const std::size_t month = kMonths.find(text.substr(8, 3));
  const int day = digits(5, 2);
  const int year = digits(12, 4);
  const int hour = digits(17, 2);
  const int minute = digits(20, 2);
  const int second = digits(23, 2);
  if (month == std::string_view::npos || month % 3 != 0 || day < 1 || year < 1970 || hour < 0 ||
      hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

std::optional<milliseconds> from_retry_after(const Headers& headers, system_clock::time_point now) {
  const std::string* written = find_header(headers, "retry-after");
  if (written == nullptr) return std::nullopt;
  if (const auto seconds = plain_number(*written)) return clamped(*seconds * 1000);
  const auto until = http_date(*written);
  if (!until) return std::nullopt;
  // The upstream's own clock, where it tells it: ours may be off.
  const std::string* date = find_header(headers, "date");
  const auto sent = date == nullptr ? std::nullopt : http_date(*date);
  const auto wait = std::chrono::duration_cast<milliseconds>(*until - sent.value_or(now));
  return clamped(static_cast<double>(wait.count()));
}

std::optional<milliseconds> from_body(std::string_view body) {
  body = body.substr(0, kSearchedBytes);
  static constexpr std::string_view kDelay = "\"retryDelay\"";
  if (const std::size_t at = body.find(kDelay); at != std::string_view::npos) {
    std::string_view rest = body.substr(at + kDelay.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n:\""), rest.size()));
    if (const auto ms = spoken_ms(rest)) return clamped(*ms);
  }
  static constexpr std::string_view kSpoken = "try again in ";
  if (const std::size_t at = body.find(kSpoken); at != std::string_view::npos) {
    if (const auto ms = spoken_ms(body.substr(at + kSpoken.size()))) return clamped(*ms);
  }
  return std::nullopt;
}

std::optional<milliseconds> from_reset_headers(const Headers& headers) {
  static constexpr std::string_view kRemaining = "x-ratelimit-remaining-";
  std::optional<milliseconds> longest;
  for (const Header& header : headers) {
    if (!equals_ignore_case(std::string_view(header.name).substr(0, kRemaining.size()),
                            kRemaining)) {
      continue;
    }
    // Azure reports an overdrawn dimension as -1.
    const std::string_view remaining = trim(header.value);
    const bool exhausted = plain_number(remaining) == 0.0 || remaining.substr(0, 1) == "-";
    if (!exhausted) continue;
    const std::string* reset =
        find_header(headers, "x-ratelimit-reset-" + header.name.substr(kRemaining.size()));
    if (reset == nullptr) continue;
    std::optional<double> ms = spoken_ms(trim(*reset));
    // A bare number is seconds; one this large is a date that no vendor documents.
    if (const auto seconds = plain_number(*reset); seconds && *seconds < 1e9) ms = *seconds * 1000;
    if (!ms) continue;
    longest = std::max(longest, clamped(*ms));
  }
  return longest;
}

}  // namespace

std::optional<milliseconds> wait_hint(const Headers& headers, std::string_view body,
                                      system_clock::time_point now) {
  if (const std::string* written = find_header(headers, "retry-after-ms")) {
    if (const auto ms = plain_number(*written)) return clamped(*ms);
  }
  if (const auto wait = from_retry_after(headers, now)) return wait;
  if (const auto wait = from_body(body)) return wait;
  return from_reset_headers(headers);
}

}  // namespace llmorch
