#include "testing/mock_connection.h"

#include <algorithm>

#include "base/text.h"
#include "testing/mock_openai.h"

namespace llmorch::testing {
namespace {

constexpr std::size_t kMaxBody = 64u << 20;
constexpr std::size_t kMaxUnsent = 256 * 1024;
constexpr int kPiecesPerTurn = 64;
constexpr auto kLinger = std::chrono::seconds(2);

}  // namespace

MockConnection::MockConnection(MockHost& host, Loop& loop, int fd)
    : host_(host), loop_(loop), socket_(loop, fd, this), timer_([this] { play(); }) {}

MockConnection::~MockConnection() { loop_.disarm(timer_); }

void MockConnection::on_bytes(std::string_view bytes) {
  if (state_ == State::kLeaving || state_ == State::kGone) return;
  input_.append(bytes);
  if (state_ == State::kReading) {
    read_requests();
  } else if (input_.size() > kMaxBody) {
    gone();
  }
}

void MockConnection::on_fin() { gone(); }

void MockConnection::on_lost(int) { gone(); }

void MockConnection::gone() {
  if (state_ == State::kGone) return;
  const bool answering =
      state_ == State::kAnswering || state_ == State::kFlushing || state_ == State::kStalled;
  state_ = State::kGone;
  loop_.disarm(timer_);
  socket_.close();
  if (answering) end_answer(true);
  host_.on_gone(this);
}

void MockConnection::leave() {
  state_ = State::kLeaving;
  socket_.finish_sending();
  loop_.arm(timer_, loop_.now() + kLinger);
}

void MockConnection::read_requests() {
  in_reader_ = true;
  std::string_view view = input_;
  while (state_ == State::kReading) {
    const HttpParser::Event event = parser_.next(view);
    if (event == HttpParser::Event::kNeedMore) break;
    if (event == HttpParser::Event::kBad) {
      refuse(parser_.problem());
    } else if (event == HttpParser::Event::kHead) {
      body_.clear();
      if (!parser_.header("expect").empty()) socket_.send("HTTP/1.1 100 Continue\r\n\r\n");
    } else if (event == HttpParser::Event::kBody) {
      if (body_.size() + parser_.body().size() > kMaxBody) {
        refuse("body too large");
      } else {
        body_.append(parser_.body());
      }
    } else {
      client_keeps_alive_ = parser_.keep_alive();
      begin(host_.reply_to(parser_, body_));
    }
  }
  input_.erase(0, input_.size() - view.size());
  in_reader_ = false;
}

void MockConnection::refuse(std::string_view problem) {
  client_keeps_alive_ = false;
  MockReply reply;
  reply.status = 400;
  reply.body = openai_error("The server could not read the request: " + std::string(problem));
  reply.counted = false;
  begin(std::move(reply));
}

std::string MockConnection::make_head() const {
  const Script& script = reply_.script;
  std::string head = script.http10 ? "HTTP/1.0 " : "HTTP/1.1 ";
  head += std::to_string(reply_.status) + " " + std::string(http_phrase(reply_.status)) + "\r\n";
  bool has_type = false;
  for (const auto* list : {&reply_.headers, &script.headers}) {
    for (const auto& [name, value] : *list) {
      has_type = has_type || equals_ignore_case(name, "content-type");
      head += name + ": " + value + "\r\n";
    }
  }
  if (!has_type) head += "content-type: " + reply_.content_type + "\r\n";
  if (!script.retry_after.empty()) head += "retry-after: " + script.retry_after + "\r\n";
  if (!script.http10) {
    head += reply_.stream ? "transfer-encoding: chunked\r\n"
                          : "content-length: " + std::to_string(reply_.body.size()) + "\r\n";
  }
  if (close_when_done_) head += "connection: close\r\n";
  return head + "\r\n";
}

void MockConnection::begin(MockReply reply) {
  reply_ = std::move(reply);
  const Script& script = reply_.script;
  if (reply_.counted) host_.on_answer_started();
  state_ = State::kAnswering;
  stage_ = script.raw ? Stage::kBody : Stage::kHead;
  if (script.raw) {
    reply_.body = *script.raw;
    reply_.stream.reset();
  }
  close_when_done_ =
      script.close_after || script.http10 || script.raw.has_value() || !client_keeps_alive_;
  emitted_ = 0;
  limit_ = std::min({script.cut_after_bytes, script.reset_after_bytes, script.stall_after_bytes});
  if (script.drop_request || script.accept_then_close) limit_ = 0;
  due_ = loop_.now();
  socket_.set_slice(script.chunk_bytes);
  if (script.delay.count() > 0) {
    loop_.arm(timer_, loop_.now() + script.delay);
  } else {
    play();
  }
}

// The timer's and our own way into step(): what it prepared is sent in one go.
void MockConnection::play() {
  if (state_ == State::kLeaving) {
    gone();
    return;
  }
  if (state_ != State::kAnswering) return;
  out_.clear();
  step();
}

void MockConnection::step() {
  const Script& script = reply_.script;
  if (stage_ == Stage::kHead) {
    emit(make_head());
    stage_ = Stage::kBody;
    if (emitted_ < limit_ && script.first_byte.count() > 0) {
      socket_.send(out_);
      due_ = loop_.now() + script.first_byte;
      loop_.arm(timer_, due_);
      return;
    }
  }
  for (int pieces = 0; stage_ == Stage::kBody && emitted_ < limit_; ++pieces) {
    if (pieces == kPiecesPerTurn) {
      socket_.send(out_);
      waiting_to_drain_ = socket_.unsent() > kMaxUnsent;
      if (!waiting_to_drain_) loop_.arm(timer_, loop_.now());
      return;
    }
    if (!reply_.stream) {
      emit(reply_.body);
      stage_ = Stage::kEnd;
    } else if (stream_piece()) {
      return;
    }
  }
  socket_.send(out_);
  if (emitted_ >= limit_) {
    hit_limit();
  } else if (socket_.unsent() == 0) {
    complete();
  } else {
    state_ = State::kFlushing;
  }
}

// True when the rest has to wait for its time.
bool MockConnection::stream_piece() {
  const Script& script = reply_.script;
  piece_.clear();
  const MockAnswer::Piece kind = reply_.stream->next(piece_);
  if (kind == MockAnswer::Piece::kEnd) {
    if (!script.http10) emit("0\r\n\r\n");
    stage_ = Stage::kEnd;
    return false;
  }
  if (script.http10) {
    emit(piece_);
  } else {
    std::string framed;
    append_chunk(framed, piece_);
    emit(framed);
  }
  if (kind != MockAnswer::Piece::kContent) return false;
  if (reply_.stream->chunks_sent() >= script.cut_after_chunks) {
    limit_ = emitted_;
    return false;
  }
  if (script.chunk_delay.count() == 0 || emitted_ >= limit_) return false;
  socket_.send(out_);
  // From the intended time, not from now: the rate stays exact whatever a turn costs.
  due_ += script.chunk_delay;
  waiting_to_drain_ = socket_.unsent() > kMaxUnsent;
  if (!waiting_to_drain_) loop_.arm(timer_, due_);
  return true;
}

void MockConnection::emit(std::string_view bytes) {
  bytes = bytes.substr(0, std::min<std::uint64_t>(bytes.size(), limit_ - emitted_));
  emitted_ += bytes.size();
  out_.append(bytes);
}

void MockConnection::hit_limit() {
  if (reply_.script.stall_after_bytes == limit_) {
    state_ = State::kStalled;
    return;
  }
  const bool reset = reply_.script.reset_after_bytes == limit_;
  end_answer(false);
  if (reset) {
    state_ = State::kLeaving;
    socket_.reset_when_sent();
    if (!socket_.open()) gone();
  } else {
    leave();
  }
}

void MockConnection::on_drained() {
  if (state_ == State::kFlushing) {
    complete();
  } else if (state_ == State::kAnswering && waiting_to_drain_) {
    waiting_to_drain_ = false;
    loop_.arm(timer_, due_);
  }
}

void MockConnection::end_answer(bool client_left) {
  if (reply_.counted) host_.on_answer_ended(client_left);
  reply_ = MockReply();
}

void MockConnection::complete() {
  state_ = State::kReading;
  end_answer(false);
  if (close_when_done_) {
    leave();
  } else if (!in_reader_ && !input_.empty()) {
    read_requests();
  }
}

}  // namespace llmorch::testing
