// The `models` of a configuration.
#ifndef LLMORCH_GATEWAY_CONFIG_MODELS_H_
#define LLMORCH_GATEWAY_CONFIG_MODELS_H_

#include "gateway/config_providers.h"
#include "gateway/config_reader.h"
#include "types/snapshot.h"

namespace llmorch::config {

// Fills models and by_name of `out`. Total, like read_providers().
void read_models(Reader& reader, const Place& list, const ProviderTable& providers, Snapshot& out);

}  // namespace llmorch::config

#endif  // LLMORCH_GATEWAY_CONFIG_MODELS_H_
