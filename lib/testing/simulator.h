// Simulator: random calls against random upstreams on virtual time, and the promises that must hold
// whatever happens. A seed names a case completely, so a failure is one number to repeat.
//
// One thread, no descriptors, no sleeping: hundreds of thousands of cases a minute.
#ifndef LLMORCH_TESTING_SIMULATOR_H_
#define LLMORCH_TESTING_SIMULATOR_H_

#include <cstdint>
#include <string>

namespace llmorch::testing {

// What one case did. `violation` is "" when every promise held.
struct SimulatedCall {
  std::string violation;
  bool stream = false;
  bool succeeded = false;
  bool cancelled = false;
  int attempts = 0;
};

// The promises (docs/DESIGN.md 4.3, 4.6): the sink sees head once, then writes, then end exactly
// once, never re-entrantly; exactly one Record, one settle per gate; no transfer or timer is left
// behind; a success is byte for byte one upstream's answer; nothing of a failed attempt leaks; an
// error after commit is in-band and never ends clean; no pair is tried twice without reason;
// attempts and total time are bounded; a call does not fail while something untried could still
// have answered.
SimulatedCall simulate_call(std::uint64_t seed);

// Runs seeds [first, first + count) and stops at the first violation.
struct SimulationReport {
  std::uint64_t calls = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t failovers = 0;  // calls with more than one attempt
  std::uint64_t bad_seed = 0;
  std::string violation;
};
SimulationReport simulate(std::uint64_t first, std::uint64_t count);

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_SIMULATOR_H_
