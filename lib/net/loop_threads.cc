#include "net/loop_threads.h"

#include <pthread.h>
#include <signal.h>

#include <string>
#include <system_error>
#include <utility>

namespace llmorch {
namespace {

// A library's threads must not catch the signals of the program around it: these go to a thread
// that expects them. The mask is inherited by what the calling thread starts.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &previous_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t previous_;
};

}  // namespace

Result<std::unique_ptr<LoopThreads>> LoopThreads::make(std::size_t count) {
  if (count == 0) return Status(Code::kInvalidArgument, "at least one loop is needed");
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::size_t i = 0; i < count; ++i) {
    Result<std::unique_ptr<Loop>> loop = new_loop();
    if (!loop) return loop.error();
    workers.push_back(std::make_unique<Worker>());
    workers.back()->loop = std::move(*loop);
  }
  return std::unique_ptr<LoopThreads>(new LoopThreads(std::move(workers)));
}

LoopThreads::LoopThreads(std::vector<std::unique_ptr<Worker>> workers)
    : workers_(std::move(workers)) {
  for (const auto& worker : workers_) pointers_.push_back(worker->loop.get());
}

LoopThreads::~LoopThreads() { static_cast<void>(stop()); }

Status LoopThreads::start() {
  const SignalsBlocked blocked;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    Worker* worker = workers_[i].get();
    if (worker->thread.joinable()) continue;
    worker->stopping = false;
    try {
      worker->thread = std::thread([worker] {
        while (!worker->stopping) worker->loop->drive(Duration(-1));
      });
    } catch (const std::system_error& error) {
      static_cast<void>(stop());
      return Status(Code::kOverloaded, std::string("cannot start a loop thread: ") + error.what());
    }
    pthread_setname_np(worker->thread.native_handle(),
                       ("llmorch-loop-" + std::to_string(i)).c_str());
  }
  return {};
}

Status LoopThreads::stop() {
  for (const auto& worker : workers_) {
    if (worker->loop->is_current()) {
      return Status(Code::kInvalidArgument, "a loop thread cannot stop its own loops");
    }
  }
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) {
      worker->loop->post([target = worker.get()] { target->stopping = true; });
    }
  }
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
  return {};
}

}  // namespace llmorch
