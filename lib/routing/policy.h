// Policy: what a verdict means for the next step. Pure functions; source: WIRE_FORMATS 7.1 to 7.3.
#ifndef LLMORCH_ROUTING_POLICY_H_
#define LLMORCH_ROUTING_POLICY_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "llmorch/types.h"
#include "routing/health.h"
#include "routing/plan.h"
#include "types/snapshot.h"

namespace llmorch {

// Whom a verdict blames and what it allows. One row per Verdict.
struct VerdictRule {
  bool other_target = false;                 // another target may be tried
  bool other_credential = false;             // the same target with another credential may be tried
  bool same_pair = false;                    // the same pair again, once, when nothing else exists
  bool blame_target = false;                 // counts toward the target's breaker
  std::chrono::milliseconds cool_target{0};  // cools the target at once
  std::chrono::milliseconds cool_credential{0};  // cools the credential, for every model
  std::chrono::milliseconds cool_pair{0};        // cools this credential for this target's model
  bool heeds_retry_after = false;  // an upstream's Retry-After replaces the cooling above
};
const VerdictRule& verdict_rule(Verdict verdict);

// An attempt that failed, as far as policy cares.
struct Tried {
  std::size_t candidate = 0;
  Verdict verdict = Verdict::kOk;
  std::optional<std::chrono::milliseconds> retry_after;
};

struct NextStep {
  bool attempt = false;               // false: give up and tell the caller
  std::size_t candidate = 0;          // which one to try
  std::chrono::milliseconds wait{0};  // before trying it
};

// What to do after the attempts in `tried` (empty: at the start). Excludes pairs already tried; a
// tried target comes back only with another credential after a credential or quota verdict; the
// same pair again only once, after a wait with full jitter (100 ms to 2 s, from `seed`; Retry-After
// wins if it fits), when nothing else is left and the rule allows it. Never more than
// model.max_attempts (attempts that were inexpressible never reached an upstream and are not
// counted), never past `left`, and only one attempt when model.failover is off. A target that is
// overloaded is preferably followed by another provider, and a blamed credential by another one.
NextStep next_step(const Model& model, const Plan& plan, const std::vector<Tried>& tried,
                   std::chrono::milliseconds left, std::uint64_t seed);

// The failure as the caller is told it: a rate limit or an overload carries the shortest wait after
// which some candidate of the plan is free again (at least a second), instead of what the upstream
// that was asked last happened to say. `last` is the attempt that ended the call, which `health`
// need not have heard of yet.
Status with_soonest_wait(const Status& failure, const Plan& plan, const Tried& last,
                         const HealthTable& health, TimePoint now);

}  // namespace llmorch

#endif  // LLMORCH_ROUTING_POLICY_H_
