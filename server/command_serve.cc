#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "server/commands.h"
#include "server/server.h"

namespace llmorch::server {

void add_serve_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("serve", "Run the gateway");
  auto options = std::make_shared<ServeOptions>();
  add_serve_options(*command, *options);
  command->footer(
      "Without a file the keys in the environment are enough, each for one provider with all the\n"
      "models its vendor lists, as openai/gpt-4o-mini or, where only one lists it, gpt-4o-mini:\n"
      "  OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY (or GOOGLE_API_KEY)\n"
      "  OPENAI_BASE_URL, ANTHROPIC_BASE_URL, GEMINI_BASE_URL    move them\n"
      "  LLMORCH_CLIENT_KEY                                      what clients must show\n"
      "With a file, the file alone counts. Addresses that other machines reach need a client key.\n"
      "\n"
      "SIGTERM or SIGINT: takes no new calls, waits up to 30 s for those under way; a second\n"
      "one ends at once. SIGHUP: reads the file again; a bad one changes nothing.\n\n"
      "Examples:\n"
      "  OPENAI_API_KEY=sk-... llmorch serve\n"
      "  llmorch serve -c llmorch.yaml --listen 127.0.0.1:0        a free port; the last line "
      "names it\n"
      "  llmorch serve -c llmorch.yaml --listen :8080 --admin-listen 127.0.0.1:9091");
  command->callback([options, &exit_code] { exit_code = serve(*options); });
}

}  // namespace llmorch::server
