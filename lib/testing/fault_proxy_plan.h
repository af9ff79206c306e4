// FaultPlan: which fault each connection through the proxy gets, from JSON or from a seed.
//
//   {"kind":"reset","after":100,"direction":"down","times":2}   one fault, for two connections
//   [{...},{...}]                                               one after the other, then none
//   {"random":[{...},{...}],"percent":20}                       by seed; without a list: any
//
// The same seed gives the same faults in the same order. Values; one thread.
#ifndef LLMORCH_TESTING_FAULT_PROXY_PLAN_H_
#define LLMORCH_TESTING_FAULT_PROXY_PLAN_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "llmorch/status.h"

namespace llmorch::testing {

struct Fault {
  enum class Kind {
    kNone,             // only the shaping below
    kReset,            // RST to both sides after `after` bytes
    kFin,              // FIN to both sides
    kHalfClose,        // FIN to the receiver of that direction; the other direction goes on
    kBlackhole,        // nothing moves any more, and nobody is told
    kCorrupt,          // the byte at offset `after` is changed
    kAcceptThenClose,  // closed as soon as accepted; the target is not even called
  };
  enum class Direction { kDown, kUp };  // down: from the target to the client

  Kind kind = Kind::kNone;
  Direction direction = Direction::kDown;
  std::uint64_t after = 0;
  std::uint64_t times = 1;  // connections

  // Shaping, in both directions.
  std::chrono::milliseconds latency{0};
  std::chrono::milliseconds jitter{0};  // 0 to this much more, by seed; order is kept
  std::uint64_t bytes_per_second = 0;   // 0: no limit
  std::uint64_t slice = 0;              // TCP writes of so many bytes; 0: as they come
};

std::string_view fault_kind_name(Fault::Kind kind);

class FaultPlan {
 public:
  // "" is a plan without faults.
  static Result<FaultPlan> parse(std::string_view json, std::uint64_t seed);

  Fault next();                         // for the next connection
  Random& random() { return random_; }  // for jitter

 private:
  explicit FaultPlan(std::uint64_t seed) : random_(seed) {}

  std::vector<Fault> faults_;
  bool by_chance_ = false;
  std::uint64_t percent_ = 100;
  std::size_t index_ = 0;
  Random random_;
};

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_FAULT_PROXY_PLAN_H_
