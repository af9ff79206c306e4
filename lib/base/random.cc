#include "base/random.h"

#include <random>

namespace llmorch {

std::uint64_t system_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

}  // namespace llmorch
