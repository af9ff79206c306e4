// What the tests of the curl transport share: a loop that is driven until something is true, and a
// listener that writes down what it is told.
#ifndef LLMORCH_TESTS_NET_TRANSPORT_FIXTURE_H_
#define LLMORCH_TESTS_NET_TRANSPORT_FIXTURE_H_

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "llmorch/spi/transport.h"

namespace llmorch::testing_net {

struct Recorder : TransferListener {
  void on_connected() override { note("connected"); }
  void on_request_sent() override { note("sent"); }
  void on_head(int status, const Headers& given) override {
    headers = given;
    note("head:" + std::to_string(status));
  }
  void on_body(std::string_view bytes) override {
    CHECK_FALSE(inside_call);
    body.append(bytes);
    ++chunks;
    if (log.size() < 4 || log.compare(log.size() - 4, 4, "body") != 0) {
      note("body");
    } else if (hook) {
      hook("body");
    }
  }
  void on_end(const TransferEnd& given) override {
    end = given;
    note("end");
  }
  void note(const std::string& event) {
    CHECK_FALSE(inside_call);
    log += log.empty() ? event : " " + event;
    if (hook) hook(event);
  }
  bool done() const { return end.has_value(); }

  std::string log;  // "connected sent head:200 body end"
  Headers headers;
  std::string body;
  int chunks = 0;
  std::optional<TransferEnd> end;
  std::function<void(const std::string& event)> hook;  // after each
  bool inside_call = false;                            // no callback may come now
};

struct Client {
  Client() {
    Result<std::unique_ptr<Loop>> made = new_loop();
    REQUIRE(made.has_value());
    loop = std::move(*made);
    Result<std::unique_ptr<Transport>> transport_made = curl_transport_factory()->make(*loop);
    REQUIRE(transport_made.has_value());
    transport = std::move(*transport_made);
  }

  Transport::Id start(TransferSpec spec, Recorder& recorder) {
    recorder.inside_call = true;
    const Transport::Id id = transport->start(std::move(spec), &recorder);
    recorder.inside_call = false;
    CHECK(id != 0);
    return id;
  }

  // Drives the loop until `done`, at most 10 s; whether it came true.
  bool run_until(const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      loop->drive(std::chrono::milliseconds(10));
    }
    return true;
  }

  // Starts one and waits for its end.
  void exchange(TransferSpec spec, Recorder& recorder) {
    start(std::move(spec), recorder);
    REQUIRE(run_until([&] { return recorder.done(); }));
  }

  std::unique_ptr<Loop> loop;
  std::unique_ptr<Transport> transport;
};

inline TransferSpec post(std::string url, std::string body = "{}") {
  TransferSpec spec;
  spec.url = std::move(url);
  spec.headers = {{"Content-Type", "application/json"}};
  spec.body = Body(std::move(body));
  return spec;
}

inline std::string answer(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

}  // namespace llmorch::testing_net

#endif  // LLMORCH_TESTS_NET_TRANSPORT_FIXTURE_H_
