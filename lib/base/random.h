// SplitMix64: a small seeded generator for choices that must be repeatable, not secret.
// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
#ifndef LLMORCH_BASE_RANDOM_H_
#define LLMORCH_BASE_RANDOM_H_

#include <cstdint>

namespace llmorch {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() noexcept {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  // Even over [0, bound); bound 0 gives 0. The bias is below 2^-32 for the bounds used here.
  std::uint64_t below(std::uint64_t bound) noexcept { return bound == 0 ? 0 : next() % bound; }

 private:
  std::uint64_t state_;
};

// A seed from the operating system.
std::uint64_t system_seed();

}  // namespace llmorch

#endif  // LLMORCH_BASE_RANDOM_H_
