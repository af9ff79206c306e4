// The `providers` of a configuration.
#ifndef LLMORCH_GATEWAY_CONFIG_PROVIDERS_H_
#define LLMORCH_GATEWAY_CONFIG_PROVIDERS_H_

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/config_reader.h"
#include "llmorch/spi/provider.h"

namespace llmorch::config {

struct ProviderTable {
  std::vector<std::shared_ptr<const Provider>> list;  // in the order of the text
  std::unordered_map<std::string, std::shared_ptr<const Provider>> by_name;
  std::vector<std::string> names;  // for suggestions
};

// Total: what is wrong is reported to `reader` and left at its default, so that what refers to it
// can still be checked. `list` may be missing.
ProviderTable read_providers(Reader& reader, const Place& list);

}  // namespace llmorch::config

#endif  // LLMORCH_GATEWAY_CONFIG_PROVIDERS_H_
