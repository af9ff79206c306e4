// Bytes inside JSON: data URLs, base64, and what kind of file some bytes are.
//
// Formats share it, because every vendor wants the same picture in another wrapping, and a MIME
// type that contradicts the bytes is an error at all of them. Pure functions; any thread. Total:
// nothing here fails other than by saying "not that".
// Source: RFC 2397, RFC 4648; magic numbers as the WHATWG MIME Sniffing Standard lists them.
#ifndef LLMORCH_FORMATS_MEDIA_H_
#define LLMORCH_FORMATS_MEDIA_H_

#include <optional>
#include <string>
#include <string_view>

namespace llmorch {

// "data:<mime>[;name=value]*;base64,<bytes>". Views point into the URL; the type comes without its
// parameters and may be "".
struct DataUrl {
  std::string_view mime_type;
  std::string_view base64;
};
// nullopt for any other URL, and for data that is not base64.
std::optional<DataUrl> parse_data_url(std::string_view url);

// The same bytes in the standard alphabet with padding and without white space, as vendors want
// them; nullopt when it is not base64 (of either alphabet), or empty.
std::optional<std::string> normal_base64(std::string_view text);
// The bytes; nullopt as above.
std::optional<std::string> decode_base64(std::string_view text);
std::string encode_base64(std::string_view bytes);

// What the bytes behind `base64` are, by their first few: "image/png"; "" when nothing fits. Looks
// at images, PDF and common sounds.
std::string_view mime_of_base64(std::string_view base64);

}  // namespace llmorch

#endif  // LLMORCH_FORMATS_MEDIA_H_
