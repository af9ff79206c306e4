// Base64 with padding (RFC 4648 section 4), strict: what decodes is exactly what encodes.
//
// Pure functions; any thread.
#ifndef LLMORCH_STORAGE_BASE64_H_
#define LLMORCH_STORAGE_BASE64_H_

#include <optional>
#include <string>
#include <string_view>

namespace llmorch {

std::string base64_encode(std::string_view bytes);
// nullopt for anything that base64_encode() would not have written.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace llmorch

#endif  // LLMORCH_STORAGE_BASE64_H_
