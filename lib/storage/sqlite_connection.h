// Connection and Statement: the little of SQLite that llmorch uses, with Status instead of codes.
//
// SQL is always a literal: values only ever travel through bind(). A Connection keeps each
// statement it has prepared, by the address of its text, so texts must live as long as the program.
//
// Ownership: a Statement borrows its Connection and the texts bound to it, until it goes. Threads:
// one at a time per Connection (SQLite's own locks are switched off).
#ifndef LLMORCH_STORAGE_SQLITE_CONNECTION_H_
#define LLMORCH_STORAGE_SQLITE_CONNECTION_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "llmorch/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace llmorch {

class Connection;

// One run of a prepared statement. The first failure sticks: it is what run() or status() reports.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  Statement& operator=(Statement&&) = delete;
  ~Statement();  // makes it ready for its next run

  // Binds the next parameter, from ?1 on. Texts are borrowed.
  Statement& bind(std::int64_t value);
  Statement& bind(std::string_view text);

  bool next();   // false: no more rows, or it failed; status() tells
  Status run();  // to its end, for statements that give no rows
  const Status& status() const { return status_; }

  std::int64_t integer(int column) const;
  std::string text(int column) const;

 private:
  friend class Connection;
  Statement(Connection& connection, sqlite3_stmt* handle, Status status);
  void check(int code);
  Connection& connection_;
  sqlite3_stmt* handle_;
  int bound_ = 0;
  Status status_;
};

class Connection {
 public:
  enum class Access { kWrite, kRead };
  // kWrite: the file must exist; it is switched to WAL with synchronous FULL.
  static Result<std::unique_ptr<Connection>> open(const std::string& path, Access access);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // One or more statements without parameters or wanted rows.
  Status execute(const char* sql);
  Statement prepare(const char* sql);
  int changes() const;  // rows changed by the last statement

  // What is still running at that time ends with kTimeout. Unset: never.
  void set_deadline(std::chrono::steady_clock::time_point deadline) { deadline_ = deadline; }
  void clear_deadline() { deadline_ = kNever; }

 private:
  friend class Statement;
  static constexpr auto kNever = std::chrono::steady_clock::time_point::max();
  Connection() = default;
  Status error(int code) const;
  static int on_progress(void* self);

  sqlite3* handle_ = nullptr;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
  std::chrono::steady_clock::time_point deadline_ = kNever;
};

// BEGIN now; ROLLBACK at the end of its scope, unless it was committed.
class Transaction {
 public:
  // kWrite takes the write lock at once, so that no later statement can find it taken.
  Transaction(Connection& connection, Connection::Access access);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  const Status& status() const { return status_; }  // of the BEGIN
  Status commit();

 private:
  Connection& connection_;
  Status status_;
  bool open_ = false;
};

}  // namespace llmorch

#endif  // LLMORCH_STORAGE_SQLITE_CONNECTION_H_
