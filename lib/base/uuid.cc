#include "base/uuid.h"

namespace llmorch {

std::string uuid_v7(std::chrono::system_clock::time_point time, std::uint64_t random_high,
                    std::uint64_t random_low) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
  const std::uint64_t high = (ms << 16) | 0x7000U | (random_high & 0x0FFFU);
  const std::uint64_t low = 0x8000000000000000U | (random_low & 0x3FFFFFFFFFFFFFFFU);
  std::string out;
  out.reserve(36);
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) out.push_back('-');
    const std::uint64_t word = digit < 16 ? high : low;
    out.push_back(kHex[(word >> (60 - 4 * (digit % 16))) & 15]);
  }
  return out;
}

}  // namespace llmorch
