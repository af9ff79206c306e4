// Base URLs as people write them, brought into one form. Pure; any thread.
#ifndef LLMORCH_PROVIDERS_BASE_URL_H_
#define LLMORCH_PROVIDERS_BASE_URL_H_

#include <string>
#include <string_view>
#include <vector>

#include "llmorch/status.h"

namespace llmorch {

// An absolute http(s) URL without query, fragment and user info.
struct UrlParts {
  std::string origin;                 // "https://host:8443", in lower case
  std::vector<std::string> segments;  // of the path; empty ones left out
  std::string str() const;            // no trailing slash
};

// Fails with kInvalidArgument, saying what is wrong in words for the one who wrote it. Never echoes
// the URL, since it may hold a password.
Result<UrlParts> parse_base_url(std::string_view written);

// Whether a path segment is an API version: v1, v1beta, v2 …
bool is_version_segment(std::string_view segment);

}  // namespace llmorch

#endif  // LLMORCH_PROVIDERS_BASE_URL_H_
