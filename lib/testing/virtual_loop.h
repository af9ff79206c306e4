// VirtualLoop: a Loop whose time is a number. Nothing waits: when there is no work, time jumps to
// the next timer. For tests and the simulator; one thread, no descriptors.
#ifndef LLMORCH_TESTING_VIRTUAL_LOOP_H_
#define LLMORCH_TESTING_VIRTUAL_LOOP_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "llmorch/loop.h"

namespace llmorch::testing {

class VirtualLoop final : public Loop {
 public:
  Status watch(int fd, unsigned interest, Watcher* watcher) override;  // refused
  void unwatch(int) override {}
  void arm(Timer& timer, TimePoint due) override;
  void disarm(Timer& timer) override;
  void post(std::function<void()> work) override;
  TimePoint now() const override { return now_; }
  bool is_current() const override { return Loop::current() == this; }
  int fd() const override { return -1; }
  // Runs what was posted; with nothing posted, jumps to the next timer that is due within
  // `max_wait` (or by all of `max_wait`) and fires what is due.
  void drive(Duration max_wait) override;

  bool idle();  // nothing posted, no timer armed
  // Turns until `done` or until nothing is left to do; false in the second case.
  bool run_until(const std::function<bool()>& done);

 private:
  TimePoint now_{std::chrono::seconds(1000)};
  std::uint64_t armed_count_ = 0;
  std::map<std::pair<TimePoint, std::uint64_t>, Timer*> timers_;
  std::mutex mutex_;  // post() may come from any thread
  std::deque<std::function<void()>> posted_;
};

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_VIRTUAL_LOOP_H_
