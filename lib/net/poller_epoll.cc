// The built-in Loop on Linux: epoll for descriptors, an eventfd for work posted by other threads.

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "llmorch/loop.h"
#include "net/timer_heap.h"

namespace llmorch {
namespace {

constexpr int kEventsPerTurn = 256;  // the rest waits for the next turn: epoll takes turns fairly
constexpr std::uint64_t kWake = ~std::uint64_t{0};

Status system_error(const char* what, int error) {
  const bool full = error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOSPC;
  return Status(full ? Code::kOverloaded : Code::kInvalidArgument,
                std::string(what) + ": " + std::system_category().message(error));
}

class EpollLoop final : public Loop {
 public:
  EpollLoop(int epoll_fd, int wake_fd) : epoll_fd_(epoll_fd), wake_fd_(wake_fd) {}

  ~EpollLoop() override {
    std::vector<std::function<void()>> dropped;
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
      dropped.swap(posted_);
    }
    dropped.clear();  // outside the lock: what the work owns may post once more as it goes
    ::close(wake_fd_);
    ::close(epoll_fd_);
  }

  Status watch(int fd, unsigned interest, Watcher* watcher) override {
    if (fd < 0) return system_error("cannot watch a descriptor", EBADF);
    const auto at = static_cast<std::size_t>(fd);
    if (at >= watches_.size()) watches_.resize(at + 1);
    Watch& watch = watches_[at];
    epoll_event event{};
    event.events = to_epoll(interest);
    int result = -1;
    errno = ENOENT;
    if (watch.watcher != nullptr) {
      if (watch.interest == interest) {
        watch.watcher = watcher;
        return {};
      }
      // EPOLLEXCLUSIVE can neither be modified nor be set by a modification.
      if ((watch.interest | interest) & kExclusive) {
        unwatch(fd);
        errno = ENOENT;
      } else {
        event.data.u64 = key(fd, watch.generation);
        result = ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event);
      }
    }
    if (result != 0 && errno == ENOENT) {
      event.data.u64 = key(fd, ++watch.generation);
      result = ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
    }
    if (result != 0) {
      watch.watcher = nullptr;
      return system_error("cannot watch a descriptor", errno);
    }
    watch.watcher = watcher;
    watch.interest = interest;
    return {};
  }

  void unwatch(int fd) override {
    if (fd < 0 || static_cast<std::size_t>(fd) >= watches_.size()) return;
    Watch& watch = watches_[static_cast<std::size_t>(fd)];
    if (watch.watcher == nullptr) return;
    watch.watcher = nullptr;
    ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  }

  void arm(Timer& timer, TimePoint due) override { timers_.arm(timer, due); }
  void disarm(Timer& timer) override { timers_.disarm(timer); }

  void post(std::function<void()> work) override {
    const bool local = is_current();
    std::lock_guard lock(mutex_);
    if (closed_) return;
    posted_.push_back(std::move(work));
    // Under the lock, so that the loop cannot run this work, and be destroyed by it, in between.
    if (!local) wake();
  }

  // Outside a turn there is no cached time that could not be arbitrarily old.
  TimePoint now() const override { return is_current() ? now_ : std::chrono::steady_clock::now(); }

  bool is_current() const override {
    return driver_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }

  int fd() const override {
    std::lock_guard lock(mutex_);
    nested_ = true;
    if (!posted_.empty()) wake();
    return epoll_fd_;
  }

  void drive(Duration max_wait) override {
    const CurrentScope scope(this);
    driver_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    epoll_event events[kEventsPerTurn];
    const int count = ::epoll_wait(epoll_fd_, events, kEventsPerTurn, wait_ms(max_wait));
    now_ = std::chrono::steady_clock::now();
    {
      // Taken before anything runs: what this turn posts belongs to a later one.
      std::lock_guard lock(mutex_);
      running_.swap(posted_);
      woken_ = false;
    }
    // Descriptors before timers: after a late turn, an answer that is already here beats its own
    // deadline.
    for (int i = 0; i < count; ++i) dispatch(events[i]);
    timers_.fire_due(now_);
    for (std::function<void()>& work : running_) {
      work();
      work = nullptr;  // what it owns goes now, not at the end of the batch
    }
    running_.clear();
    {
      std::lock_guard lock(mutex_);
      if (nested_ && !posted_.empty()) wake();
    }
    driver_.store(std::thread::id(), std::memory_order_relaxed);
  }

