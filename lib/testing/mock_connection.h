// MockConnection: one client of the mock upstream. It reads requests, plays one answer at a time
// the way its script says, and notices when the client leaves.
//
// Internal to MockUpstream, which owns it and destroys it in a later turn than its last callback.
#ifndef LLMORCH_TESTING_MOCK_CONNECTION_H_
#define LLMORCH_TESTING_MOCK_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "testing/http_socket.h"
#include "testing/http_wire.h"
#include "testing/mock_answer.h"
#include "testing/mock_script.h"

namespace llmorch::testing {

struct MockReply {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::unique_ptr<MockAnswer> stream;  // instead of `body`
  Script script;
  bool counted = true;  // false for /mock/..., which observes and is not observed
};

class MockConnection;

// What a connection needs of the mock it belongs to.
class MockHost {
 public:
  virtual ~MockHost() = default;
  virtual MockReply reply_to(const HttpParser& head, const std::string& body) = 0;
  virtual void on_answer_started() = 0;
  virtual void on_answer_ended(bool client_left) = 0;
  virtual void on_gone(MockConnection* connection) = 0;
};

class MockConnection final : public SocketOwner {
 public:
  MockConnection(MockHost& host, Loop& loop, int fd);
  ~MockConnection() override;

 private:
  enum class State { kReading, kAnswering, kFlushing, kStalled, kLeaving, kGone };
  enum class Stage { kHead, kBody, kEnd };

  void on_bytes(std::string_view bytes) override;
  void on_fin() override;
  void on_lost(int error) override;
  void on_drained() override;

  void read_requests();
  void begin(MockReply reply);
  void refuse(std::string_view problem);
  std::string make_head() const;
  void play();
  void step();
  bool stream_piece();
  void emit(std::string_view bytes);
  void hit_limit();
  void end_answer(bool client_left);
  void complete();
  void leave();  // FIN, then wait a little for the client's, so that nothing sent is lost
  void gone();

  MockHost& host_;
  Loop& loop_;
  Socket socket_;
  HttpParser parser_{HttpParser::Side::kRequest};
  Timer timer_;
  State state_ = State::kReading;
  bool in_reader_ = false;
  std::string input_;  // read, not yet understood
  std::string body_;
  bool client_keeps_alive_ = true;

  MockReply reply_;
  Stage stage_ = Stage::kHead;
  bool close_when_done_ = false;
  std::string out_;
  std::string piece_;
  std::uint64_t emitted_ = 0;
  std::uint64_t limit_ = kNever;
  bool waiting_to_drain_ = false;
  TimePoint due_{};
};

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_MOCK_CONNECTION_H_
