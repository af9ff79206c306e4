// Plan: who may answer a call, in the order of trying, and why. The same model, needs, health view
// and seed give the same plan, so a Record can be replayed.
#ifndef LLMORCH_ROUTING_PLAN_H_
#define LLMORCH_ROUTING_PLAN_H_

#include <cstdint>
#include <vector>

#include "llmorch/loop.h"
#include "llmorch/status.h"
#include "llmorch/types.h"
#include "routing/health.h"
#include "types/snapshot.h"

namespace llmorch {

// One (target, credential) pair. Points into the Snapshot that the call holds.
struct Candidate {
  const Target* target = nullptr;
  std::size_t credential = 0;  // index into target->provider->credentials
  bool cooling = false;        // health wanted it left alone when the plan was made
};

// What a request cannot do without, as far as a target may lack it.
struct Needs {
  bool tools = false;
  bool structured_output = false;
  bool vision = false;
};

struct Plan {
  std::vector<Candidate> candidates;  // in the order of trying
  std::vector<PlanEntry> entries;     // the same, in words; first the candidates, one to one, then
                                      // those left out (weight 0, no vision …), with the reason
  std::uint64_t seed = 0;
  // Not ok(): nobody is left because of what the targets cannot do; 400, naming it.
  Status refused;
};

// Orders a model's (target, credential) pairs: by tier; inside a tier by weighted draws without
// replacement (a target's share of first places is weight / sum of weights); a target's first
// credential is drawn by weight, its other credentials stand after the tier's other targets. Weight
// 0 is drained, and a target whose configuration says that it cannot do what is needed is of no
// use: neither is ever in the plan. Pairs that `health` calls cooling stand after all others of the
// whole plan, the one that is free soonest first, so that a call is refused only if there is
// nothing.
//
// A target whose breaker has cooled down is tried by one call at a time: the plan that has it in
// the first place claims the probe from `health`; in every other it stands with the cooling ones.
Plan make_plan(const Model& model, const Needs& needs, const HealthTable& health, TimePoint now,
               std::uint64_t seed);

}  // namespace llmorch

#endif  // LLMORCH_ROUTING_PLAN_H_
