// Stores around stores: every operation passes through a hook, which may run it elsewhere, hold it
// up, let it fail, or lose its answer.
#ifndef LLMORCH_TESTS_STORAGE_HOOKED_STORES_H_
#define LLMORCH_TESTS_STORAGE_HOOKED_STORES_H_

#include <functional>
#include <memory>

#include "llmorch/spi/store.h"

namespace llmorch::test {

// Is given the operation and says how it went: calls it or not, and returns ok to let its own
// result through.
using Hook = std::function<Status(const std::function<void()>& operation)>;

Stores hooked_stores(Stores inner, Hook hook);

// Runs each operation on another thread and waits for it, as a store at the end of a line does; the
// 200 ms that this takes pass on a clock of its own.
class SlowLine {
 public:
  SlowLine();
  ~SlowLine();
  Hook hook();
  std::chrono::milliseconds passed() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace llmorch::test

#endif  // LLMORCH_TESTS_STORAGE_HOOKED_STORES_H_
