#include "storage/hooked_stores.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace llmorch::test {
namespace {

// The operation's own result, unless the hook kept it from running or from being heard.
template <class Value>
Value pass(const Hook& hook, const std::function<Value()>& operation) {
  std::optional<Value> value;
  const Status status = hook([&] { value.emplace(operation()); });
  if (!status.ok()) return status;
  return *std::move(value);
}

class HookedCatalog final : public Catalog {
 public:
  HookedCatalog(std::shared_ptr<Catalog> inner, Hook hook)
      : inner_(std::move(inner)), hook_(std::move(hook)) {}
  Result<CatalogContents> list(std::string_view kind) override {
    return pass<Result<CatalogContents>>(hook_, [&] { return inner_->list(kind); });
  }
  Result<CatalogObject> get(std::string_view kind, std::string_view id) override {
    return pass<Result<CatalogObject>>(hook_, [&] { return inner_->get(kind, id); });
  }
  Result<CatalogObject> find(std::string_view kind, std::string_view name) override {
    return pass<Result<CatalogObject>>(hook_, [&] { return inner_->find(kind, name); });
  }
  Result<std::vector<CatalogObject>> apply(const std::vector<CatalogEdit>& edits,
                                           std::optional<std::uint64_t> if_revision) override {
    return pass<Result<std::vector<CatalogObject>>>(
        hook_, [&] { return inner_->apply(edits, if_revision); });
  }
  Result<std::uint64_t> revision() override {
    return pass<Result<std::uint64_t>>(hook_, [&] { return inner_->revision(); });
  }

 private:
  const std::shared_ptr<Catalog> inner_;
  const Hook hook_;
};

class HookedLedger final : public Ledger {
 public:
  HookedLedger(std::shared_ptr<Ledger> inner, Hook hook)
      : inner_(std::move(inner)), hook_(std::move(hook)) {}
  Status append(const std::vector<Record>& batch) override {
    return pass<Status>(hook_, [&] { return inner_->append(batch); });
  }
  Result<Record> get(std::string_view id) override {
    return pass<Result<Record>>(hook_, [&] { return inner_->get(id); });
  }
  Result<LedgerPage> query(const LedgerFilter& filter, std::string_view cursor,
                           std::size_t limit) override {
    return pass<Result<LedgerPage>>(hook_, [&] { return inner_->query(filter, cursor, limit); });
  }
  Result<std::vector<StatsRow>> stats(const LedgerFilter& filter, StatsBy by,
                                      std::size_t limit) override {
    return pass<Result<std::vector<StatsRow>>>(hook_,
                                               [&] { return inner_->stats(filter, by, limit); });
  }
  Result<std::size_t> remove_before(WallTime time, std::size_t limit) override {
    return pass<Result<std::size_t>>(hook_, [&] { return inner_->remove_before(time, limit); });
  }

 private:
  const std::shared_ptr<Ledger> inner_;
  const Hook hook_;
};

class HookedStateStore final : public StateStore {
 public:
  HookedStateStore(std::shared_ptr<StateStore> inner, Hook hook)
      : inner_(std::move(inner)), hook_(std::move(hook)) {}
  Result<std::vector<CounterGrant>> sync(const std::vector<CounterDelta>& deltas,
                                         WallTime now) override {
    return pass<Result<std::vector<CounterGrant>>>(hook_,
                                                   [&] { return inner_->sync(deltas, now); });
  }

 private:
  const std::shared_ptr<StateStore> inner_;
  const Hook hook_;
};

}  // namespace

Stores hooked_stores(Stores inner, Hook hook) {
  return {std::make_shared<HookedCatalog>(std::move(inner.catalog), hook),
          std::make_shared<HookedLedger>(std::move(inner.ledger), hook),
          std::make_shared<HookedStateStore>(std::move(inner.state), hook)};
}

struct SlowLine::Impl {
  std::mutex mutex;
  std::condition_variable changed;
  const std::function<void()>* waiting = nullptr;
  bool ended = false;
  std::chrono::milliseconds passed{0};
  std::thread far_end;

  void serve() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return waiting != nullptr || ended; });
      if (waiting == nullptr) return;
      (*waiting)();
      passed += std::chrono::milliseconds(200);
      waiting = nullptr;
      changed.notify_all();
    }
  }

  void run(const std::function<void()>& operation) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return waiting == nullptr; });
    waiting = &operation;
    changed.notify_all();
    changed.wait(lock, [&] { return waiting != &operation; });
  }
};

SlowLine::SlowLine() : impl_(std::make_shared<Impl>()) {
  impl_->far_end = std::thread([impl = impl_.get()] { impl->serve(); });
}

SlowLine::~SlowLine() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->ended = true;
  }
  impl_->changed.notify_all();
  impl_->far_end.join();
}

Hook SlowLine::hook() {
  return [impl = impl_](const std::function<void()>& operation) {
    impl->run(operation);
    return Status();
  };
}

std::chrono::milliseconds SlowLine::passed() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->passed;
}

}  // namespace llmorch::test
