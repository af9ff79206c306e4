// What the server itself goes by: flags, else the configuration, else the environment, else
// defaults; and where each came from.
//
// Plain data; reads the environment through `variables` only.
#ifndef LLMORCH_SERVER_SETTINGS_H_
#define LLMORCH_SERVER_SETTINGS_H_

#include <chrono>
#include <string>
#include <vector>

#include "llmorch/status.h"
#include "server/load_config.h"

namespace CLI {
class App;
}

namespace llmorch::server {

// The flags. Empty and 0: not given.
struct ServeOptions {
  std::string config_path;
  std::string listen;
  std::string admin_listen;
  std::string data;
  int threads = 0;
  std::chrono::milliseconds drain_timeout{30'000};
};
void add_serve_options(CLI::App& command, ServeOptions& options);

struct Settings {
  std::string listen;
  std::string admin_listen;  // "": the admin is on the same listener
  std::string data;          // the data directory, absolute
  int threads = 1;

  // "flag --listen", "llmorch.yaml:2", "environment LLMORCH_DATA", "default"
  std::string listen_from, admin_listen_from, data_from, threads_from;
};
Settings effective_settings(const ServeOptions& options, const LoadedConfig& config,
                            const Variables& variables);

// Where a value of the configuration came from.
std::string origin_of(const LoadedConfig& config, const YamlNode& node);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_SETTINGS_H_
