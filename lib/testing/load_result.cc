#include "testing/load_result.h"

#include <fmt/format.h>

namespace llmorch::testing {

const char* load_outcome_name(LoadOutcome outcome) {
  switch (outcome) {
    case LoadOutcome::kOk:
      return "ok";
    case LoadOutcome::kConnect:
      return "connect";
    case LoadOutcome::kReset:
      return "reset";
    case LoadOutcome::kEarlyClose:
      return "early_close";
    case LoadOutcome::kProtocol:
      return "protocol";
    case LoadOutcome::kTimeout:
      return "timeout";
    case LoadOutcome::kBadStatus:
      return "bad_status";
    case LoadOutcome::kInBand:
      return "in_band_error";
    case LoadOutcome::kUnfinished:
      return "unfinished";
    case LoadOutcome::kMismatch:
      return "mismatch";
    case LoadOutcome::kCut:
      return "cut_at_end";
    case LoadOutcome::kCount:
      break;
  }
  return "";
}

std::uint64_t LoadResult::failed() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kLoadOutcomes; ++i) sum += outcomes[i];
  return sum - ok() - count(LoadOutcome::kCut);
}

std::string LoadResult::json() const {
  std::string ends;
  for (std::size_t i = 0; i < kLoadOutcomes; ++i) {
    ends += fmt::format("{}\"{}\":{}", i == 0 ? "" : ",",
                        load_outcome_name(static_cast<LoadOutcome>(i)), outcomes[i]);
  }
  std::string codes;
  for (const auto& [status, number] : statuses) {
    codes += fmt::format("{}\"{}\":{}", codes.empty() ? "" : ",", status, number);
  }
  const double rate = seconds > 0 ? static_cast<double>(ok()) / seconds : 0;
  const double event_rate = seconds > 0 ? static_cast<double>(events) / seconds : 0;
  return fmt::format(
      R"({{"started":{},"seconds":{:.3f},"ok_per_second":{:.1f},"events_per_second":{:.1f},)"
      R"("outcomes":{{{}}},"failed":{},"checked":{},"statuses":{{{}}},"connections":{},)"
      R"("peak_live":{},"backlog":{},"events":{},"bytes_in":{},)"
      R"("latency_us":{},"first_event_us":{},"gap_us":{},)"
      R"("delivery_us":{},"steady_seconds":{:.3f},"steady_events":{}}})",
      started, seconds, rate, event_rate, ends, failed(), checked, codes, connections, peak_live,
      backlog, events, bytes_in, latency.json(), first_event.json(), gap.json(), delivery.json(),
      steady_seconds, steady_events);
}

}  // namespace llmorch::testing
