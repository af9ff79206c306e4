// WorkPool: a few threads for what may block. Its queue is bounded.
//
// Threads: submit() from any. Ownership: owns its threads; destroying it runs what was queued, and
// joins them. Work must not throw.
#ifndef LLMORCH_SERVER_HTTP_FRONT_WORK_POOL_H_
#define LLMORCH_SERVER_HTTP_FRONT_WORK_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace llmorch::server {

class WorkPool {
 public:
  WorkPool(std::size_t threads, std::size_t most_queued);
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  // False when the queue is full.
  bool submit(std::function<void()> work);

 private:
  void run();

  const std::size_t most_queued_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_HTTP_FRONT_WORK_POOL_H_
