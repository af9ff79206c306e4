// The bounds of the HTTP front, in one place, so that tests can shrink them.
//
// Plain data. Sizes in bytes; times in std::chrono.
#ifndef LLMORCH_SERVER_HTTP_FRONT_LIMITS_H_
#define LLMORCH_SERVER_HTTP_FRONT_LIMITS_H_

#include <chrono>
#include <cstddef>

namespace llmorch::server {

struct FrontLimits {
  // cpp-httplib's own limits are compiled into its library: these must not be raised above them.
  std::size_t head_bytes = 32 * 1024;
  std::size_t line_bytes = 8 * 1024;  // with its CRLF
  std::size_t fields = 100;

  std::size_t body_bytes = 32u * 1024 * 1024;       // of one request, decoded
  std::size_t buffered_bytes = 512u * 1024 * 1024;  // of all requests of all fronts
  std::size_t connections = 0;                      // of all fronts; 0: no bound of its own
  std::size_t pipelined_bytes = 64 * 1024;          // kept while an answer is under way
  std::size_t full_above = 64 * 1024;               // unsent bytes: Sink::write() says kFull
  std::size_t drained_below = 16 * 1024;            // then LiveCall::drained()
};

struct FrontDeadlines {
  std::chrono::milliseconds head{10'000};  // from a request's first byte to the end of its head
  // In each such span a body brings at least body_rate bytes a second, or it is given up.
  std::chrono::milliseconds body{30'000};
  std::size_t body_rate = 1024;
  std::chrono::milliseconds idle{60'000};         // between requests
  std::chrono::milliseconds write_stall{30'000};  // the client takes no byte of its answer
  std::chrono::milliseconds linger{2'000};        // after our last byte, for the client to read it
};

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_HTTP_FRONT_LIMITS_H_
