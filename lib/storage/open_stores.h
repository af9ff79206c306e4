// How stores are made. Named by whoever opens a gateway; everybody else sees llmorch/spi/store.h.
//
// Threads: any.
#ifndef LLMORCH_STORAGE_OPEN_STORES_H_
#define LLMORCH_STORAGE_OPEN_STORES_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "llmorch/spi/store.h"
#include "storage/data_dir.h"
#include "storage/migrations.h"

namespace llmorch {

// Stores that live as long as the process. The ledger keeps the newest `max_records`.
Stores memory_stores(std::size_t max_records = 100'000);

// Stores in one SQLite file ("llmorch.db") in that directory, which they hold from here on. An
// older schema is brought up to date; a newer one is refused (kUnsupported, "schema_newer").
Result<Stores> sqlite_stores(std::shared_ptr<const DataDir> dir);

// What `migrate status` and `migrate up` do. status works beside a running gateway; up needs the
// directory for itself, as opening it does.
Result<std::vector<MigrationState>> storage_migration_status(const std::string& data_dir);
Status storage_migrate_up(const std::string& data_dir);

}  // namespace llmorch

#endif  // LLMORCH_STORAGE_OPEN_STORES_H_
