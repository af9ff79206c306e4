#include "gateway/config_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "base/text.h"
#include "gateway/config_keys.h"
#include "providers/request_headers.h"

namespace llmorch::config {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongest = std::chrono::hours(24);
constexpr std::size_t kMaxHeaders = 64;
constexpr std::size_t kMaxHeaderValue = 8192;

// Headers that frame the message or are llmorch's to choose; set by hand they break the transfer.
constexpr std::array<std::string_view, 10> kReservedHeaders{
    "accept-encoding", "connection", "content-length",    "expect",  "host",
    "keep-alive",      "te",         "transfer-encoding", "trailer", "upgrade"};

void append_pointer(const Place& place, std::string& out) {
  if (place.parent == nullptr) return;
  append_pointer(*place.parent, out);
  out.push_back('/');
  if (place.in_array) {
    out.append(std::to_string(place.index));
    return;
  }
  for (const char c : place.key) {
    if (c == '~') {
      out.append("~0");
    } else if (c == '/') {
      out.append("~1");
    } else {
      out.push_back(c);
    }
  }
}

std::string quoted(std::string_view text) { return json_string(shorten(text, 100)); }

// A number with a unit; nullopt when it is not of that form.
std::optional<double> parse_duration_ms(std::string_view text) {
  double number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, failed] = std::from_chars(text.data(), last, number, std::chars_format::fixed);
  if (failed != std::errc() || !std::isfinite(number)) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(last - end));
  if (unit == "ms") return number;
  if (unit == "s") return number * 1000;
  if (unit == "m") return number * 60'000;
  if (unit == "h") return number * 3'600'000;
  return std::nullopt;
}

}  // namespace

std::string Place::pointer() const {
  std::string out;
  append_pointer(*this, out);
  return out;
}

Place member(const Place& object, std::string_view key) {
  return {object.value[key], &object, key, 0, false};
}

std::string suggestion(std::string_view wanted, const std::vector<std::string>& words) {
  const std::vector<std::string> near = nearest(wanted, words, 1);
  return near.empty() ? "" : fmt::format("did you mean {}?", quoted(near[0]));
}

void Reader::add(ConfigIssue::Severity severity, const Place& place, std::string message,
                 std::string hint) {
  if (severity == ConfigIssue::Severity::kError) has_errors_ = true;
  if (full()) return;
  // What is missing is told of where it should stand.
  const Place* at = &place;
  while (!at->value.exists() && at->parent != nullptr) at = at->parent;
  issues_.emplace_back(at->value.offset(),
                       ConfigIssue{severity, place.pointer(), std::move(message), std::move(hint)});
}

void Reader::error(const Place& place, std::string message, std::string hint) {
  add(ConfigIssue::Severity::kError, place, std::move(message), std::move(hint));
}

void Reader::warning(const Place& place, std::string message, std::string hint) {
  add(ConfigIssue::Severity::kWarning, place, std::move(message), std::move(hint));
}

