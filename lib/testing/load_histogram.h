// Histogram: counts of durations in logarithmic buckets, 32 to a doubling (3 % wide), 1 ns to
// hours. Fixed size, no allocation while recording. Values; one thread.
#ifndef LLMORCH_TESTING_LOAD_HISTOGRAM_H_
#define LLMORCH_TESTING_LOAD_HISTOGRAM_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace llmorch::testing {

class Histogram {
 public:
  void add(std::chrono::nanoseconds value);
  void merge(const Histogram& other);
  std::uint64_t count() const noexcept { return count_; }
  std::chrono::nanoseconds max() const noexcept { return std::chrono::nanoseconds(max_); }
  // The upper end of the bucket in which the fraction (0 to 1) lies; never above max().
  std::chrono::nanoseconds quantile(double fraction) const;
  // {"count":..,"mean":..,"p50":..,"p90":..,"p99":..,"p999":..,"max":..} in microseconds.
  std::string json() const;

 private:
  static constexpr int kSubBits = 5;
  std::array<std::uint64_t, std::size_t{60} << kSubBits> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_LOAD_HISTOGRAM_H_
