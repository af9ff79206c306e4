// The little JSON that the server writes by itself; it reads none. Pure functions.
#ifndef LLMORCH_SERVER_JSON_TEXT_H_
#define LLMORCH_SERVER_JSON_TEXT_H_

#include <string>
#include <string_view>

namespace llmorch::server {

// Appends `text` as a JSON string. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_JSON_TEXT_H_
