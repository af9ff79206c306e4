// How a Gateway is opened: the configuration as JSON text, and what only code can hand over.
//
// The configuration is text so that a new feature adds no function and every language speaks the
// same words (docs/CONFIG.md lists them). What a file cannot say (sinks, loops, a transport) is in
// Options.
#ifndef LLMORCH_CONFIG_H_
#define LLMORCH_CONFIG_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "llmorch/loop.h"
#include "llmorch/types.h"

namespace llmorch {

class TransportFactory;
class Gate;

// Something wrong, or worth knowing, in a configuration.
struct ConfigIssue {
  enum class Severity { kError, kWarning };
  Severity severity = Severity::kError;
  std::string json_pointer;  // RFC 6901, "/providers/0/base_url"
  std::string message;       // what is wrong, one line
  std::string hint;          // what to do about it; may be empty
};

// Checks a configuration without opening anything; every issue in one run. No errors among the
// issues means that Gateway::open() would accept it.
std::vector<ConfigIssue> check_config(std::string_view json);

// The configuration's JSON Schema (draft 2020-12), for editors and checkers: every key of
// docs/CONFIG.md, those included that the gateway program keeps to itself. Lives for ever.
std::string_view config_schema();

enum class Mode {
  kThreads,  // the Gateway starts `loop_count` loop threads and one writer thread
  kDriven,   // no thread at all: the caller drives the one loop (Gateway::loop().drive())
};

struct Options {
  Mode mode = Mode::kThreads;
  int loop_count = 1;    // kThreads only
  Loop* loop = nullptr;  // kDriven: the caller's own loop; null: the built-in one
  // Told of every finished call, exactly once. kThreads: on the writer thread; kDriven: inside
  // drive(). Must not throw. A slow sink never slows a call: the queue in front of it is bounded
  // (8192 records), and what does not fit is counted in Gateway::counters().
  std::function<void(const Record&)> on_record{};
  // Told after the last record of each batch, on the same thread, so that a sink that gathers them
  // knows when to write.
  std::function<void()> on_batch_end{};
  // Told what an operator should know, one line each. Same threads as on_record.
  std::function<void(std::string_view line)> on_log{};
  // Plugs, asked in order before a call is planned. See spi/gate.h.
  std::vector<std::shared_ptr<Gate>> gates{};
  // The wire. Null: libcurl. Tests script one. See spi/transport.h.
  std::shared_ptr<TransportFactory> transport{};
  // Seeds the random choices of routing, so that a run can be repeated; 0: from the system.
  std::uint64_t seed = 0;
};

}  // namespace llmorch

#endif  // LLMORCH_CONFIG_H_
