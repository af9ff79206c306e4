// The contract of llmorch/loop.h, as the epoll loop keeps it; and LoopThreads.
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "llmorch/loop.h"
#include "net/loop_threads.h"
#include "net/timer_heap.h"

namespace llmorch {
namespace {

using std::chrono::milliseconds;

std::unique_ptr<Loop> make_loop() {
  Result<std::unique_ptr<Loop>> loop = new_loop();
  REQUIRE(loop.has_value());
  return std::move(*loop);
}

// A watcher whose reaction each test says for itself.
struct Reaction final : Watcher {
  explicit Reaction(std::function<void(unsigned)> react) : react(std::move(react)) {}
  void on_ready(unsigned ready) override { react(ready); }
  std::function<void(unsigned)> react;
};

struct Pair {
  Pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0); }
  ~Pair() {
    for (int fd : fds) {
      if (fd >= 0) ::close(fd);
    }
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  void close(int i) {
    ::close(fds[i]);
    fds[i] = -1;
  }
  void poke() { REQUIRE(::write(fds[1], "x", 1) == 1); }
  int fds[2] = {-1, -1};
};

bool readable(int fd) {
  pollfd polled{fd, POLLIN, 0};
  return ::poll(&polled, 1, 0) == 1;
}

TEST_CASE("timers due in one turn fire by due time, then by arming order") {
  auto loop = make_loop();
  const TimePoint past = loop->now() - milliseconds(100);
  std::string fired;
  Timer a([&] { fired += 'a'; }), b([&] { fired += 'b'; }), c([&] { fired += 'c'; }),
      d([&] { fired += 'd'; });
  loop->arm(c, past + milliseconds(3));
  loop->arm(a, past + milliseconds(1));
  loop->arm(b, past + milliseconds(2));
  loop->arm(d, past + milliseconds(1));
  CHECK(a.armed());
  loop->drive(milliseconds(0));
  CHECK(fired == "adbc");
  CHECK_FALSE(a.armed());
}

TEST_CASE("a timer armed in the past while timers fire waits for the next turn") {
  auto loop = make_loop();
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>([&] {
    ++fired;
    loop->arm(*timer, loop->now() - milliseconds(5));
  });
  loop->arm(*timer, loop->now());
  loop->drive(milliseconds(0));
  CHECK(fired == 1);
  loop->drive(milliseconds(0));
  CHECK(fired == 2);
  loop->disarm(*timer);
  loop->drive(milliseconds(0));
  CHECK(fired == 2);
}

TEST_CASE("a firing timer may disarm, move and destroy others that are due in the same turn") {
  auto loop = make_loop();
  std::string fired;
  Timer moved([&] { fired += 'm'; });
  Timer disarmed([&] { fired += '!'; });
  auto destroyed = std::make_unique<Timer>([&] { fired += '!'; });
  std::unique_ptr<Timer> first;
  const auto owner = std::make_shared<int>(7);
  first = std::make_unique<Timer>([&, owner] {
    loop->disarm(disarmed);
    loop->disarm(*destroyed);
    destroyed.reset();
    loop->arm(moved, loop->now());
    first.reset();  // itself: it is no longer armed
    fired += *owner == 7 ? 'f' : '!';
  });
  const TimePoint past = loop->now() - milliseconds(9);
  loop->arm(*first, past);
  loop->arm(moved, past + milliseconds(1));
  loop->arm(disarmed, past + milliseconds(1));
  loop->arm(*destroyed, past + milliseconds(1));
  loop->drive(milliseconds(0));
  CHECK(fired == "f");
  loop->drive(milliseconds(0));
  CHECK(fired == "fm");
}

TEST_CASE("the heap fires in order under random arming, moving and disarming") {
  std::mt19937 random(1);
  TimerHeap heap;
  std::vector<int> fired;
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < 500; ++i) {
    timers.push_back(std::make_unique<Timer>([&fired, i] { fired.push_back(i); }));
  }
  const TimePoint start{};
  for (int round = 0; round < 5000; ++round) {
    Timer& timer = *timers[random() % timers.size()];
    if (random() % 3 == 0) {
      heap.disarm(timer);
    } else {
      heap.arm(timer, start + milliseconds(random() % 300));
    }
  }
  std::size_t armed = 0;
  for (const auto& timer : timers) armed += timer->armed();
  REQUIRE(armed > 100);
  heap.fire_due(start + milliseconds(150));
  const std::size_t half = fired.size();
  CHECK(half > 50);
  CHECK(half < armed);
  heap.fire_due(start + milliseconds(300));
  CHECK(fired.size() == armed);
  CHECK(heap.empty());
  for (std::size_t i = 1; i < fired.size(); ++i) {
    CHECK(timers[fired[i - 1]]->due <= timers[fired[i]]->due);
  }
}

