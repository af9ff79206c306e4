// The `anthropic` provider type: Anthropic, and every endpoint that speaks its Messages API.
// Source: WIRE_FORMATS 2 and 7.
#ifndef LLMORCH_PROVIDERS_ANTHROPIC_H_
#define LLMORCH_PROVIDERS_ANTHROPIC_H_

#include "llmorch/spi/provider.h"

namespace llmorch {

const ProviderType& anthropic_provider_type();

}  // namespace llmorch

#endif  // LLMORCH_PROVIDERS_ANTHROPIC_H_
