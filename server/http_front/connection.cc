#include "server/http_front/connection.h"

#include <algorithm>
#include <utility>

#include "server/http_front/request_id.h"

namespace llmorch::server {
namespace {

constexpr int kParts = 16;                         // of one gathered write
constexpr std::size_t kFirstReserve = 256 * 1024;  // a length is only a claim until bytes come

Code code_of(int http_status) {
  switch (http_status) {
    case 408:
      return Code::kTimeout;
    case 413:
    case 414:
    case 431:
      return Code::kTooLarge;
    case 415:
    case 417:
    case 501:
    case 505:
      return Code::kUnsupported;
    default:
      return Code::kInvalidArgument;
  }
}

}  // namespace

Connection::Connection(ConnectionOwner& owner, std::unique_ptr<Channel> channel, std::string peer)
    : owner_(owner),
      channel_(std::move(channel)),
      peer_(std::move(peer)),
      timer_([this] { on_timer(); }) {}

Connection::~Connection() { close(); }

void Connection::open() {
  set_deadline(owner_.loop().now() + owner_.deadlines().idle);
  update_interest();
}

void Connection::close() {
  if (std::exchange(phase_, Phase::kClosed) == Phase::kClosed) return;
  owner_.loop().disarm(timer_);
  owner_.loop().unwatch(channel_->fd());
  channel_.reset();
  if (exchange_ != nullptr) exchange_->client_gone();
  exchange_.reset();
  owner_.closed(this);
}

void Connection::on_ready(unsigned ready) {
  if ((ready & Loop::kFailed) != 0) return close();
  // Bytes that came before the FIN are not looked at: nobody waits for their answer.
  if ((ready & Loop::kHangup) != 0 && phase_ != Phase::kLingering) return close();
  if ((ready & Loop::kWrite) != 0) flush();
  if (phase_ != Phase::kClosed && (ready & (Loop::kRead | Loop::kHangup)) != 0) read_some();
}

void Connection::read_some() {
  std::string& scratch = owner_.scratch();
  const Channel::Moved read = channel_->read(scratch.data(), scratch.size());
  switch (read.state) {
    case Channel::State::kAgain:
      return;
    case Channel::State::kEnded:
    case Channel::State::kBroken:
      return close();
    case Channel::State::kSome:
      break;
  }
  if (phase_ == Phase::kLingering) return;
  received(std::string_view(scratch).substr(0, read.bytes));
  if (phase_ != Phase::kClosed) update_interest();
}

void Connection::received(std::string_view bytes) {
  if (phase_ == Phase::kIdle && !bytes.empty()) {
    phase_ = Phase::kHead;
    clear_deadline();
  }
  if (in_.empty()) {
    const std::size_t used = consume(bytes);
    if (used < bytes.size()) in_.assign(bytes.substr(used));
  } else {
    in_.append(bytes);
    const std::size_t used = consume(in_);
    in_.erase(0, used);
    if (in_.empty()) in_ = {};
  }
  // Only a head that did not come in one piece needs a deadline.
  if (phase_ == Phase::kHead && deadline_ == TimePoint::max())
    set_deadline(owner_.loop().now() + owner_.deadlines().head);
}

// Uses up heads and bodies from the front of `bytes`; what follows a complete request is left.
std::size_t Connection::consume(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size()) {
    const std::string_view rest = bytes.substr(used);
    if (phase_ == Phase::kBody) {
      used += feed_body(rest);
    } else if (phase_ == Phase::kHead) {
      const HeadScan scan = scan_head(rest, progress_, owner_.limits());
      if (scan.state == HeadScan::State::kMore) return used;
      progress_ = {};
      clear_deadline();
      if (scan.state == HeadScan::State::kBad) {
        fail(scan.error);
        break;
      }
      used += scan.size;
      begin_request(rest.substr(0, scan.size));
    } else {
      break;
    }
  }
  // After an answer that ends the connection nothing that follows has a meaning.
  return phase_ == Phase::kAnswering && !keep_alive_ ? bytes.size() : used;
}

void Connection::begin_request(std::string_view head) {
  exchange_ = std::make_shared<Exchange>(host(), owner_.totals());
  answer_complete_ = false;
  Request& request = exchange_->mutable_request();
  request.text.assign(head);
  request.peer = peer_;
  const FramingError error = parse_head(request.text, request.head);
  const std::string_view* id = request.head.find("x-request-id");
  request.id = id != nullptr && is_request_id(*id) ? std::string(*id) : new_request_id();
  if (error) return fail(error);
  keep_alive_ = request.head.keep_alive;
  if (request.head.content_length > owner_.limits().body_bytes)
    return fail({413, "the request body is too large"});
  if (!request.head.has_body()) return finish_request();
  begin_body();
}

void Connection::begin_body() {
  Request& request = exchange_->mutable_request();
  if (request.head.chunked) {
    chunks_.emplace(owner_.limits().body_bytes);
  } else {
    request.body.reserve(std::min<std::size_t>(request.head.content_length, kFirstReserve));
  }
  phase_ = Phase::kBody;
  body_window_ = 0;
  set_deadline(owner_.loop().now() + owner_.deadlines().body);
  if (request.head.expects_continue) {
    out_.add("HTTP/1.1 100 Continue\r\n\r\n");
    out_changed();
  }
}

