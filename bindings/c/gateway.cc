#include "llmorch/gateway.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "error.h"
#include "llmorch/c.h"
#include "llmorch/version.h"

using llmorch::Code;
using llmorch::Status;
using llmorch::c_abi::guard;

// Shared, so that languages which collect garbage may free a gateway before its streams.
struct llmorch_gateway {
  std::shared_ptr<llmorch::Gateway> gateway;
};

struct llmorch_stream {
  std::shared_ptr<llmorch::Gateway> gateway;  // declared first: it must outlive the stream
  std::unique_ptr<llmorch::Stream> stream;
};

namespace {

// A day: far past any call's own total, and no overflow when it is added to a clock.
constexpr int64_t kLongestWaitMs = 24 * 60 * 60 * 1000;

Status missing(std::string_view what) {
  return Status(Code::kInvalidArgument, std::string(what) + " is NULL");
}

// "" for (NULL, 0); nullopt for a NULL that claims to hold something.
std::optional<std::string_view> text(const char* bytes, size_t len) {
  if (bytes == nullptr) return len == 0 ? std::optional(std::string_view()) : std::nullopt;
  return std::string_view(bytes, len);
}

Status open_gateway(const char* config, size_t len, llmorch_gateway** out) {
  if (out == nullptr) return missing("out");
  *out = nullptr;
  const auto json = text(config, len);
  if (!json) return missing("config_json");
  auto opened = llmorch::Gateway::open(*json);
  if (!opened) return opened.error();
  *out = new llmorch_gateway{std::move(*opened)};
  return Status();
}

Status open_stream(llmorch_gateway* gateway, const char* format, size_t format_len,
                   const char* body, size_t body_len, llmorch_stream** out) {
  if (out == nullptr) return missing("out");
  *out = nullptr;
  if (gateway == nullptr) return missing("gateway");
  const auto name = text(format, format_len);
  if (!name) return missing("format");
  const auto bytes = text(body, body_len);
  if (!bytes) return missing("body");
  const auto known = llmorch::format_from_name(*name);
  if (!known) {
    return Status(Code::kInvalidArgument, "unknown format \"" + std::string(name->substr(0, 64)) +
                                              "\"; one is \"openai_chat\"")
        .with_param("format");
  }
  llmorch::CallSpec spec;
  spec.format = *known;
  spec.body = llmorch::Body(std::string(*bytes));
  auto opened = gateway->gateway->stream(std::move(spec));
  if (!opened) return opened.error();
  *out = new llmorch_stream{gateway->gateway, std::move(*opened)};
  return Status();
}

}  // namespace

extern "C" const char* llmorch_version(void) noexcept { return LLMORCH_VERSION; }

extern "C" llmorch_error* llmorch_gateway_open(const char* config_json, size_t config_len,
                                               llmorch_gateway** out) noexcept {
  return guard([&] { return open_gateway(config_json, config_len, out); });
}

extern "C" void llmorch_gateway_free(llmorch_gateway* gateway) noexcept { delete gateway; }

extern "C" llmorch_error* llmorch_stream_open(llmorch_gateway* gateway, const char* format,
                                              size_t format_len, const char* body, size_t body_len,
                                              llmorch_stream** out) noexcept {
  return guard([&] { return open_stream(gateway, format, format_len, body, body_len, out); });
}

extern "C" int32_t llmorch_stream_next(llmorch_stream* stream, int64_t timeout_ms,
                                       const char** data, size_t* len,
                                       llmorch_error** error) noexcept {
  if (data != nullptr) *data = nullptr;
  if (len != nullptr) *len = 0;
  if (error != nullptr) *error = nullptr;
  int32_t found = LLMORCH_ERROR;
  llmorch_error* failure = guard([&] {
    if (stream == nullptr) return missing("stream");
    if (data == nullptr || len == nullptr) return missing("data or len");
    std::optional<std::chrono::milliseconds> wait;
    if (timeout_ms >= 0) wait = std::chrono::milliseconds(std::min(timeout_ms, kLongestWaitMs));
    switch (stream->stream->next(wait)) {
      case llmorch::Stream::Next::kData: {
        const std::string_view bytes = stream->stream->data();
        *data = bytes.data();
        *len = bytes.size();
        found = LLMORCH_DATA;
        return Status();
      }
      case llmorch::Stream::Next::kTimeout:
        found = LLMORCH_TIMEOUT;
        return Status();
      case llmorch::Stream::Next::kEnd:
        found = LLMORCH_END;
        return Status();
      case llmorch::Stream::Next::kError:
        break;
    }
    const Status& why = stream->stream->status();
    return why.ok() ? Status(Code::kInternal, "the stream failed without a reason") : why;
  });
  if (failure == nullptr) return found;
  if (error != nullptr) {
    *error = failure;
  } else {
    llmorch_error_free(failure);
  }
  return LLMORCH_ERROR;
}

extern "C" void llmorch_stream_free(llmorch_stream* stream) noexcept { delete stream; }
