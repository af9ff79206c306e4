// How long an upstream asks to be left alone, as its error says it. Pure; any thread.
// Source: WIRE_FORMATS 7.2.
#ifndef LLMORCH_PROVIDERS_WAIT_HINT_H_
#define LLMORCH_PROVIDERS_WAIT_HINT_H_

#include <chrono>
#include <optional>
#include <string_view>

#include "llmorch/types.h"

namespace llmorch {

// The first hint that parses, at most one hour: retry-after-ms, Retry-After (seconds or a date),
// RetryInfo's retryDelay, "try again in 1.2s" in the body, x-ratelimit-reset-* of the exhausted
// dimension. Dates count from the answer's own Date header, else from `now`. For errors only: on a
// 2xx these headers mean something else.
std::optional<std::chrono::milliseconds> wait_hint(const Headers& headers, std::string_view body,
                                                   std::chrono::system_clock::time_point now);

}  // namespace llmorch

#endif  // LLMORCH_PROVIDERS_WAIT_HINT_H_
