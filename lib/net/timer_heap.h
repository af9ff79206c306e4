// TimerHeap: the armed timers of one Loop, soonest first. Every Loop may be built on it, on real or
// virtual time: it never asks what time it is.
//
// Ownership: borrows the timers. A timer may be armed, moved, disarmed and, once disarmed,
// destroyed at any time, also from inside a firing timer, itself included. Threads: none of its
// own; the loop's. Cost: O(log n) to arm and disarm, nothing allocated but the array's growth.
#ifndef LLMORCH_NET_TIMER_HEAP_H_
#define LLMORCH_NET_TIMER_HEAP_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "llmorch/loop.h"

namespace llmorch {

class TimerHeap {
 public:
  TimerHeap() = default;
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;
  ~TimerHeap();  // disarms what is left

  void arm(Timer& timer, TimePoint due);
  void disarm(Timer& timer);

  bool empty() const noexcept { return heap_.empty(); }
  TimePoint next_due() const { return heap_.front().due; }  // not when empty()

  // Fires what was due at `now` when the call began, in the order of due times and, where these are
  // equal, of arming. What a firing timer arms waits for the next call, even if it is due already.
  // Must not be called from inside itself.
  void fire_due(TimePoint now);

 private:
  struct Entry {
    TimePoint due;
    std::uint64_t order;  // of arming: breaks ties
    Timer* timer;
  };
  static bool before(const Entry& a, const Entry& b) noexcept;
  void put(std::size_t at, const Entry& entry);
  void sift_up(std::size_t at, const Entry& entry);
  void sift_down(std::size_t at, const Entry& entry);
  void remove(std::size_t at);

  std::vector<Entry> heap_;
  std::vector<Timer*> firing_;  // due in this turn and not yet fired; null: disarmed meanwhile
  std::uint64_t armed_ = 0;
};

}  // namespace llmorch

#endif  // LLMORCH_NET_TIMER_HEAP_H_
