// HealthTable: what recent outcomes say about targets and credentials. One per Gateway; cells are
// keyed by identity (provider, credential, target), so they survive a reload.
//
// Threads: any. Reading a cell is a few relaxed atomic loads; the table's lock is taken only to
// find or make a cell. Times are loop time, so virtual time works.
#ifndef LLMORCH_ROUTING_HEALTH_H_
#define LLMORCH_ROUTING_HEALTH_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "llmorch/loop.h"
#include "llmorch/spi/provider.h"
#include "llmorch/types.h"

namespace llmorch {

class HealthTable {
 public:
  HealthTable();
  ~HealthTable();

  // Until when this pair should be left alone; nullopt: it is free. The later of the target's and
  // the credential's own cooling.
  std::optional<TimePoint> cooling_until(const Target& target, const Credential& credential,
                                         TimePoint now) const;

  // Whether the target's breaker has tripped and cooled down, and no success has closed it yet.
  bool half_open(const Target& target, TimePoint now) const;
  // Claims the one probe that a half-open target gets at a time; false: another call has it. It is
  // free again with the next outcome of the target, whatever that is, or after 30 s, so that
  // neither a lost probe nor a long answer keeps the others away. Const, because planning does it:
  // a claim is no outcome.
  bool claim_probe(const Target& target, TimePoint now) const;

  // Takes in the outcome of an attempt. Who is blamed, and for how long, is policy's table
  // (verdict_rule); a repeated cooling keeps the later deadline; success clears the target's count.
  void report(const Target& target, const Credential& credential, Verdict verdict,
              std::optional<std::chrono::milliseconds> retry_after, TimePoint now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace llmorch

#endif  // LLMORCH_ROUTING_HEALTH_H_
