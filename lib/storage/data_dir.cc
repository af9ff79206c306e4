#include "storage/data_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace llmorch {
namespace {

std::string holder_of(int lock) {
  char text[16] = {};
  const ssize_t got = ::pread(lock, text, sizeof text - 1, 0);
  std::string pid;
  for (ssize_t i = 0; i < got && text[i] >= '0' && text[i] <= '9'; ++i) pid.push_back(text[i]);
  return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

Status file_error(const std::string& path, std::string_view what) {
  const std::string reason = std::error_code(errno, std::generic_category()).message();
  return Status(Code::kStorage, fmt::format("{}: cannot {}: {}", path, what, reason));
}

Result<std::shared_ptr<const DataDir>> DataDir::open(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  std::error_code ignored;  // whatever it is, the mkdir that follows says it better
  if (!parent.empty()) std::filesystem::create_directories(parent, ignored);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return file_error(path, "make the data directory");
  const std::string name = path + "/llmorch.lock";
  const int lock = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return file_error(name, "open the lock");
  std::shared_ptr<const DataDir> dir(new DataDir(path, lock));
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return file_error(name, "lock it");
    return Status(Code::kUnavailable,
                  fmt::format("the data directory {} is in use by {}; stop that one, or choose "
                              "another directory",
                              path, holder_of(lock)))
        .with_reason("data_dir_in_use");
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(lock, 0) != 0 ||
      ::pwrite(lock, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return file_error(name, "write the lock");
  return dir;
}

// Closing releases the lock. The file stays: deleting it would let two processes lock two files.
DataDir::~DataDir() { ::close(lock_); }

Status make_private_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return file_error(path, "open it");
  const bool done = ::fchmod(file, 0600) == 0;
  const Status status = done ? Status() : file_error(path, "make it private");
  ::close(file);
  return status;
}

}  // namespace llmorch
