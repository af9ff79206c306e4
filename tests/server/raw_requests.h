// The table of raw requests that the front, the pure head checks and the fuzz seeds stand for: each
// row of cpp-httplib's record of leniency, and the grammar around it.
#ifndef LLMORCH_TESTS_SERVER_RAW_REQUESTS_H_
#define LLMORCH_TESTS_SERVER_RAW_REQUESTS_H_

#include <string>
#include <vector>

namespace llmorch::server {

struct RawRequest {
  const char* rule;
  std::string bytes;
  int status;
  bool closes = true;  // the connection is of no further use
  std::string body{};  // of the answer, where it matters
};

const std::vector<RawRequest>& raw_requests();

}  // namespace llmorch::server

#endif  // LLMORCH_TESTS_SERVER_RAW_REQUESTS_H_