std::vector<ConfigIssue> Reader::take_issues() {
  std::stable_sort(issues_.begin(), issues_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<ConfigIssue> out;
  out.reserve(issues_.size() + 1);
  for (auto& [offset, issue] : issues_) out.push_back(std::move(issue));
  if (full()) {
    out.push_back({has_errors_ ? ConfigIssue::Severity::kError : ConfigIssue::Severity::kWarning,
                   "", fmt::format("there may be more than these {} issues", kMaxIssues), ""});
  }
  return out;
}

void Reader::check_duplicates(const Place& place) {
  if (place.value.is_array()) {
    std::size_t index = 0;
    for (const json::Value& item : place.value.items())
      check_duplicates({item, &place, "", index++, true});
  } else if (place.value.is_object()) {
    const std::vector<json::Value::Member> members = place.value.members();
    std::set<std::string_view> seen;
    for (const json::Value::Member& m : members) {
      const Place child{m.value, &place, m.key, 0, false};
      if (!seen.insert(m.key).second) {
        error(child, fmt::format("the key {} occurs more than once", quoted(m.key)),
              "keep one of them");
      }
      check_duplicates(child);
    }
  }
}

bool Reader::object(const Place& place, std::string_view path) {
  if (!place.value.is_object()) {
    error(place, fmt::format("must be an object, not {}", json::type_name(place.value.type())));
    return false;
  }
  const std::vector<std::string_view>& known = keys_in(path);
  for (const json::Value::Member& m : place.value.members()) {
    if (full() || std::find(known.begin(), known.end(), m.key) != known.end()) continue;
    const std::vector<std::string> words(known.begin(), known.end());
    std::string hint = suggestion(m.key, words);
    if (hint.empty()) hint = fmt::format("known here: {}", fmt::join(words, ", "));
    error({m.value, &place, m.key, 0, false}, fmt::format("unknown key {}", quoted(m.key)),
          std::move(hint));
  }
  return true;
}

std::vector<Place> Reader::array(const Place& place, std::size_t most) {
  std::vector<Place> out;
  if (!place.value.exists()) return out;
  if (!place.value.is_array()) {
    error(place, fmt::format("must be an array, not {}", json::type_name(place.value.type())));
    return out;
  }
  if (place.value.size() > most) {
    error(place, fmt::format("holds {} entries; at most {} are allowed", place.value.size(), most));
    return out;
  }
  out.reserve(place.value.size());
  for (const json::Value& item : place.value.items())
    out.push_back({item, &place, "", out.size(), true});
  return out;
}

std::optional<std::string> Reader::string(const Place& place) {
  if (!place.value.exists()) return std::nullopt;
  std::optional<std::string> text = place.value.string();
  if (!text) {
    error(place, fmt::format("must be a string, not {}", json::type_name(place.value.type())));
  }
  return text;
}

std::optional<bool> Reader::boolean(const Place& place) {
  if (!place.value.exists()) return std::nullopt;
  const std::optional<bool> flag = place.value.boolean();
  if (!flag) {
    error(place, fmt::format("must be true or false, not {}", json::type_name(place.value.type())));
  }
  return flag;
}

std::optional<std::int64_t> Reader::integer(const Place& place, std::int64_t least,
                                            std::int64_t most) {
  if (!place.value.exists()) return std::nullopt;
  const std::optional<std::int64_t> number = place.value.integer();
  if (!number || *number < least || *number > most) {
    error(place, fmt::format("must be a whole number from {} to {}", least, most));
    return std::nullopt;
  }
  return number;
}

std::optional<milliseconds> Reader::duration(const Place& place, bool zero_is_off) {
  if (!place.value.exists()) return std::nullopt;
  static constexpr std::string_view kExample = "write \"30s\"; units are ms, s, m and h";
  if (place.value.type() == json::Type::kNumber) {
    const std::string_view number = place.value.raw();
    error(place, "a duration needs a unit",
          number.size() < 12 ? fmt::format("write \"{}s\" or \"{}ms\"", number, number)
                             : std::string(kExample));
    return std::nullopt;
  }
  const std::optional<std::string> text = string(place);
  if (!text) return std::nullopt;
  const std::optional<double> ms = parse_duration_ms(*text);
  if (!ms) {
    const bool bare = !text->empty() && text->find_first_not_of("0123456789.") == text->npos;
    error(place,
          bare ? "a duration needs a unit" : fmt::format("{} is not a duration", quoted(*text)),
          std::string(kExample));
    return std::nullopt;
  }
  if (*ms == 0 && zero_is_off) return milliseconds(0);
  if (*ms < 1 || *ms > static_cast<double>(kLongest.count())) {
    error(place, zero_is_off ? "must be 0s (off), or from 1ms to 24h" : "must be from 1ms to 24h");
    return std::nullopt;
  }
  return milliseconds(std::llround(*ms));
}

std::optional<std::string> Reader::name(const Place& place, std::size_t most) {
  std::optional<std::string> text = string(place);
  if (!text) return std::nullopt;
  if (text->empty()) {
    error(place, "must not be empty");
  } else if (text->size() > most) {
    error(place, fmt::format("is longer than {} bytes", most));
  } else if (!is_header_value(*text) || text->find('\t') != text->npos) {
    error(place, "holds a control character");
  } else if (trim(*text).size() != text->size()) {
    error(place, "begins or ends with a space");
  } else {
    return text;
  }
  return std::nullopt;
}

bool Reader::required(const Place& owner, const Place& place, std::string hint) {
  if (place.value.exists()) return true;
  error(owner, fmt::format("{} is missing", quoted(place.key)), std::move(hint));
  return false;
}

Headers Reader::headers(const Place& place) {
  Headers out;
  if (!place.value.exists()) return out;
  if (!place.value.is_object()) {
    error(place, fmt::format("must be an object of header names and values, not {}",
                             json::type_name(place.value.type())));
    return out;
  }
  if (place.value.size() > kMaxHeaders) {
    error(place, fmt::format("holds more than {} headers", kMaxHeaders));
    return out;
  }
  for (const json::Value::Member& m : place.value.members()) {
    const Place header{m.value, &place, m.key, 0, false};
    if (!is_token(m.key)) {
      error(header, fmt::format("{} is not a header name", quoted(m.key)),
            "letters, digits and '-' make a header name");
      continue;
    }
    if (std::find(kReservedHeaders.begin(), kReservedHeaders.end(), to_lower(m.key)) !=
        kReservedHeaders.end()) {
      error(header, fmt::format("the header {} is set by llmorch itself", quoted(m.key)));
      continue;
    }
    const std::optional<std::string> text = string(header);
    if (!text) continue;
    // The value may be a secret: it is never quoted.
    if (!is_header_value(*text)) {
      error(header, "the header's value holds a control character");
    } else if (text->size() > kMaxHeaderValue) {
      error(header, fmt::format("the header's value is longer than {} bytes", kMaxHeaderValue));
    } else if (find_header(out, m.key) != nullptr) {
      // The very same spelling is a duplicate key, reported as such already.
      if (std::none_of(out.begin(), out.end(),
                       [&](const Header& earlier) { return earlier.name == m.key; })) {
        error(header, fmt::format("the header {} occurs more than once", quoted(m.key)),
              "header names are the same in upper and lower case");
      }
    } else {
      out.push_back({m.key, *text});
    }
  }
  return out;
}

std::vector<std::string> Reader::header_names(const Place& place) {
  std::vector<std::string> out;
  for (const Place& item : array(place, kMaxHeaders)) {
    const std::optional<std::string> text = string(item);
    if (!text) continue;
    if (!is_token(*text)) {
      error(item, fmt::format("{} is not a header name", quoted(*text)),
            "letters, digits and '-' make a header name");
    } else if (!may_pass_header(*text)) {
      error(item, fmt::format("the header {} of a caller is never passed on", quoted(*text)),
            "it authenticates the caller here, or frames the message; see \"headers\"");
    } else {
      out.push_back(*text);
    }
  }
  return out;
}

}  // namespace llmorch::config
