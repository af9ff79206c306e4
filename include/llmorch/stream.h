// The two ways to receive an answer: Sink (pushed, on the loop) and Stream (pulled, by a thread).
//
// Sink is the primitive: a server or an event-driven host hands one to Gateway::start(). Stream is
// what Gateway::stream() returns to code that simply wants to read.
#ifndef LLMORCH_STREAM_H_
#define LLMORCH_STREAM_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "llmorch/status.h"
#include "llmorch/types.h"

namespace llmorch {

// Status and headers of an answer, in the caller's format.
struct AnswerHead {
  int http_status = 200;
  Headers headers;      // content-type included, framing headers (content-length …) not
  bool stream = false;  // an event stream: each write() is worth sending at once
};

// What a Sink says to a write: go on, or pause until LiveCall::drained().
enum class Flow { kMore, kFull };

// Receives one answer. Implemented by whoever calls Gateway::start().
//
// Contract: head() once, then any number of write(), then end() exactly once, after a cancel too
// (head() is left out only if the call was cancelled before there was one). All three are called on
// the call's loop, never from inside start(), cancel() or drained(), and never one inside another.
// The sink must live until end() has been called.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void head(const AnswerHead& head) = 0;
  // `bytes` are borrowed for the time of the call. After kFull, at most what is already in flight
  // (one transport read) is still written before the upstream is paused.
  virtual Flow write(std::string_view bytes) = 0;
  // How it ended. An error after head() has already been told to the caller in its own format, by
  // write(); the status is for the sink's own bookkeeping (a front may close the connection).
  virtual void end(const Status& outcome) = 0;
};

// A call under way, as Gateway::start() returns it. Dropping the handle does not cancel.
class LiveCall {
 public:
  virtual ~LiveCall() = default;
  // Any thread, any number of times; end() follows soon, on the loop.
  virtual void cancel() = 0;
  // On the call's loop: the sink that said kFull has room again.
  virtual void drained() = 0;
  virtual const std::string& request_id() const = 0;
};

// A live answer, pulled by its caller.
//
// Threads: one thread at a time, except cancel(), which may race next() but not destruction.
// Ownership: destroying a Stream cancels its call. It must not outlive its Gateway.
class Stream {
 public:
  virtual ~Stream() = default;

  enum class Next { kData, kTimeout, kEnd, kError };
  // Waits for bytes in the caller's format. kData: data() holds them. kEnd: the answer is
  // complete. kError: status() says why it is not; an in-band error event, if the format has one,
  // was delivered as data before. Without a deadline it waits for as long as the call's own
  // time-outs allow. Calling it on a loop thread is an error, not a deadlock.
  virtual Next next(std::optional<std::chrono::milliseconds> wait = std::nullopt) = 0;
  // The bytes of the last kData, valid until the next call of next().
  virtual std::string_view data() const = 0;
  // Head of the answer; null until the first kData, kEnd or kError.
  virtual const AnswerHead* head() const = 0;
  virtual const Status& status() const = 0;
  virtual void cancel() = 0;
  virtual const std::string& request_id() const = 0;
};

// A whole answer, as Gateway::chat() returns it. An upstream's or caller's error is an Answer too
// (head.http_status says so, the body is the error in the caller's format); see `outcome`.
struct Answer {
  AnswerHead head;
  std::string body;
  Status outcome;
  std::string request_id;
};

}  // namespace llmorch

#endif  // LLMORCH_STREAM_H_
