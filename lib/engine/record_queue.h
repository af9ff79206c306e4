// RecordQueue: the bounded way of Records from one loop to the writer. A loop never waits for it:
// what does not fit is dropped and counted.
//
// Threads: push() on the loop, take() on the writer's thread. There is one queue per loop, so its
// lock is only ever shared by these two.
#ifndef LLMORCH_ENGINE_RECORD_QUEUE_H_
#define LLMORCH_ENGINE_RECORD_QUEUE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "llmorch/types.h"

namespace llmorch {

class RecordQueue {
 public:
  // `wake` is called when the queue stops being empty; it must be cheap.
  RecordQueue(std::size_t capacity, std::function<void()> wake)
      : capacity_(capacity), wake_(std::move(wake)) {}

  void push(Record record);
  // Swaps out everything that waits, oldest first; false when there is nothing.
  bool take(std::vector<Record>& out);
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  const std::size_t capacity_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<Record> waiting_;
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace llmorch

#endif  // LLMORCH_ENGINE_RECORD_QUEUE_H_
