// What a libcurl result means, as a Status: the code, and one sentence with cause, host and port.
#ifndef LLMORCH_NET_CURL_ERROR_H_
#define LLMORCH_NET_CURL_ERROR_H_

#include <curl/curl.h>

#include <string>
#include <string_view>

#include "llmorch/status.h"

namespace llmorch {

struct CurlFailure {
  CURLcode code = CURLE_OK;
  std::string_view detail;    // libcurl's error buffer; may be empty
  long os_error = 0;          // errno of a failed connect, or 0
  std::string_view endpoint;  // "host:port", never more of the URL
  bool head_seen = false;     // an answer had begun
  bool connected = false;
};

// ok() for CURLE_OK.
Status curl_status(const CurlFailure& failure);

}  // namespace llmorch

#endif  // LLMORCH_NET_CURL_ERROR_H_
