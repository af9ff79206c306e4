#include "storage/sqlite_database.h"

#include <utility>

namespace llmorch {
namespace {

constexpr int kMaxReaders = 4;

}  // namespace

std::string database_path(const std::string& data_dir) { return data_dir + "/llmorch.db"; }

Result<std::shared_ptr<Database>> Database::open(std::shared_ptr<const DataDir> dir,
                                                 const std::vector<Migration>& known,
                                                 std::chrono::milliseconds read_limit) {
  const std::string path = database_path(dir->path());
  // SQLite would make the file readable for everybody; its WAL takes over the file's own mode.
  const Status made = make_private_file(path);
  if (!made.ok()) return made;
  auto writer = Connection::open(path, Connection::Access::kWrite);
  if (!writer) return writer.error();
  const Status migrated = migrate_up(**writer, known);
  if (!migrated.ok()) return migrated.with_message(path + ": " + migrated.message());
  return std::shared_ptr<Database>(new Database(std::move(dir), *std::move(writer), read_limit));
}

Database::Database(std::shared_ptr<const DataDir> dir, std::unique_ptr<Connection> writer,
                   std::chrono::milliseconds read_limit)
    : dir_(std::move(dir)), read_limit_(read_limit), writer_(std::move(writer)) {}

Status Database::write(const Work& work) {
  const std::lock_guard lock(write_mutex_);
  Transaction transaction(*writer_, Connection::Access::kWrite);
  Status status = transaction.status();
  if (status.ok()) status = work(*writer_);
  if (status.ok()) status = transaction.commit();
  return status;
}

Status Database::read(const Work& work) {
  auto reader = take_reader();
  if (!reader) return reader.error();
  Connection& connection = **reader;
  connection.set_deadline(std::chrono::steady_clock::now() + read_limit_);
  Status status;
  {
    const Transaction transaction(connection, Connection::Access::kRead);
    status = transaction.status();
    if (status.ok()) status = work(connection);
    connection.clear_deadline();  // the end of the transaction is not to be interrupted
  }
  give_back(*std::move(reader));
  return status;
}

Result<std::unique_ptr<Connection>> Database::take_reader() {
  {
    std::unique_lock lock(read_mutex_);
    reader_free_.wait(lock, [this] { return !idle_readers_.empty() || readers_ < kMaxReaders; });
    if (!idle_readers_.empty()) {
      std::unique_ptr<Connection> reader = std::move(idle_readers_.back());
      idle_readers_.pop_back();
      return reader;
    }
    ++readers_;
  }
  auto opened = Connection::open(database_path(dir_->path()), Connection::Access::kRead);
  if (!opened) give_back(nullptr);
  return opened;
}

void Database::give_back(std::unique_ptr<Connection> reader) {
  {
    const std::lock_guard lock(read_mutex_);
    if (reader == nullptr) {
      --readers_;
    } else {
      idle_readers_.push_back(std::move(reader));
    }
  }
  reader_free_.notify_one();
}

}  // namespace llmorch
