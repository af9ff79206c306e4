// The three stores over one Database, which they share.
#ifndef LLMORCH_STORAGE_SQLITE_STORES_H_
#define LLMORCH_STORAGE_SQLITE_STORES_H_

#include <memory>

#include "llmorch/spi/store.h"
#include "storage/sqlite_database.h"

namespace llmorch {

std::shared_ptr<Catalog> sqlite_catalog(std::shared_ptr<Database> database);
std::shared_ptr<Ledger> sqlite_ledger(std::shared_ptr<Database> database);
std::shared_ptr<StateStore> sqlite_state_store(std::shared_ptr<Database> database);
Stores sqlite_stores(std::shared_ptr<Database> database);

}  // namespace llmorch

#endif  // LLMORCH_STORAGE_SQLITE_STORES_H_
