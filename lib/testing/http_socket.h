// Socket and Listener: non-blocking TCP on a Loop, the one connection class of the testing engine.
//
// Ownership: a Socket owns its descriptor and closes it when destroyed. Its owner may close() or
// reset() it inside a callback, but must not destroy it there. Threads: the loop's only. Callbacks
// come from the loop, never from inside a member call, so no owner is entered twice.
#ifndef LLMORCH_TESTING_HTTP_SOCKET_H_
#define LLMORCH_TESTING_HTTP_SOCKET_H_

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "llmorch/loop.h"
#include "llmorch/status.h"

namespace llmorch::testing {

// A numeric TCP address: "127.0.0.1:80", "[::1]:80"; "localhost" means 127.0.0.1.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  static Result<Address> parse(std::string_view text);
};

class SocketOwner {
 public:
  virtual ~SocketOwner() = default;
  virtual void on_connected() {}
  virtual void on_bytes(std::string_view bytes) = 0;  // borrowed for the call
  virtual void on_fin() = 0;                          // the peer will send no more
  // The socket is closed already. errno, or 0: both sides have ended, or our own delayed reset.
  virtual void on_lost(int error) = 0;
  virtual void on_drained() {}  // everything sent was taken by the system
};

class Socket final : public Watcher {
 public:
  // Takes over a connected descriptor.
  Socket(Loop& loop, int fd, SocketOwner* owner);
  static Result<std::unique_ptr<Socket>> connect(Loop& loop, const Address& to, SocketOwner* owner);
  ~Socket() override;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void send(std::string_view bytes);
  // At most so many bytes per system call and turn, so that a peer on the same loop sees them one
  // by one; 0 means no such limit.
  void set_slice(std::size_t bytes) { slice_ = bytes; }
  void set_reading(bool reading);
  void finish_sending();   // FIN, once everything was sent
  void reset_when_sent();  // RST, once everything was sent
  void close();            // FIN now; what was not yet taken by the system is dropped
  void reset();            // RST now

  bool open() const noexcept { return fd_ >= 0; }
  std::size_t unsent() const noexcept { return out_.size() - out_start_; }

 private:
  enum class Then { kNothing, kFin, kReset };

  void on_ready(unsigned ready) override;
  void read_some();
  bool flush();
  void finish_flush();
  void update_interest();
  void lose(int error);

  Loop& loop_;
  SocketOwner* const owner_;
  int fd_;
  unsigned interest_ = 0;
  bool connecting_ = false;
  bool reading_ = true;
  bool fin_seen_ = false;
  Then then_ = Then::kNothing;
  std::size_t slice_ = 0;
  std::string out_;
  std::size_t out_start_ = 0;
  int deferred_error_ = 0;  // found inside send(), told from the loop
};

class Listener final : public Watcher {
 public:
  using Accepted = std::function<void(int fd)>;  // takes the descriptor over

  static Result<std::unique_ptr<Listener>> listen(Loop& loop, std::string_view address,
                                                  Accepted accepted);
  ~Listener() override;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int port() const noexcept { return port_; }
  std::string address() const;  // "127.0.0.1:41234"

 private:
  Listener(Loop& loop, int fd, Accepted accepted);
  void on_ready(unsigned ready) override;

  Loop& loop_;
  const int fd_;
  const Accepted accepted_;
  int port_ = 0;
  std::string host_;
  Timer breather_;
};

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_HTTP_SOCKET_H_
