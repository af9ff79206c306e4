// What a Call says to its caller: head, bytes, signs of life, and how it ends. The rest is in
// call.cc.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "engine/call.h"

namespace llmorch {

// Frames are sent whole, so whatever was written last, a heartbeat stands between two of them.
void Call::write_heartbeat(TimePoint now) {
  last_write_ = now;
  const std::string_view beat = codec_->heartbeat();
  if (beat.empty() || sink_full_) return;
  record_.bytes_out += beat.size();
  actions_->push_back(action::Write{beat});
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

}  // namespace llmorch
