// Bodies both ways, pauses, and what becomes of kept-alive connections.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <vector>

#include "net/raw_server.h"
#include "net/transport_fixture.h"

namespace llmorch {
namespace {

using namespace testing_net;

std::string pattern(std::size_t size, unsigned seed) {
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>('a' + (seed = seed * 1103515245 + 12345) / 65536 % 26);
  return out;
}

TEST_CASE("a 10 MB upload from several segments arrives as one body") {
  Body body;
  std::string whole;
  for (unsigned i = 0; i < 5; ++i) {
    std::string part = pattern((2u << 20) + i * 13, i + 1);
    whole += part;
    body.append(std::move(part));
  }
  for (bool contiguous : {false, true}) {
    CAPTURE(contiguous);
    std::string received;
    RawServer server([&](Connection& connection) {
      received = connection.read_request();
      connection.write(answer("ok"));
    });
    Client client;
    Recorder got;
    TransferSpec spec = post(server.url());
    spec.body = contiguous ? Body(whole) : body;
    std::size_t sent_when_said = 0;
    got.hook = [&](const std::string& event) {
      if (event == "sent") sent_when_said = 1;
    };
    client.exchange(std::move(spec), got);
    CHECK(got.log == "connected sent head:200 body end");
    CHECK(got.end->status.ok());
    CHECK(got.end->bytes_sent == whole.size());
    CHECK(sent_when_said == 1);
    REQUIRE(received.size() > whole.size());
    CHECK(received.compare(received.size() - whole.size(), std::string::npos, whole) == 0);
    CHECK(received.find("Expect") == std::string::npos);
    CHECK(received.find("Content-Length: " + std::to_string(whole.size()) + "\r\n") !=
          std::string::npos);
  }
}

TEST_CASE("request_sent waits for the last byte of the body, not for the first") {
  Gate may_read;
  RawServer server([&](Connection& connection) {
    may_read.wait();
    connection.read_request();
    connection.write(answer("ok"));
  });
  Client client;
  Recorder got;
  client.start(post(server.url(), std::string(32u << 20, 'x')), got);
  REQUIRE(client.run_until([&] { return !got.log.empty(); }));
  for (int turn = 0; turn < 20; ++turn) client.loop->drive(std::chrono::milliseconds(1));
  CHECK(got.log == "connected");  // the sockets' buffers are full, and hold less than this
  may_read.open();
  REQUIRE(client.run_until([&] { return got.done(); }));
  CHECK(got.log == "connected sent head:200 body end");
}

TEST_CASE("an answer before the upload is over is an answer") {
  RawServer server([&](Connection& connection) {
    connection.read_exactly(100);
    connection.write("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
    connection.wait_for_close();
  });
  Client client;
  Recorder got;
  client.exchange(post(server.url(), std::string(32u << 20, 'x')), got);
  CHECK(got.log == "connected sent head:413 body end");
  CHECK(got.end->status.ok());
  CHECK(got.body == "no");
}

TEST_CASE("a paused transfer holds back its server, and resumes without losing a byte") {
  const std::string whole = pattern(8u << 20, 7);
  for (bool chunked : {false, true}) {
    CAPTURE(chunked);
    std::atomic<std::size_t> written{0};
    RawServer server([&](Connection& connection) {
      connection.read_request();
      if (!chunked) {
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(whole.size()) +
                         "\r\n\r\n");
      } else {
        connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      }
      for (std::size_t at = 0; at < whole.size(); at += 4096) {
        const std::string part = whole.substr(at, 4096);
        if (!connection.write(chunked ? "1000\r\n" + part + "\r\n" : part)) return;
        written = at + part.size();
      }
      if (chunked) connection.write("0\r\n\r\n");
    });
    Client client;
    Recorder got;
    Transport::Id id = 0;
    got.hook = [&](const std::string& event) {
      if (event == "body" && got.chunks == 1) client.transport->pause(id);
    };
    id = client.start(post(server.url()), got);
    REQUIRE(client.run_until([&] { return got.chunks == 1; }));
    const std::size_t at_pause = got.body.size();
    std::size_t before = 0;
    do {  // until the server can write no more, or is through
      before = written;
      for (int turn = 0; turn < 30; ++turn) client.loop->drive(std::chrono::milliseconds(1));
    } while (written != before);
    CHECK(got.body.size() - at_pause <= (256u << 10));
    CHECK(written < whole.size());
    CHECK_FALSE(got.done());

    // Twice more from outside of any callback: nothing may arrive from inside resume().
    for (int round = 0; round < 2; ++round) {
      got.inside_call = true;
      client.transport->resume(id);
      got.inside_call = false;
      const int chunks = got.chunks;
      REQUIRE(client.run_until([&] { return got.chunks > chunks; }));
      got.inside_call = true;
      client.transport->pause(id);
      got.inside_call = false;
      const std::size_t now = got.body.size();
      for (int turn = 0; turn < 30; ++turn) client.loop->drive(std::chrono::milliseconds(1));
      CHECK(got.body.size() - now <= (256u << 10));
    }
    client.transport->resume(id);
    REQUIRE(client.run_until([&] { return got.done(); }));
    CHECK(got.end->status.ok());
    CHECK(got.body == whole);
  }
}

TEST_CASE("pause and resume in every order that a listener may think of") {
  const std::string whole = pattern(1u << 20, 9);
  RawServer server([&](Connection& connection) {
    while (!connection.read_request().empty()) connection.write(answer(whole));
  });
  Client client;
  const char* const orders[] = {"pr", "prpr", "r", "rp", "ppr", "prp"};
  for (const char* order : orders) {
    CAPTURE(order);
    Recorder got;
    Transport::Id id = 0;
    bool paused = false;
    got.hook = [&](const std::string& event) {
      if (event == "end") return;
      CHECK_FALSE((paused && event == "body"));
      for (const char* step = order; *step != '\0'; ++step) {
        paused = *step == 'p';
        paused ? client.transport->pause(id) : client.transport->resume(id);
      }
    };
    id = client.start(post(server.url()), got);
    REQUIRE(client.run_until([&] {
      if (paused && !got.done()) {
        paused = false;
        client.transport->resume(id);
      }
      return got.done();
    }));
    CHECK(got.end->status.ok());
    CHECK(got.body == whole);
  }
}

TEST_CASE("paused from the start: head comes, body waits, and so does the end") {
  RawServer server([&](Connection& connection) {
    connection.read_request();
    connection.write(answer("hello"));
  });
  Client client;
  Recorder got;
  const Transport::Id id = client.start(post(server.url()), got);
  client.transport->pause(id);
  REQUIRE(client.run_until([&] { return got.log == "connected sent head:200"; }));
  for (int turn = 0; turn < 20; ++turn) client.loop->drive(std::chrono::milliseconds(1));
  CHECK(got.log == "connected sent head:200");
  client.transport->resume(id);
  REQUIRE(client.run_until([&] { return got.done(); }));
  CHECK(got.log == "connected sent head:200 body end");
}

TEST_CASE("a server that dies while its transfer is paused is found out after resume()") {
  Gate die;
  RawServer server([&](Connection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
    die.wait();
  });
  Client client;
  Recorder got;
  Transport::Id id = 0;
  got.hook = [&](const std::string& event) {
    if (event == "body") client.transport->pause(id);
  };
  id = client.start(post(server.url()), got);
  REQUIRE(client.run_until([&] { return got.chunks == 1; }));
  die.open();
  for (int turn = 0; turn < 20; ++turn) client.loop->drive(std::chrono::milliseconds(1));
  client.transport->resume(id);
  REQUIRE(client.run_until([&] { return got.done(); }));
  CHECK(got.end->status.code() == Code::kNetwork);
}

TEST_CASE("connections are kept and used again, one by one and under load") {
  RawServer server([&](Connection& connection) {
    while (!connection.read_request().empty()) connection.write(answer("hello"));
  });
  Client client;
  for (int i = 0; i < 5; ++i) {
    Recorder got;
    client.exchange(post(server.url()), got);
    CHECK(got.end->status.ok());
    CHECK(got.end->reused_connection == (i > 0));
    CHECK(got.log == "connected sent head:200 body end");
  }
  CHECK(server.accepted() == 1);
  // More at once than one shard takes, twice over, from inside the callbacks too.
  constexpr int kAtOnce = 150;
  std::vector<Recorder> recorders(2 * kAtOnce);
  int ended = 0;
  for (int i = 0; i < kAtOnce; ++i) {
    recorders[i].hook = [&, i](const std::string& event) {
      if (event != "end") return;
      ++ended;
      client.transport->start(post(server.url()), &recorders[kAtOnce + i]);
    };
    recorders[kAtOnce + i].hook = [&](const std::string& event) { ended += event == "end"; };
    client.start(post(server.url()), recorders[i]);
  }
  REQUIRE(client.run_until([&] { return ended == 2 * kAtOnce; }));
  for (Recorder& recorder : recorders) {
    CHECK(recorder.log == "connected sent head:200 body end");
    CHECK(recorder.end->status.ok());
  }
  CHECK(server.accepted() <= kAtOnce + 1);
}

// How a server treats its second request on a connection; the third comes on a new one.
struct Stale {
  std::string rule;
  std::size_t body;  // of the request
  bool segments;
  std::size_t read;  // how much of the second request the server reads before it goes
  bool reset;
};

TEST_CASE("a kept-alive connection that closes as the next request arrives is replaced, silently") {
  const Stale rows[] = {
      {"FIN, small", 2, false, 1, false},
      {"RST, small", 2, false, 1, true},
      {"RST, large, at once", 8u << 20, false, 1, true},
      {"FIN, large, at once", 8u << 20, false, 1, false},
      {"RST, large, half way", 8u << 20, false, 4u << 20, true},
      {"RST, large, in segments", 8u << 20, true, 4u << 20, true},
      {"RST, small, in segments", 200, true, 1, true},
  };
  for (const Stale& row : rows) {
    CAPTURE(row.rule);
    std::string again;  // the body of the second request, as it came on the new connection
    RawServer server([&](Connection& connection) {
      const std::string request = connection.read_request();
      if (connection.number == 0) {
        connection.write(answer("first"));
        connection.read_exactly(row.read);
        if (row.reset) connection.reset();
        return;
      }
      again = request.substr(request.find("\r\n\r\n") + 4);
      connection.write(answer("second"));
      connection.wait_for_close();
    });
    Client client;
    Recorder first;
    client.exchange(post(server.url()), first);
    REQUIRE(first.body == "first");
    TransferSpec spec = post(server.url());
    const std::string bytes = pattern(row.body, 3);
    if (row.segments) {
      spec.body = Body(bytes.substr(0, bytes.size() / 2));
      spec.body.append(bytes.substr(bytes.size() / 2));
    } else {
      spec.body = Body(bytes);
    }
    Recorder second;
    client.exchange(spec, second);
    CAPTURE(second.end->status.message());
    CHECK(second.end->status.ok());
    CHECK(second.log == "connected sent head:200 body end");
    CHECK(second.body == "second");
    CHECK((again == bytes));  // not printed: it is large
    CHECK_FALSE(second.end->reused_connection);
    CHECK(server.accepted() == 2);
  }
}

TEST_CASE("the retry is one: a server that closes the fresh connection too is to blame") {
  RawServer server([&](Connection& connection) {
    connection.read_request();
    if (connection.number == 0) {
      connection.write(answer("first"));
      connection.read_request();
    }
    connection.reset();
  });
  Client client;
  Recorder first, second;
  client.exchange(post(server.url()), first);
  client.exchange(post(server.url()), second);
  CHECK(second.log == "connected sent end");
  CHECK(second.end->status.code() == Code::kNetwork);
  CHECK(server.accepted() == 2);
}

TEST_CASE("once a byte of an answer came there is no retry") {
  RawServer server([&](Connection& connection) {
    connection.read_request();
    connection.write(answer("first"));
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    connection.reset();
  });
  Client client;
  Recorder first, second;
  client.exchange(post(server.url()), first);
  client.exchange(post(server.url()), second);
  CHECK(second.end->status.code() == Code::kNetwork);
  CHECK(second.end->reused_connection);
  CHECK(server.accepted() == 1);
}

TEST_CASE("many stale connections in a row are not the end of a request") {
  std::atomic<int> waiting{0};
  Gate all_here;
  constexpr int kStale = 10;
  RawServer server([&](Connection& connection) {
    connection.read_request();
    if (connection.number >= kStale) {
      connection.write(answer("fresh"));
      connection.wait_for_close();
      return;
    }
    if (++waiting == kStale) all_here.open();
    all_here.wait();  // or one connection would serve them all
    connection.write(answer("first"));
    connection.read_exactly(1);
    connection.reset();
  });
  Client client;
  std::vector<Recorder> first(kStale);
  for (Recorder& recorder : first) client.start(post(server.url()), recorder);
  REQUIRE(client.run_until([&] {
    for (Recorder& recorder : first) {
      if (!recorder.done()) return false;
    }
    return true;
  }));
  Recorder last;
  client.exchange(post(server.url()), last);
  CHECK(last.end->status.ok());
  CHECK(last.body == "fresh");
}

}  // namespace
}  // namespace llmorch
