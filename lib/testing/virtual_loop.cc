#include "testing/virtual_loop.h"

namespace llmorch::testing {

Status VirtualLoop::watch(int, unsigned, Watcher*) {
  return Status(Code::kUnsupported, "a virtual loop has no descriptors");
}

void VirtualLoop::arm(Timer& timer, TimePoint due) {
  disarm(timer);
  timer.due = due;
  timer.slot = static_cast<std::size_t>(++armed_count_);
  timers_.emplace(std::pair(due, std::uint64_t{timer.slot}), &timer);
}

void VirtualLoop::disarm(Timer& timer) {
  if (!timer.armed()) return;
  timers_.erase(std::pair(timer.due, std::uint64_t{timer.slot}));
  timer.slot = Timer::kDisarmed;
}

void VirtualLoop::post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  posted_.push_back(std::move(work));
}

void VirtualLoop::drive(Duration max_wait) {
  const CurrentScope scope(this);
  std::deque<std::function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(posted_);
  }
  if (work.empty()) {
    const bool timer_first = !timers_.empty() && (max_wait < Duration::zero() ||
                                                  timers_.begin()->first.first <= now_ + max_wait);
    if (timer_first) {
      now_ = std::max(now_, timers_.begin()->first.first);
    } else if (max_wait > Duration::zero()) {
      now_ += max_wait;
    }
  }
  for (std::function<void()>& one : work) one();
  const std::uint64_t last = armed_count_;  // what is armed from here on belongs to a later turn
  while (!timers_.empty() && timers_.begin()->first.first <= now_ &&
         timers_.begin()->first.second <= last) {
    Timer* timer = timers_.begin()->second;
    disarm(*timer);
    timer->fire();
  }
}

bool VirtualLoop::idle() {
  const std::lock_guard lock(mutex_);
  return posted_.empty() && timers_.empty();
}

bool VirtualLoop::run_until(const std::function<bool()>& done) {
  while (!done()) {
    if (idle()) return false;
    drive(Duration(-1));
  }
  return true;
}

}  // namespace llmorch::testing
