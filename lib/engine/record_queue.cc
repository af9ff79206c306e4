#include "engine/record_queue.h"

#include <utility>

namespace llmorch {

void RecordQueue::push(Record record) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= capacity_) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    first = waiting_.empty();
    waiting_.push_back(std::move(record));
  }
  if (first && wake_) wake_();
}

bool RecordQueue::take(std::vector<Record>& out) {
  out.clear();
  const std::lock_guard lock(mutex_);
  out.swap(waiting_);
  return !out.empty();
}

}  // namespace llmorch
