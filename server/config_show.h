// The configuration that is in effect, as YAML: what was written, what the flags say, and the
// defaults of what was left out. Secrets are hidden.
//
// Pure. The defaults are those of the library's own schema.
#ifndef LLMORCH_SERVER_CONFIG_SHOW_H_
#define LLMORCH_SERVER_CONFIG_SHOW_H_

#include <string>
#include <string_view>

#include "server/settings.h"

namespace llmorch::server {

// `origin`: behind every value, where it came from.
std::string show_config(const LoadedConfig& config, const Settings& settings,
                        std::string_view schema, bool origin);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_CONFIG_SHOW_H_
