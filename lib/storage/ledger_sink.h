// LedgerSink: between the thread that delivers Records and a ledger that may be slow or fail. What
// the ledger has not acknowledged waits here and is appended again, so nothing is lost before the
// bound is reached, and what is lost then is counted.
//
// Threads: add() and flush() on the writer's thread; the counters from any.
#ifndef LLMORCH_STORAGE_LEDGER_SINK_H_
#define LLMORCH_STORAGE_LEDGER_SINK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "llmorch/spi/store.h"

namespace llmorch {

class LedgerSink {
 public:
  explicit LedgerSink(std::shared_ptr<Ledger> ledger, std::size_t max_waiting = 16'384)
      : ledger_(std::move(ledger)), max_waiting_(max_waiting) {}

  // Full: the record is dropped and counted.
  void add(Record record);
  // Appends what waits, in batches of up to 512. Stops at the first failure and reports it; what
  // was not acknowledged keeps waiting. To be called again, also when no new Record came, while
  // waiting() is not 0.
  Status flush();

  std::uint64_t written() const { return written_.load(std::memory_order_relaxed); }
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  std::uint64_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  const std::shared_ptr<Ledger> ledger_;
  const std::size_t max_waiting_;
  std::vector<Record> records_;
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> waiting_{0};
};

}  // namespace llmorch

#endif  // LLMORCH_STORAGE_LEDGER_SINK_H_
