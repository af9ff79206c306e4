// LoadLane: one keep-alive connection of the load generator with at most one request under way.
// Internal to LoadGenerator, which owns it.
#ifndef LLMORCH_TESTING_LOAD_LANE_H_
#define LLMORCH_TESTING_LOAD_LANE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "testing/http_socket.h"
#include "testing/http_wire.h"
#include "testing/load_check.h"
#include "testing/load_result.h"

namespace llmorch::testing {

class LoadLane;

class LoadLaneHost {
 public:
  virtual ~LoadLaneHost() = default;
  virtual void on_lane_ready(LoadLane* lane) = 0;  // connected, or its request has ended
  virtual void on_lane_down(LoadLane* lane) = 0;   // needs a new connection
  virtual void on_request_end(LoadOutcome outcome) = 0;
};

class LoadLane final : public SocketOwner {
 public:
  LoadLane(LoadLaneHost& host, LoadResult& result, std::string_view text_key)
      : host_(host), result_(result), text_key_(text_key) {}

  void dial(Loop& loop, const Address& to);  // not from inside one of its own callbacks
  void send(std::string_view wire, std::string expected, bool check, TimePoint intended);
  void give_up(LoadOutcome outcome);  // ends the request, if any, and the connection

  bool busy() const noexcept { return busy_; }
  bool connected() const noexcept { return connected_; }
  TimePoint sent_at() const noexcept { return sent_at_; }

 private:
  void on_connected() override;
  void on_bytes(std::string_view bytes) override;
  void on_fin() override;
  void on_lost(int error) override;

  void take_body(std::string_view bytes);
  void take_line(std::string_view line);
  void end_answer();
  LoadOutcome judge();

  LoadLaneHost& host_;
  LoadResult& result_;
  const std::string text_key_;
  std::unique_ptr<Socket> socket_;
  HttpParser parser_{HttpParser::Side::kAnswer};
  bool connected_ = false;
  bool busy_ = false;
  bool answered_ = false;  // the head of this answer is here
  bool stream_ = false;
  bool last_word_ = false;
  bool error_event_ = false;
  bool check_ = false;
  bool too_much_ = false;
  std::string input_;
  std::string body_;  // a whole answer, or a line that is not complete yet
  std::string text_;
  EchoCheck echo_;
  TimePoint intended_{};
  TimePoint sent_at_{};
  TimePoint read_at_{};
  TimePoint last_event_{};
  std::uint64_t events_ = 0;
};

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_LOAD_LANE_H_
