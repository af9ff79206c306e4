// FaultProxy: a TCP proxy between two parties that makes the network as bad as its plan says.
//
// Ownership: owns its sockets; the loop must outlive it. Threads: the loop's only. Memory: at most
// about 256 KiB wait in each direction of a connection, then that sender is no longer read.
#ifndef LLMORCH_TESTING_FAULT_PROXY_H_
#define LLMORCH_TESTING_FAULT_PROXY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "testing/fault_proxy_plan.h"
#include "testing/http_socket.h"

namespace llmorch::testing {

struct FaultProxyStats {
  std::uint64_t connections = 0;
  std::uint64_t faults = 0;  // connections that met theirs
  std::uint64_t live = 0;
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;
};

class FaultLink;  // one connection, internal

class FaultProxy {
 public:
  // `to` is a numeric address. `fault` is a FaultPlan's JSON.
  static Result<std::unique_ptr<FaultProxy>> start(Loop& loop, std::string_view listen,
                                                   std::string_view to, std::string_view fault,
                                                   std::uint64_t seed);
  ~FaultProxy();

  int port() const noexcept { return listener_->port(); }
  std::string address() const { return listener_->address(); }
  Status set_fault(std::string_view fault, std::uint64_t seed);  // for connections to come
  const FaultProxyStats& stats() const noexcept { return stats_; }

 private:
  friend class FaultLink;
  FaultProxy(Loop& loop, const Address& to, FaultPlan plan);
  void accept(int fd);
  void on_gone(FaultLink* link);

  Loop& loop_;
  const Address to_;
  FaultPlan plan_;
  FaultProxyStats stats_;
  std::unordered_map<FaultLink*, std::unique_ptr<FaultLink>> links_;
  std::vector<std::unique_ptr<FaultLink>> dead_;
  Timer reaper_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_FAULT_PROXY_H_
