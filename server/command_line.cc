#include <CLI/CLI.hpp>
#include <string>

#include "llmorch/gateway.h"
#include "server/commands.h"

namespace llmorch::server {
namespace {

constexpr int kUsage = 2;

constexpr char kExamples[] = R"(Examples:
  OPENAI_API_KEY=sk-... llmorch serve             no file: the keys in the environment are enough
  llmorch serve -c llmorch.yaml                   a file; SIGHUP reads it again
  llmorch check-config llmorch.yaml               every mistake, with file and line
  llmorch config show --origin                    what is in effect, and where it came from
  llmorch key create >> llmorch.yaml              a key for clients
  curl http://127.0.0.1:8000/v1/chat/completions -H 'content-type: application/json' \
    -d '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}]}'

Exit codes: 0 ok, 1 failure, 2 usage, 78 bad configuration)";

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  CLI::App app(
      "llmorch: one call in, the best of many providers, the answer in the caller's format",
      "llmorch");
  app.footer(kExamples);
  app.require_subcommand(1);
  app.set_version_flag("--version", "llmorch " + std::string(version()));
  int exit_code = 0;
  add_serve_command(app, exit_code);
  add_check_config_command(app, exit_code);
  add_config_command(app, exit_code);
  add_key_command(app, exit_code);
  add_version_command(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return exit_code;
}

}  // namespace llmorch::server
