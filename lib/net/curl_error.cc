#include "net/curl_error.h"

#include <fmt/format.h>

#include <system_error>

#include "base/text.h"

namespace llmorch {
namespace {

constexpr std::size_t kDetailLimit = 200;

// A malformed chunk is a RECV_ERROR to libcurl; only its sentence tells it from a reset.
bool is_framing_error(const CurlFailure& failure) {
  return failure.code == CURLE_RECV_ERROR && contains_ignore_case(failure.detail, "chunk");
}

}  // namespace

Status curl_status(const CurlFailure& failure) {
  if (failure.code == CURLE_OK) return {};
  const auto status = [&](Code code, std::string_view cause) {
    std::string detail = shorten(redact(trim(failure.detail)), kDetailLimit);
    if (detail.empty()) detail = curl_easy_strerror(failure.code);
    return Status(code, fmt::format("{} {}: {}", cause, failure.endpoint, detail));
  };
  if (is_framing_error(failure)) {
    return status(Code::kProtocol, "the answer is not valid HTTP, from");
  }
  switch (failure.code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return status(Code::kNetwork, "name lookup failed for");
    case CURLE_COULDNT_CONNECT:
      if (failure.os_error != 0) {
        return Status(
            Code::kNetwork,
            fmt::format("cannot connect to {}: {}", failure.endpoint,
                        std::system_category().message(static_cast<int>(failure.os_error))));
      }
      return status(Code::kNetwork, "cannot connect to");
    case CURLE_OPERATION_TIMEDOUT:
      return status(Code::kTimeout, "timed out on");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return status(Code::kNetwork, "the TLS certificate was not accepted of");
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return status(Code::kNetwork, "TLS failed with");
    case CURLE_PROXY:
      return status(Code::kNetwork, "the proxy refused a connection to");
    case CURLE_GOT_NOTHING:
      return Status(Code::kNetwork, fmt::format("the connection was closed without an answer by {}",
                                                failure.endpoint));
    case CURLE_PARTIAL_FILE:
      return status(Code::kNetwork, "the answer was cut off, from");
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      return status(Code::kNetwork, failure.head_seen ? "the connection broke within the answer of"
                                    : failure.connected ? "the connection broke before an answer of"
                                                        : "cannot connect to");
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return status(Code::kProtocol, "the answer is not valid HTTP, from");
    case CURLE_UNSUPPORTED_PROTOCOL:
      // After the connect it is HTTP/0.9, that is, bytes without a head.
      if (failure.connected) return status(Code::kProtocol, "the answer is not valid HTTP, from");
      return status(Code::kInvalidArgument, "cannot be asked:");
    case CURLE_URL_MALFORMAT:
      return status(Code::kInvalidArgument, "not a usable URL for");
    case CURLE_OUT_OF_MEMORY:
      // So libcurl names a header line over its own bound, too.
      if (failure.connected && !failure.head_seen) {
        return Status(Code::kProtocol, fmt::format("a header line of the answer of {} is too long",
                                                   failure.endpoint));
      }
      return status(Code::kOverloaded, "out of memory while asking");
    case CURLE_FILESIZE_EXCEEDED:
      return status(Code::kTooLarge, "the answer is too large, from");
    default:
      return status(Code::kNetwork, "the transfer failed with");
  }
}

}  // namespace llmorch
