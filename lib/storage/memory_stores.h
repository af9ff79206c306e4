// Stores in memory: for programs that embed llmorch without a disk, and for tests.
//
// Threads: any; one lock each.
#ifndef LLMORCH_STORAGE_MEMORY_STORES_H_
#define LLMORCH_STORAGE_MEMORY_STORES_H_

#include <cstddef>
#include <memory>

#include "llmorch/spi/store.h"

namespace llmorch {

std::shared_ptr<Catalog> memory_catalog();
// Keeps the newest `max_records`.
std::shared_ptr<Ledger> memory_ledger(std::size_t max_records);
std::shared_ptr<StateStore> memory_state_store();

}  // namespace llmorch

#endif  // LLMORCH_STORAGE_MEMORY_STORES_H_
