// Reading one page of an upstream's own list of models. Pure; any thread.
//
// Bounds: 8 MB and 10,000 names a page, 256 bytes a name; names that could not stand in a log line
// are left out. How many pages to read is up to whoever asks. Source: WIRE_FORMATS 1.1, 2.1, 3.7.
#ifndef LLMORCH_PROVIDERS_MODEL_LIST_H_
#define LLMORCH_PROVIDERS_MODEL_LIST_H_

#include <string_view>

#include "llmorch/spi/provider.h"

namespace llmorch {

// {"data":[{"id"}], "has_more", "last_id"}, as OpenAI and Anthropic answer and all who copy them; a
// bare list too. Retired models are left out.
Result<ProviderType::ModelPage> read_id_list(std::string_view body);

// {"models":[{"name":"models/x", "supportedGenerationMethods"}], "nextPageToken"}: those that can
// generate content, without "models/".
Result<ProviderType::ModelPage> read_gemini_list(std::string_view body);

}  // namespace llmorch

#endif  // LLMORCH_PROVIDERS_MODEL_LIST_H_
