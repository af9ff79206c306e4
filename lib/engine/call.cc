#include "engine/call.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "routing/resolve.h"

namespace llmorch {
namespace {

constexpr std::size_t kMaxBody = 32u << 20;
constexpr std::size_t kMaxPlanKept = 16;  // in the Record
constexpr std::size_t kMaxSession = 128;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

std::int64_t to_us(Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

// The trace id of a W3C traceparent (00-<32 hex>-<16 hex>-<2 hex>); "" when it is none.
std::string trace_id_of(const Headers& headers) {
  const std::string* parent = find_header(headers, "traceparent");
  if (parent == nullptr || parent->size() < 55 || (*parent)[2] != '-' || (*parent)[35] != '-')
    return "";
  const std::string id = parent->substr(3, 32);
  const bool good =
      id.find_first_not_of("0123456789abcdef") == id.npos && id.find_first_not_of('0') != id.npos;
  return good ? id : "";
}

}  // namespace

Call::Call(CallSpec spec, CallContext context, TimePoint now)
    : spec_(std::move(spec)), context_(std::move(context)), started_(now) {
  record_.id = spec_.request_id;
  record_.started = context_.wall_start;
  record_.principal = spec_.principal;
  record_.format_in = record_.format_out = spec_.format;
  record_.operation = spec_.operation;
  record_.bytes_in = spec_.body.size();
  record_.trace_id = trace_id_of(spec_.headers);
  if (const std::string* session = find_header(spec_.headers, "x-llmorch-session"))
    record_.session = shorten(*session, kMaxSession);
  record_.seed = context_.seed;
  record_.config_version = context_.snapshot->version;
}

void Call::on(const Input& input, TimePoint now, std::vector<Action>& actions) {
  if (state_ == State::kSettled) return;
  actions_ = &actions;
  if (out_written_) {
    out_.clear();
    out_written_ = false;
  }
  std::visit(Overloaded{
                 [&](const input::Start&) { start(now); },
                 [&](const input::Admitted& in) { admitted(in.status, now); },
                 [&](const input::Connected& in) {
                   if (Attempt* attempt = live_attempt(in.attempt)) {
                     attempt->connected = true;
                     record_.attempts[in.attempt].connected_us = since_start(now);
                   }
                 },
                 [&](const input::RequestSent& in) {
                   Attempt* attempt = live_attempt(in.attempt);
                   if (attempt == nullptr || attempt->sent) return;
                   attempt->connected = attempt->sent = true;
                   attempt->sent_at = now;
                   record_.attempts[in.attempt].request_sent_us = since_start(now);
                 },
                 [&](const input::Head& in) { on_head(in, now); },
                 [&](const input::Bytes& in) { on_bytes(in, now); },
                 [&](const input::End& in) { on_transfer_end(in, now); },
                 [&](const input::TimeIsUp&) { on_time(now); },
                 [&](const input::SinkFull&) {
                   sink_full_ = true;
                   for (std::size_t i = 0; i < attempts_.size(); ++i) {
                     if (!attempts_[i].live || attempts_[i].paused) continue;
                     attempts_[i].paused = true;
                     actions_->push_back(action::Pause{i});
                   }
                 },
                 [&](const input::Drained&) {
                   sink_full_ = false;
                   last_write_ = now;
                   for (std::size_t i = 0; i < attempts_.size(); ++i) {
                     if (!attempts_[i].live || !attempts_[i].paused) continue;
                     attempts_[i].paused = false;
                     attempts_[i].last_bytes =
                         now;  // silence while we did not listen does not count
                     actions_->push_back(action::Resume{i});
                   }
                 },
                 [&](const input::Cancelled&) { on_cancelled(now); },
             },
             input);
  if (state_ != State::kSettled) {
    if (committed_) flush(now);
    arm();
  }
  actions_ = nullptr;
}

void Call::start(TimePoint now) {
  state_ = State::kAdmit;
  codec_ = find_format(spec_.format);
  if (codec_ == nullptr) {
    codec_ = find_format(Format::kOpenAiChat);  // an error still needs a shape
    return fail(Verdict::kInvalidRequest,
                Status(Code::kUnsupported,
                       fmt::format("the format {} is not supported", format_name(spec_.format))),
                now);
  }
  if (spec_.body.size() > kMaxBody) {
    return fail(Verdict::kOk, Status(Code::kTooLarge, "the request body is larger than 32 MB"),
                now);
  }
  Result<RequestScan> scan = codec_->scan(spec_);
  if (!scan) return fail(Verdict::kOk, scan.error(), now);
  scan_ = std::move(*scan);
  record_.model_asked = shorten(scan_.model, 256);
  record_.stream = scan_.stream;
  Resolved resolved = resolve_model(*context_.snapshot, scan_.model);
  if (resolved.model == nullptr) return fail(Verdict::kOk, resolved.error, now);
  model_ = std::move(resolved.model);
  record_.model = model_->name;
  const Timeouts& timeouts = model_->timeouts;
  total_due_ = now + (spec_.timeout ? std::min(*spec_.timeout, timeouts.total) : timeouts.total);
  if (scan_.stream) head_due_ = now + timeouts.early_head;
  actions_->push_back(action::Admit{});
}

void Call::admitted(const Status& status, TimePoint now) {
  if (state_ != State::kAdmit) return;
  if (!status.ok()) return fail(Verdict::kOk, status, now);
  admitted_ = true;
  const Needs needs{scan_.tools, scan_.structured_output, scan_.images};
  plan_ = make_plan(*model_, needs, *context_.health, now, context_.seed);
  record_.plan = plan_.entries;
  if (record_.plan.size() > kMaxPlanKept) {
    record_.plan_omitted = static_cast<unsigned>(record_.plan.size() - kMaxPlanKept);
    record_.plan.resize(kMaxPlanKept);
  }
  if (!plan_.refused.ok()) return fail(Verdict::kInexpressible, plan_.refused, now);
  next_attempt(now);
}

void Call::next_attempt(TimePoint now) {
  state_ = State::kPrepare;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(total_due_ - now);
  const NextStep step = next_step(*model_, plan_, tried_, left, context_.seed);
  if (!step.attempt) {
    if (tried_.empty()) {
      return fail(
          Verdict::kOk,
          Status(Code::kNoCandidate,
                 fmt::format("no target of the model \"{}\" can take calls now", model_->name)),
          now);
    }
    return fail(
        last_failure_.verdict,
        with_soonest_wait(last_failure_.status, plan_, tried_.back(), *context_.health, now), now);
  }
  if (step.wait.count() > 0) {
    pending_ = step.candidate;
    retry_at_ = now + step.wait;
    return;
  }
  begin(step.candidate, now);
}

void Call::on_time(TimePoint now) {
  armed_ = kNever;
  if (linger_due_ != kNever && now >= std::min(linger_due_, total_due_)) return succeed(now);
  if (now >= total_due_) {
    const auto limit =
        spec_.timeout ? std::min(*spec_.timeout, model_->timeouts.total) : model_->timeouts.total;
    const Provider* provider = nullptr;
    for (std::size_t i = 0; i < attempts_.size(); ++i) {
      if (!attempts_[i].live) continue;
      provider = &provider_of(attempts_[i]);
      const Outcome outcome = deadline_outcome(Deadline::kTotal, provider, limit);
      close_attempt(i, outcome.verdict, outcome.status, now);
      last_failure_ = outcome;
    }
    if (provider == nullptr) last_failure_ = deadline_outcome(Deadline::kTotal, nullptr, limit);
    return fail(Verdict::kTimeout, last_failure_.status, now);
  }
  if (pending_ && now >= retry_at_) {
    const std::size_t candidate = *std::exchange(pending_, std::nullopt);
    retry_at_ = kNever;
    begin(candidate, now);
    if (state_ == State::kSettled) return;
  }
  for (std::size_t i = 0; i < attempts_.size(); ++i) {
    const std::optional<Due> due = attempt_due(attempts_[i]);
    if (!due || now < due->at) continue;
    attempt_failed(i, deadline_outcome(due->which, &provider_of(attempts_[i]), due->limit), now);
    if (state_ == State::kSettled) return;
    break;  // attempts_ may have grown; another one that is due as well fires next turn
  }
  if (!head_written_ && now >= head_due_) {
    write_head({200, {{"content-type", std::string(codec_->content_type(true))}}, true});
    write_heartbeat(now);
  } else if (now >= heartbeat_due()) {
    write_heartbeat(now);
  }
}

void Call::on_cancelled(TimePoint now) {
  CancelPhase phase = CancelPhase::kBeforeAttempt;
  for (std::size_t i = 0; i < attempts_.size(); ++i) {
    if (!attempts_[i].live) continue;
    phase = committed_                ? CancelPhase::kStreaming
            : attempts_[i].status > 0 ? CancelPhase::kBeforeCommit
                                      : CancelPhase::kBeforeFirstByte;
    close_attempt(i, Verdict::kClientCancel, Status(Code::kCancelled, "the caller left"), now);
  }
  const Status gone(Code::kCancelled, "the caller left before the answer was complete");
  record_.cancel_phase = phase;
  record_.http_status = 499;
  record_.error_type = error_type(Verdict::kClientCancel, gone);
  record_.error_message = gone.message();
  out_.clear();
  settle(gone, now);
}

// The deadline that a live attempt runs against now. None while the caller makes it wait.
std::optional<Call::Due> Call::attempt_due(const Attempt& attempt) const {
  if (!attempt.live || attempt.paused) return std::nullopt;
  const Timeouts& limits = model_->timeouts;
  if (!attempt.connected)
    return Due{attempt.began + limits.connect, Deadline::kConnect, limits.connect};
  if (!attempt.sent) return std::nullopt;  // still uploading: only the total counts
  // A whole answer has no first event of its own before it is complete: its head stands for it.
  const bool waiting = scan_.stream ? !committed_ : attempt.status == 0;
  if (waiting) {
    const auto limit = limits.first_event_limit(scan_.stream);
    return Due{attempt.sent_at + limit, Deadline::kFirstEvent, limit};
  }
  return Due{attempt.last_bytes + limits.idle, Deadline::kIdle, limits.idle};
}

TimePoint Call::heartbeat_due() const {
  if (!scan_.stream || !head_written_ || model_->timeouts.heartbeat.count() == 0) return kNever;
  return last_write_ + model_->timeouts.heartbeat;
}

// Lazily: a deadline that moved away is found out when the old one fires.
void Call::arm() {
  TimePoint due = std::min({total_due_, head_due_, heartbeat_due(), retry_at_, linger_due_});
  for (const Attempt& attempt : attempts_) {
    if (const std::optional<Due> one = attempt_due(attempt)) due = std::min(due, one->at);
  }
  if (due >= armed_) return;
  armed_ = due;
  actions_->push_back(action::Arm{due});
}

std::int64_t Call::since_start(TimePoint now) const { return to_us(now - started_); }

Call::Attempt* Call::live_attempt(std::size_t index) {
  return index < attempts_.size() && attempts_[index].live ? &attempts_[index] : nullptr;
}

const Provider& Call::provider_of(const Attempt& attempt) const {
  return *plan_.candidates[attempt.candidate].target->provider;
}

}  // namespace llmorch
