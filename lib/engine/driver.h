// Driver: runs one Call's actions and feeds it what comes of them. It is where a call meets the
// world: transport, timer, gates, health table, sink.
//
// Lives on one loop; shared ownership between the loop's registry (until the call has settled) and
// whoever holds the LiveCall. cancel() may be called from any thread.
#ifndef LLMORCH_ENGINE_DRIVER_H_
#define LLMORCH_ENGINE_DRIVER_H_

#include <atomic>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/call.h"
#include "engine/record_queue.h"
#include "llmorch/spi/gate.h"
#include "llmorch/spi/transport.h"
#include "llmorch/stream.h"

namespace llmorch {

class Driver;

// What the calls of one loop share. Owned by the Gateway; used on that loop only.
struct LoopContext {
  Loop* loop = nullptr;
  std::unique_ptr<Transport> transport;
  std::shared_ptr<HealthTable> health;
  std::vector<std::shared_ptr<Gate>> gates;
  std::shared_ptr<const Snapshot> snapshot;
  std::shared_ptr<RecordQueue> records;
  std::unordered_set<std::shared_ptr<Driver>> live;
  std::atomic<std::uint64_t> started{0};  // read by other threads
  std::atomic<std::uint64_t> finished{0};
};

class Driver final : public LiveCall, public std::enable_shared_from_this<Driver> {
 public:
  // `spec.request_id` must be set.
  Driver(LoopContext& context, CallSpec spec, Sink& sink, std::uint64_t seed,
         std::chrono::system_clock::time_point wall_start);
  ~Driver() override;

  // On the loop, once. The sink is not called before this returns.
  void start();

  void cancel() override;
  void drained() override;
  const std::string& request_id() const override { return request_id_; }

 private:
  class Listener;
  struct Transfer {
    Transport::Id id = 0;
    std::unique_ptr<Listener> listener;
  };

  void feed(const Input& input);
  void run(std::vector<Action>& actions);
  void act(Action& action);
  void to_sink(Action& action);
  void run_deferred();
  void ask_gates(std::size_t from);
  void settle();
  void forget();

  LoopContext& context_;
  Sink& sink_;
  const std::string request_id_;
  Call call_;
  Timer timer_;
  std::vector<Transfer> transfers_;
  std::vector<std::shared_ptr<Gate>> admitted_by_;
  std::vector<Action> actions_;
  std::vector<Input> queued_;     // inputs that arrived while actions ran
  bool busy_ = false;             // inside feed()
  bool in_host_call_ = false;     // inside start() or drained(): the sink must wait
  std::vector<Action> deferred_;  // sink actions that waited for the host's call to return
  std::vector<std::string> deferred_bytes_;
  bool sink_full_ = false;
  Duration worked_{};  // time spent in our own code for this call
};

}  // namespace llmorch

#endif  // LLMORCH_ENGINE_DRIVER_H_
