// Migrations: how the database of one release becomes that of the next. Forward only, numbered from
// 1 without gaps, each in a transaction of its own. A published text is never changed: its SHA-256
// stands beside it and is written into the database, and both are compared.
//
// Threads: pure functions over one Connection.
#ifndef LLMORCH_STORAGE_MIGRATIONS_H_
#define LLMORCH_STORAGE_MIGRATIONS_H_

#include <string>
#include <vector>

#include "llmorch/status.h"
#include "storage/sqlite_connection.h"

namespace llmorch {

struct Migration {
  int number;
  const char* name;
  const char* sql;
  const char* sha256;  // of sql, in hex
};

// Those of this release, in order.
const std::vector<Migration>& migrations();

struct MigrationState {
  int number = 0;
  std::string name{};
  std::string applied_at{};  // RFC 3339; "": not yet
};

// Where the database stands. Fails with kUnsupported (reason "schema_newer") when it knows a
// migration that `known` does not, with kStorage (reason "schema_changed") when one that it has
// differs from the known one.
Result<std::vector<MigrationState>> migration_status(Connection& connection,
                                                     const std::vector<Migration>& known);
// Applies what is missing; changes nothing when migration_status() fails.
Status migrate_up(Connection& connection, const std::vector<Migration>& known);

}  // namespace llmorch

#endif  // LLMORCH_STORAGE_MIGRATIONS_H_
