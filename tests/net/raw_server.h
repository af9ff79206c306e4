// RawServer: a blocking TCP server on loopback that does to each connection exactly what a test
// says, byte by byte. One thread per connection; everything it waits for is bounded.
#ifndef LLMORCH_TESTS_NET_RAW_SERVER_H_
#define LLMORCH_TESTS_NET_RAW_SERVER_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace llmorch::testing_net {

// What scripts wait for instead of sleeping. Waits are bounded, so that a failed test ends.
class Gate {
 public:
  void open();
  void wait();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

// One accepted connection. Reads fail (return "", false) at end of file, on error, and after 10 s.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  int fd() const { return fd_; }
  int number = 0;  // of this server's connections, from 0

  // One request, head and body (by Content-Length), as it came; "" when the peer closed.
  std::string read_request();
  std::string read_exactly(std::size_t size);
  bool write(std::string_view bytes);
  bool wait_for_close();  // until the peer closes or resets
  void close();
  void reset();     // closes with an RST
  void shutdown();  // any thread: breaks it, and keeps the descriptor

 private:
  bool fill();

  std::mutex mutex_;  // between close() and shutdown()
  int fd_;
  std::string buffer_;
};

class RawServer {
 public:
  using Script = std::function<void(Connection&)>;
  explicit RawServer(Script script);
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  ~RawServer();  // breaks what is still connected, and joins

  int port() const { return port_; }
  std::string url(std::string_view path = "/") const;
  int accepted();

 private:
  void serve();

  Script script_;
  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> open_;  // all there ever were
  std::vector<std::thread> threads_;
  int accepted_ = 0;
  bool stopping_ = false;
  std::thread acceptor_;
};

// A socket that listens on loopback and whose queue is full: a connect to it neither succeeds nor
// fails.
class BlackHole {
 public:
  BlackHole();
  ~BlackHole();
  BlackHole(const BlackHole&) = delete;
  BlackHole& operator=(const BlackHole&) = delete;
  int port() const { return port_; }

 private:
  std::vector<int> fds_;
  int port_ = 0;
};

// Listens on an ephemeral loopback port.
int listen_on_loopback(int backlog, int& port);

}  // namespace llmorch::testing_net

#endif  // LLMORCH_TESTS_NET_RAW_SERVER_H_
