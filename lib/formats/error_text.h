// What an upstream's error says, whatever shape it has, and what it means.
//
// Every vendor has its own shape, and proxies in front of them add more (WIRE_FORMATS 7.1, 7.4.5).
// Formats use this for errors inside a 200 answer, providers for answers with another status.
// Pure functions; any thread. Bounds: bodies above 1 MB are only quoted, not parsed.
#ifndef LLMORCH_FORMATS_ERROR_TEXT_H_
#define LLMORCH_FORMATS_ERROR_TEXT_H_

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "llmorch/status.h"
#include "llmorch/types.h"

namespace llmorch {

// An upstream's error in its own words. Not redacted: error_status() does that.
struct ErrorText {
  std::string message;  // never empty
  std::string code;     // its machine-readable word or number; "" when there is none
  std::string type;
  std::string param;
  int status = 0;     // an HTTP status 400..599 that the body names; else 0
  std::string words;  // every word that may tell the class, in lower case
};

// Reads a complete error body, or an error that stood inside a good answer. Total: HTML, plain text
// and nothing at all give a message too.
ErrorText read_error_text(std::string_view body);

// What it means. `http_status` 200: the error stood inside a 200, so the body's own status or words
// decide. Never kOk.
Verdict classify_error(int http_status, const ErrorText& error);

// What the caller is told: one line, redacted. Where our own key is at fault it says so without the
// upstream's words, which are in upstream_body() only.
Status error_status(Verdict verdict, const ErrorText& error, std::string_view body,
                    std::optional<std::chrono::milliseconds> retry_after = std::nullopt);

}  // namespace llmorch

#endif  // LLMORCH_FORMATS_ERROR_TEXT_H_
