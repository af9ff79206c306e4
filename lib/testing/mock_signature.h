// Signatures of thinking as the mock issues them, so that it can tell its own from altered ones.
//
// Forty characters of base64's alphabet: a tag per vendor, a nonce, and a hash of both and of what
// was signed. No secret is in it: it catches what a proxy garbles, not what an attacker makes.
#ifndef LLMORCH_TESTING_MOCK_SIGNATURE_H_
#define LLMORCH_TESTING_MOCK_SIGNATURE_H_

#include <string>
#include <string_view>

#include "testing/mock_ask.h"

namespace llmorch::testing {

constexpr std::string_view kAnthropicTag = "MockSigA";
constexpr std::string_view kRedactedTag = "MockRedA";
constexpr std::string_view kGeminiTag = "MockSigG";
constexpr std::size_t kNonceDigits = 16;

inline std::string sign(std::string_view tag, std::string_view nonce, std::string_view content) {
  const std::uint64_t hash = mix_bytes(content, mix_bytes(nonce, mix_bytes(tag, 3)));
  return joined(tag, nonce, hex16(hash));
}

inline bool verify(std::string_view signature, std::string_view tag, std::string_view content) {
  if (signature.size() != tag.size() + 2 * kNonceDigits) return false;
  return signature == sign(tag, signature.substr(tag.size(), kNonceDigits), content);
}

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_MOCK_SIGNATURE_H_
