#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>

#include "base/text.h"
#include "storage/base64.h"
#include "storage/seal.h"
#include "storage/sha256.h"

namespace llmorch {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kMaxFile = 4096;

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }

 private:
  const int descriptor_;
};

std::optional<std::string> from_hex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = OPENSSL_hexchar2int(static_cast<unsigned char>(text[i]));
    const int low = OPENSSL_hexchar2int(static_cast<unsigned char>(text[i + 1]));
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes;
}

Result<Key> read_key(const std::string& path, int file) {
  struct stat info {};
  if (::fstat(file, &info) != 0) return file_error(path, "look at it");
  if ((info.st_mode & 077) != 0) {
    return Status(Code::kStorage,
                  fmt::format("{0}: other users may read this key (mode {1:o}); if nobody has, "
                              "run: chmod 600 {0}",
                              path, info.st_mode & 0777));
  }
  std::string text(kMaxFile, '\0');
  const ssize_t got = ::read(file, text.data(), text.size());
  if (got < 0) return file_error(path, "read it");
  text.resize(static_cast<std::size_t>(got));
  auto key = Key::parse(Secret(std::move(text)));
  if (!key) return Status(Code::kStorage, path + ": " + key.error().message());
  return key;
}

bool write_all(int file, std::string_view text) {
  return ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
         ::fsync(file) == 0;
}

// Written beside and then linked, so that no crash leaves half a key under the real name.
Status make_key(const DataDir& dir, const std::string& path) {
  std::array<unsigned char, kKeyBytes> random{};
  if (RAND_bytes(random.data(), random.size()) != 1)
    return Status(Code::kInternal, "there is no randomness to make a key of");
  const Secret text(base64_encode({reinterpret_cast<char*>(random.data()), random.size()}) + "\n");
  OPENSSL_cleanse(random.data(), random.size());
  const std::string draft = path + ".new";
  const File file(
      ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) return file_error(draft, "make it");
  if (!write_all(file.get(), text.reveal())) return file_error(draft, "write it");
  if (::rename(draft.c_str(), path.c_str()) != 0) return file_error(path, "make it");
  const File folder(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) return file_error(dir.path(), "write it");
  return {};
}

}  // namespace

Key::Key(Secret bytes) : bytes_(std::move(bytes)) {
  Secret named(std::string("llmorch key id/").append(bytes_.reveal()));
  id_ = sha256_hex(named.reveal()).substr(0, 16);
}

Result<Key> Key::parse(const Secret& text) {
  const std::string_view word = trim(text.reveal());
  auto bytes = word.size() == 2 * kKeyBytes ? from_hex(word) : base64_decode(word);
  if (!bytes || bytes->size() != kKeyBytes)
    return Status(Code::kInvalidArgument,
                  "this is not a key: 32 bytes as base64 or hex are needed (openssl rand -base64 "
                  "32)");
  return Key(Secret(*std::move(bytes)));
}

Result<Key> Key::load_or_make(const DataDir& dir, std::string_view file_name) {
  const std::string path = dir.file(file_name);
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
    const Status made = make_key(dir, path);
    if (!made.ok()) return made;
  }
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) return file_error(path, "read it");
  return read_key(path, file.get());
}

}  // namespace llmorch
