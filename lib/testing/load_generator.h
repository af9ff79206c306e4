// LoadGenerator: many clients at once, from one loop, that check every answer they get.
//
// Closed loop: each of `connections` sends its next request when its last one has ended. Open loop
// (`rate` > 0): requests have intended times, and latency counts from those, so that a slow server
// cannot make itself look fast. Streams are read to their last event; with `cut_at_end` those still
// running when the time is over are cut.
//
// Ownership: owns its sockets; the loop must outlive it. Threads: the loop's only.
#ifndef LLMORCH_TESTING_LOAD_GENERATOR_H_
#define LLMORCH_TESTING_LOAD_GENERATOR_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "testing/load_lane.h"

namespace llmorch::testing {

struct LoadOptions {
  std::string url;             // http://127.0.0.1:8000/v1/chat/completions
  LoadRequest::Parts request;  // host and path come from the url
  std::size_t connections = 64;
  std::uint64_t requests = 0;                  // stop starting after so many; 0: no limit
  std::chrono::milliseconds duration{0};       // stop starting after so long; 0: no limit
  std::chrono::milliseconds max_time{60'000};  // over all, whatever happens
  std::chrono::milliseconds request_timeout{30'000};
  double rate = 0;  // requests per second; 0: closed loop
  bool cut_at_end = false;
  // Gaps, deliveries and LoadResult's steady_… count from then on, when all streams have begun.
  std::chrono::milliseconds settle{0};
  std::string text_key = "content";  // where answers have their text; "text" for Anthropic
  bool check = true;
  std::uint64_t seed = 1;
};

class LoadGenerator final : private LoadLaneHost {
 public:
  // Starts at once. At least one of requests and duration must be given.
  static Result<std::unique_ptr<LoadGenerator>> start(Loop& loop, const LoadOptions& options);
  ~LoadGenerator() override;

  bool done() const noexcept { return done_; }
  void stop() { finish(LoadOutcome::kCut); }  // now; what runs is cut
  std::uint64_t live() const noexcept { return live_; }
  const LoadResult& result() const noexcept { return result_; }

 private:
  LoadGenerator(Loop& loop, const LoadOptions& options, const Address& to, LoadRequest request);

  void on_lane_ready(LoadLane* lane) override;
  void on_lane_down(LoadLane* lane) override;
  void on_request_end(LoadOutcome outcome) override;

  bool may_start();
  void start_on(LoadLane* lane, TimePoint intended);
  void dial_some();
  void issue_due();
  void tick();
  void settle(TimePoint now);
  void check_done();
  void finish(LoadOutcome outcome);

  Loop& loop_;
  const LoadOptions options_;
  const Address to_;
  LoadRequest request_;
  Random nonces_;
  LoadResult result_;
  std::vector<std::unique_ptr<LoadLane>> lanes_;
  std::vector<LoadLane*> idle_;  // open loop
  std::deque<LoadLane*> to_dial_;
  std::deque<TimePoint> late_;  // open loop: intended, no lane was free
  std::size_t dialing_ = 0;
  std::uint64_t live_ = 0;
  std::uint64_t issued_ = 0;  // open loop: intended so far
  bool settled_ = false;
  bool stopping_ = false;
  bool done_ = false;
  TimePoint begin_{};
  TimePoint steady_from_{};
  std::uint64_t events_before_ = 0;
  TimePoint next_due_{};
  Timer dialer_;
  Timer pacer_;
  Timer ticker_;
};

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_LOAD_GENERATOR_H_
