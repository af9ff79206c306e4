#include "providers/base_url.h"

#include <algorithm>

#include "base/text.h"

namespace llmorch {
namespace {

constexpr std::size_t kLongest = 2048;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'); }

Status wrong(std::string message) { return Status(Code::kInvalidArgument, std::move(message)); }

// "host", "host:port" or "[v6]:port".
Status check_authority(std::string_view authority) {
  if (authority.find('@') != std::string_view::npos)
    return wrong("it holds a user name or password; use api_key or credentials");
  std::string_view host = authority;
  std::string_view port;
  const bool v6 = authority.substr(0, 1) == "[";
  const std::size_t colon = v6 ? authority.find(':', authority.find(']')) : authority.find(':');
  if (colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
    unsigned number = 0;
    for (const char c : port)
      number = is_digit(c) && number < 65536 ? number * 10 + static_cast<unsigned>(c - '0') : 65536;
    if (port.empty() || number == 0 || number > 65535)
      return wrong("the port is not a number from 1 to 65535");
  }
  if (host.empty()) return wrong("the host is missing");
  if (v6) {
    const std::string_view inside = host.substr(1, host.size() - 2);
    const bool good = host.size() > 3 && host.back() == ']' &&
                      std::all_of(inside.begin(), inside.end(), [](char c) {
                        return is_digit(c) || c == ':' || c == '.' ||
                               (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
                      });
    return good ? Status() : wrong("the host is not an IPv6 address in brackets");
  }
  if (!std::all_of(host.begin(), host.end(),
                   [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; })) {
    return wrong("the host may hold only letters, digits, '.', '-' and '_'");
  }
  return Status();
}

}  // namespace

std::string UrlParts::str() const {
  std::string out = origin;
  for (const std::string& segment : segments) out.append("/").append(segment);
  return out;
}

Result<UrlParts> parse_base_url(std::string_view written) {
  const std::string_view text = trim(written);
  if (text.empty()) return wrong("it is empty");
  if (text.size() > kLongest) return wrong("it is longer than 2048 characters");
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; }))
    return wrong("it holds a space, a control character or a character outside ASCII");
  const std::size_t mark = text.find("://");
  if (mark == std::string_view::npos) return wrong("it does not start with https:// or http://");
  const std::string scheme = to_lower(text.substr(0, mark));
  if (scheme != "http" && scheme != "https") return wrong("its scheme is neither https nor http");
  const std::string_view rest = text.substr(mark + 3);
  const std::size_t path_at = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, path_at);
  if (Status bad = check_authority(authority); !bad.ok()) return bad;
  std::string_view path = rest.substr(path_at);
  if (path.find('?') != std::string_view::npos) return wrong("it holds a query (?…)");
  if (path.find('#') != std::string_view::npos) return wrong("it holds a fragment (#…)");
  if (path.find_first_of("\\\"<>^`{}|") != std::string_view::npos)
    return wrong("its path holds a character that a URL may not hold");

  UrlParts parts;
  parts.origin = scheme + "://" + to_lower(authority);
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    if (segment == "." || segment == "..") return wrong("its path holds '.' or '..'");
    if (!segment.empty()) parts.segments.emplace_back(segment);
  }
  return parts;
}

bool is_version_segment(std::string_view segment) {
  if (segment.size() < 2 || ascii_lower(segment[0]) != 'v' || !is_digit(segment[1])) return false;
  return std::all_of(segment.begin() + 1, segment.end(), is_alnum);
}

}  // namespace llmorch
