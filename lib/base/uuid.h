// UUIDv7 (RFC 9562 5.7): ids that sort by time.
#ifndef LLMORCH_BASE_UUID_H_
#define LLMORCH_BASE_UUID_H_

#include <chrono>
#include <cstdint>
#include <string>

namespace llmorch {

// `random` fills the 74 random bits, so that a run on a fixed seed can be repeated.
std::string uuid_v7(std::chrono::system_clock::time_point time, std::uint64_t random_high,
                    std::uint64_t random_low);

}  // namespace llmorch

#endif  // LLMORCH_BASE_UUID_H_
