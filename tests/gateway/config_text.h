// Configurations for tests, in few words. Header only; test code.
#ifndef LLMORCH_TESTS_GATEWAY_CONFIG_TEXT_H_
#define LLMORCH_TESTS_GATEWAY_CONFIG_TEXT_H_

#include <string>
#include <vector>

#include "llmorch/config.h"

namespace llmorch::test {

// The smallest configuration, with the given members added to its provider, model and target.
struct With {
  std::string provider{};
  std::string model{};
  std::string target{};
  std::string root{};
};
inline std::string config(const With& with = {}) {
  return R"({"version":1,"providers":[{"name":"p","type":"openai","api_key":"k")" + with.provider +
         R"(}],"models":[{"name":"m","targets":[{"provider":"p","model":"x")" + with.target + "}]" +
         with.model + "}]" + with.root + "}";
}

inline std::string all(const std::vector<ConfigIssue>& issues) {
  std::string out;
  for (const ConfigIssue& issue : issues) {
    out += issue.severity == ConfigIssue::Severity::kError ? "error " : "warning ";
    out += issue.json_pointer + ": " + issue.message + " (" + issue.hint + ")\n";
  }
  return out;
}

}  // namespace llmorch::test

#endif  // LLMORCH_TESTS_GATEWAY_CONFIG_TEXT_H_