TEST_CASE("a timer never fires before it is due, and drive() waits for it") {
  auto loop = make_loop();
  TimePoint fired{};
  Timer timer([&] { fired = std::chrono::steady_clock::now(); });
  const TimePoint due = std::chrono::steady_clock::now() + std::chrono::microseconds(2500);
  loop->arm(timer, due);
  int turns = 0;
  while (timer.armed()) {
    loop->drive(Duration(-1));
    ++turns;
  }
  CHECK(fired >= due);
  CHECK(turns <= 2);  // no spinning through the last part of a millisecond
}

TEST_CASE("drive() returns after max_wait although nothing happened") {
  auto loop = make_loop();
  loop->drive(milliseconds(0));
  loop->drive(milliseconds(2));
  CHECK_FALSE(loop->is_current());
}

TEST_CASE("posted work runs in posting order, what it posts in a later turn") {
  auto loop = make_loop();
  std::string ran;
  loop->post([&] {
    ran += 'a';
    loop->post([&] { ran += 'c'; });
  });
  loop->post([&] { ran += 'b'; });
  loop->drive(Duration(-1));
  CHECK(ran == "ab");
  loop->drive(Duration(-1));  // does not wait: there is work
  CHECK(ran == "abc");
}

TEST_CASE("now() stands still during a turn, and is fresh outside") {
  auto loop = make_loop();
  bool same = false;
  loop->post([&] {
    const TimePoint before = loop->now();
    while (std::chrono::steady_clock::now() <= before + milliseconds(1)) {
    }
    same = loop->now() == before;
  });
  loop->drive(milliseconds(0));
  CHECK(same);
  const TimePoint outside = loop->now();
  while (loop->now() == outside) {
  }
  CHECK(loop->now() > outside);
}

TEST_CASE("post() from another thread wakes a waiting loop") {
  auto loop = make_loop();
  std::vector<int> ran;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) loop->post([&ran, i] { ran.push_back(i); });
  });
  while (ran.size() < 1000) loop->drive(Duration(-1));
  other.join();
  for (int i = 0; i < 1000; ++i) CHECK(ran[i] == i);
}

TEST_CASE("work still queued when the loop goes is destroyed, not run, and may post in vain") {
  auto loop = make_loop();
  struct PostsAsItGoes {
    Loop* loop;
    ~PostsAsItGoes() {
      loop->post([] { FAIL("must not run"); });
    }
  };
  auto owned = std::make_shared<PostsAsItGoes>(PostsAsItGoes{loop.get()});
  std::weak_ptr<PostsAsItGoes> watch = owned;
  loop->post([owned = std::move(owned)] { FAIL("must not run"); });
  CHECK_FALSE(watch.expired());
  loop.reset();
  CHECK(watch.expired());
}

TEST_CASE("current() and is_current() tell who drives, also when loops are nested") {
  auto outer = make_loop();
  auto inner = make_loop();
  int checked = 0;
  inner->post([&] {
    CHECK(Loop::current() == inner.get());
    CHECK(inner->is_current());
    CHECK(outer->is_current());
    bool elsewhere = true;
    std::thread([&] { elsewhere = inner->is_current() || Loop::current() != nullptr; }).join();
    CHECK_FALSE(elsewhere);
    ++checked;
  });
  outer->post([&] {
    CHECK(Loop::current() == outer.get());
    CHECK_FALSE(inner->is_current());
    inner->drive(milliseconds(0));
    CHECK(Loop::current() == outer.get());
    ++checked;
  });
  CHECK(Loop::current() == nullptr);
  outer->drive(milliseconds(0));
  CHECK(Loop::current() == nullptr);
  CHECK(checked == 2);
}

