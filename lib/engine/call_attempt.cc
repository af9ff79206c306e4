// One attempt of a Call: what goes up, and what its upstream does. The rest is in call.cc.
#include <fmt/format.h>

#include <utility>

#include "engine/call.h"
#include "providers/request_headers.h"

namespace llmorch {
namespace {

constexpr std::size_t kMaxHeld = 64u << 10;
constexpr std::size_t kMaxErrorBody = 64u << 10;
// How long an upstream may keep a transfer open after the terminal marker of its answer.
constexpr std::chrono::milliseconds kLinger{250};

}  // namespace

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

  AnswerOptions options;
  options.stream = scan_.stream;
  options.hide_usage = scan_.stream && !scan_.include_usage;
  options.request_id = record_.id;
  options.model = target.model;
  options.upstream = record_.format_out;
  options.created = std::chrono::system_clock::to_time_t(context_.wall_start);
  Result<TransferSpec> spec = encode_for(target, credential, options.hints);
  if (!spec) {
    // What the caller asked cannot be said to this target; another one may still understand it.
    const bool inexpressible = spec.error().code() == Code::kUnsupported;
    return attempt_failed(
        index, {inexpressible ? Verdict::kInexpressible : Verdict::kInvalidRequest, spec.error()},
        now);
  }
  record.bytes_sent = spec->body.size();
  attempt.reader =
      std::make_unique<AnswerReader>(*codec_, *find_format(record_.format_out), options);
  actions_->push_back(action::Begin{index, std::move(*spec)});
  if (sink_full_) {
    attempt.paused = true;
    actions_->push_back(action::Pause{index});
  }
}

Result<TransferSpec> Call::encode_for(const Target& target, const Credential& credential,
                                      AnswerHints& hints) {
  const ProviderType& type = *target.provider->type;
  const FormatCodec* codec = find_format(type.format());
  if (codec == nullptr) {
    return Status(Code::kUnsupported,
                  fmt::format("this build cannot speak {}", format_name(type.format())));
  }
  RequestEdits edits;
  edits.model = target.model;
  edits.set = target.set;
  edits.remove = target.remove;
  edits.ask_usage = scan_.stream;
  edits.system_prompt = target.system_prompt;
  edits.capabilities = target.capabilities;
  EncodedRequest request;
  if (codec == codec_) {
    Result<Body> spliced = codec->splice(spec_.body, scan_, edits);
    if (!spliced) return spliced.error();
    request.body = std::move(*spliced);
  } else {
    if (!neutral_) {
      Result<ChatRequest> decoded = codec_->decode(spec_);
      if (!decoded) return decoded.error();
      neutral_ = std::move(*decoded);
    }
    Result<EncodedRequest> encoded = codec->encode(*neutral_, edits);
    if (!encoded) return encoded.error();
    request = std::move(*encoded);
  }
  record_.dropped = std::move(request.dropped);
  hints = std::move(request.hints);
  Result<TransferSpec> spec =
      type.request(target, credential, spec_, std::move(request.body), request.path, scan_.stream);
  if (spec) {
    for (const Header& header : request.headers)
      merge_header(spec->headers, header.name, header.value);
  }
  return spec;
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
    const Provider& provider = provider_of(*attempt);
    const Outcome outcome = without_secret(
        provider.type->read_error(attempt->status, attempt->headers, attempt->error_body),
        provider.credentials[plan_.candidates[attempt->candidate].credential].secret);
    return attempt_failed(in.attempt, outcome, now);
  }
  const AnswerReader::Step step = attempt->reader->close(out_);
  if (!step.ok()) return attempt_failed(in.attempt, {step.verdict, step.error}, now);
  if (!committed_) commit(now);
  succeed(now);
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
      record_.usage_source = facts.usage_known ? UsageSource::kUpstream : UsageSource::kNone;
      record_.raw_usage = facts.raw_usage;
    }
    if (committed_) record_.finish = facts.finish;
    if (!facts.model.empty()) record_.model_answered = facts.model;
  }
  attempt.reader.reset();
  actions_->push_back(action::Report{attempt.candidate, verdict, status.retry_after()});
}

}  // namespace llmorch
