// The headers of an upstream request that are the same for every provider type. Pure; any thread.
//
// The order of precedence: what the type sets, the caller's allow-listed ones, the provider's
// configured ones, the target's. Same name: the later replaces the earlier, but anthropic-beta,
// which is a list of features and so is joined.
#ifndef LLMORCH_PROVIDERS_REQUEST_HEADERS_H_
#define LLMORCH_PROVIDERS_REQUEST_HEADERS_H_

#include <initializer_list>
#include <string_view>

#include "llmorch/spi/provider.h"

namespace llmorch {

// Adds to the type's own `headers` what the caller may pass on (traceparent and tracestate,
// `allowed`, and the provider's pass_headers), then the provider's and the target's configured
// ones. Fails, naming the header, when a value could break the framing (CR, LF, NUL …).
Status add_request_headers(Headers& headers, const Target& target, const CallSpec& spec,
                           std::initializer_list<std::string_view> allowed);

// The same for a request that no caller asked for.
Status add_own_headers(Headers& headers, const Provider& provider);

// Whether a caller's header of that name may ever go upstream. Credentials may not, whatever a
// configuration says: the caller's are not the upstream's. Nor may what frames or describes the
// body, which is not the caller's any more.
bool may_pass_header(std::string_view name);

// Adds one header that a body needs to a complete request: joined to what is there if it is a list,
// without doubling its words, else in its place. A malformed one is left out.
void merge_header(Headers& headers, std::string_view name, std::string_view value);

}  // namespace llmorch

#endif  // LLMORCH_PROVIDERS_REQUEST_HEADERS_H_
