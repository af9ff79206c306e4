// The head of an HTTP/1.x request, checked to the letter before anything else looks at it.
//
// cpp-httplib 0.11.4 is lenient where leniency is dangerous (two lengths, length and chunks, bare
// line feeds, endless lines), so framing is decided here, on the raw bytes: what passes has exactly
// one meaning. Pure functions; views point into the caller's bytes. Errors: the HTTP status to
// answer with, and a message; after one the connection cannot be used any further.
#ifndef LLMORCH_SERVER_HTTP_FRONT_HEAD_H_
#define LLMORCH_SERVER_HTTP_FRONT_HEAD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http_front/limits.h"

namespace llmorch::server {

struct FramingError {
  int status = 0;            // 0: none
  const char* message = "";  // a literal
  explicit operator bool() const noexcept { return status != 0; }
};

// How far an incomplete head was looked at, so that one that comes byte by byte is scanned once.
struct HeadProgress {
  std::size_t at = 0;
  std::size_t line_start = 0;
  std::size_t lines = 0;
};

// Looks for the end of a head: bytes, lines and counts within bounds, every line ended by CRLF, no
// control characters. `bytes` starts with the head, and may only have grown since the last call.
struct HeadScan {
  enum class State { kMore, kComplete, kBad };
  State state = State::kMore;
  std::size_t size = 0;  // kComplete: of the head, with the empty line
  FramingError error{};  // kBad
};
HeadScan scan_head(std::string_view bytes, HeadProgress& progress, const FrontLimits& limits);

struct HeadField {
  std::string_view name;   // as written
  std::string_view value;  // without the space around it
};

struct RequestHead {
  std::string_view method;
  std::string_view path;   // raw: not percent-decoded
  std::string_view query;  // without '?'
  int minor = 1;           // of HTTP/1.x
  std::vector<HeadField> fields;

  // Framing, as the checks below established it.
  bool chunked = false;
  std::uint64_t content_length = 0;
  bool has_body() const noexcept { return chunked || content_length > 0; }
  bool keep_alive = true;
  bool expects_continue = false;

  // The first field of that name, without case.
  const std::string_view* find(std::string_view name) const;
};

// Reads a head that scan_head() found complete. On an error `out` holds what was read before it.
FramingError parse_head(std::string_view head, RequestHead& out);

// "%2F" as "/", of text that a checked target is made of.
std::string percent_decoded(std::string_view text);

// ASCII only, as HTTP is.
bool same_word(std::string_view a, std::string_view b);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_HTTP_FRONT_HEAD_H_
