// Where the server's configuration comes from: a file, or a key in the environment.
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

// What OPENAI_API_KEY, OPENAI_BASE_URL and LLMORCH_MODELS make; nullopt without a key.
std::optional<std::string> config_from_environment(const Variables& variables);

// The file of -c, else of LLMORCH_CONFIG, else ./llmorch.yaml if there is one, else the
// environment. When there is nothing at all, the findings say what to write.
LoadedConfig find_config(const std::string& path_asked_for);

// What is asked for when the environment names no models.
extern const char* const kDefaultModels;

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_LOAD_CONFIG_H_
