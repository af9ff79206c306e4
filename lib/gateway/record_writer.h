// RecordWriter: one thread that carries Records and log lines to the host's sinks, so that no loop
// ever waits for them. In driven mode there is no thread: flush() is posted onto the loop.
//
// Threads: start(), stop() and flush() from one thread; wake() and log() from any.
#ifndef LLMORCH_GATEWAY_RECORD_WRITER_H_
#define LLMORCH_GATEWAY_RECORD_WRITER_H_

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/record_queue.h"
#include "llmorch/types.h"

namespace llmorch {

class RecordWriter {
 public:
  RecordWriter(std::function<void(const Record&)> on_record, std::function<void()> on_batch_end,
               std::function<void(std::string_view)> on_log);
  ~RecordWriter();

  // A queue for one loop. Before start().
  std::shared_ptr<RecordQueue> new_queue(std::function<void()> wake);
  void start();
  // Delivers what is left and ends the thread.
  void stop();
  // Tells the thread that there is work. Cheap: it is asleep only when there was none for a while.
  void wake();
  void log(std::string line);
  // Delivers everything that waits, on the calling thread. Driven mode, and the end of stop().
  void flush();

  std::uint64_t delivered() const { return delivered_.load(std::memory_order_relaxed); }
  std::uint64_t dropped() const;

 private:
  void run();

  const std::function<void(const Record&)> on_record_;
  const std::function<void()> on_batch_end_;
  const std::function<void(std::string_view)> on_log_;
  std::vector<std::shared_ptr<RecordQueue>> queues_;
  std::vector<Record> batch_;
  std::atomic<std::uint64_t> delivered_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> lines_;
  std::atomic<bool> asleep_{false};
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace llmorch

#endif  // LLMORCH_GATEWAY_RECORD_WRITER_H_