TEST_CASE("a watcher is told what it asked for, and failure unasked") {
  auto loop = make_loop();
  Pair pair;
  unsigned seen = 0;
  Reaction watcher([&](unsigned ready) { seen = ready; });
  REQUIRE(loop->watch(pair.fds[0], Loop::kRead | Loop::kWrite, &watcher).ok());
  loop->drive(milliseconds(0));
  CHECK(seen == Loop::kWrite);
  pair.poke();
  loop->drive(milliseconds(0));
  CHECK(seen == (Loop::kRead | Loop::kWrite));
  REQUIRE(loop->watch(pair.fds[0], Loop::kHangup, &watcher).ok());
  seen = 0;
  loop->drive(milliseconds(0));
  CHECK(seen == 0);
  REQUIRE(::shutdown(pair.fds[1], SHUT_WR) == 0);
  loop->drive(milliseconds(0));
  CHECK(seen == Loop::kHangup);
  REQUIRE(loop->watch(pair.fds[0], 0, &watcher).ok());
  pair.close(1);
  loop->drive(milliseconds(0));
  CHECK((seen & Loop::kFailed) != 0);
  loop->unwatch(pair.fds[0]);
  seen = 0;
  loop->drive(milliseconds(0));
  CHECK(seen == 0);
}

TEST_CASE("the system's refusal of a descriptor is reported") {
  auto loop = make_loop();
  Reaction watcher([](unsigned) {});
  CHECK(loop->watch(-1, Loop::kRead, &watcher).code() == Code::kInvalidArgument);
  CHECK(loop->watch(1 << 19, Loop::kRead, &watcher).code() == Code::kInvalidArgument);
  loop->unwatch(-1);
  loop->unwatch(1 << 19);
  loop->unwatch(1 << 20);
}

TEST_CASE("after unwatch() a watcher is silent, even for what was ready in the same turn") {
  auto loop = make_loop();
  Pair pairs[2];
  int called = 0;
  Reaction both([&](unsigned) {
    ++called;
    for (Pair& pair : pairs) loop->unwatch(pair.fds[0]);  // itself and the other
  });
  for (Pair& pair : pairs) {
    REQUIRE(loop->watch(pair.fds[0], Loop::kRead, &both).ok());
    pair.poke();
  }
  loop->drive(milliseconds(0));
  loop->drive(milliseconds(0));
  CHECK(called == 1);
}

TEST_CASE("interest that is dropped within a turn is not told about in it any more") {
  auto loop = make_loop();
  Pair pairs[2];
  unsigned told[2] = {0, 0};
  std::vector<Reaction> watchers;
  for (int i = 0; i < 2; ++i) {
    watchers.emplace_back([&, i](unsigned ready) {
      told[i] = ready;
      CHECK(loop->watch(pairs[1 - i].fds[0], Loop::kHangup, &watchers[1 - i]).ok());
    });
  }
  for (int i = 0; i < 2; ++i) {
    REQUIRE(loop->watch(pairs[i].fds[0], Loop::kRead, &watchers[i]).ok());
    pairs[i].poke();
  }
  loop->drive(milliseconds(0));
  CHECK((told[0] | told[1]) == Loop::kRead);
  CHECK((told[0] & told[1]) == 0);  // the first one told silenced the other
}

TEST_CASE("a descriptor number reused within a turn does not inherit the old one's events") {
  auto loop = make_loop();
  Pair pairs[2];
  int fresh[2] = {-1, -1};
  int reused = -1;
  int called = 0;
  bool misled = false;
  Reaction innocent([&](unsigned) { misled = true; });
  Reaction first([&](unsigned) {
    if (++called > 1) return;
    // Whichever comes first closes the other, whose number then becomes a silent eventfd.
    for (Pair& pair : pairs) {
      loop->unwatch(pair.fds[0]);
      pair.close(0);
    }
    for (int& fd : fresh) {
      fd = ::eventfd(0, EFD_NONBLOCK);
      if (loop->watch(fd, Loop::kRead, &innocent).ok()) reused = fd;
    }
  });
  int numbers[2];
  for (int i = 0; i < 2; ++i) {
    numbers[i] = pairs[i].fds[0];
    REQUIRE(loop->watch(numbers[i], Loop::kRead, &first).ok());
    pairs[i].poke();
  }
  loop->drive(milliseconds(0));
  CHECK((reused == numbers[0] || reused == numbers[1]));
  CHECK(called == 1);
  CHECK_FALSE(misled);
  for (int fd : fresh) {
    loop->unwatch(fd);
    ::close(fd);
  }
}

