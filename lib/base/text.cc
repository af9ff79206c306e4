#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace llmorch {
namespace {

// Length of the well-formed UTF-8 sequence at `at`, or 0.
std::size_t utf8_length(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto tail = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const std::uint8_t lead = byte(at);
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;  // a continuation byte, or an overlong form
  if (lead < 0xE0) return tail(at + 1) ? 2 : 0;
  if (lead < 0xF0) {
    if (!tail(at + 1) || !tail(at + 2)) return 0;
    const std::uint8_t second = byte(at + 1);
    if (lead == 0xE0 && second < 0xA0) return 0;  // overlong
    if (lead == 0xED && second > 0x9F) return 0;  // surrogates
    return 3;
  }
  if (lead > 0xF4 || !tail(at + 1) || !tail(at + 2) || !tail(at + 3)) return 0;
  const std::uint8_t second = byte(at + 1);
  if (lead == 0xF0 && second < 0x90) return 0;  // overlong
  if (lead == 0xF4 && second > 0x8F) return 0;  // past U+10FFFF
  return 4;
}

bool is_secret_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '*' || c == '~' || c == '+' || c == '/' || c == '=';
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      const std::size_t change = ascii_lower(a[i - 1]) == ascii_lower(b[j - 1]) ? 0 : 1;
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + change});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

char ascii_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), ascii_lower);
  return out;
}

bool equals_ignore_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return ascii_lower(x) == ascii_lower(y);
         });
}

bool contains_ignore_case(std::string_view text, std::string_view part) noexcept {
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [](char x, char y) { return ascii_lower(x) == ascii_lower(y); }) !=
             text.end() ||
         part.empty();
}

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t from = text.find_first_not_of(kSpace);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kSpace) - from + 1);
}

bool is_header_value(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<std::uint8_t>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7F);
  });
}

bool is_token(std::string_view text) noexcept {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_utf8(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  std::size_t copied = 0;  // everything before it is in `out`; what follows is still plain
  const auto flush_to = [&](std::size_t end) { out.append(text.substr(copied, end - copied)); };
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<std::uint8_t>(text[at]);
    if (byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\') {
      ++at;
      continue;
    }
    if (byte >= 0x80) {
      const std::size_t length = utf8_length(text, at);
      if (length > 0) {
        at += length;
        continue;
      }
    }
    flush_to(at);
    copied = ++at;
    switch (byte) {
      case '"':
        out.append("\\\"");
        break;
      case '\\':
        out.append("\\\\");
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\r':
        out.append("\\r");
        break;
      case '\t':
        out.append("\\t");
        break;
      default:
        if (byte >= 0x80) {
          out.append("\xEF\xBF\xBD");
        } else {
          out.append("\\u00").push_back(kHex[byte >> 4]);
          out.push_back(kHex[byte & 15]);
        }
    }
  }
  flush_to(text.size());
  out.push_back('"');
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string shorten(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  while (limit > 0 && (static_cast<std::uint8_t>(text[limit]) & 0xC0) == 0x80) --limit;
  return std::string(text.substr(0, limit)).append("…");
}

std::string redact(std::string_view text) {
  struct Mark {
    std::string_view start;
    std::size_t least;  // fewer characters than this after the mark are no secret
  };
  static constexpr std::array<Mark, 5> kMarks{
      {{"sk-", 6}, {"AIza", 10}, {"Bearer ", 6}, {"bearer ", 6}, {"xai-", 10}}};
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    bool cut = false;
    for (const Mark& mark : kMarks) {
      if (text.substr(at, mark.start.size()) != mark.start) continue;
      std::size_t end = at + mark.start.size();
      while (end < text.size() && is_secret_char(text[end])) ++end;
      if (end - at - mark.start.size() < mark.least) continue;
      out.append(mark.start).append("***");
      at = end;
      cut = true;
      break;
    }
    if (cut) continue;
    if (text.substr(at, 7) == "http://" || text.substr(at, 8) == "https://") {
      while (at < text.size() && text[at] != '?' && text[at] != ' ' && text[at] != '"')
        out.push_back(text[at++]);
      if (at < text.size() && text[at] == '?') {
        out.append("?***");
        while (at < text.size() && text[at] != ' ' && text[at] != '"' && text[at] != '\'') ++at;
      }
      continue;
    }
    out.push_back(text[at++]);
  }
  return out;
}

std::vector<std::string> nearest(std::string_view wanted, const std::vector<std::string>& names,
                                 std::size_t limit) {
  wanted = wanted.substr(0, 256);  // what comes from outside must not make this slow
  std::vector<std::pair<std::size_t, const std::string*>> ranked;
  for (const std::string& name : names) {
    std::size_t distance = edit_distance(wanted, std::string_view(name).substr(0, 256));
    if (contains_ignore_case(name, wanted) || contains_ignore_case(wanted, name))
      distance = std::min<std::size_t>(distance, 2);
    if (distance <= std::max<std::size_t>(2, std::max(wanted.size(), name.size()) * 6 / 10)) {
      ranked.emplace_back(distance, &name);
    }
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> out;
  for (const auto& [distance, name] : ranked) {
    if (out.size() == limit) break;
    out.push_back(*name);
  }
  return out;
}

}  // namespace llmorch
