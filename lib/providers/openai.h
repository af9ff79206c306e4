// The `openai` provider type: OpenAI, and every endpoint that speaks its chat completions.
// Source: WIRE_FORMATS 1 and 7.
#ifndef LLMORCH_PROVIDERS_OPENAI_H_
#define LLMORCH_PROVIDERS_OPENAI_H_

#include "llmorch/spi/provider.h"

namespace llmorch {

const ProviderType& openai_provider_type();

}  // namespace llmorch

#endif  // LLMORCH_PROVIDERS_OPENAI_H_
