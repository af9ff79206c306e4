#include "testing/load_generator.h"

#include <algorithm>

namespace llmorch::testing {
namespace {

constexpr std::size_t kMaxDialing = 256;  // stays below any listener's backlog
constexpr std::size_t kMaxLate = 1'000'000;
constexpr auto kTick = std::chrono::milliseconds(20);

}  // namespace

LoadGenerator::LoadGenerator(Loop& loop, const LoadOptions& options, const Address& to,
                             LoadRequest request)
    : loop_(loop),
      options_(options),
      to_(to),
      request_(std::move(request)),
      nonces_(options.seed),
      dialer_([this] { dial_some(); }),
      pacer_([this] { issue_due(); }),
      ticker_([this] { tick(); }) {}

LoadGenerator::~LoadGenerator() {
  for (Timer* timer : {&dialer_, &pacer_, &ticker_}) loop_.disarm(*timer);
}

Result<std::unique_ptr<LoadGenerator>> LoadGenerator::start(Loop& loop,
                                                            const LoadOptions& options) {
  constexpr std::string_view kScheme = "http://";
  if (!options.url.starts_with(kScheme)) {
    return Status(Code::kInvalidArgument, "the url must begin with http://");
  }
  if (options.requests == 0 && options.duration.count() == 0) {
    return Status(Code::kInvalidArgument, "how many requests, or for how long?");
  }
  if (options.connections == 0 || options.connections > 100'000 || options.rate < 0) {
    return Status(Code::kInvalidArgument, "connections or rate out of range");
  }
  const std::string_view rest = std::string_view(options.url).substr(kScheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  auto to = Address::parse(rest.substr(0, slash));
  if (!to) return to.error();
  LoadRequest::Parts parts = options.request;
  parts.host = rest.substr(0, slash);
  parts.path = slash == rest.size() ? "/v1/chat/completions" : rest.substr(slash);
  auto request = LoadRequest::make(parts);
  if (!request) return request.error();
  std::unique_ptr<LoadGenerator> load(new LoadGenerator(loop, options, *to, *std::move(request)));
  load->begin_ = load->next_due_ = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < options.connections; ++i) {
    load->lanes_.push_back(std::make_unique<LoadLane>(static_cast<LoadLaneHost&>(*load),
                                                      load->result_, options.text_key));
    load->to_dial_.push_back(load->lanes_.back().get());
  }
  if (options.settle.count() == 0) load->settle(load->begin_);
  loop.arm(load->dialer_, loop.now());
  loop.arm(load->ticker_, loop.now() + kTick);
  if (options.rate > 0) loop.arm(load->pacer_, loop.now());
  return load;
}

// One request more? Asked once per request.
bool LoadGenerator::may_start() {
  if (options_.requests != 0 && result_.started >= options_.requests) stopping_ = true;
  return !stopping_ && !done_;
}

void LoadGenerator::start_on(LoadLane* lane, TimePoint intended) {
  const std::uint64_t nonce = nonces_.next();
  const bool check = options_.check && request_.checkable();
  ++result_.started;
  ++live_;
  result_.peak_live = std::max(result_.peak_live, live_);
  lane->send(request_.with_nonce(nonce), check ? request_.text_with_nonce(nonce) : std::string(),
             check, intended);
}

void LoadGenerator::on_lane_ready(LoadLane* lane) {
  if (dialing_ > 0 && !to_dial_.empty()) loop_.arm(dialer_, loop_.now());
  if (options_.rate > 0) {
    if (late_.empty()) {
      idle_.push_back(lane);
      return;
    }
    const TimePoint intended = late_.front();
    late_.pop_front();
    start_on(lane, intended);
  } else if (may_start()) {
    start_on(lane, TimePoint());
  } else {
    check_done();
  }
}

void LoadGenerator::on_lane_down(LoadLane* lane) {
  std::erase(idle_, lane);
  to_dial_.push_back(lane);
  // After a failure the ticker dials again, so that a dead server is not hammered.
  if (!done_ && result_.count(LoadOutcome::kConnect) == 0) loop_.arm(dialer_, loop_.now());
  check_done();
}

void LoadGenerator::on_request_end(LoadOutcome outcome) {
  if (outcome != LoadOutcome::kConnect) {
    --live_;
  } else if (options_.rate == 0) {
    ++result_.started;
  } else if (!late_.empty()) {
    late_.pop_front();
    ++result_.started;
  } else {
    return;  // nobody had wanted that connection yet
  }
  ++result_.outcomes[static_cast<std::size_t>(outcome)];
}

void LoadGenerator::dial_some() {
  if (done_) return;
  dialing_ = static_cast<std::size_t>(std::count_if(
      lanes_.begin(), lanes_.end(), [](const auto& lane) { return !lane->connected(); }));
  dialing_ -= std::min(dialing_, to_dial_.size());
  while (!to_dial_.empty() && dialing_ < kMaxDialing) {
    if (options_.rate == 0 && !may_start()) break;
    LoadLane* lane = to_dial_.front();
    to_dial_.pop_front();
    ++dialing_;
    const std::size_t waiting = to_dial_.size();
    lane->dial(loop_, to_);
    if (to_dial_.size() > waiting) break;  // it failed at once: the ticker tries again
  }
  check_done();
}

void LoadGenerator::issue_due() {
  const TimePoint now = std::chrono::steady_clock::now();
  const auto step =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1.0 / options_.rate));
  while (!stopping_ && next_due_ <= now) {
    if (options_.requests != 0 && issued_ >= options_.requests) {
      stopping_ = true;
      break;
    }
    ++issued_;
    if (!idle_.empty()) {
      LoadLane* lane = idle_.back();
      idle_.pop_back();
      start_on(lane, next_due_);
    } else if (late_.size() < kMaxLate) {
      late_.push_back(next_due_);
    } else {
      ++result_.backlog;
    }
    next_due_ += step;
  }
  if (!stopping_) loop_.arm(pacer_, next_due_);
  check_done();
}

