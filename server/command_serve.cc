#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "server/commands.h"
#include "server/server.h"

namespace llmorch::server {

void add_serve_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("serve", "Run the gateway");
  auto options = std::make_shared<ServeOptions>();
  command->add_option("-c,--config", options->config_path,
                      "Configuration file, YAML or JSON (default: $LLMORCH_CONFIG, else "
                      "./llmorch.yaml, else the environment)");
  command->add_option("--listen", options->listen,
                      "HOST:PORT (default: as configured, else 127.0.0.1:8000); port 0 picks one");
  command->add_option("--threads", options->threads, "Event loops (default: one per core)")
      ->check(CLI::Range(1, 256));
  command->footer(
      "Without a file, OPENAI_API_KEY makes a provider \"openai\" (OPENAI_BASE_URL moves it), "
      "with\n"
      "the models of LLMORCH_MODELS, a comma-separated list. Its default:\n  " +
      std::string(kDefaultModels) +
      "\n\nSIGTERM or SIGINT: takes no new calls, waits up to 30 s for those under way; a second\n"
      "one ends at once. SIGHUP: reads the file again; a bad one changes nothing.");
  command->callback([options, &exit_code] { exit_code = serve(*options); });
}

}  // namespace llmorch::server
