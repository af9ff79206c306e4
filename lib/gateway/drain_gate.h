// DrainGate: lets everybody in until drain(), and nobody after. The first gate of every Gateway.
#ifndef LLMORCH_GATEWAY_DRAIN_GATE_H_
#define LLMORCH_GATEWAY_DRAIN_GATE_H_

#include <atomic>

#include "llmorch/spi/gate.h"

namespace llmorch {

class DrainGate final : public Gate {
 public:
  void drain() { draining_.store(true, std::memory_order_relaxed); }

  std::string_view name() const override { return "drain"; }
  std::optional<Status> admit(const View&, Decide) override {
    if (!draining_.load(std::memory_order_relaxed)) return Status();
    return Status(Code::kUnavailable, "this gateway is shutting down")
        .with_retry_after(std::chrono::seconds(1));
  }
  void settle(const Record&) override {}

 private:
  std::atomic<bool> draining_{false};
};

}  // namespace llmorch

#endif  // LLMORCH_GATEWAY_DRAIN_GATE_H_
