// SHA-256 of a text, in hex: a fingerprint to compare, not a way to keep secrets.
//
// Pure function; any thread.
#ifndef LLMORCH_STORAGE_SHA256_H_
#define LLMORCH_STORAGE_SHA256_H_

#include <string>
#include <string_view>

namespace llmorch {

std::string sha256_hex(std::string_view text);

}  // namespace llmorch

#endif  // LLMORCH_STORAGE_SHA256_H_
