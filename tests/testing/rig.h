// Rig: a loop, and raw clients on it, for tests of the testing engine. Everything runs in the
// test's own thread: drive_until() turns the loop until a condition holds.
#ifndef LLMORCH_TESTS_TESTING_RIG_H_
#define LLMORCH_TESTS_TESTING_RIG_H_

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "llmorch/loop.h"
#include "support/http_client.h"
#include "testing/http_socket.h"
#include "testing/http_wire.h"
#include "testing/mock_upstream.h"

namespace llmorch::testing {

using Clock = std::chrono::steady_clock;

// A client that keeps everything it saw.
class RawClient final : public SocketOwner {
 public:
  RawClient(Loop& loop, int port) {
    auto address = Address::parse("127.0.0.1:" + std::to_string(port));
    REQUIRE(address);
    auto socket = Socket::connect(loop, *address, this);
    REQUIRE(socket);
    socket_ = *std::move(socket);
  }

  Socket& socket() { return *socket_; }
  void send(std::string_view bytes) { socket_->send(bytes); }

  std::string bytes;
  std::vector<std::size_t> reads;  // sizes
  std::vector<Clock::time_point> read_at;
  bool fin = false;
  bool lost = false;
  bool ended() const { return fin || lost; }

  // The first answer in `bytes`: false until it is complete.
  bool answer_complete() {
    HttpParser parser(HttpParser::Side::kAnswer);
    std::string_view view = bytes;
    body.clear();
    for (;;) {
      const HttpParser::Event event = parser.next(view);
      if (event == HttpParser::Event::kHead) {
        status = parser.status();
        head = parser.head();
      } else if (event == HttpParser::Event::kBody) {
        body += parser.body();
      } else if (event == HttpParser::Event::kEnd) {
        return true;
      } else {
        return event == HttpParser::Event::kNeedMore && fin && parser.closed();
      }
    }
  }
  int status = 0;
  std::string head;
  std::string body;

 private:
  void on_bytes(std::string_view piece) override {
    bytes.append(piece);
    reads.push_back(piece.size());
    read_at.push_back(Clock::now());
  }
  void on_fin() override { fin = true; }
  void on_lost(int) override { lost = true; }

  std::unique_ptr<Socket> socket_;
};

struct Rig {
  Rig() : loop(make_loop()) {}

  static std::unique_ptr<Loop> make_loop() {
    auto made = new_loop();
    REQUIRE(made);
    return *std::move(made);
  }

  template <class Condition>
  bool drive_until(Condition condition, Clock::duration limit = std::chrono::seconds(20)) {
    const auto end = Clock::now() + limit;
    while (!condition()) {
      if (Clock::now() >= end) return false;
      loop->drive(std::chrono::milliseconds(50));
    }
    return true;
  }

  std::unique_ptr<MockUpstream> mock(std::string_view script = {}, MockOptions options = {}) {
    options.script = script;
    auto made = MockUpstream::start(*loop, options);
    REQUIRE_MESSAGE(made, made.error().message());
    return *std::move(made);
  }

  const std::unique_ptr<Loop> loop;
};

inline std::string chat_body(std::string_view text, std::string_view more = {}) {
  return "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"" + std::string(text) +
         "\"}]" + std::string(more) + "}";
}

inline std::string chat_request(std::string_view body, test::HttpHeaders headers = {}) {
  headers.emplace_back("authorization", "Bearer key");
  return test::http_request("POST", "/v1/chat/completions", body, headers);
}

// One request of any vendor, to the end of its answer.
struct Exchange {
  int status = 0;
  std::string head;  // in lower case
  std::string body;
};

inline Exchange exchange(Rig& rig, const MockUpstream& mock, std::string_view method,
                         std::string_view target, std::string_view body,
                         const test::HttpHeaders& headers) {
  RawClient client(*rig.loop, mock.port());
  client.send(test::http_request(method, target, body, headers));
  REQUIRE(rig.drive_until([&] { return client.answer_complete() || client.ended(); }));
  return {client.status, to_lower(client.head), client.body};
}

inline std::string stream_request(std::string_view text, test::HttpHeaders headers = {}) {
  return chat_request(chat_body(text, ",\"stream\":true"), std::move(headers));
}

// How often `part` occurs.
inline std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTS_TESTING_RIG_H_
