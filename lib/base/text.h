// Small text helpers that several floors need. Pure functions; any thread.
#ifndef LLMORCH_BASE_TEXT_H_
#define LLMORCH_BASE_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

namespace llmorch {

char ascii_lower(char c) noexcept;
std::string to_lower(std::string_view text);
bool equals_ignore_case(std::string_view a, std::string_view b) noexcept;
bool contains_ignore_case(std::string_view text, std::string_view part) noexcept;
std::string_view trim(std::string_view text) noexcept;  // spaces, tabs, CR, LF

// Whether every byte may stand in an HTTP header value: no CR, LF, NUL or other control byte but
// tab (RFC 9110 5.5).
bool is_header_value(std::string_view text) noexcept;
// Whether it is a non-empty HTTP token (RFC 9110 5.6.2), as header names are.
bool is_token(std::string_view text) noexcept;

// Whether the bytes are well-formed UTF-8 (no overlong forms, no surrogates; Unicode 3.9).
bool is_utf8(std::string_view text) noexcept;

// Appends `text` as a JSON string with its quotes. Malformed UTF-8 becomes U+FFFD, so the result is
// always valid JSON.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);

// Cuts to at most `limit` bytes, at a character boundary, with "…" where something was cut.
std::string shorten(std::string_view text, std::size_t limit);

// Removes what looks like a secret from text that came from outside: sk-…, AIza…, bearer tokens,
// and queries of URLs.
std::string redact(std::string_view text);

// At most `limit` of `names`, the ones nearest to `wanted` by edit distance (case ignored), nearest
// first. Far-off names are left out.
std::vector<std::string> nearest(std::string_view wanted, const std::vector<std::string>& names,
                                 std::size_t limit);

}  // namespace llmorch

#endif  // LLMORCH_BASE_TEXT_H_
