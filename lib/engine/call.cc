#include "engine/call.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace llmorch {
namespace {

constexpr std::size_t kMaxHeld = 64u << 10;
constexpr std::size_t kMaxErrorBody = 64u << 10;
constexpr std::size_t kMaxBody = 32u << 20;
// How long an upstream may keep a transfer open after the terminal marker of its answer.
constexpr std::chrono::milliseconds kLinger{250};

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

std::int64_t to_us(Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
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
  const auto found = context_.snapshot->by_name.find(std::string_view(scan_.model));
  if (found == context_.snapshot->by_name.end()) {
    return fail(Verdict::kOk, unknown_model(*context_.snapshot, scan_.model), now);
  }
  model_ = found->second;
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
  plan_ = make_plan(*model_, *context_.health, now, context_.seed);
  record_.plan = plan_.entries;
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
    return fail(last_failure_.verdict, last_failure_.status, now);
  }
  if (step.wait.count() > 0) {
    pending_ = step.candidate;
    retry_at_ = now + step.wait;
    return;
  }
  begin(step.candidate, now);
}

void Call::begin(std::size_t candidate, TimePoint now) {
  state_ = State::kAttempt;
  const Candidate& chosen = plan_.candidates[candidate];
  const Target& target = *chosen.target;
  const Credential& credential = target.provider->credentials[chosen.credential];
  const std::size_t index = attempts_.size();
  Attempt& attempt = attempts_.emplace_back();
  attempt.candidate = candidate;
  attempt.began = attempt.last_bytes = now;
  attempt.live = true;
  AttemptRecord& record = record_.attempts.emplace_back();
  record.candidate = static_cast<int>(candidate);
  record.provider = target.provider->name;
  record.model = target.model;
  record.credential = credential.name;
  record.start_us = since_start(now);
  record_.format_out = target.provider->type->format();

  Result<TransferSpec> spec = encode_for(target, credential);
  if (!spec) {
    // What the caller asked cannot be said to this target; another one may still understand it.
    const bool inexpressible = spec.error().code() == Code::kUnsupported;
    return attempt_failed(
        index, {inexpressible ? Verdict::kInexpressible : Verdict::kInvalidRequest, spec.error()},
        now);
  }
  record.bytes_sent = spec->body.size();
  AnswerOptions options;
  options.stream = scan_.stream;
  options.hide_usage = scan_.stream && !scan_.include_usage;
  options.request_id = record_.id;
  attempt.reader =
      std::make_unique<AnswerReader>(*codec_, *find_format(record_.format_out), options);
  actions_->push_back(action::Begin{index, std::move(*spec)});
  if (sink_full_) {
    attempt.paused = true;
    actions_->push_back(action::Pause{index});
  }
}

Result<TransferSpec> Call::encode_for(const Target& target, const Credential& credential) {
  const ProviderType& type = *target.provider->type;
  const FormatCodec* codec = find_format(type.format());
  if (codec == nullptr) {
    return Status(Code::kUnsupported,
                  fmt::format("this build cannot speak {}", format_name(type.format())));
  }
  Body body;
  std::string path;
  if (codec == codec_) {
    Result<Body> spliced =
        codec->splice(spec_.body, scan_, {target.model, target.set, target.remove, scan_.stream});
    if (!spliced) return spliced.error();
    body = std::move(*spliced);
  } else {
    if (!neutral_) {
      Result<ChatRequest> decoded = codec_->decode(spec_);
      if (!decoded) return decoded.error();
      neutral_ = std::move(*decoded);
    }
    Result<EncodedRequest> encoded =
        codec->encode(*neutral_, {target.model, target.set, target.remove, scan_.stream});
    if (!encoded) return encoded.error();
    body = std::move(encoded->body);
    path = std::move(encoded->path);
    record_.dropped = std::move(encoded->dropped);
  }
  return type.request(target, credential, spec_, std::move(body), path, scan_.stream);
}

