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

// The decimal number in `text[at, at + count)`, or -1.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<system_clock::time_point> point_of(int year, int month, int day, int hour, int minute,
                                                 int second) {
  if (year < 1970 || month < 1 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0 || second > 60) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7); by hand, since strptime() obeys the locale.
std::optional<system_clock::time_point> http_date(std::string_view text) {
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  text = trim(text);
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT" ||
      text[19] != ':' || text[22] != ':') {
    return std::nullopt;
  }
  const std::size_t month = kMonths.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  return point_of(digits(text, 12, 4), static_cast<int>(month / 3 + 1), digits(text, 5, 2),
                  digits(text, 17, 2), digits(text, 20, 2), digits(text, 23, 2));
}

// "2026-11-23T00:00:40Z", with a fraction or not; nobody sends another offset (RFC 3339).
std::optional<system_clock::time_point> rfc3339(std::string_view text) {
  text = trim(text);
  if (text.size() < 20 || text.size() > 40 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':' ||
      (text.back() != 'Z' && text.back() != 'z')) {
    return std::nullopt;
  }
  const std::string_view fraction = text.substr(19, text.size() - 20);
  if (!fraction.empty() &&
      (fraction.size() < 2 || fraction[0] != '.' ||
       fraction.find_first_not_of("0123456789", 1) != std::string_view::npos)) {
    return std::nullopt;
  }
  return point_of(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2), digits(text, 11, 2),
                  digits(text, 14, 2), digits(text, 17, 2));
}

// The upstream's own clock, where it tells it: ours may be off.
system_clock::time_point sent_at(const Headers& headers, system_clock::time_point now) {
  const std::string* date = find_header(headers, "date");
  const auto sent = date == nullptr ? std::nullopt : http_date(*date);
  return sent.value_or(now);
}

std::optional<milliseconds> until(system_clock::time_point point, const Headers& headers,
                                  system_clock::time_point now) {
  const auto wait = std::chrono::duration_cast<milliseconds>(point - sent_at(headers, now));
  return clamped(static_cast<double>(wait.count()));
}

std::optional<milliseconds> from_retry_after(const Headers& headers, system_clock::time_point now) {
  const std::string* written = find_header(headers, "retry-after");
  if (written == nullptr) return std::nullopt;
  if (const auto seconds = plain_number(*written)) return clamped(*seconds * 1000);
  const auto date = http_date(*written);
  return date ? until(*date, headers, now) : std::nullopt;
}

std::optional<milliseconds> from_body(std::string_view body) {
  body = body.substr(0, kSearchedBytes);
  static constexpr std::string_view kDelay = "\"retryDelay\"";
  if (const std::size_t at = body.find(kDelay); at != std::string_view::npos) {
    std::string_view rest = body.substr(at + kDelay.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n:\""), rest.size()));
    if (const auto ms = spoken_ms(rest)) return clamped(*ms);
  }
  // "Please try again in 20s" of OpenAI, "Please retry in 34.07s" of Gemini.
  for (const std::string_view spoken : {"try again in ", "retry in "}) {
    const std::size_t at = body.find(spoken);
    if (at == std::string_view::npos) continue;
    if (const auto ms = spoken_ms(body.substr(at + spoken.size()))) return clamped(*ms);
  }
  return std::nullopt;
}

// Azure reports an overdrawn dimension as -1.
bool is_exhausted(std::string_view remaining) {
  remaining = trim(remaining);
  return plain_number(remaining) == 0.0 || remaining.substr(0, 1) == "-";
}

// The time to the reset of a rate limit: a duration, a number of seconds, or a date.
std::optional<milliseconds> read_reset(const std::string* reset, const Headers& headers,
                                       system_clock::time_point now) {
  if (reset == nullptr) return std::nullopt;
  if (const auto date = rfc3339(*reset)) return until(*date, headers, now);
  if (const auto seconds = plain_number(*reset)) {
    // One this large is a date that no vendor documents.
    return *seconds < 1e9 ? clamped(*seconds * 1000) : std::nullopt;
  }
  const auto ms = spoken_ms(trim(*reset));
  return ms ? clamped(*ms) : std::nullopt;
}

// The longest reset of all exhausted dimensions. OpenAI's headers are named
// x-ratelimit-remaining-<dimension>, Anthropic's anthropic-ratelimit-<dimension>-remaining.
std::optional<milliseconds> from_reset_headers(const Headers& headers,
                                               system_clock::time_point now) {
  static constexpr std::string_view kTheirs = "x-ratelimit-remaining-";
  static constexpr std::string_view kStart = "anthropic-ratelimit-";
  static constexpr std::string_view kEnd = "-remaining";
  std::optional<milliseconds> longest;
  for (const Header& header : headers) {
    if (!is_exhausted(header.value)) continue;
    const std::string name = to_lower(header.name);
    std::string reset;
    if (name.rfind(kTheirs, 0) == 0) {
      reset = "x-ratelimit-reset-" + name.substr(kTheirs.size());
    } else if (name.rfind(kStart, 0) == 0 && name.size() > kStart.size() + kEnd.size() &&
               name.compare(name.size() - kEnd.size(), kEnd.size(), kEnd) == 0) {
      reset = name.substr(0, name.size() - kEnd.size()) + "-reset";
    } else {
      continue;
    }
    longest = std::max(longest, read_reset(find_header(headers, reset), headers, now));
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
  return from_reset_headers(headers, now);
}

milliseconds until_next_day(const Headers& headers, system_clock::time_point now) {
  const auto local = sent_at(headers, now) - std::chrono::hours(8);
  const auto midnight = std::chrono::floor<std::chrono::days>(local) + std::chrono::days(1);
  return std::chrono::ceil<milliseconds>(midnight - local);
}

}  // namespace llmorch