void LoadGenerator::tick() {
  const TimePoint now = std::chrono::steady_clock::now();
  if (options_.duration.count() > 0 && now - begin_ >= options_.duration) stopping_ = true;
  if (!settled_ && now - begin_ >= options_.settle) settle(now);
  if (now - begin_ >= options_.max_time) {
    finish(LoadOutcome::kTimeout);
    return;
  }
  if (stopping_ && options_.cut_at_end) {
    finish(LoadOutcome::kCut);
    return;
  }
  for (const auto& lane : lanes_) {
    if (lane->busy() && now - lane->sent_at() >= options_.request_timeout) {
      lane->give_up(LoadOutcome::kTimeout);
    }
  }
  if (!to_dial_.empty()) loop_.arm(dialer_, loop_.now());
  check_done();
  if (!done_) loop_.arm(ticker_, loop_.now() + kTick);
}

void LoadGenerator::settle(TimePoint now) {
  settled_ = true;
  steady_from_ = now;
  events_before_ = result_.events;
  result_.gap = result_.delivery = Histogram();
}

void LoadGenerator::check_done() {
  if (stopping_ && live_ == 0 && late_.empty()) finish(LoadOutcome::kCut);
}

void LoadGenerator::finish(LoadOutcome outcome) {
  if (done_) return;
  done_ = stopping_ = true;
  const TimePoint now = std::chrono::steady_clock::now();
  result_.seconds = std::chrono::duration<double>(now - begin_).count();
  if (settled_) {
    result_.steady_seconds = std::chrono::duration<double>(now - steady_from_).count();
    result_.steady_events = result_.events - events_before_;
  }
  result_.backlog += late_.size();
  late_.clear();
  idle_.clear();
  for (const auto& lane : lanes_) lane->give_up(outcome);
  for (Timer* timer : {&dialer_, &pacer_, &ticker_}) loop_.disarm(*timer);
}

}  // namespace llmorch::testing
