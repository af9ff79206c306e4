#include "testing/load_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

namespace llmorch::testing {

void Histogram::add(std::chrono::nanoseconds value) {
  const auto number = static_cast<std::uint64_t>(std::max<std::int64_t>(0, value.count()));
  // Below 2^kSubBits each value has its own bucket; above, the leading bits choose.
  const int shift = std::max(0, static_cast<int>(std::bit_width(number)) - kSubBits - 1);
  const std::size_t index =
      (static_cast<std::size_t>(shift) << kSubBits) + static_cast<std::size_t>(number >> shift);
  ++buckets_[std::min(index, buckets_.size() - 1)];
  ++count_;
  sum_ += number;
  max_ = std::max(max_, number);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

std::chrono::nanoseconds Histogram::quantile(double fraction) const {
  if (count_ == 0) return std::chrono::nanoseconds(0);
  const auto wanted = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen < wanted) continue;
    constexpr std::size_t kSub = std::size_t{1} << kSubBits;
    // The inverse of add(): indices from 2 * kSub on carry a shift of at least one.
    const std::size_t shift = i < 2 * kSub ? 0 : (i >> kSubBits) - 1;
    const std::uint64_t low = static_cast<std::uint64_t>(i - (shift << kSubBits)) << shift;
    const std::uint64_t high = low + (std::uint64_t{1} << shift) - 1;
    return std::chrono::nanoseconds(std::min(high, max_));
  }
  return max();
}

std::string Histogram::json() const {
  const auto micros = [](std::chrono::nanoseconds value) {
    return static_cast<double>(value.count()) / 1000.0;
  };
  const double mean =
      count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_) / 1000.0;
  return fmt::format(
      R"({{"count":{},"mean":{:.1f},"p50":{:.1f},"p90":{:.1f},"p99":{:.1f},"p999":{:.1f},"max":{:.1f}}})",
      count_, mean, micros(quantile(0.5)), micros(quantile(0.9)), micros(quantile(0.99)),
      micros(quantile(0.999)), micros(max()));
}

}  // namespace llmorch::testing
