#include "server/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "server/json_text.h"

namespace llmorch::server {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_at(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) -
                                  text.begin());
}

// 0o17 and 0x1f; too large a number stays a string.
std::optional<std::string> radix_number(std::string_view text) {
  const int radix = text.starts_with("0x") ? 16 : text.starts_with("0o") ? 8 : 0;
  if (radix == 0 || text.size() < 3 || text[2] == '-') return std::nullopt;
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + 2, end, number, radix);
  if (error != std::errc() || stop != end) return std::nullopt;
  return std::to_string(number);
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
std::optional<std::string> decimal_number(std::string_view text) {
  std::string out;
  if (text.starts_with('-')) out.push_back('-');
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const std::size_t whole = digits_at(text);
  std::string_view integer = text.substr(0, whole);
  text.remove_prefix(whole);
  while (integer.size() > 1 && integer.front() == '0') integer.remove_prefix(1);
  out.append(integer.empty() ? "0" : integer);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const std::size_t fraction = digits_at(text);
    if (whole == 0 && fraction == 0) return std::nullopt;
    out.push_back('.');
    out.append(fraction == 0 ? "0" : text.substr(0, fraction));
    text.remove_prefix(fraction);
  } else if (whole == 0) {
    return std::nullopt;
  }
  if (text.empty()) return out;
  if (text.front() != 'e' && text.front() != 'E') return std::nullopt;
  out.push_back('e');
  text.remove_prefix(1);
  if (text.starts_with('-') || text.starts_with('+')) {
    out.push_back(text.front());
    text.remove_prefix(1);
  }
  if (text.empty() || digits_at(text) != text.size()) return std::nullopt;
  return out.append(text);
}

}  // namespace

std::string core_schema_json(std::string_view plain) {
  for (const char* word : {"", "~", "null", "Null", "NULL"}) {
    if (plain == word) return "null";
  }
  for (const char* word : {"true", "True", "TRUE"}) {
    if (plain == word) return "true";
  }
  for (const char* word : {"false", "False", "FALSE"}) {
    if (plain == word) return "false";
  }
  if (const auto number = radix_number(plain)) return *number;
  if (const auto number = decimal_number(plain)) return *number;
  std::string out;
  append_json_string(out, plain);
  return out;
}

}  // namespace llmorch::server
