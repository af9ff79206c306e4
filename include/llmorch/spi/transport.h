// Transport: the wire below an attempt. libcurl is the built-in one; tests script another.
//
// One Transport serves one Loop and is used only on that loop's thread. The engine owns all
// deadlines: a transport's own time-outs are a backstop.
#ifndef LLMORCH_SPI_TRANSPORT_H_
#define LLMORCH_SPI_TRANSPORT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "llmorch/body.h"
#include "llmorch/loop.h"
#include "llmorch/types.h"

namespace llmorch {

// One HTTP exchange with an upstream.
struct TransferSpec {
  std::string method = "POST";
  std::string url;  // absolute, http or https, no user info
  Headers headers;  // complete but for framing; values are already checked for CR/LF/NUL
  Body body;
  std::string proxy;     // "" none; http://, https://, socks4a://, socks5://, socks5h://
  std::string no_proxy;  // hosts that bypass it, curl's syntax
  bool http2 = false;    // allowed to negotiate HTTP/2
  bool stream = false;   // the answer comes in small pieces over a long time: small buffers
};

// How a transfer ended.
struct TransferEnd {
  // ok(): the answer is complete by its own framing. Otherwise kNetwork (DNS, connect, TLS, reset,
  // early close), kProtocol (not HTTP) or kTooLarge, with a sentence that names the cause.
  Status status;
  std::uint64_t bytes_sent = 0;      // body bytes
  std::uint64_t bytes_received = 0;  // body bytes
  bool reused_connection = false;
};

// Told how a transfer goes: on_connected, on_request_sent, on_head, on_body*, on_end, in this
// order; any of the first may be missing when it fails early. Called on the loop, never from inside
// start(), pause(), resume() or cancel(), but these may be called from inside it.
class TransferListener {
 public:
  virtual ~TransferListener() = default;
  virtual void on_connected() = 0;     // also for a reused connection
  virtual void on_request_sent() = 0;  // the last byte of the request has been handed over
  virtual void on_head(int status, const Headers& headers) = 0;  // names in lower case
  virtual void on_body(std::string_view bytes) = 0;              // borrowed for the call
  virtual void on_end(const TransferEnd& end) = 0;               // the last one; not after cancel()
};

class Transport {
 public:
  using Id = std::uint64_t;  // never 0

  virtual ~Transport() = default;  // cancels what is under way
  // The listener must live until on_end() or cancel().
  virtual Id start(TransferSpec spec, TransferListener* listener) = 0;
  // After pause() at most what is already in the read buffer is still delivered.
  virtual void pause(Id id) = 0;
  virtual void resume(Id id) = 0;
  // Forgets the transfer within this turn, in whatever phase it is (a hung resolver included), and
  // without blocking. The listener is not called again. Unknown ids are ignored.
  virtual void cancel(Id id) = 0;
};

class TransportFactory {
 public:
  virtual ~TransportFactory() = default;
  virtual Result<std::unique_ptr<Transport>> make(Loop& loop) = 0;
};

// The built-in one.
std::shared_ptr<TransportFactory> curl_transport_factory();

}  // namespace llmorch

#endif  // LLMORCH_SPI_TRANSPORT_H_
