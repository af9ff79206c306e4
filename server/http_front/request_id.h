// Request ids: the caller's own where it is harmless, else a new one (UUIDv7).
//
// Any thread.
#ifndef LLMORCH_SERVER_HTTP_FRONT_REQUEST_ID_H_
#define LLMORCH_SERVER_HTTP_FRONT_REQUEST_ID_H_

#include <string>
#include <string_view>

namespace llmorch::server {

// 1 to 128 of [A-Za-z0-9._-].
bool is_request_id(std::string_view text);
std::string new_request_id();

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_HTTP_FRONT_REQUEST_ID_H_
