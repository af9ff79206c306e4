// Loop: timers, descriptors and posted work on one thread.
//
// llmorch never blocks and owns no thread of its own unless a Gateway is opened in `threads` mode;
// everything it does happens in the turns of a Loop. new_loop() makes the built-in one (epoll); a
// host that already has an event loop may implement this interface on top of it, and tests
// implement it on virtual time.
//
// Threads: post() and is_current() may be called from any thread; everything else only on the
// thread that drives the loop. A Loop owns no thread: whoever calls drive() lends it one.
// Units: std::chrono; now() is steady time, cached once per turn.
#ifndef LLMORCH_LOOP_H_
#define LLMORCH_LOOP_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "llmorch/status.h"

namespace llmorch {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

// A one-shot timer. Owned by its user, who must disarm it before destroying it.
class Timer {
 public:
  explicit Timer(std::function<void()> fire) : fire(std::move(fire)) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  const std::function<void()> fire;

  // For the Loop that holds it: where it stands there, and when it is due.
  static constexpr std::size_t kDisarmed = static_cast<std::size_t>(-1);
  std::size_t slot = kDisarmed;
  TimePoint due{};

  bool armed() const noexcept { return slot != kDisarmed; }
};

// Told when a watched descriptor is ready.
class Watcher {
 public:
  virtual ~Watcher() = default;
  // `ready` is an OR of Loop::kRead, kWrite, kHangup, kFailed. Called at most once per turn; may
  // watch, unwatch (itself too), arm, disarm and post.
  virtual void on_ready(unsigned ready) = 0;
};

class Loop {
 public:
  static constexpr unsigned kRead = 1;
  static constexpr unsigned kWrite = 2;
  static constexpr unsigned kHangup = 4;      // the peer closed its sending side (FIN)
  static constexpr unsigned kFailed = 8;      // error or full hang-up; reported unasked
  static constexpr unsigned kExclusive = 16;  // interest only: of several loops, wake few

  virtual ~Loop() = default;

  // Starts watching `fd` level-triggered, or changes the interest of one already watched. The
  // watcher must live until unwatch(). Fails when the system refuses the descriptor.
  virtual Status watch(int fd, unsigned interest, Watcher* watcher) = 0;
  // After this returns the watcher is not called again, not even later in this turn. Call it
  // before closing the descriptor. Unknown descriptors are ignored.
  virtual void unwatch(int fd) = 0;

  // Arms, or moves, a timer. A due time in the past fires in the next turn. Timers that are due
  // in the same turn fire in the order of their due times.
  virtual void arm(Timer& timer, TimePoint due) = 0;
  virtual void disarm(Timer& timer) = 0;

  // Runs `work` in a later turn, in posting order. Work that is still queued when the loop is
  // destroyed is destroyed without being run.
  virtual void post(std::function<void()> work) = 0;

  // The time at which this turn began.
  virtual TimePoint now() const = 0;
  // Whether the calling thread is inside this loop's drive().
  virtual bool is_current() const = 0;

  // A descriptor that polls readable when drive() would find work other than timers, so that a
  // host may put the loop inside its own; -1 when there is none (virtual time).
  virtual int fd() const = 0;
  // Runs one turn: waits at most `max_wait` for something to do (negative: without limit), then
  // does it. Must not be called from inside itself.
  virtual void drive(Duration max_wait) = 0;

  // The loop that the calling thread is inside of, or null.
  static Loop* current() noexcept;

 protected:
  // For implementers: make() at the start of drive(), reset at its end.
  class CurrentScope {
   public:
    explicit CurrentScope(Loop* loop) noexcept;
    ~CurrentScope();
    CurrentScope(const CurrentScope&) = delete;
    CurrentScope& operator=(const CurrentScope&) = delete;

   private:
    Loop* previous_;
  };
};

// The built-in loop. Fails when the process is out of descriptors.
Result<std::unique_ptr<Loop>> new_loop();

}  // namespace llmorch

#endif  // LLMORCH_LOOP_H_
