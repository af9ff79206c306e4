#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "llmorch/gateway.h"
#include "server/commands.h"

namespace llmorch::server {

void add_version_command(CLI::App& app, int&) {
  CLI::App* command = app.add_subcommand("version", "Print the version");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "As JSON");
  command->footer("Examples:\n  llmorch version\n  llmorch version --json");
  command->callback([json] {
    const std::string version(llmorch::version());
    std::printf(*json ? "{\"name\":\"llmorch\",\"version\":\"%s\"}\n" : "llmorch %s\n",
                version.c_str());
  });
}

}  // namespace llmorch::server
