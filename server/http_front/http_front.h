// HttpFront: HTTP/1.1 on one Loop. A server runs one on each of its loops, all with the same
// listening socket.
//
// It accepts, checks and frames; routes see complete requests only, one at a time per connection.
//
// Ownership: owns its connections and its copy of the listening socket. Destroying it closes them,
// and so cancels their calls, whose ends may come later. Threads: made, used and destroyed on the
// loop's thread, unless it says otherwise.
#ifndef LLMORCH_SERVER_HTTP_FRONT_HTTP_FRONT_H_
#define LLMORCH_SERVER_HTTP_FRONT_HTTP_FRONT_H_

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "llmorch/loop.h"
#include "server/http_front/connection.h"
#include "server/http_front/listener.h"
#include "server/http_front/router.h"

namespace llmorch::server {

struct FrontOptions {
  FrontLimits limits{};
  FrontDeadlines deadlines{};
  std::shared_ptr<FrontTotals> totals{};  // shared by all fronts; null: its own
  Admit admit{};                          // null: everybody may ask everything
};

class HttpFront final : public Watcher, private ConnectionOwner {
 public:
  HttpFront(Loop& loop, const std::vector<Route>& routes, WorkPool* pool, FrontOptions options);
  ~HttpFront() override;
  HttpFront(const HttpFront&) = delete;
  HttpFront& operator=(const HttpFront&) = delete;

  // Accepts from now on.
  Status listen(OwnedFd socket);
  // Stops accepting. Requests that still come over open connections are answered, with
  // "connection: close".
  void drain();

 private:
  void on_ready(unsigned ready) override;
  void accept_some();
  void end_turn();

  Loop& loop() override { return loop_; }
  const FrontLimits& limits() const override { return options_.limits; }
  const FrontDeadlines& deadlines() const override { return options_.deadlines; }
  const std::shared_ptr<FrontTotals>& totals() const override { return options_.totals; }
  std::string& scratch() override { return scratch_; }
  bool draining() const override { return draining_; }
  void dispatch(const std::shared_ptr<Exchange>& exchange) override { router_.dispatch(exchange); }
  void flush_later(Connection* connection) override;
  void closed(Connection* connection) override;

  Loop& loop_;
  FrontOptions options_;
  Router router_;
  OwnedFd socket_;
  bool draining_ = false;
  std::string scratch_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> to_flush_;
  std::vector<std::unique_ptr<Connection>> dead_;
  Timer end_of_turn_;  // due at once
  Timer breather_;     // out of descriptors: accepts again after a while
};

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_HTTP_FRONT_HTTP_FRONT_H_
