// The headers of an upstream request that are the same for every provider type. Pure; any thread.
#ifndef LLMORCH_PROVIDERS_REQUEST_HEADERS_H_
#define LLMORCH_PROVIDERS_REQUEST_HEADERS_H_

#include <initializer_list>
#include <string_view>

#include "llmorch/spi/provider.h"

namespace llmorch {

// Adds to the type's own `headers` what the caller may pass on (`allowed`, by name), then the
// provider's and the target's configured ones; same name: the later replaces the earlier. Fails,
// naming the header, when a value could break the framing (CR, LF, NUL …).
Status add_request_headers(Headers& headers, const Target& target, const CallSpec& spec,
                           std::initializer_list<std::string_view> allowed);

}  // namespace llmorch

#endif  // LLMORCH_PROVIDERS_REQUEST_HEADERS_H_