void Call::on_head(const input::Head& in, TimePoint now) {
  Attempt* attempt = live_attempt(in.attempt);
  if (attempt == nullptr) return;
  attempt->connected = true;
  if (!attempt->sent) {
    attempt->sent = true;
    attempt->sent_at = now;
  }
  attempt->status = in.status;
  attempt->last_bytes = now;
  AttemptRecord& record = record_.attempts[in.attempt];
  record.http_status = in.status;
  record.first_byte_us = since_start(now);
  if (in.status >= 200 && in.status < 300) {
    attempt->reader->head(*in.headers);
  } else {
    attempt->headers = *in.headers;
  }
}

void Call::on_bytes(const input::Bytes& in, TimePoint now) {
  Attempt* attempt = live_attempt(in.attempt);
  if (attempt == nullptr) return;
  attempt->last_bytes = now;
  record_.attempts[in.attempt].bytes_received += in.bytes.size();
  if (attempt->status < 200 || attempt->status >= 300) {
    attempt->error_body.append(in.bytes.substr(0, kMaxErrorBody - attempt->error_body.size()));
    return;
  }
  take(*attempt, attempt->reader->body(in.bytes, out_), now);
}

// A step of the answer of the attempt that the caller sees.
void Call::take(Attempt& attempt, const AnswerReader::Step& step, TimePoint now) {
  const auto index = static_cast<std::size_t>(&attempt - attempts_.data());
  if (!step.ok()) return attempt_failed(index, {step.verdict, step.error}, now);
  if (!committed_ && (step.content || out_.size() > kMaxHeld)) commit(now);
  if (step.done && !committed_) {
    return attempt_failed(
        index, {Verdict::kMalformed, Status(Code::kProtocol, "the upstream's answer is empty")},
        now);
  }
  // The caller need not wait for the transport's own end, but a connection that ends properly can
  // be used again: give it a moment.
  if (step.done && linger_due_ == kNever) linger_due_ = now + kLinger;
}

