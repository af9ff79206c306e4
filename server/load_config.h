// Where the server's configuration comes from: a file, or keys in the environment.
//
// Reads files and the environment; any thread while nobody changes the environment.
#ifndef LLMORCH_SERVER_LOAD_CONFIG_H_
#define LLMORCH_SERVER_LOAD_CONFIG_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/config_file.h"

namespace llmorch::server {

struct LoadedConfig {
  std::string path;  // "": from the environment
  ConfigText text;
  ConfigFindings findings;
  bool usable() const { return !findings.has_errors; }
};

// Reads and checks a file; what is wrong with it, unreadable included, is in the findings.
LoadedConfig load_config_file(const std::string& path);

using Variables = std::function<std::optional<std::string>(const std::string& name)>;

// One provider for each vendor whose key is set, with all the models that the vendor lists:
// OPENAI_API_KEY, ANTHROPIC_API_KEY, and GOOGLE_API_KEY or GEMINI_API_KEY, of which the vendor's
// own libraries prefer the first. OPENAI_BASE_URL and so on move them; LLMORCH_CLIENT_KEY is what
// clients must show. nullopt without a vendor's key.
std::optional<ConfigText> config_from_environment(const Variables& variables);

// The file of -c, else of LLMORCH_CONFIG, else ./llmorch.yaml if there is one, else the
// environment. A file alone counts: keys in the environment are not added to it. When there is
// nothing at all, the findings say what to write.
LoadedConfig find_config(const std::string& path_asked_for);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_LOAD_CONFIG_H_
