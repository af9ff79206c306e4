#include "storage/base64.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <limits>

namespace llmorch {

std::string base64_encode(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // OpenSSL ends it with a NUL
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0 || text.size() > std::numeric_limits<int>::max()) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  // OpenSSL counts padding as zero bytes, skips spaces and overlooks stray bits: so encode again.
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  if (bytes.size() < padding) return std::nullopt;
  bytes.resize(bytes.size() - padding);
  std::string again = base64_encode(bytes);
  const bool same = again == text;
  OPENSSL_cleanse(again.data(), again.size());
  if (same) return bytes;
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return std::nullopt;
}

}  // namespace llmorch
