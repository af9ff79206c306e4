// LoopThreads: some built-in loops, each driven by a thread of its own. What a Gateway in `threads`
// mode runs on.
//
// Ownership: owns loops and threads; the loops live as long as this does, the threads from start()
// to stop(). Threads: start() and stop() from one thread at a time that is none of these loops';
// loops() from any.
#ifndef LLMORCH_NET_LOOP_THREADS_H_
#define LLMORCH_NET_LOOP_THREADS_H_

#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "llmorch/loop.h"
#include "llmorch/status.h"

namespace llmorch {

class LoopThreads {
 public:
  // `count` loops, at least one, without threads yet. Fails when the process is out of descriptors.
  static Result<std::unique_ptr<LoopThreads>> make(std::size_t count);
  LoopThreads(const LoopThreads&) = delete;
  LoopThreads& operator=(const LoopThreads&) = delete;
  ~LoopThreads();  // stops; must not run on one of the loops

  // Starts the threads ("llmorch-loop-N"). No effect when they run already.
  Status start();
  // Lets every loop finish the turn it is in, and what was posted before, then joins the threads.
  // From one of the loops it is an error. No effect when nothing runs.
  Status stop();

  const std::vector<Loop*>& loops() const noexcept { return pointers_; }

 private:
  struct Worker {
    std::unique_ptr<Loop> loop;
    std::thread thread;
    bool stopping = false;  // only ever touched on the loop
  };
  explicit LoopThreads(std::vector<std::unique_ptr<Worker>> workers);

  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Loop*> pointers_;
};

}  // namespace llmorch

#endif  // LLMORCH_NET_LOOP_THREADS_H_
