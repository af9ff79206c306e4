// Keeps the request bodies that tests encode, so that a checker which is not ours can validate them
// against the vendors' own types: where the variable LLMORCH_UPSTREAM_BODIES names a folder, each
// body is written there as <n>.<dialect>.json. Otherwise this does nothing.
#ifndef LLMORCH_TESTS_FORMATS_UPSTREAM_BODIES_H_
#define LLMORCH_TESTS_FORMATS_UPSTREAM_BODIES_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace llmorch::testing {

inline void keep_upstream_body(std::string_view dialect, std::string_view json) {
  static int count = 0;
  const char* folder = std::getenv("LLMORCH_UPSTREAM_BODIES");
  if (folder == nullptr || *folder == '\0') return;
  std::string name = std::to_string(++count);
  name.insert(0, name.size() < 4 ? 4 - name.size() : 0, '0');
  name.append(".").append(dialect).append(".json");
  std::ofstream(std::filesystem::path(folder) / name, std::ios::binary) << json;
}

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTS_FORMATS_UPSTREAM_BODIES_H_
