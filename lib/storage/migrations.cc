#include "storage/migrations.h"

#include <fmt/format.h>

#include "storage/sha256.h"

namespace llmorch {
namespace {

constexpr const char* kTable = R"sql(
CREATE TABLE IF NOT EXISTS schema_migrations (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  applied_at TEXT NOT NULL
) STRICT;
)sql";

Status changed(const Migration& migration, std::string_view what) {
  return Status(Code::kStorage,
                fmt::format("migration {} ({}) {}; this database needs the release that made it",
                            migration.number, migration.name, what))
      .with_reason("schema_changed");
}

Result<bool> has_table(Connection& connection) {
  Statement statement = connection.prepare(
      "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'");
  const bool found = statement.next();
  if (!statement.status().ok()) return statement.status();
  return found;
}

Status apply(Connection& connection, const Migration& migration) {
  Transaction transaction(connection, Connection::Access::kWrite);
  Status status = transaction.status();
  if (status.ok()) status = connection.execute(migration.sql);
  if (status.ok()) {
    status = connection
                 .prepare(
                     "INSERT INTO schema_migrations VALUES (?1, ?2, ?3, "
                     "strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))")
                 .bind(std::int64_t{migration.number})
                 .bind(migration.name)
                 .bind(migration.sha256)
                 .run();
  }
  if (status.ok()) status = transaction.commit();
  if (status.ok()) return status;
  return status.with_message(
      fmt::format("migration {} ({}): {}", migration.number, migration.name, status.message()));
}

}  // namespace

Result<std::vector<MigrationState>> migration_status(Connection& connection,
                                                     const std::vector<Migration>& known) {
  std::vector<MigrationState> states;
  for (const Migration& migration : known) {
    if (sha256_hex(migration.sql) != migration.sha256)
      return changed(migration, "is not the text that was published");
    states.push_back({migration.number, migration.name, ""});
  }
  const auto exists = has_table(connection);
  if (!exists) return exists.error();
  if (!*exists) return states;
  Statement rows = connection.prepare(
      "SELECT number, sha256, applied_at FROM schema_migrations ORDER BY number");
  while (rows.next()) {
    const std::int64_t number = rows.integer(0);
    if (number < 1 || number > static_cast<std::int64_t>(known.size())) {
      return Status(Code::kUnsupported,
                    fmt::format("the database has schema {}, this llmorch knows up to {}; use the "
                                "release that wrote it, or a newer one",
                                number, known.size()))
          .with_reason("schema_newer");
    }
    const auto index = static_cast<std::size_t>(number - 1);
    if (rows.text(1) != known[index].sha256)
      return changed(known[index], "was applied with another text");
    states[index].applied_at = rows.text(2);
  }
  if (!rows.status().ok()) return rows.status();
  return states;
}

Status migrate_up(Connection& connection, const std::vector<Migration>& known) {
  const auto states = migration_status(connection, known);
  if (!states) return states.error();
  Status status = connection.execute(kTable);
  for (std::size_t i = 0; i < known.size() && status.ok(); ++i) {
    if ((*states)[i].applied_at.empty()) status = apply(connection, known[i]);
  }
  return status;
}

}  // namespace llmorch
