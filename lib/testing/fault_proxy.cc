#include "testing/fault_proxy.h"

#include <unistd.h>

#include "testing/fault_proxy_link.h"

namespace llmorch::testing {

FaultProxy::FaultProxy(Loop& loop, const Address& to, FaultPlan plan)
    : loop_(loop), to_(to), plan_(std::move(plan)), reaper_([this] { dead_.clear(); }) {}

FaultProxy::~FaultProxy() { loop_.disarm(reaper_); }

Result<std::unique_ptr<FaultProxy>> FaultProxy::start(Loop& loop, std::string_view listen,
                                                      std::string_view to, std::string_view fault,
                                                      std::uint64_t seed) {
  auto target = Address::parse(to);
  if (!target) return target.error();
  auto plan = FaultPlan::parse(fault, seed);
  if (!plan) return plan.error();
  std::unique_ptr<FaultProxy> proxy(new FaultProxy(loop, *target, *std::move(plan)));
  auto listener =
      Listener::listen(loop, listen, [self = proxy.get()](int fd) { self->accept(fd); });
  if (!listener) return listener.error();
  proxy->listener_ = *std::move(listener);
  return proxy;
}

Status FaultProxy::set_fault(std::string_view fault, std::uint64_t seed) {
  auto plan = FaultPlan::parse(fault, seed);
  if (!plan) return plan.error();
  plan_ = *std::move(plan);
  return {};
}

void FaultProxy::accept(int fd) {
  ++stats_.connections;
  const Fault fault = plan_.next();
  if (fault.kind == Fault::Kind::kAcceptThenClose) {
    ++stats_.faults;
    ::close(fd);
    return;
  }
  auto owned = std::make_unique<FaultLink>(*this, fault);
  FaultLink* link = owned.get();
  links_.emplace(link, std::move(owned));
  ++stats_.live;
  if (!link->start(fd).ok()) link->end(true);
}

void FaultProxy::on_gone(FaultLink* link) {
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  --stats_.live;
  dead_.push_back(std::move(found->second));
  links_.erase(found);
  if (!reaper_.armed()) loop_.arm(reaper_, loop_.now());
}

}  // namespace llmorch::testing
