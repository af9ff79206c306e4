// LoadResult: what a load run counted and measured, and its JSON. A plain value.
#ifndef LLMORCH_TESTING_LOAD_RESULT_H_
#define LLMORCH_TESTING_LOAD_RESULT_H_

#include <cstdint>
#include <map>
#include <string>

#include "testing/load_histogram.h"

namespace llmorch::testing {

// How one request ended.
enum class LoadOutcome {
  kOk,
  kConnect,     // no connection
  kReset,       // the connection was reset, or closed before any byte of the answer
  kEarlyClose,  // closed inside the answer
  kProtocol,    // not HTTP, or over a bound
  kTimeout,
  kBadStatus,   // not 2xx; see `statuses`
  kInBand,      // an error event in a stream
  kUnfinished,  // a stream without its last word, yet properly closed
  kMismatch,    // not the answer to this request
  kCut,         // still running when the run was over; not an error
  kCount,
};
constexpr auto kLoadOutcomes = static_cast<std::size_t>(LoadOutcome::kCount);
const char* load_outcome_name(LoadOutcome outcome);

struct LoadResult {
  std::uint64_t started = 0;
  std::uint64_t outcomes[kLoadOutcomes] = {};
  std::uint64_t checked = 0;  // answers whose text was compared
  std::uint64_t events = 0;
  std::uint64_t bytes_in = 0;  // bodies
  std::uint64_t connections = 0;
  std::uint64_t peak_live = 0;
  std::uint64_t backlog = 0;  // open loop: intended, never sent
  std::map<int, std::uint64_t> statuses;
  double seconds = 0;
  double steady_seconds = 0;  // after LoadOptions::settle
  std::uint64_t steady_events = 0;
  Histogram latency;      // of complete 2xx answers; from the intended send time in open loop
  Histogram first_event;  // from sending to the first event
  Histogram gap;          // between events of one stream
  Histogram delivery;     // from a frame's "mock_ns" (the mock's script "stamp") to its arrival

  std::uint64_t ok() const { return count(LoadOutcome::kOk); }
  std::uint64_t count(LoadOutcome outcome) const {
    return outcomes[static_cast<std::size_t>(outcome)];
  }
  std::uint64_t failed() const;  // neither ok nor cut
  std::string json() const;
};

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_LOAD_RESULT_H_
