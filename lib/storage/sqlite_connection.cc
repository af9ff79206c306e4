#include "storage/sqlite_connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <utility>

namespace llmorch {
namespace {

// Another process (a backup, somebody's shell) may hold the file for a moment.
constexpr int kBusyMs = 5000;
constexpr int kMaxValueBytes = 16 << 20;
// Virtual machine steps between two looks at the clock: well below a millisecond of work.
constexpr int kStepsPerLook = 10000;

constexpr const char* kWriteSettings = R"sql(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA journal_size_limit = 67108864;
PRAGMA trusted_schema = OFF;
)sql";
constexpr const char* kReadSettings = "PRAGMA trusted_schema = OFF;";

}  // namespace

Statement::Statement(Connection& connection, sqlite3_stmt* handle, Status status)
    : connection_(connection), handle_(handle), status_(std::move(status)) {}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      handle_(std::exchange(other.handle_, nullptr)),
      bound_(other.bound_),
      status_(std::move(other.status_)) {}

Statement::~Statement() {
  if (handle_ == nullptr) return;
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

void Statement::check(int code) {
  if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE && status_.ok())
    status_ = connection_.error(code);
}

Statement& Statement::bind(std::int64_t value) {
  if (status_.ok()) check(sqlite3_bind_int64(handle_, ++bound_, value));
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  // A null pointer would bind NULL, and an empty view may have one.
  const char* bytes = text.empty() ? "" : text.data();
  if (status_.ok())
    check(sqlite3_bind_text64(handle_, ++bound_, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

bool Statement::next() {
  if (!status_.ok()) return false;
  const int code = sqlite3_step(handle_);
  check(code);
  return code == SQLITE_ROW;
}

Status Statement::run() {
  while (next()) {
  }
  return status_;
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

std::string Statement::text(int column) const {
  const unsigned char* bytes = sqlite3_column_text(handle_, column);
  if (bytes == nullptr) return {};
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_, column));
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Access access) {
  std::unique_ptr<Connection> connection(new Connection);
  const int mode = access == Access::kWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(path.c_str(), &connection->handle_,
                                   mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code != SQLITE_OK) {
    const Status status = connection->error(code);
    return status.with_message(path + ": " + status.message());
  }
  sqlite3* handle = connection->handle_;
  sqlite3_busy_timeout(handle, kBusyMs);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_progress_handler(handle, kStepsPerLook, &Connection::on_progress, connection.get());
  Status status = connection->execute(access == Access::kWrite ? kWriteSettings : kReadSettings);
  if (!status.ok()) return status.with_message(path + ": " + status.message());
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Status Connection::execute(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status() : error(code);
}

Statement Connection::prepare(const char* sql) {
  sqlite3_stmt*& statement = statements_[sql];
  if (statement == nullptr) {
    const int code =
        sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return Statement(*this, nullptr, error(code));
  }
  return Statement(*this, statement, Status());
}

int Connection::changes() const { return sqlite3_changes(handle_); }

// SQLite's messages name tables and columns, never values.
Status Connection::error(int code) const {
  if ((code & 0xff) == SQLITE_INTERRUPT)
    return Status(Code::kTimeout, "the search took too long; ask for a shorter time");
  const char* text = handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_);
  return Status(Code::kStorage, fmt::format("the store failed: {} (SQLite {})", text, code));
}

int Connection::on_progress(void* self) {
  const auto deadline = static_cast<Connection*>(self)->deadline_;
  return deadline != kNever && std::chrono::steady_clock::now() >= deadline ? 1 : 0;
}

Transaction::Transaction(Connection& connection, Connection::Access access)
    : connection_(connection),
      status_(
          connection.execute(access == Connection::Access::kWrite ? "BEGIN IMMEDIATE" : "BEGIN")),
      open_(status_.ok()) {}

Transaction::~Transaction() {
  // SQLite may have rolled back by itself (a full disk); then this fails, and nothing is lost.
  if (open_) (void)connection_.execute("ROLLBACK");
}

Status Transaction::commit() {
  Status status = connection_.execute("COMMIT");
  if (status.ok()) open_ = false;
  return status;
}

}  // namespace llmorch
