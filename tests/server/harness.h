// What the tests of the HTTP front share: a front on a thread of its own, calls that the test
// drives by hand, and a client that sends raw bytes.
//
// Every wait is for an event and ends with a failure after 20 s.
#ifndef LLMORCH_TESTS_SERVER_HARNESS_H_
#define LLMORCH_TESTS_SERVER_HARNESS_H_

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "llmorch/loop.h"
#include "server/http_front/http_front.h"

namespace llmorch::server {

// A call under way whose answer the test writes. Its sink is used on the loop only.
class FakeCall final : public LiveCall, public std::enable_shared_from_this<FakeCall> {
 public:
  FakeCall(Loop& loop, Sink& sink, std::string id)
      : loop_(loop), sink_(&sink), id_(std::move(id)) {}
  void cancel() override;
  void drained() override { ++drains; }
  const std::string& request_id() const override { return id_; }

  void head(int status, bool stream, Headers headers = {});
  // Neither does anything once the call has ended: its sink is gone.
  Flow write(std::string_view bytes) { return ended ? Flow::kMore : sink_->write(bytes); }
  void end(Status outcome = {});

  std::atomic<bool> cancelled{false};
  std::atomic<bool> ended{false};
  std::atomic<int> drains{0};

 private:
  Loop& loop_;
  Sink* sink_;
  const std::string id_;
};

// Routes: POST /echo answers with the request's body at once, GET /plain with "plain", GET /throws
// throws, GET /pooled answers from the work pool, GET /named/{name} with the name, GET /whoami,
// which is open, with the principal, and POST /call starts a FakeCall.
class FrontThread {
 public:
  explicit FrontThread(FrontOptions options = {});
  ~FrontThread();
  int port() const { return port_; }
  // Runs on the loop, and waits for it.
  void run(const std::function<void()>& work);
  // The call that was started as number `index`, once it is there.
  std::shared_ptr<FakeCall> call(std::size_t index = 0);
  // Waits until `condition`, which is looked at on the loop after each of its turns.
  bool eventually(const std::function<bool()>& condition);

  HttpFront* front() { return front_.get(); }
  FrontTotals& totals() { return *totals_; }
  std::vector<std::string> bodies;  // of /call requests; look on the loop

 private:
  std::vector<Route> routes();

  std::shared_ptr<FrontTotals> totals_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<WorkPool> pool_;
  std::unique_ptr<HttpFront> front_;
  std::vector<std::shared_ptr<FakeCall>> calls_;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

struct RawAnswer {
  int status = 0;  // 0: none came
  std::string head;
  std::string body;
  bool chunked = false;
  bool complete = false;                           // as its framing says
  std::string field(std::string_view name) const;  // "" when missing
};

class RawClient {
 public:
  explicit RawClient(int port, int receive_buffer = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool send(std::string_view bytes);  // false when the other side is gone
  void finish_sending();
  void close();
  RawAnswer answer(std::string_view method = "GET");
  // Reads on until `text` has come; false at the end of the connection.
  bool read_until(std::string_view text);
  std::string rest();  // all that comes until the end of the connection

 private:
  bool fill();
  int fd_ = -1;
  std::string in_;
};

std::string get(std::string_view path, std::string_view more = "");
std::string post(std::string_view path, std::string_view body, std::string_view more = "");

}  // namespace llmorch::server

#endif  // LLMORCH_TESTS_SERVER_HARNESS_H_
