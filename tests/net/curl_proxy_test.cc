// Proxies: the one of the spec is used, and nothing else; the environment has no say.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "net/raw_server.h"
#include "net/tls_peer.h"
#include "net/transport_fixture.h"

namespace llmorch {
namespace {

using namespace testing_net;

std::string local(const RawServer& server) { return "127.0.0.1:" + std::to_string(server.port()); }

TEST_CASE("http proxy, http upstream: the proxy is asked for the whole URL") {
  std::string seen;
  RawServer proxy([&](Connection& connection) {
    seen = connection.read_request();
    connection.write(answer("by proxy"));
  });
  Client client;
  Recorder got;
  TransferSpec spec = post("http://upstream.test:81/v1?q=1", "{}");
  spec.proxy = "http://user:word@" + local(proxy);
  client.exchange(spec, got);
  CHECK(got.body == "by proxy");
  CHECK(seen.substr(0, seen.find('\r')) == "POST http://upstream.test:81/v1?q=1 HTTP/1.1");
  CHECK(seen.find("Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n") != std::string::npos);
}

TEST_CASE(
    "http proxy, https upstream: a tunnel, through which the upstream's secrets stay secret") {
  const TlsIdentity identity("DNS:upstream.test");
  identity.trust();
  std::string connect, request;
  RawServer proxy([&](Connection& connection) {
    connect = connection.read_request();
    connection.write("HTTP/1.1 200 Connection established\r\nX-Proxy: 1\r\n\r\n");
    TlsPeer peer(identity, connection);
    if (!peer.ok()) return;
    request = peer.read_request();
    peer.write(answer("through"));
  });
  Client client;
  Recorder got;
  TransferSpec spec;
  spec.method = "GET";
  spec.url = "https://upstream.test/v1?key=hidden";
  spec.headers = {{"authorization", "Bearer hidden"}};
  spec.proxy = "http://" + local(proxy);
  client.exchange(spec, got);
  CAPTURE(got.end->status.message());
  CHECK(got.log == "connected sent head:200 body end");
  CHECK(got.body == "through");
  CHECK(find_header(got.headers, "x-proxy") == nullptr);
  CHECK(connect.substr(0, connect.find('\r')) == "CONNECT upstream.test:443 HTTP/1.1");
  CHECK(connect.find("hidden") == std::string::npos);
  CHECK(request.find("authorization: Bearer hidden\r\n") != std::string::npos);
}

TEST_CASE("a proxy that refuses the tunnel is a network failure, not an answer") {
  RawServer proxy([](Connection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  });
  Client client;
  Recorder got;
  TransferSpec spec = post("https://upstream.test/");
  spec.proxy = "http://user:word@" + local(proxy);
  client.exchange(spec, got);
  CHECK(got.log == "end");
  CHECK(got.end->status.code() == Code::kNetwork);
  CAPTURE(got.end->status.message());
  CHECK(got.end->status.message().find("403") != std::string::npos);
  CHECK(got.end->status.message().find("word") == std::string::npos);
}

TEST_CASE("socks5h: the proxy gets the name, and resolves it") {
  for (bool refuse : {false, true}) {
    CAPTURE(refuse);
    std::string host, request;
    RawServer proxy([&](Connection& connection) {
      const std::string methods = connection.read_exactly(2);
      if (methods.empty()) return;
      connection.read_exactly(static_cast<unsigned char>(methods[1]));
      connection.write(std::string_view("\x05\x00", 2));
      const std::string asked = connection.read_exactly(5);  // version, connect, -, type 3, length
      if (asked.size() != 5 || asked[3] != 3) return;
      host = connection.read_exactly(static_cast<unsigned char>(asked[4]));
      connection.read_exactly(2);
      connection.write(std::string("\x05", 1) + (refuse ? '\x05' : '\0') +
                       std::string("\0\x01\0\0\0\0\0\0", 8));
      if (refuse) return;
      request = connection.read_request();
      connection.write(answer("by socks"));
    });
    Client client;
    Recorder got;
    TransferSpec spec = post("http://upstream.test:81/v1", "{}");
    spec.proxy = "socks5h://" + local(proxy);
    client.exchange(spec, got);
    CHECK(host == "upstream.test");
    if (refuse) {
      CHECK(got.log == "end");
      CHECK(got.end->status.code() == Code::kNetwork);
    } else {
      CHECK(got.body == "by socks");
      CHECK(request.substr(0, request.find('\r')) == "POST /v1 HTTP/1.1");
    }
  }
}

TEST_CASE("no_proxy bypasses the proxy for its hosts, and only for the transfer that says so") {
  RawServer server([](Connection& connection) {
    while (!connection.read_request().empty()) connection.write(answer("direct"));
  });
  RawServer proxy([](Connection& connection) {
    while (!connection.read_request().empty()) connection.write(answer("by proxy"));
  });
  Client client;
  const struct {
    std::string proxy, no_proxy, body;
  } rows[] = {{"http://" + local(proxy), "", "by proxy"},
              {"http://" + local(proxy), "x.test,127.0.0.1", "direct"},
              {"http://" + local(proxy), "*", "direct"},
              {"http://" + local(proxy), "x.test", "by proxy"},
              {"", "", "direct"},
              {"", "x.test", "direct"}};
  for (const auto& row : rows) {
    CAPTURE(row.no_proxy);
    Recorder got;
    TransferSpec spec = post(server.url());
    spec.proxy = row.proxy;
    spec.no_proxy = row.no_proxy;
    client.exchange(spec, got);
    CHECK(got.body == row.body);
  }
}

TEST_CASE("the environment's proxies are ignored, and so are its exceptions") {
  RawServer server([](Connection& connection) {
    while (!connection.read_request().empty()) connection.write(answer("direct"));
  });
  RawServer proxy([](Connection& connection) {
    while (!connection.read_request().empty()) connection.write(answer("by proxy"));
  });
  const std::string url = "http://" + local(proxy);
  for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY", "HTTPS_PROXY"}) {
    ::setenv(name, url.c_str(), 1);
  }
  ::setenv("no_proxy", "*", 1);
  ::setenv("NO_PROXY", "*", 1);
  {
    Client client;
    Recorder direct, proxied;
    client.exchange(post(server.url()), direct);
    CHECK(direct.body == "direct");
    TransferSpec spec = post(server.url());
    spec.proxy = url;
    client.exchange(spec, proxied);
    CHECK(proxied.body == "by proxy");
  }
  for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY", "HTTPS_PROXY",
                           "no_proxy", "NO_PROXY"}) {
    ::unsetenv(name);
  }
}

}  // namespace
}  // namespace llmorch
