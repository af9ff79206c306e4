#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "server/commands.h"
#include "server/load_config.h"

namespace llmorch::server {

void add_check_config_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("check-config", "Say everything that is wrong with a configuration file");
  auto path = std::make_shared<std::string>();
  CLI::Option* file = command->add_option("file", *path, "Configuration file, YAML or JSON");
  CLI::Option* flag = command->add_option("-c,--config", *path, "The same");
  file->excludes(flag);
  command->footer(
      "Examples:\n  llmorch check-config llmorch.yaml && llmorch serve -c llmorch.yaml");
  command->callback([command, path, &exit_code] {
    if (path->empty()) throw CLI::RequiredError(command->get_name() + " FILE");
    const LoadedConfig config = load_config_file(*path);
    for (const std::string& line : config.findings.lines)
      std::fprintf(stderr, "%s\n", line.c_str());
    exit_code = config.usable() ? 0 : 78;
    if (config.usable()) std::printf("%s: ok\n", path->c_str());
  });
}

}  // namespace llmorch::server
