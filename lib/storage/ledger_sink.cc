#include "storage/ledger_sink.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace llmorch {
namespace {

// Large enough that one fsync is shared by many, small enough that admin writes get their turn.
constexpr std::size_t kBatch = 512;

}  // namespace

void LedgerSink::add(Record record) {
  if (records_.size() >= max_waiting_) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  records_.push_back(std::move(record));
  waiting_.store(records_.size(), std::memory_order_relaxed);
}

Status LedgerSink::flush() {
  Status status;
  std::size_t done = 0;
  while (status.ok() && done < records_.size()) {
    const auto first = records_.begin() + static_cast<std::ptrdiff_t>(done);
    const auto size = static_cast<std::ptrdiff_t>(std::min(kBatch, records_.size() - done));
    std::vector<Record> batch(std::make_move_iterator(first),
                              std::make_move_iterator(first + size));
    status = ledger_->append(batch);
    if (status.ok()) {
      done += batch.size();
    } else {
      std::move(batch.begin(), batch.end(), first);
    }
  }
  records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(done));
  written_.fetch_add(done, std::memory_order_relaxed);
  waiting_.store(records_.size(), std::memory_order_relaxed);
  return status;
}

}  // namespace llmorch
