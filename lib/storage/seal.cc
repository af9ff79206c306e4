#include "storage/seal.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <memory>
#include <optional>

#include "storage/base64.h"

namespace llmorch {
namespace {

constexpr std::string_view kVersion = "v1";
constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;
constexpr std::size_t kMaxSecret = 1 << 16;

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// Lengths stand before the parts, so that no two places have the same text.
std::string bound_to(const SealPlace& place, std::string_view key_id) {
  return fmt::format("llmorch/{}/{}/{}:{}/{}:{}/{}:{}", kVersion, key_id, place.kind.size(),
                     place.kind, place.id.size(), place.id, place.field.size(), place.field);
}

Status crypto_failed() { return Status(Code::kInternal, "the cipher failed"); }

Status damaged(const SealPlace& place) {
  return Status(Code::kInvalidArgument,
                fmt::format("the secret \"{}\" of {} {} was changed, or belongs somewhere else",
                            place.field, place.kind, place.id))
      .with_reason("sealed_value_damaged");
}

// "v1:<key id>:<base64>", taken apart; nullopt when it has another form.
struct Parts {
  std::string_view key_id;
  std::string bytes;
};
std::optional<Parts> take_apart(std::string_view text) {
  const std::size_t first = text.find(':');
  const std::size_t second = first == text.npos ? first : text.find(':', first + 1);
  if (second == text.npos || second == first + 1 || text.substr(0, first) != kVersion)
    return std::nullopt;
  auto bytes = base64_decode(text.substr(second + 1));
  if (!bytes) return std::nullopt;
  return Parts{text.substr(first + 1, second - first - 1), *std::move(bytes)};
}

std::string put_together(std::string_view key_id, std::string_view bytes) {
  return fmt::format("{}:{}:{}", kVersion, key_id, base64_encode(bytes));
}

}  // namespace

Result<std::string> Sealer::seal(const Secret& secret, const SealPlace& place) const {
  const std::string_view plain = secret.reveal();
  if (plain.size() > kMaxSecret) return Status(Code::kTooLarge, "a secret has at most 64 KB");
  std::string out(kNonce + plain.size() + kTag, '\0');
  const std::string aad = bound_to(place, key_.id());
  const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  unsigned char* body = bytes_of(out) + kNonce;
  int size = 0;
  const bool done =
      cipher != nullptr && RAND_bytes(bytes_of(out), kNonce) == 1 &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key_.bytes().reveal()),
                         bytes_of(out)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes_of(aad),
                        static_cast<int>(aad.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), body, &size, bytes_of(plain),
                        static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), body + plain.size(), &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTag, body + plain.size()) == 1;
  if (!done) return crypto_failed();
  return put_together(key_.id(), out);
}

Result<Secret> Sealer::open(std::string_view sealed, const SealPlace& place) const {
  auto parts = take_apart(sealed);
  if (!parts) return damaged(place);
  if (parts->key_id != key_.id()) {
    return Status(Code::kInvalidArgument,
                  fmt::format("the secret \"{}\" of {} {} was sealed with the key {}; the key in "
                              "use is {}",
                              place.field, place.kind, place.id, parts->key_id.substr(0, 16),
                              key_.id()))
        .with_reason("wrong_key");
  }
  if (parts->bytes.size() < kNonce + kTag) return damaged(place);
  const std::size_t size = parts->bytes.size() - kNonce - kTag;
  unsigned char* nonce = bytes_of(parts->bytes);
  const std::string aad = bound_to(place, key_.id());
  std::string plain(size, '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int got = 0;
  const bool set =
      cipher != nullptr &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key_.bytes().reveal()),
                         nonce) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &got, bytes_of(aad), static_cast<int>(aad.size())) ==
          1 &&
      EVP_DecryptUpdate(cipher.get(), bytes_of(plain), &got, nonce + kNonce,
                        static_cast<int>(size)) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTag, nonce + kNonce + size) == 1;
  const bool genuine = set && EVP_DecryptFinal_ex(cipher.get(), bytes_of(plain) + size, &got) == 1;
  if (genuine) return Secret(std::move(plain));
  OPENSSL_cleanse(plain.data(), plain.size());
  return set ? damaged(place) : crypto_failed();
}

Result<std::string> Pepper::hash(const Secret& secret) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const std::string_view key = key_.bytes().reveal();
  const std::string_view text = secret.reveal();
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(),
           digest.data(), &size) == nullptr)
    return crypto_failed();
  return put_together(key_.id(), {reinterpret_cast<const char*>(digest.data()), size});
}

bool Pepper::matches(std::string_view hash, const Secret& secret) const {
  const auto wanted = this->hash(secret);
  return wanted && wanted->size() == hash.size() &&
         CRYPTO_memcmp(wanted->data(), hash.data(), hash.size()) == 0;
}

}  // namespace llmorch
