#include "server/http_front/exchange.h"

#include <charconv>
#include <utility>

#include "llmorch/gateway.h"
#include "server/http_front/response_head.h"

namespace llmorch::server {

Reply json_reply(std::string body, int status) {
  return {status, {{"content-type", "application/json"}}, std::move(body)};
}

Reply error_reply(const Status& status, std::string_view request_id, Format format) {
  Reply reply = json_reply(render_error(format, status, request_id));
  reply.status = status.http_status();
  if (reply.status == 401) reply.headers.push_back({"www-authenticate", "Bearer"});
  if (const auto wait = status.retry_after()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
    reply.headers.push_back({"retry-after", std::to_string(seconds)});
  }
  return reply;
}

Exchange::Exchange(ExchangeHost* host, std::shared_ptr<FrontTotals> totals)
    : host_(host), totals_(std::move(totals)) {
  totals_->busy.fetch_add(1, std::memory_order_relaxed);
}

Exchange::~Exchange() {
  totals_->buffered_bytes.fetch_sub(charged_, std::memory_order_relaxed);
  totals_->busy.fetch_sub(1, std::memory_order_relaxed);
}

Headers Exchange::copy_headers() const {
  Headers out;
  out.reserve(request_.head.fields.size());
  for (const HeadField& field : request_.head.fields)
    out.push_back({std::string(field.name), std::string(field.value)});
  return out;
}

bool Exchange::charge(std::size_t bytes, std::size_t limit) {
  const std::size_t before = totals_->buffered_bytes.fetch_add(bytes, std::memory_order_relaxed);
  charged_ += bytes;
  return before + bytes <= limit;
}

void Exchange::answer(Reply reply) {
  taken_ = true;
  if (std::exchange(answered_, true) || host_ == nullptr) return;
  send_whole(reply.status, reply.headers, std::move(reply.body), host_->may_keep_alive());
}

void Exchange::send_whole(int status, const Headers& headers, std::string body, bool keep_alive) {
  const std::string head = render_head({.status = status,
                                        .framing = BodyFraming::kLength,
                                        .length = body.size(),
                                        .keep_alive = keep_alive,
                                        .minor = request_.head.minor,
                                        .stream = false,
                                        .request_id = request_.id},
                                       headers);
  host_->out().add(head);
  if (request_.head.method != "HEAD") host_->out().add_owned(std::move(body));
  host_->answered(keep_alive);
}

void Exchange::start(const std::function<std::shared_ptr<LiveCall>(Sink&)>& begin) {
  taken_ = true;
  self_ = shared_from_this();
  call_ = begin(*this);
}

void Exchange::client_gone() {
  host_ = nullptr;
  if (self_ != nullptr && call_ != nullptr) call_->cancel();
}

void Exchange::client_drained() {
  if (std::exchange(full_, false) && call_ != nullptr) call_->drained();
}

void Exchange::head(const AnswerHead& head) {
  has_head_ = true;
  answer_head_ = head;
  if (!head.stream || host_ == nullptr) return;
  chunked_ = request_.head.minor == 1;
  keep_alive_ = chunked_ && host_->may_keep_alive();
  host_->out().add(
      render_head({.status = head.http_status,
                   .framing = chunked_ ? BodyFraming::kChunked : BodyFraming::kUntilClose,
                   .length = 0,
                   .keep_alive = keep_alive_,
                   .minor = request_.head.minor,
                   .stream = true,
                   .request_id = request_.id},
                  head.headers));
  host_->out_changed();
}

Flow Exchange::write(std::string_view bytes) {
  if (host_ == nullptr || bytes.empty()) return Flow::kMore;
  // A whole answer is sent with its length, so all of it must be here first; the engine bounds it.
  if (!answer_head_.stream) {
    answer_body_.append(bytes);
    return Flow::kMore;
  }
  if (chunked_) {
    char size[20];
    char* end = std::to_chars(size, size + 16, bytes.size(), 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    host_->out().add({size, static_cast<std::size_t>(end - size)});
    host_->out().add(bytes);
    host_->out().add("\r\n");
  } else {
    host_->out().add(bytes);
  }
  host_->out_changed();
  full_ = full_ || host_->out().size() > host_->full_above();
  return full_ ? Flow::kFull : Flow::kMore;
}

void Exchange::end(const Status& outcome) {
  const std::shared_ptr<Exchange> self = std::move(self_);  // this may be the last of it
  full_ = false;
  if (host_ == nullptr || std::exchange(answered_, true)) return;
  if (!has_head_) {
    Reply reply = error_reply(
        outcome.ok() ? Status(Code::kInternal, "the call ended without an answer") : outcome,
        request_.id);
    send_whole(reply.status, reply.headers, std::move(reply.body), false);
  } else if (!answer_head_.stream) {
    send_whole(answer_head_.http_status, answer_head_.headers, std::move(answer_body_),
               host_->may_keep_alive());
  } else {
    // A stream that failed has said so by an error event. Its body is ended properly, because a
    // client that finds its last chunk missing may throw that event away; the connection is not
    // used again.
    if (chunked_) host_->out().add("0\r\n\r\n");
    host_->answered(keep_alive_ && outcome.ok());
  }
}

}  // namespace llmorch::server
