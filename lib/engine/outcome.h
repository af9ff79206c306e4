// From what happened to what is said about it: verdicts of the engine's own failures, and the
// closed list of error types that logs, metrics and Records share. Pure.
#ifndef LLMORCH_ENGINE_OUTCOME_H_
#define LLMORCH_ENGINE_OUTCOME_H_

#include <string>
#include <string_view>

#include "llmorch/spi/provider.h"
#include "llmorch/spi/transport.h"
#include "llmorch/types.h"

namespace llmorch {

// The error type of a call that ended so; "" for success. Whose fault it was comes first:
// caller_*, policy_*, provider_*, gateway_*. docs/DESIGN.md lists them all.
std::string_view error_type(Verdict verdict, const Status& status);

// A transfer that did not end well, as verdict and as a sentence for the caller.
Outcome transfer_outcome(const Provider& provider, const TransferEnd& end);

// The outcome without our own key, which an upstream may have said back: redact() knows only keys
// that look like some.
Outcome without_secret(Outcome outcome, const Secret& secret);

enum class Deadline { kConnect, kFirstEvent, kIdle, kTotal };
Outcome deadline_outcome(Deadline which, const Provider* provider, std::chrono::milliseconds limit);

}  // namespace llmorch

#endif  // LLMORCH_ENGINE_OUTCOME_H_
