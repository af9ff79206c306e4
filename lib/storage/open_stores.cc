#include "storage/open_stores.h"

#include <unistd.h>

#include <utility>

#include "storage/memory_stores.h"
#include "storage/sqlite_database.h"
#include "storage/sqlite_stores.h"

namespace llmorch {

Stores memory_stores(std::size_t max_records) {
  return {memory_catalog(), memory_ledger(max_records), memory_state_store()};
}

Result<Stores> sqlite_stores(std::shared_ptr<const DataDir> dir) {
  auto database = Database::open(std::move(dir));
  if (!database) return database.error();
  return sqlite_stores(*std::move(database));
}

Result<std::vector<MigrationState>> storage_migration_status(const std::string& data_dir) {
  const std::string path = database_path(data_dir);
  if (::access(path.c_str(), F_OK) != 0) {
    std::vector<MigrationState> states;
    for (const Migration& migration : migrations())
      states.push_back({migration.number, migration.name, ""});
    return states;
  }
  auto connection = Connection::open(path, Connection::Access::kRead);
  if (!connection) return connection.error();
  return migration_status(**connection, migrations());
}

Status storage_migrate_up(const std::string& data_dir) {
  auto dir = DataDir::open(data_dir);
  if (!dir) return dir.error();
  return Database::open(*std::move(dir)).error();
}

}  // namespace llmorch
