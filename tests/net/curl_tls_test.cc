// TLS to upstreams: verification is on, the shared store decides, sessions are resumed.
#include <doctest/doctest.h>

#include <string>

#include "net/raw_server.h"
#include "net/tls_peer.h"
#include "net/transport_fixture.h"

namespace llmorch {
namespace {

using namespace testing_net;

TransferSpec get(const RawServer& server) {
  TransferSpec spec;
  spec.method = "GET";
  spec.url = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
  return spec;
}

TEST_CASE("a certificate that nobody vouches for, or for another name, is refused") {
  struct Row {
    std::string rule, name;
    bool trusted;
  };
  for (const Row& row : {Row{"self-signed", "IP:127.0.0.1", false},
                         Row{"trusted, but for another address", "IP:127.0.0.2", true},
                         Row{"trusted, but for a host name", "DNS:upstream.test", true}}) {
    CAPTURE(row.rule);
    const TlsIdentity identity(row.name);
    if (row.trusted) identity.trust();
    RawServer server([&](Connection& connection) {
      TlsPeer peer(identity, connection);
      if (peer.ok()) peer.write(answer(peer.read_request().empty() ? "refused" : "accepted"));
    });
    Client client;
    Recorder got;
    client.exchange(get(server), got);
    CHECK(got.log == "end");
    CHECK(got.end->status.code() == Code::kNetwork);
    CAPTURE(got.end->status.message());
    CHECK(got.end->status.message().find("certificate was not accepted") != std::string::npos);
    CHECK(got.end->status.message().find("127.0.0.1:" + std::to_string(server.port())) !=
          std::string::npos);
  }
}

TEST_CASE(
    "a certificate from the shared store is accepted; the next connection resumes its session") {
  const TlsIdentity identity("IP:127.0.0.1");
  identity.trust();
  std::string resumed;
  RawServer server([&](Connection& connection) {
    TlsPeer peer(identity, connection);
    if (!peer.ok()) return;
    resumed += peer.resumed() ? 'r' : 'f';
    if (peer.read_request().empty()) return;
    peer.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
    peer.close_notify();
  });
  RawServer silent([](Connection& connection) { connection.wait_for_close(); });
  Client client;
  Recorder occupied[2];
  for (int i = 0; i < 2; ++i) {
    // Takes the warm handle out of the way: the session is the transport's, not the handle's.
    client.start(post(silent.url()), occupied[i]);
    Recorder got;
    client.exchange(get(server), got);
    CAPTURE(got.end->status.message());
    CHECK(got.log == "connected sent head:200 body end");
    CHECK(got.body == "hello");
    CHECK(got.end->status.ok());
  }
  CHECK(resumed == "fr");
}

TEST_CASE("HTTP/2 is offered only when the spec allows it") {
  const TlsIdentity identity("IP:127.0.0.1");
  identity.trust();
  for (bool http2 : {false, true}) {
    std::string offered;
    RawServer server([&](Connection& connection) {
      TlsPeer peer(identity, connection);
      if (!peer.ok()) return;
      offered = peer.alpn_offered();
      peer.read_request();
      peer.write(answer("hello"));  // HTTP/1.1 is what it speaks
    });
    Client client;
    Recorder got;
    TransferSpec spec = get(server);
    spec.http2 = http2;
    client.exchange(spec, got);
    CHECK(got.body == "hello");
    CHECK(offered == (http2 ? "h2,http/1.1" : "http/1.1"));
  }
}

TEST_CASE("a peer that does not speak TLS is a network failure") {
  RawServer server([](Connection& connection) {
    connection.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    connection.wait_for_close();
  });
  Client client;
  Recorder got;
  client.exchange(get(server), got);
  CHECK(got.log == "end");
  CHECK(got.end->status.code() == Code::kNetwork);
}

}  // namespace
}  // namespace llmorch
