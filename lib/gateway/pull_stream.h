// PullStream: a Stream on top of a Sink: the loop puts in, one thread takes out. Also what chat()
// waits on. In driven mode the taker drives the loop while it waits.
#ifndef LLMORCH_GATEWAY_PULL_STREAM_H_
#define LLMORCH_GATEWAY_PULL_STREAM_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "llmorch/loop.h"
#include "llmorch/stream.h"

namespace llmorch {

// Shared by the two sides: it holds itself until end(), so the taker may leave before.
class PullBuffer final : public Sink, public std::enable_shared_from_this<PullBuffer> {
 public:
  static std::shared_ptr<PullBuffer> make();

  void head(const AnswerHead& head) override;
  Flow write(std::string_view bytes) override;
  void end(const Status& outcome) override;

  struct Taken {
    bool data = false;
    bool ended = false;
    bool was_full = false;
  };
  // Moves what waits into `out`; without data, waits for some until `deadline` unless driven.
  Taken take(std::string& out, const TimePoint* deadline, Loop* driven);
  bool has_head(AnswerHead& out);
  // Tells the loop that there is room again.
  void resume(const std::shared_ptr<LiveCall>& call);
  Status outcome();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  AnswerHead head_;
  bool has_head_ = false;
  std::string waiting_;
  bool full_ = false;
  bool ended_ = false;
  Status outcome_;
  std::shared_ptr<PullBuffer> self_;
  Loop* loop_ = nullptr;  // the call's, once it has written
};

class PullStream final : public Stream {
 public:
  // `driven`: the loop to drive while waiting, or null when threads do it.
  PullStream(std::shared_ptr<PullBuffer> buffer, std::shared_ptr<LiveCall> call, Loop* driven);
  ~PullStream() override;

  Next next(std::optional<std::chrono::milliseconds> wait) override;
  std::string_view data() const override { return data_; }
  const AnswerHead* head() const override { return has_head_ ? &head_ : nullptr; }
  const Status& status() const override { return status_; }
  void cancel() override { call_->cancel(); }
  const std::string& request_id() const override { return call_->request_id(); }

 private:
  const std::shared_ptr<PullBuffer> buffer_;
  const std::shared_ptr<LiveCall> call_;
  Loop* const driven_;
  std::string data_;
  AnswerHead head_;
  bool has_head_ = false;
  bool over_ = false;
  Status status_;
};

}  // namespace llmorch

#endif  // LLMORCH_GATEWAY_PULL_STREAM_H_
