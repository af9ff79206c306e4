// The only place that includes RapidJSON. Its namespace is renamed, so that a host program's own
// copy (another version, other macros) cannot clash with ours, and its assertions become an
// exception that lib/json catches at its border: library code never aborts.
#ifndef LLMORCH_JSON_RAPID_H_
#define LLMORCH_JSON_RAPID_H_

namespace llmorch::json {
struct RapidAssertion {};  // thrown by a failed RAPIDJSON_ASSERT; never leaves lib/json
}  // namespace llmorch::json

#if defined(RAPIDJSON_NAMESPACE) || defined(RAPIDJSON_ASSERT)
#error "json/rapid.h must be the first and only includer of RapidJSON"
#endif
#define RAPIDJSON_NAMESPACE llmorch_rapidjson
#define RAPIDJSON_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : throw ::llmorch::json::RapidAssertion{})
#define RAPIDJSON_NOEXCEPT_ASSERT(condition) static_cast<void>(condition)
#if defined(__x86_64__)
#define RAPIDJSON_SSE2  // part of the x86-64 baseline; scanning is 2.2 to 2.8 times slower without
#endif

#include <rapidjson/error/error.h>
#include <rapidjson/reader.h>

#endif  // LLMORCH_JSON_RAPID_H_
