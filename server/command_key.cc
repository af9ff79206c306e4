#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "server/client_secret.h"
#include "server/commands.h"
#include "server/server_keys.h"

namespace llmorch::server {

void add_key_command(CLI::App& app, int& exit_code) {
  CLI::App* keys = app.add_subcommand("key", "Keys that clients of this gateway show");
  keys->require_subcommand(1);
  keys->footer("Examples:\n  llmorch key create >> llmorch.yaml");
  CLI::App* create =
      keys->add_subcommand("create", "Print a fresh key, and the lines to configure");
  auto name = std::make_shared<std::string>("client");
  auto quiet = std::make_shared<bool>(false);
  create->add_option("--name", *name, "Whose key it is; log lines say it (default: client)")
      ->check([](const std::string& text) { return client_key_name_issue(text); });
  create->add_flag("-q,--quiet", *quiet, "The key alone");
  create->footer(
      "The key is stored nowhere: what is configured is what counts. Once there is one, every\n"
      "request must show one, as \"Authorization: Bearer KEY\", x-api-key or x-goog-api-key.\n\n"
      "Examples:\n"
      "  llmorch key create --name laptop >> llmorch.yaml      then restart, or SIGHUP\n"
      "  export LLMORCH_CLIENT_KEY=\"$(llmorch key create -q)\"  without a file");
  create->callback([name, quiet, &exit_code] {
    const Result<std::string> secret = new_client_secret();
    if (!secret) {
      std::fprintf(stderr, "llmorch: error: %s\n", secret.error().message().c_str());
      exit_code = 1;
      return;
    }
    if (*quiet) {
      std::printf("%s\n", secret->c_str());
      return;
    }
    // The empty line first: what it is appended to may end without one.
    std::printf(
        "\n# A client key, stored nowhere else. Clients use it as their API key.\n"
        "client_keys:\n  - name: %s\n    secret: %s\n",
        name->c_str(), secret->c_str());
  });
}

}  // namespace llmorch::server
