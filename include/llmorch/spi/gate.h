// Gate: a plug at the door and the end of every call. Rate limits, budgets, caches, guardrails and
// waiting rooms are gates.
//
// Threads: admit() and settle() are called on the call's loop, so for several calls at once from
// several loops; a gate must be safe for that, and must not block.
#ifndef LLMORCH_SPI_GATE_H_
#define LLMORCH_SPI_GATE_H_

#include <functional>
#include <optional>
#include <string_view>

#include "llmorch/status.h"
#include "llmorch/types.h"

namespace llmorch {

class Gate {
 public:
  // What a gate may look at; valid until admit() returns (or until `decide` is called, if it is
  // kept pending).
  struct View {
    const CallSpec& spec;
    std::string_view request_id;
    std::string_view model;  // as asked
    bool stream;
  };
  using Decide = std::function<void(Status)>;

  virtual ~Gate() = default;
  virtual std::string_view name() const = 0;
  // Lets the call in (an ok Status), refuses it (any other), or says nothing yet (nullopt) and
  // calls `decide` later, once, from any thread; a call that has ended meanwhile ignores it.
  virtual std::optional<Status> admit(const View& call, Decide decide) = 0;
  // The call that this gate let in has ended. Exactly once per admitted call.
  virtual void settle(const Record& record) = 0;
};

}  // namespace llmorch

#endif  // LLMORCH_SPI_GATE_H_
