#include "gateway/record_writer.h"

#include <pthread.h>

#include <chrono>
#include <utility>

namespace llmorch {
namespace {

constexpr std::size_t kQueueCapacity = 8192;
constexpr std::size_t kMaxLines = 1024;
// While calls come in, the writer looks every few milliseconds instead of being woken by each: a
// wake-up would cost the loop a system call per call.
constexpr std::chrono::milliseconds kBatch{5};
constexpr int kIdleRounds = 10;

}  // namespace

RecordWriter::RecordWriter(std::function<void(const Record&)> on_record,
                           std::function<void()> on_batch_end,
                           std::function<void(std::string_view)> on_log)
    : on_record_(std::move(on_record)),
      on_batch_end_(std::move(on_batch_end)),
      on_log_(std::move(on_log)) {}

RecordWriter::~RecordWriter() { stop(); }

std::shared_ptr<RecordQueue> RecordWriter::new_queue(std::function<void()> wake) {
  queues_.push_back(std::make_shared<RecordQueue>(kQueueCapacity, std::move(wake)));
  return queues_.back();
}

void RecordWriter::start() {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "llmorch-writer");
}

void RecordWriter::stop() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  flush();
}

void RecordWriter::wake() {
  // Acquire-release pairs with run(): either it sees the record, or this sees it asleep.
  if (!asleep_.load(std::memory_order_seq_cst)) return;
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

void RecordWriter::log(std::string line) {
  {
    const std::lock_guard lock(mutex_);
    if (lines_.size() < kMaxLines) lines_.push_back(std::move(line));
    woken_ = true;
  }
  changed_.notify_one();
}

void RecordWriter::flush() {
  std::deque<std::string> lines;
  {
    const std::lock_guard lock(mutex_);
    lines.swap(lines_);
  }
  if (on_log_) {
    for (const std::string& line : lines) on_log_(line);
  }
  for (const std::shared_ptr<RecordQueue>& queue : queues_) {
    while (queue->take(batch_)) {
      for (const Record& record : batch_) {
        if (on_record_) on_record_(record);
      }
      if (on_batch_end_) on_batch_end_();
      delivered_.fetch_add(batch_.size(), std::memory_order_relaxed);
    }
  }
}

std::uint64_t RecordWriter::dropped() const {
  std::uint64_t sum = 0;
  for (const std::shared_ptr<RecordQueue>& queue : queues_) sum += queue->dropped();
  return sum;
}

void RecordWriter::run() {
  int idle_rounds = 0;
  while (true) {
    const std::uint64_t before = delivered();
    flush();
    idle_rounds = delivered() == before ? idle_rounds + 1 : 0;
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    if (idle_rounds < kIdleRounds) {
      changed_.wait_for(lock, kBatch, [this] { return stopping_ || woken_; });
    } else {
      asleep_.store(true, std::memory_order_seq_cst);
      lock.unlock();
      flush();  // a record pushed before asleep_ was seen
      lock.lock();
      if (delivered() == before) changed_.wait(lock, [this] { return stopping_ || woken_; });
      asleep_.store(false, std::memory_order_seq_cst);
      idle_rounds = 0;
    }
    woken_ = false;
  }
}

}  // namespace llmorch
