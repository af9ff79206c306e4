#include "server/settings.h"

#include <sched.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <system_error>

namespace llmorch::server {
namespace {

constexpr char kDefaultListen[] = "127.0.0.1:8000";
constexpr char kDefaultData[] = "llmorch-data";

int cores() {
  cpu_set_t mine;
  if (::sched_getaffinity(0, sizeof mine, &mine) == 0) return std::max(1, CPU_COUNT(&mine));
  return 1;
}

std::string absolute(const std::string& path) {
  std::error_code failed;
  const std::filesystem::path whole = std::filesystem::absolute(path, failed);
  return failed ? path : whole.lexically_normal().string();
}

std::string origin_of_root_key(const LoadedConfig& config, const char* key,
                               const char* inner = nullptr) {
  const YamlNode* node = find_member(config.text.root, key);
  if (node != nullptr && inner != nullptr) node = find_member(*node, inner);
  return node == nullptr ? "default" : origin_of(config, *node);
}

}  // namespace

void add_serve_options(CLI::App& command, ServeOptions& options) {
  command.add_option("-c,--config", options.config_path,
                     "Configuration file, YAML or JSON (default: $LLMORCH_CONFIG, else "
                     "./llmorch.yaml, else the environment)");
  command.add_option("--listen", options.listen,
                     "HOST:PORT (default: as configured, else 127.0.0.1:8000); port 0 picks one");
  command.add_option("--admin-listen", options.admin_listen,
                     "HOST:PORT of a listener of its own for health and administration (default: "
                     "as configured, else the one listener has both)");
  command.add_option("--data", options.data,
                     "Data directory (default: $LLMORCH_DATA, else ./llmorch-data)");
  command.add_option("--threads", options.threads, "Event loops (default: one per core)")
      ->check(CLI::Range(1, 256));
}

std::string origin_of(const LoadedConfig& config, const YamlNode& node) {
  if (config.path.empty()) return node.from.empty() ? "default" : node.from;
  std::string out = config.path;
  if (node.line > 0) out.append(":").append(std::to_string(node.line));
  if (!node.from.empty()) out.append(", ").append(node.from);
  return out;
}

Settings effective_settings(const ServeOptions& options, const LoadedConfig& config,
                            const Variables& variables) {
  const ServerKeys& own = config.text.own;
  Settings out;
  if (!options.listen.empty()) {
    out.listen = options.listen;
    out.listen_from = "flag --listen";
  } else {
    out.listen = own.listen.empty() ? kDefaultListen : own.listen;
    out.listen_from = origin_of_root_key(config, "listen");
  }
  if (!options.admin_listen.empty()) {
    out.admin_listen = options.admin_listen;
    out.admin_listen_from = "flag --admin-listen";
  } else {
    out.admin_listen = own.admin_listen;
    out.admin_listen_from = origin_of_root_key(config, "admin", "listen");
  }
  if (out.admin_listen == out.listen && !out.listen.ends_with(":0")) out.admin_listen.clear();
  if (options.threads > 0) {
    out.threads = options.threads;
    out.threads_from = "flag --threads";
  } else {
    out.threads = own.threads > 0 ? own.threads : cores();
    out.threads_from = own.threads > 0 ? origin_of_root_key(config, "threads") : "default";
  }
  const std::string variable = variables("LLMORCH_DATA").value_or("");
  if (!options.data.empty()) {
    out.data = absolute(options.data);
    out.data_from = "flag --data";
  } else {
    out.data = absolute(variable.empty() ? kDefaultData : variable);
    out.data_from = variable.empty() ? "default" : "environment LLMORCH_DATA";
  }
  return out;
}

}  // namespace llmorch::server
