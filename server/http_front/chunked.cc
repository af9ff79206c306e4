#include "server/http_front/chunked.h"

#include <algorithm>

namespace llmorch::server {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

bool is_name(char c) {
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos ||
         (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

bool ChunkDecoder::fail(int status, const char* message) {
  error_ = {status, message};
  return false;
}

std::size_t ChunkDecoder::feed(std::string_view in, std::string& out) {
  std::size_t at = 0;
  while (at < in.size() && !done() && !error_) {
    if (state_ != State::kData) {
      if (state_ == State::kSizeEnd && in[at] == '\n' && size_ > 0 &&
          (out.size() > budget_ || size_ > budget_ - out.size())) {
        fail(413, "the request body is too large");
        break;
      }
      if (!step(in[at])) break;
      ++at;
      continue;
    }
    const std::size_t some = std::min<std::uint64_t>(size_, in.size() - at);
    out.append(in.substr(at, some));
    at += some;
    size_ -= some;
    if (size_ == 0) state_ = State::kDataReturn;
  }
  return at;
}

bool ChunkDecoder::step(char c) {
  const char* const bad_line = "a line of the chunked body does not end with CR LF";
  switch (state_) {
    case State::kSize:
      if (const int value = hex_value(c); value >= 0) {
        if (++digits_ > 8) return fail(400, "a chunk size has more than 8 digits");
        size_ = size_ * 16 + static_cast<std::uint64_t>(value);
        return true;
      }
      if (digits_ == 0 || (c != ';' && c != '\r'))
        return fail(400, "a chunk size is not a hexadecimal number");
      state_ = c == ';' ? State::kExtension : State::kSizeEnd;
      extension_ = 0;
      return true;
    case State::kExtension:
      if (c == '\r') {
        state_ = State::kSizeEnd;
        return true;
      }
      if (is_control(c)) return fail(400, "a control character in a chunk extension");
      if (++extension_ > kMaxExtension || ++extensions_ > kMaxExtensions)
        return fail(400, "chunk extensions are too long");
      return true;
    case State::kSizeEnd:
      if (c != '\n') return fail(400, bad_line);
      end_of_size_line();
      return true;
    case State::kDataReturn:
      if (c != '\r') return fail(400, "a chunk is longer than its size");
      state_ = State::kDataEnd;
      return true;
    case State::kDataEnd:
      if (c != '\n') return fail(400, bad_line);
      state_ = State::kSize;
      digits_ = 0;
      size_ = 0;
      return true;
    case State::kTrailerStart:
      if (c == '\r') {
        state_ = State::kLastEnd;
        return true;
      }
      if (!is_name(c)) return fail(400, "a trailer's name is not a token");
      state_ = State::kTrailerName;
      break;
    case State::kTrailerName:
      if (c == ':') {
        state_ = State::kTrailerValue;
      } else if (!is_name(c)) {
        return fail(400, "a trailer's name is not a token");
      }
      break;
    case State::kTrailerValue:
      if (c == '\r') {
        state_ = State::kTrailerEnd;
      } else if (is_control(c)) {
        return fail(400, "a control character in a trailer");
      }
      break;
    case State::kTrailerEnd:
      if (c != '\n') return fail(400, bad_line);
      state_ = State::kTrailerStart;
      break;
    case State::kLastEnd:
      if (c != '\n') return fail(400, bad_line);
      state_ = State::kDone;
      return true;
    case State::kData:
    case State::kDone:
      return true;
  }
  if (++trailers_ > kMaxTrailers) return fail(431, "the trailers are too long");
  return true;
}

void ChunkDecoder::end_of_size_line() { state_ = size_ == 0 ? State::kTrailerStart : State::kData; }

}  // namespace llmorch::server
