#include "gateway/pull_stream.h"

#include <algorithm>
#include <utility>

namespace llmorch {
namespace {

constexpr std::size_t kFullAt = 256u << 10;

}  // namespace

std::shared_ptr<PullBuffer> PullBuffer::make() {
  auto buffer = std::make_shared<PullBuffer>();
  buffer->self_ = buffer;
  return buffer;
}

void PullBuffer::head(const AnswerHead& head) {
  const std::lock_guard lock(mutex_);
  head_ = head;
  has_head_ = true;
}

Flow PullBuffer::write(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  const bool was_empty = waiting_.empty();
  waiting_.append(bytes);
  loop_ = Loop::current();
  full_ = waiting_.size() > kFullAt;
  if (was_empty) changed_.notify_one();
  return full_ ? Flow::kFull : Flow::kMore;
}

void PullBuffer::end(const Status& outcome) {
  const std::shared_ptr<PullBuffer> self = std::move(self_);  // goes after the lock
  const std::lock_guard lock(mutex_);
  outcome_ = outcome;
  ended_ = true;
  changed_.notify_one();
}

PullBuffer::Taken PullBuffer::take(std::string& out, const TimePoint* deadline, Loop* driven) {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return !waiting_.empty() || ended_; };
  if (driven != nullptr) {
    while (!ready() && (deadline == nullptr || driven->now() < *deadline)) {
      lock.unlock();
      driven->drive(deadline == nullptr ? Duration(-1)
                                        : std::max(Duration::zero(), *deadline - driven->now()));
      lock.lock();
    }
  } else if (deadline == nullptr) {
    changed_.wait(lock, ready);
  } else {
    changed_.wait_until(lock, *deadline, ready);
  }
  Taken taken;
  taken.data = !waiting_.empty();
  out.clear();
  out.swap(waiting_);
  taken.ended = ended_;
  taken.was_full = std::exchange(full_, false);
  return taken;
}

bool PullBuffer::has_head(AnswerHead& out) {
  const std::lock_guard lock(mutex_);
  if (has_head_) out = head_;
  return has_head_;
}

Status PullBuffer::outcome() {
  const std::lock_guard lock(mutex_);
  return outcome_;
}

void PullBuffer::resume(const std::shared_ptr<LiveCall>& call) {
  loop_->post([call] { call->drained(); });
}

PullStream::PullStream(std::shared_ptr<PullBuffer> buffer, std::shared_ptr<LiveCall> call,
                       Loop* driven)
    : buffer_(std::move(buffer)), call_(std::move(call)), driven_(driven) {}

PullStream::~PullStream() {
  if (!over_) call_->cancel();
}

Stream::Next PullStream::next(std::optional<std::chrono::milliseconds> wait) {
  data_.clear();
  if (over_) return status_.ok() ? Next::kEnd : Next::kError;
  if (Loop::current() != nullptr) {
    status_ = Status(Code::kInvalidArgument, "Stream::next() must not be called on a loop thread");
    return Next::kError;
  }
  TimePoint deadline{};
  if (wait)
    deadline = (driven_ != nullptr ? driven_->now() : std::chrono::steady_clock::now()) + *wait;
  const PullBuffer::Taken taken = buffer_->take(data_, wait ? &deadline : nullptr, driven_);
  if (!has_head_) has_head_ = buffer_->has_head(head_);
  if (taken.was_full && !taken.ended) buffer_->resume(call_);
  if (taken.data) return Next::kData;
  if (!taken.ended) return Next::kTimeout;
  over_ = true;
  status_ = buffer_->outcome();
  return status_.ok() ? Next::kEnd : Next::kError;
}

}  // namespace llmorch
