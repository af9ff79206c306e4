// DataDir: the folder a gateway keeps its files in, held exclusively.
//
// Made with mode 0700 when it is missing; an existing folder keeps its mode, and the files in it
// are 0600 each. The lock (flock on "llmorch.lock") goes with the last holder, or with the process.
//
// Threads: any; immutable after open().
#ifndef LLMORCH_STORAGE_DATA_DIR_H_
#define LLMORCH_STORAGE_DATA_DIR_H_

#include <memory>
#include <string>
#include <string_view>

#include "llmorch/status.h"

namespace llmorch {

class DataDir {
 public:
  // kUnavailable (reason "data_dir_in_use", naming the process) while somebody else holds it;
  // kStorage when it cannot be made or written.
  static Result<std::shared_ptr<const DataDir>> open(const std::string& path);
  ~DataDir();
  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  DataDir(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_;
};

// Makes an empty file of mode 0600 when it is missing, and takes other people's access away when
// there is one.
Status make_private_file(const std::string& path);

// "PATH: cannot WHAT: the system's reason", from errno.
Status file_error(const std::string& path, std::string_view what);

}  // namespace llmorch

#endif  // LLMORCH_STORAGE_DATA_DIR_H_
