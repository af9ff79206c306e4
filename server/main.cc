// llmorch, the gateway.
#include "server/commands.h"

int main(int argc, char** argv) { return llmorch::server::run_command_line(argc, argv); }
