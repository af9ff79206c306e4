// How failures cross the C ABI: a Status, or whatever was thrown, becomes a llmorch_error.
//
// Ownership: new_error() hands an object to the C caller. Threads: an error is immutable.
#ifndef LLMORCH_BINDINGS_C_ERROR_H_
#define LLMORCH_BINDINGS_C_ERROR_H_

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "llmorch/c.h"
#include "llmorch/status.h"

struct llmorch_error {
  std::string json;
};

namespace llmorch::c_abi {

// The status as the JSON that llmorch_error_json() promises.
std::string error_json(const Status& status);

// Never null for a failed status and never throws: without memory for a new object it is a shared
// one that says so, which llmorch_error_free() knows.
llmorch_error* new_error(const Status& status) noexcept;
llmorch_error* out_of_memory_error() noexcept;

// Runs `body`, which returns a Status. No exception may pass a C frame, so whatever it throws
// becomes an error here and nowhere else.
template <class Body>
llmorch_error* guard(Body&& body) noexcept {
  try {
    const Status status = std::forward<Body>(body)();
    return status.ok() ? nullptr : new_error(status);
  } catch (const std::bad_alloc&) {
    return out_of_memory_error();
  } catch (const std::exception& thrown) {
    try {
      return new_error(Status(Code::kInternal, std::string("unexpected: ") + thrown.what()));
    } catch (...) {
      return out_of_memory_error();
    }
  } catch (...) {
    try {
      return new_error(Status(Code::kInternal, "unexpected failure"));
    } catch (...) {
      return out_of_memory_error();
    }
  }
}

}  // namespace llmorch::c_abi

#endif  // LLMORCH_BINDINGS_C_ERROR_H_
