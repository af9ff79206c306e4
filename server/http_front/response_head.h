// Renders the head of an answer.
//
// Pure but for the Date field, which is the system's time. Headers whose name or value could break
// out of their line are left out: some are echoes of what an upstream said.
#ifndef LLMORCH_SERVER_HTTP_FRONT_RESPONSE_HEAD_H_
#define LLMORCH_SERVER_HTTP_FRONT_RESPONSE_HEAD_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "llmorch/types.h"

namespace llmorch::server {

enum class BodyFraming { kLength, kChunked, kUntilClose };

struct ResponseHead {
  int status = 200;
  BodyFraming framing = BodyFraming::kLength;
  std::size_t length = 0;  // kLength
  bool keep_alive = true;
  int minor = 1;  // of the request's HTTP/1.x
  bool stream = false;
  std::string_view request_id;
};

std::string render_head(const ResponseHead& head, const Headers& headers);

// The usual phrase, or "Status".
std::string_view reason_phrase(int status);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_HTTP_FRONT_RESPONSE_HEAD_H_
