// The server's side of TLS for tests: a certificate made on the spot, and a handshake over a raw
// connection.
#ifndef LLMORCH_TESTS_NET_TLS_PEER_H_
#define LLMORCH_TESTS_NET_TLS_PEER_H_

#include <openssl/ssl.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "net/raw_server.h"

namespace llmorch::testing_net {

// A self-signed certificate for one name ("IP:127.0.0.1", "DNS:x.test"), with its key.
class TlsIdentity {
 public:
  explicit TlsIdentity(const std::string& name);
  SSL_CTX* context() const { return context_.get(); }
  void trust() const;  // adds it to the store of the library, for the rest of this process

 private:
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
};

// TLS over a connection whose script is running. `ok()` is false when the client gave up.
class TlsPeer {
 public:
  TlsPeer(const TlsIdentity& identity, Connection& connection);
  bool ok() const { return ok_; }
  bool resumed() const;
  std::string alpn_offered() const { return alpn_; }  // "h2,http/1.1"
  std::string read_request();                         // without a body
  void write(std::string_view bytes);
  void close_notify();

 private:
  static int on_hello(SSL* ssl, int*, void*);
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  std::string alpn_;
  bool ok_ = false;
};

}  // namespace llmorch::testing_net

#endif  // LLMORCH_TESTS_NET_TLS_PEER_H_
