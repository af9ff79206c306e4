#include "server/http_front/response_head.h"

#include <time.h>

#include <algorithm>
#include <charconv>

#include "server/http_front/head.h"

namespace llmorch::server {
namespace {

// Owned by the front: twice, or from elsewhere, they would lie about the framing.
bool is_ours(std::string_view name) {
  for (const std::string_view ours : {"connection", "content-length", "transfer-encoding", "date",
                                      "keep-alive", "x-request-id", "trailer", "upgrade"}) {
    if (same_word(name, ours)) return true;
  }
  return false;
}

bool is_harmless(const Header& header) {
  const auto token = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  };
  const auto plain = [](char c) {
    return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t';
  };
  return !header.name.empty() && std::all_of(header.name.begin(), header.name.end(), token) &&
         std::all_of(header.value.begin(), header.value.end(), plain);
}

std::string_view date_line() {
  thread_local time_t made = 0;
  thread_local char line[48];
  thread_local std::size_t size = 0;
  if (const time_t now = ::time(nullptr); now != made) {
    tm parts{};
    ::gmtime_r(&now, &parts);
    size = ::strftime(line, sizeof line, "date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    made = now;
  }
  return {line, size};
}

void append_number(std::string& out, std::size_t number) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string_view reason_phrase(int status) {
  struct Phrase {
    int status;
    std::string_view text;
  };
  static constexpr Phrase kPhrases[] = {
      {200, "OK"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {402, "Payment Required"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  };
  for (const Phrase& phrase : kPhrases) {
    if (phrase.status == status) return phrase.text;
  }
  return "Status";
}

std::string render_head(const ResponseHead& head, const Headers& headers) {
  std::string out;
  out.reserve(512);
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::size_t>(head.status));
  out.append(" ").append(reason_phrase(head.status)).append("\r\n").append(date_line());
  bool has_cache_control = false;
  for (const Header& header : headers) {
    if (is_ours(header.name) || !is_harmless(header)) continue;
    // Some clients compare this type as a whole, parameters included.
    if (head.stream && same_word(header.name, "content-type")) continue;
    has_cache_control |= same_word(header.name, "cache-control");
    append_field(out, header.name, header.value);
  }
  if (head.stream) {
    append_field(out, "content-type", "text/event-stream");
    if (!has_cache_control) append_field(out, "cache-control", "no-cache");
    append_field(out, "x-accel-buffering", "no");  // proxies in front would wait for more
  }
  append_field(out, "x-request-id", head.request_id);
  switch (head.framing) {
    case BodyFraming::kLength:
      out.append("content-length: ");
      append_number(out, head.length);
      out.append("\r\n");
      break;
    case BodyFraming::kChunked:
      append_field(out, "transfer-encoding", "chunked");
      break;
    case BodyFraming::kUntilClose:
      break;
  }
  if (!head.keep_alive) {
    append_field(out, "connection", "close");
  } else if (head.minor == 0) {
    append_field(out, "connection", "keep-alive");
  }
  return out.append("\r\n");
}

}  // namespace llmorch::server
