// Keys, sealing and hashing of secrets that are kept.
//
//   Sealer   provider credentials: AES-256-GCM, "v1:<key id>:<base64(nonce | ciphertext | tag)>",
//            bound to the place it is kept at, so that a value moved to another row does not open
//   Pepper   client keys, which nobody needs to read back: HMAC-SHA-256, "v1:<key id>:<base64>"
//
// The key id is a fingerprint of the key: it tells which key is needed, and nothing about it.
// Ownership: values; keys are wiped when the last copy goes. Threads: const functions from any.
#ifndef LLMORCH_STORAGE_SEAL_H_
#define LLMORCH_STORAGE_SEAL_H_

#include <string>
#include <string_view>
#include <utility>

#include "llmorch/spi/secret.h"
#include "llmorch/status.h"
#include "storage/data_dir.h"

namespace llmorch {

// 256 random bits.
class Key {
 public:
  // From 64 hex digits or 44 characters of base64; space around them is ignored. kInvalidArgument.
  static Result<Key> parse(const Secret& text);
  // The one in that file, which is made (0600, fresh random) when it is missing. kStorage, naming
  // the file, when it cannot be read, is not a key, or is open to other users.
  static Result<Key> load_or_make(const DataDir& dir, std::string_view file_name);

  const std::string& id() const { return id_; }  // 16 hex digits
  const Secret& bytes() const { return bytes_; }

 private:
  explicit Key(Secret bytes);
  Secret bytes_;
  std::string id_;
};

// Where a sealed value is kept.
struct SealPlace {
  std::string_view kind;
  std::string_view id;
  std::string_view field;
};

class Sealer {
 public:
  explicit Sealer(Key key) : key_(std::move(key)) {}

  Result<std::string> seal(const Secret& secret, const SealPlace& place) const;
  // kInvalidArgument, with reason "wrong_key" when another key sealed it, "sealed_value_damaged"
  // when it was changed, cut, or sealed for another place. Never a guess, never the text itself.
  Result<Secret> open(std::string_view sealed, const SealPlace& place) const;

  const std::string& key_id() const { return key_.id(); }

 private:
  Key key_;
};

class Pepper {
 public:
  explicit Pepper(Key key) : key_(std::move(key)) {}

  Result<std::string> hash(const Secret& secret) const;
  // In constant time; false for a hash that is not one, or was made with another pepper.
  bool matches(std::string_view hash, const Secret& secret) const;

  const std::string& key_id() const { return key_.id(); }

 private:
  Key key_;
};

}  // namespace llmorch

#endif  // LLMORCH_STORAGE_SEAL_H_
