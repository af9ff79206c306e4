// Opens the listening socket of a server.
//
// Any thread; resolving a name may block, which is for the start of a program only.
#ifndef LLMORCH_SERVER_HTTP_FRONT_LISTENER_H_
#define LLMORCH_SERVER_HTTP_FRONT_LISTENER_H_

#include <string>
#include <string_view>

#include "llmorch/status.h"

namespace llmorch::server {

// A descriptor that closes itself.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) noexcept : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  ~OwnedFd();

  int get() const noexcept { return fd_; }
  int release() noexcept;
  void reset() noexcept;

 private:
  int fd_;
};

struct Listening {
  OwnedFd fd;           // non-blocking
  std::string address;  // as bound: "127.0.0.1:41234", "[::1]:8000"
  std::string host;     // as asked for: "localhost", "[::1]", "" for all addresses
  bool loopback = false;
};

// "127.0.0.1:8000", "[::1]:0", "localhost:8000", ":8000" (all addresses). A port in use is an error
// that names it.
Result<Listening> listen_on(std::string_view address, int backlog);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_HTTP_FRONT_LISTENER_H_
