// Database: one SQLite file behind a data directory's lock. One connection does all writes and the
// checkpoints that follow them; readers have connections of their own, so a long search delays no
// write and sees the state of one moment.
//
// Ownership: shared by the stores on it; the directory's lock goes with the last. Threads: any.
// Bounds: at most 4 readers at once (a fifth waits), 10 s per read.
#ifndef LLMORCH_STORAGE_SQLITE_DATABASE_H_
#define LLMORCH_STORAGE_SQLITE_DATABASE_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "llmorch/status.h"
#include "storage/data_dir.h"
#include "storage/migrations.h"
#include "storage/sqlite_connection.h"

namespace llmorch {

class Database {
 public:
  static constexpr std::chrono::milliseconds kReadLimit{10000};

  // Makes the file when it is missing, and brings it to `known`, the schema of this release.
  static Result<std::shared_ptr<Database>> open(std::shared_ptr<const DataDir> dir,
                                                const std::vector<Migration>& known = migrations(),
                                                std::chrono::milliseconds read_limit = kReadLimit);

  using Work = std::function<Status(Connection&)>;
  // Runs `work` in a transaction; commits when it returns ok, else changes nothing.
  Status write(const Work& work);
  // Runs `work` on a reader, in a transaction of its own.
  Status read(const Work& work);

 private:
  Database(std::shared_ptr<const DataDir> dir, std::unique_ptr<Connection> writer,
           std::chrono::milliseconds read_limit);
  Result<std::unique_ptr<Connection>> take_reader();
  void give_back(std::unique_ptr<Connection> reader);

  const std::shared_ptr<const DataDir> dir_;
  const std::chrono::milliseconds read_limit_;
  std::mutex write_mutex_;
  // Declared before the readers, so closed after them: the last to close tidies the WAL up, and
  // readers cannot.
  std::unique_ptr<Connection> writer_;
  std::mutex read_mutex_;
  std::condition_variable reader_free_;
  std::vector<std::unique_ptr<Connection>> idle_readers_;
  int readers_ = 0;
};

// The file's name in its data directory.
std::string database_path(const std::string& data_dir);

}  // namespace llmorch

#endif  // LLMORCH_STORAGE_SQLITE_DATABASE_H_
