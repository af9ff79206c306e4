// Every fault of the proxy, seen from the client; and what the target sees.
#include "testing/fault_proxy.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "rig.h"

namespace llmorch::testing {
namespace {

using std::chrono::milliseconds;

// Sends back what it gets, and remembers it.
class EchoServer final : public SocketOwner {
 public:
  explicit EchoServer(Loop& loop) {
    auto made = Listener::listen(loop, "127.0.0.1:0", [this, &loop](int fd) {
      ++accepted;
      socket_ = std::make_unique<Socket>(loop, fd, this);
    });
    REQUIRE(made);
    listener_ = *std::move(made);
  }
  std::string address() const { return listener_->address(); }
  Socket& socket() { return *socket_; }

  std::string bytes;
  int accepted = 0;
  bool fin = false;
  bool lost = false;

 private:
  void on_bytes(std::string_view piece) override {
    bytes.append(piece);
    socket_->send(piece);
  }
  void on_fin() override {
    fin = true;
    socket_->finish_sending();
  }
  void on_lost(int error) override { lost = error != 0; }

  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Socket> socket_;
};

struct ProxyRig : Rig {
  explicit ProxyRig(std::string_view fault, std::uint64_t seed = 1) : server(*loop) {
    auto made = FaultProxy::start(*loop, "127.0.0.1:0", server.address(), fault, seed);
    REQUIRE_MESSAGE(made, made.error().message());
    proxy = *std::move(made);
    client = std::make_unique<RawClient>(*loop, proxy->port());
  }
  void turns(int count) {
    for (int i = 0; i < count; ++i) loop->drive(milliseconds(0));
  }
  EchoServer server;
  std::unique_ptr<FaultProxy> proxy;
  std::unique_ptr<RawClient> client;
};

std::string numbers(std::size_t count) {
  std::string out(count, '\0');
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<char>('0' + i % 75);
  return out;
}

TEST_CASE("without a fault every byte passes, both FINs do, and nothing is left behind") {
  ProxyRig rig("");
  const std::string data = numbers(3'000'000);  // more than the proxy holds
  rig.client->send(data);
  REQUIRE(rig.drive_until([&] { return rig.client->bytes.size() >= data.size(); }));
  CHECK(rig.client->bytes == data);
  CHECK(rig.proxy->stats().bytes_up == data.size());
  CHECK(rig.proxy->stats().bytes_down == data.size());
  rig.client->socket().finish_sending();
  REQUIRE(rig.drive_until([&] { return rig.client->fin; }));
  CHECK(rig.server.fin);
  CHECK(rig.drive_until([&] { return rig.proxy->stats().live == 0; }));
  CHECK(rig.proxy->stats().faults == 0);
}

TEST_CASE("a slow reader stops the sender instead of filling the proxy") {
  ProxyRig rig("");
  rig.client->socket().set_reading(false);
  const std::string data = numbers(64'000'000);
  rig.client->send(data);
  std::uint64_t before = 1;
  // Until nothing moves any more.
  REQUIRE(rig.drive_until([&] {
    const std::uint64_t moved = rig.proxy->stats().bytes_up + rig.proxy->stats().bytes_down;
    const bool still = moved == before;
    before = moved;
    rig.turns(100);
    return still;
  }));
  CHECK(rig.proxy->stats().bytes_down < data.size());
  rig.client->socket().set_reading(true);
  REQUIRE(rig.drive_until([&] { return rig.client->bytes.size() >= data.size(); }));
  CHECK(rig.client->bytes == data);
}

TEST_CASE("faults strike after exactly so many bytes of their direction") {
  const std::string data = numbers(1000);
  for (const std::string direction : {"down", "up"}) {
    for (const std::string kind : {"reset", "fin", "blackhole"}) {
      for (const std::size_t after : {0U, 1U, 500U, 1000U}) {
        CAPTURE(direction);
        CAPTURE(kind);
        CAPTURE(after);
        ProxyRig rig("{\"kind\":\"" + std::string(kind) + "\",\"direction\":\"" + direction +
                     "\",\"after\":" + std::to_string(after) + "}");
        rig.client->send(data);
        const bool up = direction == std::string_view("up");
        const bool hole = kind == std::string_view("blackhole");
        const auto arrived = [&] {
          return up ? rig.server.bytes.size() : rig.client->bytes.size();
        };
        REQUIRE(rig.drive_until([&] {
          return rig.proxy->stats().faults == 1 && arrived() >= after &&
                 (hole || rig.client->ended());
        }));
        rig.turns(10);
        CHECK(arrived() == after);
        if (hole) {
          CHECK_FALSE(rig.client->ended());
        } else if (!up) {
          CHECK(rig.client->lost == (kind == std::string_view("reset")));
        }
        rig.client->socket().close();
        CHECK(rig.drive_until([&] { return rig.proxy->stats().live == 0; }));
      }
    }
  }
}

TEST_CASE("half_close ends one direction; the other goes on") {
  ProxyRig rig(R"({"kind":"half_close","after":10})");
  rig.client->send(numbers(10));
  REQUIRE(rig.drive_until([&] { return rig.client->fin; }));
  CHECK(rig.client->bytes == numbers(10));
  rig.client->send("still heard");
  REQUIRE(rig.drive_until([&] { return rig.server.bytes.ends_with("still heard"); }));
  CHECK(rig.client->bytes == numbers(10));
  CHECK_FALSE(rig.server.fin);
  rig.client->socket().finish_sending();
  CHECK(rig.drive_until([&] { return rig.proxy->stats().live == 0; }));
}

TEST_CASE("corrupt changes one byte, at its offset, in its direction") {
  for (const std::size_t after : {0U, 7U, 99U}) {
    ProxyRig rig(R"({"kind":"corrupt","after":)" + std::to_string(after) + "}");
    const std::string data = numbers(100);
    rig.client->send(data.substr(0, 50));
    REQUIRE(rig.drive_until([&] { return rig.client->bytes.size() == 50; }));
    rig.client->send(data.substr(50));
    REQUIRE(rig.drive_until([&] { return rig.client->bytes.size() == 100; }));
    CHECK(rig.server.bytes == data);
    std::string expected = data;
    expected[after] = static_cast<char>(expected[after] ^ 0x55);
    CHECK(rig.client->bytes == expected);
    CHECK(rig.proxy->stats().faults == 1);
  }
}

TEST_CASE("accept_then_close never calls the target, and `times` bounds it") {
  ProxyRig rig(R"({"kind":"accept_then_close","times":1})");
  REQUIRE(rig.drive_until([&] { return rig.client->ended(); }));
  CHECK(rig.server.accepted == 0);
  RawClient second(*rig.loop, rig.proxy->port());
  second.send("hello");
  CHECK(rig.drive_until([&] { return second.bytes == "hello"; }));
}

TEST_CASE("latency, jitter and throttle take their time and keep the order") {
  const struct {
    std::string fault;
    milliseconds at_least;
  } rows[] = {
      {R"({"latency_ms":30})", milliseconds(60)},  // there and back
      {R"({"latency_ms":10,"jitter_ms":20})", milliseconds(20)},
      {R"({"bytes_per_second":20000})", milliseconds(50)},
  };
  for (const auto& row : rows) {
    CAPTURE(row.fault);
    ProxyRig rig(row.fault);
    const std::string data = numbers(1000);
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < 10; ++i) {
      rig.client->send(data.substr(i * 100, 100));
      rig.turns(2);
    }
    REQUIRE(rig.drive_until([&] { return rig.client->bytes.size() == data.size(); }));
    CHECK(rig.client->read_at.back() - begin >= row.at_least);
    CHECK(rig.client->bytes == data);
  }
}

TEST_CASE("slice: no read sees more than two slices") {
  ProxyRig rig(R"({"slice":3})");
  rig.client->send(numbers(100));
  REQUIRE(rig.drive_until([&] { return rig.client->bytes.size() == 100; }));
  CHECK(rig.client->bytes == numbers(100));
  CHECK(*std::max_element(rig.client->reads.begin(), rig.client->reads.end()) <= 6);
}

TEST_CASE("a target that is not there is a reset") {
  Rig rig;
  int port = 0;
  {
    auto gone = Listener::listen(*rig.loop, "127.0.0.1:0", [](int) {});
    REQUIRE(gone);
    port = (*gone)->port();
  }
  auto proxy =
      FaultProxy::start(*rig.loop, "127.0.0.1:0", "127.0.0.1:" + std::to_string(port), "", 1);
  REQUIRE(proxy);
  RawClient client(*rig.loop, (*proxy)->port());
  client.send("hello");
  REQUIRE(rig.drive_until([&] { return client.ended(); }));
  CHECK(client.lost);
  CHECK((*proxy)->stats().live == 0);
}

TEST_CASE("plans: a list in order, by seed, and errors by name") {
  auto listed = FaultPlan::parse(R"([{"kind":"fin","times":2},{"kind":"reset"}])", 1);
  REQUIRE(listed);
  std::string kinds;
  for (int i = 0; i < 5; ++i) kinds += std::string(fault_kind_name(listed->next().kind)) + " ";
  CHECK(kinds == "fin fin reset none none ");

  const auto draw = [](std::uint64_t seed, const char* json) {
    auto plan = FaultPlan::parse(json, seed);
    REQUIRE(plan);
    std::string out;
    for (int i = 0; i < 200; ++i) {
      const Fault fault = plan->next();
      out += std::string(fault_kind_name(fault.kind)) + std::to_string(fault.after) + " ";
    }
    return out;
  };
  const char* any = R"({"random":true,"percent":50})";
  CHECK(draw(7, any) == draw(7, any));
  CHECK(draw(7, any) != draw(8, any));
  for (const std::string kind :
       {"reset", "fin", "half_close", "blackhole", "corrupt", "accept_then_close"}) {
    CHECK(draw(7, any).find(kind) != std::string::npos);
  }
  CHECK(count_of(draw(7, R"({"random":[{"kind":"fin"}],"percent":0})"), "fin") == 0);
  CHECK(count_of(draw(7, R"({"random":[{"kind":"fin"}],"percent":100})"), "fin") == 200);
  const std::size_t some = count_of(draw(7, R"({"random":[{"kind":"fin"}],"percent":20})"), "fin");
  CHECK(some > 15);
  CHECK(some < 75);

  for (const std::string bad :
       {R"({"kind":"sharknado"})", R"({"direction":"left"})", R"({"after":-1})", R"({"x":1})",
        R"([1])", R"({"random":false})", R"({"random":true,"percent":101})", "{"}) {
    CAPTURE(bad);
    CHECK_FALSE(FaultPlan::parse(bad, 1).has_value());
  }
}

}  // namespace
}  // namespace llmorch::testing
