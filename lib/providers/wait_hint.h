// How long an upstream asks to be left alone, as its error says it. Pure; any thread.
// Source: WIRE_FORMATS 2.1, 3.7 and 7.2.
#ifndef LLMORCH_PROVIDERS_WAIT_HINT_H_
#define LLMORCH_PROVIDERS_WAIT_HINT_H_

#include <chrono>
#include <optional>
#include <string_view>

#include "llmorch/types.h"

namespace llmorch {

// The first hint that parses, at most one hour: retry-after-ms, Retry-After (seconds or a date),
// RetryInfo's retryDelay, "try again in 1.2s" or "retry in 1.2s" in the body, then the reset of the
// exhausted dimension: anthropic-ratelimit-*-reset, x-ratelimit-reset-*. Dates count from the
// answer's own Date header, else from `now`. For errors only: on a 2xx these headers mean something
// else.
std::optional<std::chrono::milliseconds> wait_hint(const Headers& headers, std::string_view body,
                                                   std::chrono::system_clock::time_point now);

// The time until daily quotas start anew: the next midnight at UTC-8, where Google counts days. In
// summer that is an hour late, which costs less than asking an hour early. At most 24 hours.
std::chrono::milliseconds until_next_day(const Headers& headers,
                                         std::chrono::system_clock::time_point now);

}  // namespace llmorch

#endif  // LLMORCH_PROVIDERS_WAIT_HINT_H_
