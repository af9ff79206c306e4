#include "gateway/compile.h"
#include "llmorch/config.h"

namespace llmorch {

std::vector<ConfigIssue> check_config(std::string_view json) {
  return compile_config(json, 1).issues;
}

}  // namespace llmorch
