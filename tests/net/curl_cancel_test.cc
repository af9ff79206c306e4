// Cancelling, in every phase and from every callback; and that nothing of it, nor a hung resolver
// or a black hole, ever stalls the loop for the others.
#include <doctest/doctest.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "net/hung_resolver.h"
#include "net/raw_server.h"
#include "net/transport_fixture.h"

namespace llmorch {
namespace {

using namespace testing_net;
using std::chrono::milliseconds;

enum class Where {
  kHungResolver,
  kBlackHole,
  kDeaf,    // accepts and never reads
  kSilent,  // reads and never answers
  kSteady,  // a chunk each millisecond, for ever
  kHungProxy,
};

struct Phase {
  std::string name;
  Where where;
  bool tls;
  std::size_t body;
  std::string until;   // the log that says the phase is reached; "" at once; "*" never grows
  std::string inside;  // cancel from this callback, or "" from outside
  bool paused;
  std::string log;  // all there may be in the end
};

const Phase kPhases[] = {
    {"before the first turn", Where::kSilent, false, 2, "", "", false, ""},
    {"resolving", Where::kHungResolver, false, 2, "*", "", false, ""},
    {"resolving the proxy", Where::kHungProxy, false, 2, "*", "", false, ""},
    {"connecting", Where::kBlackHole, false, 2, "*", "", false, ""},
    {"TLS handshake", Where::kSilent, true, 2, "*", "", false, ""},
    {"sending", Where::kDeaf, false, 32u << 20, "connected", "", false, "connected"},
    {"waiting for the head", Where::kSilent, false, 2, "connected sent", "", false,
     "connected sent"},
    {"within the body", Where::kSteady, false, 2, "connected sent head:200 body", "", false,
     "connected sent head:200 body"},
    {"paused", Where::kSteady, false, 2, "connected sent head:200 body", "", true,
     "connected sent head:200 body"},
    {"inside connected", Where::kSteady, false, 2, "connected", "connected", false, "connected"},
    {"inside request_sent", Where::kSteady, false, 2, "connected sent", "sent", false,
     "connected sent"},
    {"inside head", Where::kSteady, false, 2, "connected sent head:200", "head:200", false,
     "connected sent head:200"},
    {"inside body", Where::kSteady, false, 2, "connected sent head:200 body", "body", false,
     "connected sent head:200 body"},
};

void serve_steadily(Connection& connection) {
  connection.read_request();
  connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  pollfd gone{connection.fd(), POLLIN, 0};
  do {
    if (!connection.write("5\r\nhello\r\n")) return;
  } while (::poll(&gone, 1, 1) == 0);
}

// Drives a loop as a host would, from outside, so that a turn can be told from waiting for it.
class TurnMeter {
 public:
  explicit TurnMeter(Client& client) : client_(client), tick_([this] { on_tick(); }) { on_tick(); }
  ~TurnMeter() { client_.loop->disarm(tick_); }

  bool run_until(const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      pollfd ready{client_.loop->fd(), POLLIN, 0};
      ::poll(&ready, 1, 1);
      const auto begin = std::chrono::steady_clock::now();
      if (begin > limit) return false;
      client_.loop->drive(milliseconds(0));
      measure(begin);
    }
    return true;
  }
  void measure(TimePoint begin) {
    longest_ = std::max(longest_, std::chrono::steady_clock::now() - begin);
  }
  Duration longest() const { return longest_; }
  int ticks() const { return ticks_; }

