// The promises of the Call under random faults (docs/DESIGN.md 4.3, 4.6; WIRE_FORMATS 7.4).
// LLMORCH_SIM_CALLS sets the volume, LLMORCH_SIM_SEED the first seed; scripts/verify.sh runs a
// million.
#include <doctest/doctest.h>

#include <cstdlib>

#include "testing/simulator.h"

namespace llmorch::testing {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST_CASE("no schedule of faults breaks a promise") {
  const std::uint64_t first = from_environment("LLMORCH_SIM_SEED", 1);
  const std::uint64_t count = from_environment("LLMORCH_SIM_CALLS", 20000);
  const SimulationReport report = simulate(first, count);
  INFO("seed ", report.bad_seed, ": ", report.violation);
  CHECK(report.violation == "");
  CHECK(report.calls == count);
  MESSAGE(report.calls, " calls: ", report.succeeded, " succeeded, ", report.failed, " failed, ",
          report.cancelled, " cancelled, ", report.failovers, " with failover");
  if (count < 1000) return;  // a single seed that is being looked into
  // The mix must keep reaching every kind of end, or the promises above are empty.
  CHECK(report.succeeded > count / 10);
  CHECK(report.failed > count / 100);
  CHECK(report.cancelled > count / 100);
  CHECK(report.failovers > count / 10);
}

}  // namespace
}  // namespace llmorch::testing
