#include "server/http_front/head.h"

#include <algorithm>
#include <array>

namespace llmorch::server {
namespace {

enum Class : std::uint8_t {
  kToken = 1,    // RFC 9110 5.6.2: methods and field names
  kControl = 2,  // what no line may hold: all of C0 but tab, and DEL
  kTarget = 4,   // RFC 3986 pchar, '/' and '?', without '%'
  kHost = 8,
};

constexpr bool is_alnum(int c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> out{};
  const auto mark = [&out](std::string_view characters, std::uint8_t what) {
    for (const char c : characters) out[static_cast<unsigned char>(c)] |= what;
  };
  for (int c = 0; c < 256; ++c) {
    if (is_alnum(c)) out[static_cast<std::size_t>(c)] |= kToken | kTarget | kHost;
    if ((c < 0x20 && c != '\t') || c == 0x7f) out[static_cast<std::size_t>(c)] |= kControl;
  }
  mark("!#$%&'*+-.^_`|~", kToken);
  mark("-._~!$&'()*+,;=:@/?", kTarget);
  mark("-._~!$&'()*+;=:[]%", kHost);
  return out;
}
constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

bool is(char c, Class what) { return (kClasses[static_cast<unsigned char>(c)] & what) != 0; }
bool all(std::string_view text, Class what) {
  return std::all_of(text.begin(), text.end(), [what](char c) { return is(c, what); });
}
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_hex(char c) { return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f'); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Each element of a comma-separated list, trimmed.
template <class Use>
void each_element(std::string_view list, Use use) {
  while (true) {
    const std::size_t comma = list.find(',');
    use(trimmed(list.substr(0, comma)));
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

bool is_target(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3 || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
      i += 2;
    } else if (!is(text[i], kTarget)) {
      return false;
    }
  }
  return true;
}

FramingError read_target(std::string_view target, RequestHead& out) {
  const FramingError bad{400, "the request target is not one HTTP allows"};
  // A proxy's form; RFC 9112 3.2.2 wants it understood. The authority says nothing here.
  for (const std::string_view scheme :
       {std::string_view("http://"), std::string_view("https://")}) {
    if (target.size() < scheme.size() || !same_word(target.substr(0, scheme.size()), scheme))
      continue;
    target.remove_prefix(scheme.size());
    const std::size_t slash = std::min(target.find_first_of("/?"), target.size());
    if (slash == 0 || !all(target.substr(0, slash), kHost)) return bad;
    target.remove_prefix(slash);
    if (target.empty()) target = "/";
    break;
  }
  if (target == "*" && out.method == "OPTIONS") {
    out.path = target;
    return {};
  }
  if (target.empty() || target.front() != '/' || !is_target(target)) return bad;
  const std::size_t mark = target.find('?');
  out.path = target.substr(0, mark);
  if (mark != std::string_view::npos) out.query = target.substr(mark + 1);
  return {};
}

FramingError read_version(std::string_view version, RequestHead& out) {
  const auto digit = [&](std::size_t at) { return version[at] >= '0' && version[at] <= '9'; };
  if (version.size() != 8 || !version.starts_with("HTTP/") || version[6] != '.' || !digit(5) ||
      !digit(7))
    return {400, "the request line does not end with an HTTP version"};
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return {505, "only HTTP/1.1 and HTTP/1.0 are spoken here"};
  out.minor = version[7] - '0';
  return {};
}

FramingError read_request_line(std::string_view line, RequestHead& out) {
  const FramingError bad{400, "the request line is not METHOD TARGET VERSION"};
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return bad;
  out.method = line.substr(0, first);
  if (out.method.empty() || out.method.size() > 32 || !all(out.method, kToken)) return bad;
  if (FramingError error = read_version(line.substr(second + 1), out)) return error;
  return read_target(line.substr(first + 1, second - first - 1), out);
}

FramingError read_field(std::string_view line, RequestHead& out) {
  if (line.front() == ' ' || line.front() == '\t')
    return {400, "a header field is folded over lines"};
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {400, "a header field has no colon"};
  const std::string_view name = line.substr(0, colon);
  if (name.empty() || !all(name, kToken)) return {400, "a header field's name is not a token"};
  out.fields.push_back({name, trimmed(line.substr(colon + 1))});
  return {};
}

// What the fields say about framing, each counted.
struct Framing {
  const std::string_view* length = nullptr;
  const std::string_view* transfer = nullptr;
  int lengths = 0;
  int transfers = 0;
  int hosts = 0;
  bool close = false;
  bool keep = false;
  FramingError unsupported{};
};

FramingError note_field(const HeadField& field, RequestHead& head, Framing& framing) {
  const std::string_view name = field.name;
  // By length first: most fields say nothing about framing.
  switch (name.size()) {
    case 4:
      if (!same_word(name, "host")) break;
      ++framing.hosts;
      if (field.value.empty() || !all(field.value, kHost))
        return {400, "the Host field is not a host"};
      break;
    case 6:
      if (!same_word(name, "expect")) break;
      if (!same_word(field.value, "100-continue")) {
        framing.unsupported = {417, "the only expectation met here is 100-continue"};
      }
      head.expects_continue = true;
      break;
    case 10:
      if (!same_word(name, "connection")) break;
      each_element(field.value, [&](std::string_view element) {
        framing.close |= same_word(element, "close");
        framing.keep |= same_word(element, "keep-alive");
      });
      break;
    case 14:
      if (!same_word(name, "content-length")) break;
      ++framing.lengths;
      framing.length = &field.value;
      break;
    case 16:
      if (!same_word(name, "content-encoding") || same_word(field.value, "identity")) break;
      framing.unsupported = {415, "compressed request bodies are not accepted"};
      break;
    case 17:
      if (!same_word(name, "transfer-encoding")) break;
      ++framing.transfers;
      framing.transfer = &field.value;
      break;
    default:
      break;
  }
  return {};
}

FramingError read_length(std::string_view text, RequestHead& out) {
  // 18 digits cannot overflow; no body may be that large anyway.
  const bool digits =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (text.empty() || !digits) return {400, "Content-Length is not a number"};
  if (text.size() > 18) return {413, "Content-Length is larger than any body accepted here"};
  for (const char c : text)
    out.content_length = out.content_length * 10 + static_cast<std::uint64_t>(c - '0');
  return {};
}

FramingError read_framing(RequestHead& out) {
  Framing framing;
  for (const HeadField& field : out.fields) {
    if (FramingError error = note_field(field, out, framing)) return error;
  }
  if (framing.hosts > 1 || (framing.hosts == 0 && out.minor == 1))
    return {400, "a request has exactly one Host field"};
  if (framing.lengths > 1) return {400, "a request has at most one Content-Length field"};
  if (framing.transfers > 1) return {400, "a request has at most one Transfer-Encoding field"};
  if (framing.transfers != 0) {
    if (framing.lengths != 0)
      return {400, "Content-Length and Transfer-Encoding exclude each other"};
    if (out.minor == 0) return {400, "HTTP/1.0 has no Transfer-Encoding"};
    if (!same_word(*framing.transfer, "chunked"))
      return {501, "the only Transfer-Encoding accepted is chunked, once"};
    out.chunked = true;
  }
  if (framing.lengths != 0) {
    if (FramingError error = read_length(*framing.length, out)) return error;
  }
  out.keep_alive = !framing.close && (out.minor == 1 || framing.keep);
  out.expects_continue = out.expects_continue && out.minor == 1 && out.has_body();
  return framing.unsupported;
}

}  // namespace

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

const std::string_view* RequestHead::find(std::string_view name) const {
  for (const HeadField& field : fields) {
    if (same_word(field.name, name)) return &field.value;
  }
  return nullptr;
}

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : lower(c) - 'a' + 10; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool encoded =
        text[i] == '%' && text.size() - i >= 3 && is_hex(text[i + 1]) && is_hex(text[i + 2]);
    if (encoded) {
      out.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

HeadScan scan_head(std::string_view bytes, HeadProgress& progress, const FrontLimits& limits) {
  const auto bad = [](int status, const char* message) {
    return HeadScan{HeadScan::State::kBad, 0, {status, message}};
  };
  const std::size_t end = std::min(bytes.size(), limits.head_bytes);
  std::size_t at = progress.at;
  for (; at < end; ++at) {
    const char c = bytes[at];
    const bool after_return = at > progress.line_start && bytes[at - 1] == '\r';
    if (after_return != (c == '\n')) return bad(400, "a line does not end with CR LF");
    if (at - progress.line_start >= limits.line_bytes) {
      return progress.lines == 0 ? bad(414, "the request line is too long")
                                 : bad(431, "a header field is too long");
    }
    if (c == '\n') {
      const bool empty = at - progress.line_start == 1;
      if (empty && progress.lines == 0) return bad(400, "there is no request line");
      if (empty) {
        progress.at = at + 1;
        return {HeadScan::State::kComplete, at + 1, {}};
      }
      if (progress.lines++ > limits.fields) return bad(431, "there are too many header fields");
      progress.line_start = at + 1;
    } else if (c != '\r' && is(c, kControl)) {
      return bad(400, "a control character in the head");
    }
  }
  progress.at = at;
  if (bytes.size() >= limits.head_bytes) return bad(431, "the head is too large");
  return {};
}

FramingError parse_head(std::string_view head, RequestHead& out) {
  // A field takes 40 bytes or so; one allocation then does.
  out.fields.reserve(std::min<std::size_t>(100, head.size() / 32 + 4));
  bool first = true;
  while (true) {
    const std::size_t end = head.find("\r\n");
    if (end == std::string_view::npos) return {400, "the head has no end"};
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (line.empty()) break;
    FramingError error = first ? read_request_line(line, out) : read_field(line, out);
    if (error) return error;
    first = false;
  }
  if (first) return {400, "there is no request line"};
  return read_framing(out);
}

}  // namespace llmorch::server