 private:
  struct Watch {
    Watcher* watcher = nullptr;
    unsigned interest = 0;
    std::uint32_t generation = 0;  // tells a reused descriptor from the one an event was for
  };

  static std::uint64_t key(int fd, std::uint32_t generation) {
    return static_cast<std::uint64_t>(generation) << 32 | static_cast<std::uint32_t>(fd);
  }

  static std::uint32_t to_epoll(unsigned interest) {
    std::uint32_t events = 0;
    if (interest & kRead) events |= EPOLLIN;
    if (interest & kWrite) events |= EPOLLOUT;
    if (interest & kExclusive) return events | EPOLLEXCLUSIVE;  // refuses EPOLLRDHUP beside it
    if (interest & kHangup) events |= EPOLLRDHUP;
    return events;
  }

  void dispatch(const epoll_event& event) {
    if (event.data.u64 == kWake) return;
    const auto fd = static_cast<std::size_t>(event.data.u64 & 0xffffffffu);
    const Watch& watch = watches_[fd];
    if (watch.watcher == nullptr || watch.generation != event.data.u64 >> 32) return;
    unsigned ready = 0;
    if (event.events & EPOLLIN) ready |= kRead;
    if (event.events & EPOLLOUT) ready |= kWrite;
    if (event.events & EPOLLRDHUP) ready |= kHangup;
    if (event.events & (EPOLLERR | EPOLLHUP)) ready |= kFailed;
    ready &= watch.interest | kFailed;  // the interest may have changed earlier in this turn
    if (ready != 0) watch.watcher->on_ready(ready);
  }

  int wait_ms(Duration max_wait) {
    {
      std::lock_guard lock(mutex_);
      if (!posted_.empty()) return 0;
    }
    Duration wait = max_wait;
    if (!timers_.empty()) {
      const Duration due =
          std::max(Duration::zero(), timers_.next_due() - std::chrono::steady_clock::now());
      if (wait < Duration::zero() || due < wait) wait = due;
    }
    if (wait < Duration::zero()) return -1;
    // Up, or the loop would spin through the last part of a millisecond.
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    return ms > INT_MAX ? INT_MAX : static_cast<int>(ms);
  }

  void wake() const {
    if (woken_) return;
    woken_ = true;
    // Watched edge-triggered: each write is one wake-up, and the counter need never be read.
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
  }

  const int epoll_fd_;
  const int wake_fd_;
  std::atomic<std::thread::id> driver_{};
  TimePoint now_{};
  TimerHeap timers_;
  std::vector<Watch> watches_;                  // by descriptor
  std::vector<std::function<void()>> running_;  // this turn's share of posted_

  mutable std::mutex mutex_;  // guards what follows
  std::vector<std::function<void()>> posted_;
  mutable bool woken_ = false;   // a wake-up is under way since posted_ was last taken
  mutable bool nested_ = false;  // a host polls fd(), so work left over must make it readable
  bool closed_ = false;
};

}  // namespace

Result<std::unique_ptr<Loop>> new_loop() {
  const int epoll_fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) return system_error("cannot make an event loop", errno);
  const int wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kWake;
  if (wake_fd < 0 || ::epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) != 0) {
    const int error = errno;
    if (wake_fd >= 0) ::close(wake_fd);
    ::close(epoll_fd);
    return system_error("cannot make an event loop", error);
  }
  return std::unique_ptr<Loop>(std::make_unique<EpollLoop>(epoll_fd, wake_fd));
}

}  // namespace llmorch
