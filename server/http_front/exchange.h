// Exchange: one request and its answer. What a route handles, and the Sink of the call it starts.
//
// A handler either answers at once (or later, on the loop) with answer(), or starts a call whose
// Sink the exchange is. In both cases the exchange frames the answer and hands it to its
// connection, which writes it at the end of the loop's turn.
//
// Ownership: shared by the connection, the handler, and, from start() to the call's end, by itself:
// when the client leaves, the connection goes at once, but the call still has its end to tell.
// Threads: the loop's only; a route on the work pool may read request() and nothing else.
#ifndef LLMORCH_SERVER_HTTP_FRONT_EXCHANGE_H_
#define LLMORCH_SERVER_HTTP_FRONT_EXCHANGE_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "llmorch/stream.h"
#include "llmorch/types.h"
#include "server/http_front/head.h"
#include "server/http_front/out_buffer.h"

namespace llmorch::server {

// What all fronts of a process share. Any thread.
struct FrontTotals {
  std::atomic<std::size_t> buffered_bytes{0};
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> busy{0};  // requests not yet fully answered
};

struct Request {
  std::string text;  // the head as it came, and what `head` points into
  RequestHead head;
  std::string body;
  std::string id;  // the x-request-id of the answer
  std::string peer;
  Principal principal;  // whoever was admitted
};

// A whole answer.
struct Reply {
  int status = 200;
  Headers headers;
  std::string body;
};
Reply json_reply(std::string body, int status = 200);
// An error in the caller's format, with Retry-After where the status knows it.
Reply error_reply(const Status& status, std::string_view request_id,
                  Format format = Format::kOpenAiChat);

// What an exchange needs of its connection.
class ExchangeHost {
 public:
  virtual ~ExchangeHost() = default;
  virtual OutBuffer& out() = 0;
  virtual void out_changed() = 0;
  virtual bool may_keep_alive() const = 0;
  virtual std::size_t full_above() const = 0;
  // The answer is in out() as a whole.
  virtual void answered(bool keep_alive) = 0;
};

class Exchange final : public Sink, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(ExchangeHost* host, std::shared_ptr<FrontTotals> totals);
  ~Exchange() override;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const Request& request() const noexcept { return request_; }
  // The request's fields, as a call takes them.
  Headers copy_headers() const;
  std::string take_body() { return std::move(request_.body); }

  // Answers as a whole. Only the first answer counts.
  void answer(Reply reply);
  // Starts a call with this exchange as its Sink.
  void start(const std::function<std::shared_ptr<LiveCall>(Sink&)>& begin);
  bool taken() const noexcept { return taken_; }  // answered or started, or being so

  // A route on the work pool: the answer comes later.
  void take() noexcept { taken_ = true; }

  // For the connection.
  Request& mutable_request() noexcept { return request_; }
  bool charge(std::size_t bytes, std::size_t limit);  // body bytes against all fronts' bound
  void client_gone();
  void client_drained();
  bool waits_for_drain() const noexcept { return full_; }

 private:
  void head(const AnswerHead& head) override;
  Flow write(std::string_view bytes) override;
  void end(const Status& outcome) override;
  void send_whole(int status, const Headers& headers, std::string body, bool keep_alive);

  ExchangeHost* host_;  // null: the client is gone
  const std::shared_ptr<FrontTotals> totals_;
  Request request_;
  std::size_t charged_ = 0;
  bool taken_ = false;
  bool answered_ = false;
  bool has_head_ = false;
  bool chunked_ = false;
  bool keep_alive_ = false;  // of a stream
  bool full_ = false;
  AnswerHead answer_head_;
  std::string answer_body_;
  std::shared_ptr<LiveCall> call_;
  std::shared_ptr<Exchange> self_;  // from start() to end()
};

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_HTTP_FRONT_EXCHANGE_H_
