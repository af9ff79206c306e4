#include "net/timer_heap.h"

#include <algorithm>

namespace llmorch {
namespace {

// Four children per node: a heap half as deep, whose siblings share a cache line or two.
constexpr std::size_t kChildren = 4;

// Timer::slot says where a timer stands: an index into the heap, or, with this bit, into firing_.
constexpr std::size_t kFiring = ~(static_cast<std::size_t>(-1) >> 1);

}  // namespace

TimerHeap::~TimerHeap() {
  for (const Entry& entry : heap_) entry.timer->slot = Timer::kDisarmed;
}

bool TimerHeap::before(const Entry& a, const Entry& b) noexcept {
  return a.due != b.due ? a.due < b.due : a.order < b.order;
}

void TimerHeap::arm(Timer& timer, TimePoint due) {
  disarm(timer);
  timer.due = due;
  heap_.push_back({});
  sift_up(heap_.size() - 1, {due, armed_++, &timer});
}

void TimerHeap::disarm(Timer& timer) {
  if (!timer.armed()) return;
  if (timer.slot & kFiring) {
    firing_[timer.slot & ~kFiring] = nullptr;
  } else {
    remove(timer.slot);
  }
  timer.slot = Timer::kDisarmed;
}

void TimerHeap::fire_due(TimePoint now) {
  // Taken out first, so that a timer which re-arms itself in the past cannot keep this turn going.
  while (!heap_.empty() && heap_.front().due <= now) {
    Timer* timer = heap_.front().timer;
    remove(0);
    timer->slot = kFiring | firing_.size();
    firing_.push_back(timer);
  }
  for (std::size_t i = 0; i < firing_.size(); ++i) {
    Timer* timer = firing_[i];
    if (timer == nullptr) continue;
    firing_[i] = nullptr;
    timer->slot = Timer::kDisarmed;
    // A copy, because firing may destroy the timer, and with it the function that is running.
    const std::function<void()> fire = timer->fire;
    fire();
  }
  firing_.clear();
}

void TimerHeap::put(std::size_t at, const Entry& entry) {
  heap_[at] = entry;
  entry.timer->slot = at;
}

void TimerHeap::sift_up(std::size_t at, const Entry& entry) {
  while (at > 0) {
    const std::size_t parent = (at - 1) / kChildren;
    if (!before(entry, heap_[parent])) break;
    put(at, heap_[parent]);
    at = parent;
  }
  put(at, entry);
}

void TimerHeap::sift_down(std::size_t at, const Entry& entry) {
  for (;;) {
    const std::size_t first = at * kChildren + 1;
    if (first >= heap_.size()) break;
    std::size_t least = first;
    const std::size_t last = std::min(first + kChildren, heap_.size());
    for (std::size_t child = first + 1; child < last; ++child) {
      if (before(heap_[child], heap_[least])) least = child;
    }
    if (!before(heap_[least], entry)) break;
    put(at, heap_[least]);
    at = least;
  }
  put(at, entry);
}

void TimerHeap::remove(std::size_t at) {
  const Entry moved = heap_.back();
  heap_.pop_back();
  if (at == heap_.size()) return;
  if (at > 0 && before(moved, heap_[(at - 1) / kChildren])) {
    sift_up(at, moved);
  } else {
    sift_down(at, moved);
  }
}

}  // namespace llmorch
