#include <utility>

#include "storage/sqlite_stores.h"
#include "storage/store_rules.h"

namespace llmorch {
namespace {

constexpr const char* kForget = "DELETE FROM counters WHERE expires_us <= ?1";
constexpr const char* kTotal = "SELECT total FROM counters WHERE name = ?1";
constexpr const char* kStore =
    "INSERT INTO counters (name, total, expires_us) VALUES (?1, ?2, ?3) "
    "ON CONFLICT (name) DO UPDATE SET total = ?2, expires_us = max(expires_us, ?3)";

Result<CounterGrant> count(Connection& connection, const CounterDelta& delta) {
  std::int64_t total = 0;
  {
    Statement row = connection.prepare(kTotal);
    row.bind(delta.name);
    if (row.next()) total = row.integer(0);
    if (!row.status().ok()) return row.status();
  }
  const CounterGrant granted = grant(delta, total);
  const Status stored = connection.prepare(kStore)
                            .bind(delta.name)
                            .bind(granted.total)
                            .bind(to_us(delta.expires))
                            .run();
  if (!stored.ok()) return stored;
  return granted;
}

class SqliteStateStore final : public StateStore {
 public:
  explicit SqliteStateStore(std::shared_ptr<Database> database) : database_(std::move(database)) {}

  Result<std::vector<CounterGrant>> sync(const std::vector<CounterDelta>& deltas,
                                         WallTime now) override {
    const Status checked = check_deltas(deltas);
    if (!checked.ok()) return checked;
    std::vector<CounterGrant> grants;
    grants.reserve(deltas.size());
    const Status status = database_->write([&](Connection& connection) -> Status {
      const Status forgotten = connection.prepare(kForget).bind(to_us(now)).run();
      if (!forgotten.ok()) return forgotten;
      for (const CounterDelta& delta : deltas) {
        const auto granted = count(connection, delta);
        if (!granted) return granted.error();
        grants.push_back(*granted);
      }
      return {};
    });
    if (!status.ok()) return status;
    return grants;
  }

 private:
  const std::shared_ptr<Database> database_;
};

}  // namespace

std::shared_ptr<StateStore> sqlite_state_store(std::shared_ptr<Database> database) {
  return std::make_shared<SqliteStateStore>(std::move(database));
}

Stores sqlite_stores(std::shared_ptr<Database> database) {
  return {sqlite_catalog(database), sqlite_ledger(database), sqlite_state_store(database)};
}

}  // namespace llmorch
