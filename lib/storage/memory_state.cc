#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "storage/memory_stores.h"
#include "storage/store_rules.h"

namespace llmorch {
namespace {

class MemoryStateStore final : public StateStore {
 public:
  Result<std::vector<CounterGrant>> sync(const std::vector<CounterDelta>& deltas,
                                         WallTime now) override {
    const Status checked = check_deltas(deltas);
    if (!checked.ok()) return checked;
    const std::lock_guard lock(mutex_);
    std::erase_if(counters_, [now](const auto& entry) { return entry.second.expires <= now; });
    std::vector<CounterGrant> grants;
    grants.reserve(deltas.size());
    for (const CounterDelta& delta : deltas) {
      Counter& counter = counters_[delta.name];
      grants.push_back(grant(delta, counter.total));
      counter = {grants.back().total, std::max(counter.expires, from_us(to_us(delta.expires)))};
    }
    return grants;
  }

 private:
  struct Counter {
    std::int64_t total = 0;
    WallTime expires{};
  };
  std::mutex mutex_;
  std::map<std::string, Counter> counters_;
};

}  // namespace

std::shared_ptr<StateStore> memory_state_store() { return std::make_shared<MemoryStateStore>(); }

}  // namespace llmorch
