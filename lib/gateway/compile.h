// Configuration text to Snapshot, and nothing else: pure, no I/O, no environment.
#ifndef LLMORCH_GATEWAY_COMPILE_H_
#define LLMORCH_GATEWAY_COMPILE_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "types/snapshot.h"

namespace llmorch {

struct Compiled {
  std::shared_ptr<const Snapshot> snapshot;  // null when there are errors
  std::vector<ConfigIssue> issues;           // errors and warnings, in the order of the text
};

// Every error in one run. The words are those of docs/CONFIG.md; unknown keys are errors with the
// nearest known word.
Compiled compile_config(std::string_view json, std::uint64_t version);

}  // namespace llmorch

#endif  // LLMORCH_GATEWAY_COMPILE_H_
