#include <llmorch/gateway.h>
#include <llmorch/version.h>

#include <string>

std::string plugin_says();

int main() {
  const bool same = llmorch::version() == LLMORCH_VERSION;
  const bool refused = !llmorch::check_config("{").empty();
  return same && refused && plugin_says() == "invalid_argument" ? 0 : 1;
}
