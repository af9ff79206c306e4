#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "llmorch/config.h"
#include "server/commands.h"
#include "server/config_show.h"
#include "server/expand.h"
#include "server/settings.h"

namespace llmorch::server {
namespace {

void add_show(CLI::App& config, int& exit_code) {
  CLI::App* command =
      config.add_subcommand("show", "Print the configuration that is in effect, without secrets");
  auto options = std::make_shared<ServeOptions>();
  auto origin = std::make_shared<bool>(false);
  add_serve_options(*command, *options);
  command->add_flag("--origin", *origin, "Say where each value came from");
  command->footer(
      "Takes the flags of serve, and shows what serve would go by: a file and its line, the\n"
      "environment, a flag, or a default.\n\n"
      "Examples:\n"
      "  llmorch config show\n"
      "  llmorch config show --origin -c llmorch.yaml --listen 127.0.0.1:9000");
  command->callback([options, origin, &exit_code] {
    const LoadedConfig loaded = find_config(options->config_path);
    for (const std::string& line : loaded.findings.lines)
      std::fprintf(stderr, "%s\n", line.c_str());
    exit_code = loaded.usable() ? 0 : 78;
    if (!loaded.usable()) return;
    const Settings settings = effective_settings(*options, loaded, system_lookup(".").variable);
    const std::string text = show_config(loaded, settings, config_schema(), *origin);
    std::fwrite(text.data(), 1, text.size(), stdout);
  });
}

void add_schema(CLI::App& config) {
  CLI::App* command = config.add_subcommand("schema", "Print the JSON Schema of the configuration");
  command->footer(
      "Editors complete and check a file that names it in its first line:\n"
      "  # yaml-language-server: $schema=llmorch.schema.json\n\n"
      "Examples:\n"
      "  llmorch config schema > llmorch.schema.json");
  command->callback([] {
    const std::string_view schema = config_schema();
    std::fwrite(schema.data(), 1, schema.size(), stdout);
    if (!schema.ends_with('\n')) std::fputc('\n', stdout);
  });
}

}  // namespace

void add_config_command(CLI::App& app, int& exit_code) {
  CLI::App* config = app.add_subcommand("config", "Show the configuration, or its schema");
  config->require_subcommand(1);
  config->footer("Examples:\n  llmorch config show --origin\n  llmorch config schema");
  add_show(*config, exit_code);
  add_schema(*config);
}

}  // namespace llmorch::server
