// The subcommands of `llmorch`. Each adds itself to the command line, and leaves the exit code of
// its run in `exit_code`: 0 ok, 1 runtime failure, 2 usage, 78 bad configuration.
#ifndef LLMORCH_SERVER_COMMANDS_H_
#define LLMORCH_SERVER_COMMANDS_H_

namespace CLI {
class App;
}

namespace llmorch::server {

void add_serve_command(CLI::App& app, int& exit_code);
void add_check_config_command(CLI::App& app, int& exit_code);
void add_config_command(CLI::App& app, int& exit_code);
void add_key_command(CLI::App& app, int& exit_code);
void add_version_command(CLI::App& app, int& exit_code);

// The program: parses, runs, and returns the exit code.
int run_command_line(int argc, const char* const* argv);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_COMMANDS_H_
