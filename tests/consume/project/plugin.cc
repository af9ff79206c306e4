#include <llmorch/gateway.h>

#include <string>

std::string plugin_says() {
  auto opened = llmorch::Gateway::open("{");
  return opened ? "opened" : std::string(llmorch::code_name(opened.error().code()));
}
