#include "testing/http_wire.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace llmorch::testing {
namespace {

constexpr std::size_t kMaxChunkLine = 256;
constexpr std::size_t kMaxHeaders = 256;
constexpr std::uint64_t kMaxLength = std::uint64_t{1} << 40;

bool parse_number(std::string_view text, int base, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() &&
         out <= kMaxLength;
}

}  // namespace

HttpParser::Event HttpParser::bad(const char* problem) {
  problem_ = problem;
  return Event::kBad;
}

std::string_view HttpParser::header(std::string_view name) const noexcept {
  for (const HttpHeader& header : headers_) {
    if (equals_ignore_case(header.name, name)) return header.value;
  }
  return {};
}

HttpParser::Event HttpParser::next(std::string_view& input) {
  if (*problem_ != '\0') return Event::kBad;
  for (;;) {
    switch (state_) {
      case State::kHead:
        return parse_head(input);
      case State::kLength:
        if (left_ == 0) return finish();
        return take(input, State::kLength);
      case State::kUntilClose:
        left_ = input.size();
        return take(input, State::kUntilClose);
      case State::kChunkData:
        if (left_ > 0) return take(input, State::kChunkData);
        state_ = State::kChunkEnd;
        break;
      case State::kChunkEnd:
        if (input.size() < 2) return Event::kNeedMore;
        if (!input.starts_with("\r\n")) return bad("no line end after a chunk");
        input.remove_prefix(2);
        state_ = State::kChunkSize;
        break;
      case State::kChunkSize: {
        const std::size_t end = input.substr(0, kMaxChunkLine).find("\r\n");
        if (end == std::string_view::npos) {
          return input.size() < kMaxChunkLine ? Event::kNeedMore : bad("chunk line too long");
        }
        std::string_view size = input.substr(0, end);
        size = trim(size.substr(0, size.find(';')));
        if (!parse_number(size, 16, left_)) return bad("chunk size is not a number");
        input.remove_prefix(end + 2);
        state_ = left_ == 0 ? State::kTrailers : State::kChunkData;
        break;
      }
      case State::kTrailers: {
        const std::size_t end = input.find("\r\n");
        if (end == std::string_view::npos) {
          return input.size() < max_head_ ? Event::kNeedMore : bad("trailers too long");
        }
        input.remove_prefix(end + 2);
        if (end == 0) return finish();
        break;
      }
    }
  }
}

HttpParser::Event HttpParser::take(std::string_view& input, State after) {
  if (input.empty()) return Event::kNeedMore;
  body_ = input.substr(0, std::min<std::uint64_t>(left_, input.size()));
  left_ -= body_.size();
  input.remove_prefix(body_.size());
  state_ = after;
  return Event::kBody;
}

HttpParser::Event HttpParser::finish() {
  state_ = State::kHead;
  return Event::kEnd;
}

bool HttpParser::closed() {
  if (state_ != State::kUntilClose) return false;
  state_ = State::kHead;
  return true;
}

HttpParser::Event HttpParser::parse_head(std::string_view& input) {
  while (side_ == Side::kRequest && input.starts_with("\r\n")) input.remove_prefix(2);
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return input.size() <= max_head_ ? Event::kNeedMore : bad("head too long");
  }
  if (end > max_head_) return bad("head too long");
  head_.assign(input.substr(0, end + 2));
  input.remove_prefix(end + 4);
  headers_.clear();
  std::string_view rest = head_;
  const std::size_t line_end = rest.find("\r\n");
  if (!parse_first_line(rest.substr(0, line_end))) return bad("not an HTTP/1 first line");
  rest.remove_prefix(line_end + 2);
  while (!rest.empty()) {
    const std::size_t stop = rest.find("\r\n");
    const std::string_view line = rest.substr(0, stop);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return bad("malformed header");
    }
    if (headers_.size() == kMaxHeaders) return bad("too many headers");
    headers_.push_back({line.substr(0, colon), trim(line.substr(colon + 1))});
    rest.remove_prefix(stop + 2);
  }
  // 100 Continue and its kind announce; the answer is still to come.
  if (side_ == Side::kAnswer && status_ >= 100 && status_ < 200) return parse_head(input);
  if (const char* problem = choose_framing(); problem != nullptr) return bad(problem);
  return Event::kHead;
}

bool HttpParser::parse_first_line(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return false;
  std::string_view version;
  if (side_ == Side::kRequest) {
    const std::size_t last = line.rfind(' ');
    if (last == space) return false;
    first_ = line.substr(0, space);
    second_ = line.substr(space + 1, last - space - 1);
    version = line.substr(last + 1);
    if (!is_token(first_) || second_.empty()) return false;
  } else {
    version = line.substr(0, space);
    std::uint64_t status = 0;
    if (!parse_number(line.substr(space + 1, 3), 10, status) || status < 100) return false;
    status_ = static_cast<int>(status);
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return false;
  minor_ = version.back() - '0';
  return true;
}

const char* HttpParser::choose_framing() {
  bool chunked = false;
  bool has_length = false;
  left_ = 0;
  keep_alive_ = minor_ == 1;
  for (const HttpHeader& header : headers_) {
    if (equals_ignore_case(header.name, "content-length")) {
      std::uint64_t length = 0;
      if (!parse_number(header.value, 10, length)) return "content-length is not a number";
      if (has_length && length != left_) return "two different content-lengths";
      has_length = true;
      left_ = length;
    } else if (equals_ignore_case(header.name, "transfer-encoding")) {
      if (chunked || !equals_ignore_case(header.value, "chunked")) return "unknown encoding";
      chunked = true;
    } else if (equals_ignore_case(header.name, "connection")) {
      if (contains_ignore_case(header.value, "close")) keep_alive_ = false;
      if (contains_ignore_case(header.value, "keep-alive")) keep_alive_ = true;
    }
  }
  if (chunked && has_length) return "content-length beside transfer-encoding";
  const bool bodiless = side_ == Side::kRequest || status_ == 204 || status_ == 304;
  if (chunked) {
    state_ = State::kChunkSize;
  } else if (has_length || bodiless) {
    state_ = State::kLength;
  } else {
    state_ = State::kUntilClose;
    keep_alive_ = false;
  }
  return nullptr;
}

std::string_view http_phrase(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

void append_chunk(std::string& out, std::string_view bytes) {
  if (bytes.empty()) return;
  std::array<char, 16> hex{};
  const auto end = std::to_chars(hex.data(), hex.data() + hex.size(), bytes.size(), 16).ptr;
  out.append(hex.data(), end).append("\r\n").append(bytes).append("\r\n");
}

}  // namespace llmorch::testing