TEST_CASE("interest can turn exclusive and back") {
  auto loop = make_loop();
  Pair pair;
  int called = 0;
  Reaction watcher([&](unsigned) { ++called; });
  pair.poke();
  int expected = 0;
  for (unsigned interest :
       {Loop::kRead, Loop::kRead | Loop::kExclusive, Loop::kRead | Loop::kExclusive | Loop::kHangup,
        Loop::kRead | Loop::kHangup}) {
    REQUIRE(loop->watch(pair.fds[0], interest, &watcher).ok());
    loop->drive(milliseconds(0));
    CHECK(called == ++expected);
  }
  loop->unwatch(pair.fds[0]);
}

TEST_CASE("fd() polls readable exactly when there is work, so that a host may nest the loop") {
  auto loop = make_loop();
  CHECK_FALSE(readable(loop->fd()));
  bool again = false;
  loop->post([&] { loop->post([&] { again = true; }); });
  const int fd = loop->fd();
  CHECK(readable(fd));
  loop->drive(milliseconds(0));
  CHECK(readable(fd));  // work posted from inside, although that needs no wake-up itself
  loop->drive(milliseconds(0));
  CHECK(again);
  CHECK_FALSE(readable(fd));

  Pair pair;
  auto outer = make_loop();
  int read = 0;
  Reaction reader([&](unsigned) {
    char byte;
    read += static_cast<int>(::read(pair.fds[0], &byte, 1));
  });
  Reaction nested([&](unsigned) { loop->drive(milliseconds(0)); });
  REQUIRE(loop->watch(pair.fds[0], Loop::kRead, &reader).ok());
  REQUIRE(outer->watch(loop->fd(), Loop::kRead, &nested).ok());
  pair.poke();
  outer->drive(Duration(-1));
  CHECK(read == 1);
  bool posted = false;
  std::thread([&] { loop->post([&] { posted = true; }); }).join();
  outer->drive(Duration(-1));
  CHECK(posted);
  outer->unwatch(loop->fd());
  loop->unwatch(pair.fds[0]);
}

TEST_CASE("LoopThreads: each loop is driven by its own named thread until stop()") {
  auto threads = LoopThreads::make(3);
  REQUIRE(threads.has_value());
  LoopThreads& pool = **threads;
  REQUIRE(pool.loops().size() == 3);
  for (int round = 0; round < 2; ++round) {  // it can be started again
    REQUIRE(pool.start().ok());
    REQUIRE(pool.start().ok());
    std::atomic<int> ran{0};
    std::string names[3];
    for (int i = 0; i < 3; ++i) {
      Loop* loop = pool.loops()[i];
      loop->post([&, i, loop] {
        char name[16] = "";
        pthread_getname_np(pthread_self(), name, sizeof name);
        names[i] = name;
        ran += loop->is_current() && Loop::current() == loop;
      });
    }
    REQUIRE(pool.stop().ok());  // what was posted before runs before
    CHECK(ran == 3);
    for (int i = 0; i < 3; ++i) CHECK(names[i] == "llmorch-loop-" + std::to_string(i));
  }
  CHECK(pool.stop().ok());
}

TEST_CASE("LoopThreads: none at all, and stop() on a loop thread, are errors") {
  CHECK_FALSE(LoopThreads::make(0).has_value());
  auto threads = LoopThreads::make(2);
  REQUIRE(threads.has_value());
  REQUIRE((*threads)->start().ok());
  Status inside;
  (*threads)->loops()[1]->post([&] { inside = (*threads)->stop(); });
  REQUIRE((*threads)->stop().ok());
  CHECK(inside.code() == Code::kInvalidArgument);
}

TEST_CASE("loops post to each other while they stop: nothing is lost that was posted before") {
  auto threads = LoopThreads::make(2);
  REQUIRE(threads.has_value());
  REQUIRE((*threads)->start().ok());
  std::atomic<int> hops{0};
  std::function<void(int)> hop = [&](int to) {
    if (++hops < 2000) (*threads)->loops()[to]->post([&hop, to] { hop(1 - to); });
  };
  std::atomic<bool> done{false};
  hop(0);
  while (hops < 2000) std::this_thread::yield();
  (*threads)->loops()[0]->post([&] { done = true; });
  REQUIRE((*threads)->stop().ok());
  CHECK(done);
}

}  // namespace
}  // namespace llmorch
