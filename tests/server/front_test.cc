// HttpFront: connections, answers, streams, time and bounds, over real sockets.
#include <doctest/doctest.h>

#include "server/harness.h"

namespace llmorch::server {
namespace {

using std::chrono::milliseconds;

TEST_CASE("keep-alive: many requests over one connection") {
  FrontThread front;
  RawClient client(front.port());
  for (int i = 0; i < 50; ++i) {
    client.send(post("/echo", std::to_string(i)));
    CHECK(client.answer().body == std::to_string(i));
  }
  CHECK(front.totals().connections == 1);
}

TEST_CASE("pipelining: answers come in order, and the next request waits for the last answer") {
  FrontThread front;
  RawClient client(front.port());
  client.send(post("/call", "a") + post("/echo", "b") + post("/call", "c"));
  auto first = front.call(0);
  front.run([&] {
    CHECK(front.bodies.size() == 1);  // the others were not looked at
    first->head(200, false);
    first->write("one");
    first->end();
  });
  CHECK(client.answer().body == "one");
  CHECK(client.answer().body == "b");
  auto third = front.call(1);
  front.run([&] {
    third->head(200, false);
    third->write("three");
    third->end();
  });
  CHECK(client.answer().body == "three");
}

TEST_CASE("pipelining: what is kept while an answer is under way is bounded, and nothing is lost") {
  FrontOptions options;
  options.limits.pipelined_bytes = 4096;
  FrontThread front(options);
  RawClient client(front.port());
  client.send(post("/call", ""));
  auto call = front.call();
  std::string many;
  for (int i = 0; i < 3000; ++i) many += get("/plain");
  std::thread sender([&] { client.send(many); });
  front.run([&] {
    call->head(200, false);
    call->write("x");
    call->end();
  });
  CHECK(client.answer().body == "x");
  int answers = 0;
  while (answers < 3000 && client.answer().body == "plain") ++answers;
  sender.join();
  CHECK(answers == 3000);
}

TEST_CASE("a whole answer has its length, its status, and the call's fields") {
  FrontThread front;
  RawClient client(front.port());
  client.send(post("/call", "ask", "X-Request-Id: my-id.1_2\r\n"));
  auto call = front.call();
  front.run([&] {
    CHECK(call->request_id() == "my-id.1_2");
    CHECK(front.bodies.at(0) == "ask");
    call->head(429, false, {{"retry-after", "7"}, {"x-request-id", "other"}});
    call->write("{\"a\":");
    call->write("1}");
    call->end(Status(Code::kRateLimited, "slow down"));
  });
  const RawAnswer answer = client.answer();
  CHECK(answer.status == 429);
  CHECK(answer.body == "{\"a\":1}");
  CHECK(answer.field("content-length") == "7");
  CHECK(answer.field("retry-after") == "7");
  CHECK(answer.field("x-request-id") == "my-id.1_2");
  client.send(get("/plain"));  // an error in one answer does not spoil the connection
  CHECK(client.answer().body == "plain");
}

TEST_CASE("x-request-id: a caller's is echoed if harmless, on errors too") {
  FrontThread front;
  struct Row {
    std::string id;
    bool echoed;
  };
  for (const Row& row :
       {Row{"a", true}, Row{std::string(128, 'x'), true}, Row{std::string(129, 'x'), false},
        Row{"a b", false}, Row{"a%0ab", false}, Row{"a\"b", false}, Row{"", false}}) {
    CAPTURE(row.id);
    RawClient client(front.port());
    const std::string field = "x-request-id: " + row.id + "\r\n";
    client.send(get("/plain", field) + get("/nowhere", field) +
                get("/plain", field + "Content-Encoding: gzip\r\n"));
    for (const int status : {200, 404, 415}) {
      const RawAnswer answer = client.answer();
      CHECK(answer.status == status);
      CHECK((answer.field("x-request-id") == row.id) == row.echoed);
      CHECK_FALSE(answer.field("x-request-id").empty());
    }
  }
}

TEST_CASE("a stream is chunked, flushed as it comes, and leaves the connection usable") {
  FrontThread front;
  RawClient client(front.port());
  client.send(post("/call", ""));
  auto call = front.call();
  front.run([&] {
    call->head(200, true, {{"x-llmorch-provider", "p"}});
    CHECK(call->write("data: 1\n\n") == Flow::kMore);
  });
  CHECK(client.read_until("data: 1\n\n"));  // before the call has ended
  front.run([&] {
    call->write("data: 2\n\n");
    call->write("data: [DONE]\n\n");
    call->end();
  });
  const RawAnswer answer = client.answer();
  CHECK(answer.chunked);
  CHECK(answer.complete);
  CHECK(answer.body == "data: 1\n\ndata: 2\n\ndata: [DONE]\n\n");
  CHECK(answer.field("content-type") == "text/event-stream");
  CHECK(answer.field("cache-control") == "no-cache");
  CHECK(answer.field("x-accel-buffering") == "no");
  CHECK(answer.field("x-llmorch-provider") == "p");
  CHECK(answer.field("content-length").empty());
  client.send(get("/plain"));
  CHECK(client.answer().body == "plain");
}

TEST_CASE("a stream that failed is ended as a body, but its connection is not used again") {
  FrontThread front;
  RawClient client(front.port());
  client.send(post("/call", "") + get("/plain"));
  auto call = front.call();
  front.run([&] {
    call->head(200, true);
    call->write("data: {\"error\":{}}\n\n");
    call->end(Status(Code::kUpstream, "broke"));
  });
  const RawAnswer answer = client.answer();
  CHECK(answer.body == "data: {\"error\":{}}\n\n");
  CHECK(answer.complete);
  CHECK(client.rest().empty());
}

TEST_CASE("a stream over HTTP/1.0 ends with its connection") {
  FrontThread front;
  RawClient client(front.port());
  client.send("POST /call HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  auto call = front.call();
  front.run([&] {
    call->head(200, true);
    call->write("data: 1\n\n");
    call->end();
  });
  const RawAnswer answer = client.answer();
  CHECK_FALSE(answer.chunked);
  CHECK(answer.field("connection") == "close");
  CHECK(answer.body == "data: 1\n\n");
}

TEST_CASE("a call that ends without an answer is an error") {
  FrontThread front;
  RawClient client(front.port());
  client.send(post("/call", ""));
  auto call = front.call();
  front.run([&] { call->end(Status(Code::kUnavailable, "closing")); });
  const RawAnswer answer = client.answer();
  CHECK(answer.status == 503);
  CHECK(answer.field("connection") == "close");
}

TEST_CASE("HEAD is answered as GET, without the body") {
  FrontThread front;
  RawClient client(front.port());
  client.send("HEAD /plain HTTP/1.1\r\nHost: a\r\n\r\n");
  const RawAnswer answer = client.answer("HEAD");
  CHECK(answer.status == 200);
  CHECK(answer.field("content-length") == "5");
  client.send("HEAD /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.answer("HEAD").status == 404);
  client.send(get("/plain"));
  CHECK(client.answer().body == "plain");
}

TEST_CASE("fields of an answer cannot break out of their line, nor lie about its framing") {
  FrontThread front;
  RawClient client(front.port());
  client.send(get("/injects"));
  const RawAnswer answer = client.answer();
  CHECK(answer.body == "plain");
  CHECK(answer.field("x-good") == "c");
  CHECK(answer.head.find("injected") == std::string::npos);
  CHECK(answer.head.find("x bad") == std::string::npos);
  CHECK(answer.field("content-length") == "5");
}

TEST_CASE("Expect: 100-continue is answered before the body, once") {
  FrontThread front;
  RawClient client(front.port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.answer().status == 100);
  client.send("hello");
  const RawAnswer answer = client.answer();
  CHECK(answer.status == 200);
  CHECK(answer.body == "hello");
  // Nothing to wait for, nothing to say; and a body that is refused is not asked for.
  client.send(get("/plain", "Expect: 100-continue\r\n"));
  CHECK(client.answer().status == 200);
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n"
      "Expect: 100-continue\r\n\r\n");
  CHECK(client.answer().status == 413);
}

TEST_CASE("large bodies go through unchanged, by length and in chunks") {
  FrontThread front;
  std::string body(3'000'000, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 2654435761u >> 13);
  RawClient client(front.port());
  std::thread by_length([&] { client.send(post("/echo", body)); });
  CHECK((client.answer().body == body));
  by_length.join();
  std::string chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t at = 0; at < body.size(); at += 0x10000) {
    const std::string piece = body.substr(at, 0x10000);
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    chunked += size + piece + "\r\n";
  }
  std::thread in_chunks([&] { client.send(chunked + "0\r\n\r\n"); });
  CHECK((client.answer().body == body));
  in_chunks.join();
  CHECK(front.eventually([&] { return front.totals().buffered_bytes == 0; }));
}

TEST_CASE("bodies are bounded: one by 413, all together by 503 with Retry-After") {
  FrontOptions options;
  options.limits.body_bytes = 1000;
  options.limits.buffered_bytes = 1500;
  FrontThread front(options);
  {
    RawClient client(front.port());
    client.send(post("/echo", std::string(1001, 'x')));
    CHECK(client.answer().status == 413);
  }
  {
    RawClient client(front.port());
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n");
    CHECK(client.answer().status == 413);
  }
  RawClient holder(front.port());
  holder.send(post("/call", std::string(1000, 'x')));
  auto call = front.call();
  RawClient client(front.port());
  client.send(post("/echo", std::string(600, 'x')));
  const RawAnswer answer = client.answer();
  CHECK(answer.status == 503);
  CHECK(answer.field("retry-after") == "1");
  front.run([&] {
    call->head(200, false);
    call->end();
  });
  CHECK(holder.answer().status == 200);
  CHECK(front.eventually([&] { return front.totals().buffered_bytes == 0; }));
  RawClient again(front.port());
  again.send(post("/echo", std::string(600, 'x')));
  CHECK(again.answer().status == 200);
}

TEST_CASE("connections are bounded: one more is told so") {
  FrontOptions options;
  options.limits.connections = 2;
  FrontThread front(options);
  RawClient first(front.port()), second(front.port());
  first.send(get("/plain"));
  second.send(get("/plain"));
  CHECK(first.answer().status == 200);
  CHECK(second.answer().status == 200);
  {
    RawClient third(front.port());
    const RawAnswer answer = third.answer();
    CHECK(answer.status == 503);
    CHECK(answer.field("x-request-id").size() == 36);
  }
  first.close();
  CHECK(front.eventually([&] { return front.totals().connections == 1; }));
  RawClient fourth(front.port());
  fourth.send(get("/plain"));
  CHECK(fourth.answer().status == 200);
}

TEST_CASE("time: a head that does not come is a 408, and so is a body that trickles") {
  FrontOptions options;
  options.deadlines.head = milliseconds(30);
  options.deadlines.body = milliseconds(30);
  FrontThread front(options);
  for (const std::string& part :
       {"GET /pl" + std::string(),
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe" + std::string(),
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe" +
            std::string()}) {
    CAPTURE(part);
    RawClient client(front.port());
    client.send(part);
    const RawAnswer answer = client.answer();
    CHECK(answer.status == 408);
    CHECK(answer.field("connection") == "close");
    CHECK(client.rest().empty());
  }
}

TEST_CASE("time: an idle connection is closed without a word") {
  FrontOptions options;
  options.deadlines.idle = milliseconds(30);
  FrontThread front(options);
  RawClient fresh(front.port());
  CHECK(fresh.rest().empty());
  RawClient used(front.port());
  used.send(get("/plain"));
  CHECK(used.answer().status == 200);
  CHECK(used.rest().empty());
  CHECK(front.eventually([&] { return front.totals().connections == 0; }));
}

TEST_CASE("time: a call may take longer than every deadline of the front") {
  FrontOptions options;
  options.deadlines = {.head = milliseconds(1),
                       .body = milliseconds(1),
                       .body_rate = 0,
                       .idle = milliseconds(40),
                       .write_stall = milliseconds(1),
                       .linger = milliseconds(1)};
  FrontThread front(options);
  RawClient client(front.port());
  client.send(post("/call", ""));
  auto call = front.call();
  RawClient idle(front.port());
  CHECK(idle.rest().empty());  // by then all of them have passed
  CHECK_FALSE(call->cancelled);
  front.run([&] {
    call->head(200, false);
    call->write("late");
    call->end();
  });
  CHECK(client.answer().body == "late");
}

TEST_CASE("a FIN means that the client is gone: the call is cancelled, in every phase") {
  FrontThread front;
  for (const bool half_closed : {false, true}) {
    for (const int phase : {0, 1, 2}) {
      CAPTURE(half_closed);
      CAPTURE(phase);
      const std::size_t index = static_cast<std::size_t>(phase + (half_closed ? 3 : 0));
      RawClient client(front.port());
      client.send(post("/call", ""));
      auto call = front.call(index);
      front.run([&] {
        if (phase >= 1) call->head(200, true);
        if (phase >= 2) call->write("data: 1\n\n");
      });
      if (phase >= 2) CHECK(client.read_until("data: 1"));
      if (half_closed) {
        client.finish_sending();
        client.rest();
      } else {
        client.close();
      }
      CHECK(front.eventually([&] { return call->cancelled && call->ended; }));
      // What the call still writes goes nowhere, and harms nobody.
      CHECK(front.eventually([&] { return front.totals().busy == 0; }));
    }
  }
  // In the middle of a head or a body there is no call, and nothing stays behind.
  for (const std::string& part :
       {std::string("POST /ec"),
        post("/echo", "hello").substr(0, post("/echo", "hello").size() - 2)}) {
    RawClient client(front.port());
    client.send(part);
    client.finish_sending();
    CHECK(client.rest().empty());
  }
  CHECK(front.eventually([&] { return front.totals().connections == 0; }));
}

TEST_CASE("backpressure: a slow client pauses its call, and only that") {
  FrontThread front;
  RawClient slow(front.port(), 4096);
  slow.send(post("/call", ""));
  auto call = front.call();
  const std::string block(16 * 1024, 'x');
  std::size_t written = 0;
  front.run([&] { call->head(200, true); });
  // The socket takes some; then the front keeps up to full_above and says so.
  for (bool full = false; !full && written < (64u << 20);) {
    front.run([&] {
      full = call->write(block) == Flow::kFull;
      written += block.size();
    });
  }
  CHECK(written < (64u << 20));
  CHECK(call->drains == 0);
  RawClient other(front.port());
  other.send(get("/plain"));
  CHECK(other.answer().body == "plain");
  RawAnswer answer;
  std::thread reader([&] { answer = slow.answer(); });
  CHECK(front.eventually([&] { return call->drains == 1; }));
  front.run([&] {
    CHECK(call->write("end") == Flow::kMore);
    call->end();
  });
  reader.join();
  CHECK(answer.complete);
  CHECK(answer.body.size() == written + 3);
}

TEST_CASE("time: a client that takes no byte of its answer is given up") {
  FrontOptions options;
  options.deadlines.write_stall = milliseconds(30);
  FrontThread front(options);
  RawClient client(front.port(), 4096);
  client.send(post("/call", ""));
  auto call = front.call();
  front.run([&] { call->head(200, true); });
  // More than the system's own buffers take, pause or not.
  const std::string block(64 * 1024, 'x');
  for (int i = 0; i < 256; ++i) front.run([&] { call->write(block); });
  CHECK(front.eventually([&] { return call->cancelled && call->ended; }));
  CHECK(front.eventually([&] { return front.totals().connections == 0; }));
}

TEST_CASE("draining: no new connections, open ones are answered once more and closed") {
  FrontThread front;
  RawClient idle(front.port()), busy(front.port());
  idle.send(get("/plain"));
  CHECK(idle.answer().field("connection").empty());
  busy.send(post("/call", ""));
  auto call = front.call();
  front.run([&] { front.front()->drain(); });
  idle.send(get("/plain"));
  const RawAnswer last = idle.answer();
  CHECK(last.body == "plain");
  CHECK(last.field("connection") == "close");
  CHECK(idle.rest().empty());
  CHECK(front.totals().busy == 1);
  front.run([&] {
    call->head(200, false);
    call->write("done");
    call->end();
  });
  CHECK(busy.answer().body == "done");
  CHECK(front.eventually([&] { return front.totals().busy == 0; }));
}

TEST_CASE("destroying a front cancels what is under way, and late answers harm nobody") {
  std::shared_ptr<FakeCall> call;
  {
    FrontThread front;
    RawClient client(front.port());
    client.send(post("/call", ""));
    call = front.call();
    RawClient pooled(front.port());
    pooled.send(get("/pooled"));
  }
  CHECK(call->cancelled);
  CHECK(call->ended);
}

TEST_CASE("a port in use is an error that names it") {
  const Result<Listening> first = listen_on("127.0.0.1:0", 16);
  REQUIRE(first.has_value());
  const Result<Listening> second = listen_on(first->address, 16);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().message().find(first->address) != std::string::npos);
  CHECK(second.error().message().find("taken") != std::string::npos);
  CHECK(first->loopback);
  for (const char* bad :
       {"", "8000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:x"}) {
    CAPTURE(bad);
    CHECK_FALSE(listen_on(bad, 16).has_value());
  }
  // Not every machine has IPv6.
  if (const auto six = listen_on("[::1]:0", 16)) CHECK(six->loopback);
}

}  // namespace
}  // namespace llmorch::server
