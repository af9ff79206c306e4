// Connection: one client's socket as a state machine.
//
//   idle -> head -> body -> answering -> idle, or -> lingering -> closed
//
// It checks framing and bounds on the raw bytes, hands complete requests to its owner one at a
// time, and writes what their exchanges put into out() at the end of the turn, in one go. A FIN
// from the client means it is gone, in every phase: the call is cancelled at once.
//
// Ownership: owned by its front, which destroys it some time after closed(), never inside a call of
// one of its members. Threads: the loop's only. Memory: an idle one holds no buffer.
#ifndef LLMORCH_SERVER_HTTP_FRONT_CONNECTION_H_
#define LLMORCH_SERVER_HTTP_FRONT_CONNECTION_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "llmorch/loop.h"
#include "server/http_front/channel.h"
#include "server/http_front/chunked.h"
#include "server/http_front/exchange.h"
#include "server/http_front/head.h"
#include "server/http_front/limits.h"
#include "server/http_front/out_buffer.h"

namespace llmorch::server {

class Connection;

// What a connection needs of its front.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  virtual Loop& loop() = 0;
  virtual const FrontLimits& limits() const = 0;
  virtual const FrontDeadlines& deadlines() const = 0;
  virtual const std::shared_ptr<FrontTotals>& totals() const = 0;
  virtual std::string& scratch() = 0;  // to read into; contents do not outlive the read
  virtual bool draining() const = 0;
  virtual void dispatch(const std::shared_ptr<Exchange>& exchange) = 0;
  virtual void flush_later(Connection* connection) = 0;
  virtual void closed(Connection* connection) = 0;
};

class Connection final : public Watcher, private ExchangeHost {
 public:
  Connection(ConnectionOwner& owner, std::unique_ptr<Channel> channel, std::string peer);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void open();
  // Writes what it can of out(). Called by the owner at the end of a turn.
  void flush();
  // Gone now, whatever was under way.
  void close();
  bool queued = false;  // the owner's: stands in its list for flush()

 private:
  enum class Phase { kIdle, kHead, kBody, kAnswering, kLingering, kClosed };

  void on_ready(unsigned ready) override;

  // ExchangeHost
  ExchangeHost* host() { return this; }
  OutBuffer& out() override { return out_; }
  void out_changed() override;
  bool may_keep_alive() const override;
  std::size_t full_above() const override { return owner_.limits().full_above; }
  void answered(bool keep_alive) override;

  void read_some();
  void received(std::string_view bytes);
  std::size_t consume(std::string_view bytes);
  void begin_request(std::string_view head);
  void begin_body();
  std::size_t feed_body(std::string_view bytes);
  void finish_request();
  void fail(const FramingError& error);
  void fail(const Status& status);
  void flushed();

  void update_interest();
  void set_deadline(TimePoint due);
  void clear_deadline() { deadline_ = TimePoint::max(); }
  void on_timer();
  void expired();

  ConnectionOwner& owner_;
  std::unique_ptr<Channel> channel_;
  const std::string peer_;
  Phase phase_ = Phase::kIdle;
  bool answer_complete_ = false;  // in out_, as a whole
  bool keep_alive_ = true;        // of the answer under way
  bool wants_write_ = false;      // the system took less than there was
  unsigned interest_ = 0;

  std::string in_;  // read, but not yet used
  HeadProgress progress_;
  std::shared_ptr<Exchange> exchange_;
  std::optional<ChunkDecoder> chunks_;
  std::size_t body_window_ = 0;  // size of the body when the present time window began
  OutBuffer out_;

  // One timer for all deadlines. It is not moved when a deadline moves away, but looks again when
  // it fires: most requests then cost no timer operation at all.
  Timer timer_;
  TimePoint deadline_ = TimePoint::max();
};

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_HTTP_FRONT_CONNECTION_H_
