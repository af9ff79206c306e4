// What a simulated upstream does with one request: a well-formed OpenAI answer with a mark of its
// own, spoilt by one random fault, or by none.
#ifndef LLMORCH_TESTING_SIMULATED_UPSTREAM_H_
#define LLMORCH_TESTING_SIMULATED_UPSTREAM_H_

#include <string>
#include <string_view>

#include "base/random.h"
#include "testing/scripted_transport.h"

namespace llmorch::testing {

enum class UpstreamFault {
  kNone,
  kSlow,  // well, but with pauses that no deadline minds
  kRefused,
  kConnectHangs,
  kSilent,       // connects, takes the request, says nothing
  kErrorStatus,  // 4xx or 5xx
  kCut,          // the transfer fails after some bytes
  kClosedEarly,  // the body ends properly, but too soon
  kStalls,       // some bytes, then nothing
  kErrorInBand,  // an error event instead of the next frame
  kGarbage,      // 200 with something that is no answer
  kEndless,      // the terminal marker comes, the end never does
};
constexpr int kFaultCount = 12;

struct SimulatedAnswer {
  UpstreamFault fault = UpstreamFault::kNone;
  Beats script;
  std::string full;  // what the caller gets if all goes well
  std::string mark;  // stands in every content frame of this answer
  int status = 200;
};

// `usage_asked`: the caller asked for the usage frame, so it stays in.
SimulatedAnswer simulate_answer(Random& random, UpstreamFault fault, std::string_view mark,
                                bool stream, bool usage_asked);

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_SIMULATED_UPSTREAM_H_
