#include "server/client_secret.h"

#include <errno.h>
#include <unistd.h>

#include <system_error>

namespace llmorch::server {

Result<std::string> new_client_secret() {
  constexpr char kLetters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t kCount = sizeof kLetters - 1;
  constexpr std::size_t kLength = 43;  // log2(62^43) is 256
  std::string out = "sk-llmorch-";
  const std::size_t whole = out.size() + kLength;
  while (out.size() < whole) {
    unsigned char bytes[64];
    if (::getentropy(bytes, sizeof bytes) != 0) {
      return Status(Code::kInternal,
                    "the system gives no randomness: " + std::system_category().message(errno));
    }
    for (const unsigned char byte : bytes) {
      // Beyond the last whole multiple some letters would come more often than others.
      if (byte < 256 / kCount * kCount && out.size() < whole)
        out.push_back(kLetters[byte % kCount]);
    }
  }
  return out;
}

}  // namespace llmorch::server
