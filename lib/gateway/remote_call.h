// RemoteCall: the handle of a call that was started from a thread that is none of the loops.
#ifndef LLMORCH_GATEWAY_REMOTE_CALL_H_
#define LLMORCH_GATEWAY_REMOTE_CALL_H_

#include <memory>
#include <string>
#include <utility>

#include "llmorch/loop.h"
#include "llmorch/stream.h"

namespace llmorch {

class RemoteCall final : public LiveCall, public std::enable_shared_from_this<RemoteCall> {
 public:
  RemoteCall(Loop& loop, std::string request_id)
      : loop_(loop), request_id_(std::move(request_id)) {}

  // On the loop, before anything that was posted later.
  void bind(std::shared_ptr<LiveCall> call) { call_ = std::move(call); }

  void cancel() override {
    loop_.post([self = shared_from_this()] { self->call_->cancel(); });
  }
  void drained() override { call_->drained(); }
  const std::string& request_id() const override { return request_id_; }

 private:
  Loop& loop_;
  const std::string request_id_;
  std::shared_ptr<LiveCall> call_;  // touched on the loop only
};

}  // namespace llmorch

#endif  // LLMORCH_GATEWAY_REMOTE_CALL_H_