std::size_t Connection::feed_body(std::string_view bytes) {
  Request& request = exchange_->mutable_request();
  const std::size_t before = request.body.size();
  std::size_t used = 0;
  bool complete = false;
  FramingError error;
  if (chunks_.has_value()) {
    used = chunks_->feed(bytes, request.body);
    complete = chunks_->done();
    error = chunks_->error();
  } else {
    used = std::min<std::size_t>(bytes.size(), request.head.content_length - before);
    request.body.append(bytes.substr(0, used));
    complete = request.body.size() == request.head.content_length;
  }
  if (error) {
    fail(error);
  } else if (!exchange_->charge(request.body.size() - before, owner_.limits().buffered_bytes)) {
    fail(Status(Code::kOverloaded, "too many request bytes are being held; try again")
             .with_retry_after(std::chrono::seconds(1)));
  } else if (complete) {
    finish_request();
  }
  return used;
}

void Connection::finish_request() {
  chunks_.reset();
  clear_deadline();
  phase_ = Phase::kAnswering;
  owner_.dispatch(exchange_);
}

void Connection::fail(const FramingError& error) {
  fail(Status(code_of(error.status), error.message).with_http_status(error.status));
}

void Connection::fail(const Status& status) {
  if (exchange_ == nullptr) {
    exchange_ = std::make_shared<Exchange>(host(), owner_.totals());
    exchange_->mutable_request().id = new_request_id();
  }
  chunks_.reset();
  clear_deadline();
  phase_ = Phase::kAnswering;
  keep_alive_ = false;
  exchange_->answer(error_reply(status, exchange_->request().id));
}

bool Connection::may_keep_alive() const { return keep_alive_ && !owner_.draining(); }

void Connection::answered(bool keep_alive) {
  answer_complete_ = true;
  keep_alive_ = keep_alive;
  out_changed();
}

void Connection::out_changed() { owner_.flush_later(this); }

void Connection::flush() {
  if (phase_ == Phase::kClosed) return;
  bool progress = false;
  wants_write_ = false;
  while (!out_.empty() && !wants_write_) {
    iovec parts[kParts];
    const Channel::Moved written = channel_->write(parts, out_.parts(parts, kParts));
    if (written.state == Channel::State::kSome) {
      out_.consume(written.bytes);
      progress = true;
    } else if (written.state == Channel::State::kAgain) {
      wants_write_ = true;
    } else {
      return close();
    }
  }
  if (phase_ == Phase::kAnswering) {
    if (!wants_write_) {
      clear_deadline();
    } else if (progress || deadline_ == TimePoint::max()) {
      set_deadline(owner_.loop().now() + owner_.deadlines().write_stall);
    }
    if (exchange_ != nullptr && exchange_->waits_for_drain() &&
        out_.size() < owner_.limits().drained_below)
      exchange_->client_drained();
    if (out_.empty() && answer_complete_) flushed();
  }
  if (phase_ != Phase::kClosed) update_interest();
}

void Connection::flushed() {
  exchange_.reset();
  answer_complete_ = false;
  if (!keep_alive_) {
    // Closing with bytes unread would reset the connection, and the client might lose the answer.
    channel_->finish_writing();
    in_ = {};
    phase_ = Phase::kLingering;
    return set_deadline(owner_.loop().now() + owner_.deadlines().linger);
  }
  phase_ = Phase::kIdle;
  if (in_.empty()) return set_deadline(owner_.loop().now() + owner_.deadlines().idle);
  const std::string next = std::exchange(in_, {});
  received(next);
}

void Connection::update_interest() {
  unsigned interest = Loop::kHangup;
  const bool enough = phase_ == Phase::kAnswering && in_.size() >= owner_.limits().pipelined_bytes;
  if (!enough) interest |= Loop::kRead;
  if (wants_write_) interest |= Loop::kWrite;
  if (interest == interest_) return;
  interest_ = interest;
  if (!owner_.loop().watch(channel_->fd(), interest, this).ok()) close();
}

void Connection::set_deadline(TimePoint due) {
  deadline_ = due;
  if (!timer_.armed() || timer_.due > due) owner_.loop().arm(timer_, due);
}

void Connection::on_timer() {
  if (deadline_ == TimePoint::max()) return;
  if (owner_.loop().now() < deadline_) return owner_.loop().arm(timer_, deadline_);
  clear_deadline();
  expired();
}

void Connection::expired() {
  switch (phase_) {
    case Phase::kHead:
      return fail({408, "the request's head did not arrive in time"});
    case Phase::kBody: {
      const std::size_t size = exchange_->request().body.size();
      const auto span = owner_.deadlines().body;
      const auto least =
          static_cast<std::size_t>(span.count()) * owner_.deadlines().body_rate / 1000;
      if (size - body_window_ < least) return fail({408, "the request's body comes too slowly"});
      body_window_ = size;
      return set_deadline(owner_.loop().now() + span);
    }
    case Phase::kIdle:
    case Phase::kAnswering:  // it takes no byte of its answer
    case Phase::kLingering:
      return close();
    case Phase::kClosed:
      return;
  }
}

}  // namespace llmorch::server
