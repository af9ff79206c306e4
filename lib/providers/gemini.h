// The `gemini` provider type: the Gemini API, and Vertex AI where it takes an API key.
// Source: WIRE_FORMATS 3 and 7.
#ifndef LLMORCH_PROVIDERS_GEMINI_H_
#define LLMORCH_PROVIDERS_GEMINI_H_

#include "llmorch/spi/provider.h"

namespace llmorch {

const ProviderType& gemini_provider_type();

}  // namespace llmorch

#endif  // LLMORCH_PROVIDERS_GEMINI_H_