 private:
  void on_tick() {
    ++ticks_;
    client_.loop->arm(tick_, client_.loop->now() + milliseconds(1));
  }
  Client& client_;
  Timer tick_;
  int ticks_ = 0;
  Duration longest_{};
};

// One run of a phase; the longest turn of the loop in it.
Duration run(const Phase& phase, HungResolver& resolver) {
  std::atomic<bool> victim_gone{false};
  Gate stop;
  RawServer steady(serve_steadily);
  RawServer server([&](Connection& connection) {
    if (phase.where == Where::kSteady) {
      serve_steadily(connection);
    } else {
      if (phase.where != Where::kDeaf && !phase.tls) connection.read_request();
      if (phase.where == Where::kDeaf) stop.wait();
      connection.wait_for_close();
    }
    victim_gone = true;
  });
  BlackHole hole;
  Client client;
  TurnMeter meter(client);
  Recorder bystander;
  client.start(post(steady.url()), bystander);
  REQUIRE(meter.run_until([&] { return bystander.chunks >= 5; }));

  TransferSpec spec = post(server.url(), std::string(phase.body, 'x'));
  const Body kept = spec.body;  // giving back 32 MB is not the transport's stall
  if (phase.tls) spec.url.replace(0, 4, "https");
  if (phase.where == Where::kHungResolver) spec.url = std::string("http://") + kHungHost + "/";
  if (phase.where == Where::kHungProxy) spec.proxy = std::string("http://") + kHungHost + ":1";
  if (phase.where == Where::kBlackHole) {
    spec.url = "http://127.0.0.1:" + std::to_string(hole.port()) + "/";
  }
  Recorder victim;
  Transport::Id id = 0;
  bool cancelled = false;
  const auto cancel = [&] {
    victim.inside_call = true;  // silent from now on, for ever
    client.transport->cancel(id);
    client.transport->cancel(id);  // and once more does no harm
    cancelled = true;
  };
  victim.hook = [&](const std::string& event) {
    if (event == phase.inside) cancel();
    if (event == "body" && phase.paused) client.transport->pause(id);
  };
  const int hanging = resolver.hanging();
  id = client.start(std::move(spec), victim);
  if (phase.until == "*") {
    REQUIRE(meter.run_until([&, chunks = bystander.chunks] {
      if (phase.where == Where::kHungResolver || phase.where == Where::kHungProxy) {
        return resolver.hanging() > hanging;
      }
      if (phase.tls) return server.accepted() > 0 && bystander.chunks > chunks + 10;
      return bystander.chunks > chunks + 10;
    }));
  } else if (!phase.until.empty()) {
    REQUIRE(meter.run_until([&] { return victim.log == phase.until; }));
    // A while in the phase, for what would only happen then.
    if (phase.inside.empty()) {
      REQUIRE(meter.run_until(
          [&, chunks = bystander.chunks] { return bystander.chunks > chunks + 5; }));
    }
  }
  const auto begin = std::chrono::steady_clock::now();
  if (!cancelled) cancel();
  meter.measure(begin);
  stop.open();
  const int chunks = bystander.chunks;
  REQUIRE(meter.run_until([&] { return bystander.chunks > chunks + 20; }));
  if (server.accepted() > 0) REQUIRE(meter.run_until([&] { return victim_gone.load(); }));
  CHECK(victim.log == phase.log);
  CHECK_FALSE(bystander.done());
  CHECK(meter.ticks() > 10);
  return meter.longest();
}

TEST_CASE("no phase of a transfer, and no cancel in it, makes a turn longer than 5 ms") {
  HungResolver resolver;
  for (const Phase& phase : kPhases) {
    CAPTURE(phase.name);
    // The best of a few runs, as a busy machine stretches turns at random. What really waits, for a
    // lookup or a connect, does so for seconds in every run.
    Duration best = Duration::max();
    for (int attempt = 0; attempt < 5 && best >= milliseconds(5); ++attempt) {
      best = std::min(best, run(phase, resolver));
    }
    CHECK(std::chrono::duration<double, std::milli>(best).count() < 5.0);
  }
}

TEST_CASE("a transport that goes takes its transfers with it, in every phase, without waiting") {
  HungResolver resolver;
  RawServer steady(serve_steadily);
  BlackHole hole;
  const std::string urls[] = {std::string("http://") + kHungHost + "/", steady.url(),
                              "http://127.0.0.1:" + std::to_string(hole.port()) + "/"};
  Duration best = Duration::max();
  for (int attempt = 0; attempt < 5 && best >= milliseconds(100); ++attempt) {
    Client client;
    std::vector<Recorder> recorders(std::size(urls));
    for (std::size_t i = 0; i < std::size(urls); ++i) client.start(post(urls[i]), recorders[i]);
    REQUIRE(client.run_until([&] { return recorders[1].chunks > 2; }));
    for (Recorder& recorder : recorders) recorder.inside_call = true;
    const auto begin = std::chrono::steady_clock::now();
    client.transport.reset();
    best = std::min(best, std::chrono::steady_clock::now() - begin);
    client.loop->drive(milliseconds(0));
  }
  CHECK(std::chrono::duration<double, std::milli>(best).count() < 100.0);
}

TEST_CASE("a lookup that fails is a network failure that names the host") {
  HungResolver resolver;
  resolver.release();
  Client client;
  Recorder got;
  client.exchange(post(std::string("http://") + kHungHost + ":81/?key=secret"), got);
  CHECK(got.log == "end");
  CHECK(got.end->status.code() == Code::kNetwork);
  CHECK(got.end->status.message().find("hung.test:81") != std::string::npos);
  CHECK(got.end->status.message().find("secret") == std::string::npos);
}

TEST_CASE("the handle of a cancelled lookup serves the next transfer") {
  HungResolver resolver;
  RawServer server([](Connection& connection) {
    while (!connection.read_request().empty()) connection.write(answer("hello"));
  });
  Client client;
  for (int i = 0; i < 3; ++i) {
    Recorder stuck;
    const int hanging = resolver.hanging();
    const Transport::Id id = client.start(post(std::string("http://") + kHungHost + "/"), stuck);
    REQUIRE(client.run_until([&] { return resolver.hanging() > hanging; }));
    client.transport->cancel(id);
    Recorder got;
    client.exchange(post(server.url()), got);
    CHECK(got.body == "hello");
    CHECK(stuck.log.empty());
  }
  resolver.release();  // the abandoned lookups end while others go on
  Recorder got;
  client.exchange(post(server.url()), got);
  CHECK(got.body == "hello");
}

TEST_CASE("a listener may cancel others, and start others, from every callback") {
  RawServer server([](Connection& connection) {
    while (!connection.read_request().empty()) connection.write(answer("hello"));
  });
  RawServer steady(serve_steadily);
  for (const char* event : {"connected", "sent", "head:200", "body", "end"}) {
    CAPTURE(event);
    Client client;
    Recorder actor, other, started, nobody;
    other.hook = [&](const std::string&) { CHECK_FALSE(other.inside_call); };
    const Transport::Id id = client.start(post(steady.url()), other);
    REQUIRE(client.run_until([&] { return other.chunks > 1; }));
    actor.hook = [&](const std::string& now) {
      if (now != event) return;
      other.inside_call = true;
      client.transport->cancel(id);
      started.inside_call = true;
      const Transport::Id fresh = client.transport->start(post(server.url()), &started);
      started.inside_call = false;
      client.transport->pause(fresh);
      client.transport->resume(fresh);
      // Started and cancelled in one breath: never heard of.
      nobody.inside_call = true;
      client.transport->cancel(client.transport->start(post(server.url()), &nobody));
    };
    client.exchange(post(server.url()), actor);
    CHECK(actor.log == "connected sent head:200 body end");
    REQUIRE(client.run_until([&] { return started.done(); }));
    CHECK(started.log == "connected sent head:200 body end");
    CHECK_FALSE(other.done());
  }
}

TEST_CASE("unknown and finished ids are ignored") {
  RawServer server([](Connection& connection) {
    while (!connection.read_request().empty()) connection.write(answer("hello"));
  });
  Client client;
  for (Transport::Id id : {Transport::Id{0}, Transport::Id{1}, ~Transport::Id{0}}) {
    client.transport->pause(id);
    client.transport->resume(id);
    client.transport->cancel(id);
  }
  Recorder first, second;
  const Transport::Id old = client.start(post(server.url()), first);
  REQUIRE(client.run_until([&] { return first.done(); }));
  client.start(post(server.url()), second);  // takes the same place
  client.transport->pause(old);
  client.transport->cancel(old);
  REQUIRE(client.run_until([&] { return second.done(); }));
  CHECK(second.end->status.ok());
}

}  // namespace
}  // namespace llmorch