void Call::on_transfer_end(const input::End& in, TimePoint now) {
  Attempt* attempt = live_attempt(in.attempt);
  if (attempt == nullptr) return;
  if (linger_due_ != kNever)
    return succeed(now);  // the answer was complete before the transfer was
  const bool good = attempt->status >= 200 && attempt->status < 300;
  if (!in.end->status.ok() && (attempt->status == 0 || good)) {
    // Some upstreams drop the connection after the last event: the answer is complete all the same.
    const bool finished =
        good && scan_.stream && attempt->reader->facts().finish != FinishReason::kNone;
    if (!finished || !attempt->reader->close(out_).ok()) {
      return attempt_failed(in.attempt, transfer_outcome(provider_of(*attempt), *in.end), now);
    }
    return succeed(now);
  }
  if (!good) {
    const Outcome outcome = provider_of(*attempt).type->read_error(
        attempt->status, attempt->headers, attempt->error_body);
    return attempt_failed(in.attempt, outcome, now);
  }
  const AnswerReader::Step step = attempt->reader->close(out_);
  if (!step.ok()) return attempt_failed(in.attempt, {step.verdict, step.error}, now);
  if (!committed_) commit(now);
  succeed(now);
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

// Frames are sent whole, so whatever was written last, a heartbeat stands between two of them.
void Call::write_heartbeat(TimePoint now) {
  last_write_ = now;
  const std::string_view beat = codec_->heartbeat();
  if (beat.empty() || sink_full_) return;
  record_.bytes_out += beat.size();
  actions_->push_back(action::Write{beat});
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

void Call::attempt_failed(std::size_t index, const Outcome& outcome, TimePoint now) {
  const std::size_t candidate = attempts_[index].candidate;
  close_attempt(index, outcome.verdict, outcome.status, now);
  last_failure_ = outcome;
  if (committed_) return fail(outcome.verdict, outcome.status, now);
  out_.clear();
  tried_.push_back({candidate, outcome.verdict, outcome.status.retry_after()});
  next_attempt(now);
}

// Writes an attempt off: record, health, and what its answer told about usage.
void Call::close_attempt(std::size_t index, Verdict verdict, const Status& status, TimePoint now) {
  Attempt& attempt = attempts_[index];
  attempt.live = false;
  actions_->push_back(action::Cancel{index});  // nothing, if the transfer is over
  AttemptRecord& record = record_.attempts[index];
  record.verdict = verdict;
  record.message = status.message();
  record.end_us = since_start(now);
  linger_due_ = kNever;
  if (attempt.reader != nullptr) {
    const AnswerReader::Facts& facts = attempt.reader->facts();
    if (facts.usage_known || verdict == Verdict::kOk) {
      record_.usage = facts.usage;
      record_.usage_known = facts.usage_known;
      record_.raw_usage = facts.raw_usage;
    }
    if (committed_) record_.finish = facts.finish;
    if (!facts.model.empty()) record_.model_answered = facts.model;
  }
  attempt.reader.reset();
  actions_->push_back(action::Report{attempt.candidate, verdict, status.retry_after()});
}

void Call::commit(TimePoint now) {
  committed_ = true;
  record_.first_event_us = since_start(now);
  if (!head_written_) {
    write_head(
        {200, {{"content-type", std::string(codec_->content_type(scan_.stream))}}, scan_.stream});
  }
}

void Call::write_head(AnswerHead head) {
  head_written_ = true;
  head_due_ = kNever;
  record_.http_status = head.http_status;
  head.headers.push_back({"x-llmorch-request-id", record_.id});
  if (!record_.attempts.empty()) {
    const AttemptRecord& last = record_.attempts.back();
    head.headers.push_back({"x-llmorch-attempts", std::to_string(record_.attempts.size())});
    head.headers.push_back({"x-llmorch-provider", last.provider});
    head.headers.push_back({"x-llmorch-model", last.model});
  }
  if (!record_.dropped.empty()) {
    std::string fields;
    for (const std::string& field : record_.dropped)
      fields.append(fields.empty() ? "" : ",").append(field);
    if (is_header_value(fields)) head.headers.push_back({"x-llmorch-dropped", fields});
  }
  actions_->push_back(action::WriteHead{std::move(head)});
}

void Call::flush(TimePoint now) {
  if (out_.empty()) return;
  out_written_ = true;
  last_write_ = now;
  record_.bytes_out += out_.size();
  actions_->push_back(action::Write{out_});
}

void Call::succeed(TimePoint now) {
  for (std::size_t i = 0; i < attempts_.size(); ++i) {
    if (attempts_[i].live) close_attempt(i, Verdict::kOk, Status(), now);
  }
  settle(Status(), now);
}

void Call::fail(Verdict verdict, const Status& status, TimePoint now) {
  record_.error_type = error_type(verdict, status);
  record_.error_message = status.message();
  if (!committed_) out_.clear();
  if (!head_written_) {
    AnswerHead head;
    head.http_status = status.http_status();
    head.headers.push_back({"content-type", std::string(codec_->content_type(false))});
    if (const auto wait = status.retry_after()) {
      const std::int64_t ms = std::max<std::int64_t>(wait->count(), 0);
      head.headers.push_back({"retry-after", std::to_string((ms + 999) / 1000)});
      head.headers.push_back({"retry-after-ms", std::to_string(ms)});
    } else {
      // What could be tried was tried; an SDK's own retries would only multiply the load.
      head.headers.push_back({"x-should-retry", "false"});
    }
    write_head(std::move(head));
    out_ = codec_->error_body(status, record_.id);
  } else {
    out_.append(codec_->error_frame(status, record_.id));
  }
  settle(status, now);
}

void Call::settle(const Status& outcome, TimePoint now) {
  state_ = State::kSettled;
  flush(now);
  record_.duration_us = since_start(now);
  actions_->push_back(action::WriteEnd{outcome});
  actions_->push_back(action::Settle{});
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
