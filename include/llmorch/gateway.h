// Gateway: the engine of llmorch behind one door.
//
//   auto gateway = llmorch::Gateway::open(R"({"version":1,"providers":[…],"models":[…]})");
//   auto answer = (*gateway)->chat({.body = llmorch::Body(R"({"model":"smart","messages":[…]})")});
//
// Threads: every function may be called from any thread unless it says otherwise. A Gateway must
// outlive its Streams and the sinks of its calls; destroying it cancels what is still under way,
// waits for those ends, and delivers the last records. Use after fork() is refused with an error.
#ifndef LLMORCH_GATEWAY_H_
#define LLMORCH_GATEWAY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "llmorch/config.h"
#include "llmorch/loop.h"
#include "llmorch/status.h"
#include "llmorch/stream.h"
#include "llmorch/types.h"

namespace llmorch {

class Gateway {
 public:
  // Fails with kInvalidArgument, naming every error, when check_config() would.
  static Result<std::unique_ptr<Gateway>> open(std::string_view config_json, Options options = {});
  virtual ~Gateway() = default;

  // Starts a call: on the current loop when that is one of this Gateway's (then no byte of the call
  // crosses a thread), else on one of them. Never fails: what goes wrong reaches the sink. On the
  // current loop the sink is not called before start() has returned.
  virtual std::shared_ptr<LiveCall> start(CallSpec spec, Sink& sink) = 0;

  // Makes a call and waits for the whole answer. Not on a loop thread (kThreads): an error says so.
  // kDriven: drives the loop while it waits.
  virtual Result<Answer> chat(CallSpec spec) = 0;
  // Makes a call whose answer is pulled piece by piece. kDriven: next() drives the loop.
  virtual Result<std::unique_ptr<Stream>> stream(CallSpec spec) = 0;

  // The models that can be asked for, as a list in the given format's shape (JSON): the configured
  // ones, and what the endpoints of providers with `discover` list, as "provider/model" too.
  virtual std::string list_models(Format format) const = 0;

  // Takes a new configuration for calls that start from now on; calls under way keep theirs. On
  // error nothing changes. Lists of models that endpoints gave are kept where the endpoint stays.
  virtual Status reload(std::string_view config_json) = 0;
  // Counts up by one with each configuration taken; 1 after open().
  virtual std::uint64_t config_version() const = 0;
  // Warnings of the configuration in use.
  virtual std::vector<ConfigIssue> config_warnings() const = 0;

  // This Gateway's loops, in a fixed order; kDriven has exactly one.
  virtual const std::vector<Loop*>& loops() const = 0;

  // From now on new calls are refused with 503; those under way go on.
  virtual void drain() = 0;
  struct Counters {
    std::uint64_t calls_started = 0;
    std::uint64_t calls_live = 0;
    std::uint64_t records_delivered = 0;
    std::uint64_t records_dropped = 0;
  };
  virtual Counters counters() const = 0;
};

// An error as a complete body in a format's own shape, and the content type to send with it.
std::string render_error(Format format, const Status& status, std::string_view request_id);

// "0.1.0"
std::string_view version();

}  // namespace llmorch

#endif  // LLMORCH_GATEWAY_H_
