#include "net/raw_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <stdexcept>

namespace llmorch::testing_net {
namespace {

constexpr int kPatienceMs = 10000;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool wait(int fd, short events) {
  pollfd polled{fd, events, 0};
  return ::poll(&polled, 1, kPatienceMs) == 1;
}

std::size_t content_length(std::string_view head) {
  const std::string_view name = "\ncontent-length:";
  for (std::size_t i = 0; i + name.size() < head.size(); ++i) {
    if (::strncasecmp(head.data() + i, name.data(), name.size()) == 0) {
      return std::strtoul(head.data() + i + name.size(), nullptr, 10);
    }
  }
  return 0;
}

}  // namespace

int listen_on_loopback(int backlog, int& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(fd, backlog) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("cannot listen on loopback");
  }
  port = ntohs(address.sin_port);
  return fd;
}

void Gate::open() {
  std::lock_guard lock(mutex_);
  open_ = true;
  changed_.notify_all();
}

void Gate::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(kPatienceMs), [&] { return open_; });
}

Connection::~Connection() { close(); }

void Connection::shutdown() {
  std::lock_guard lock(mutex_);
  if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
}

void Connection::close() {
  std::lock_guard lock(mutex_);
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Connection::reset() {
  const linger hard{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close();
}

bool Connection::fill() {
  if (fd_ < 0 || !wait(fd_, POLLIN)) return false;
  char bytes[65536];
  const ssize_t count = ::recv(fd_, bytes, sizeof bytes, 0);
  if (count <= 0) return false;
  buffer_.append(bytes, static_cast<std::size_t>(count));
  return true;
}

std::string Connection::read_exactly(std::size_t size) {
  while (buffer_.size() < size) {
    if (!fill()) return {};
  }
  std::string out = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return out;
}

std::string Connection::read_request() {
  std::size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return {};
  }
  end += 4;
  return read_exactly(end + content_length(std::string_view(buffer_).substr(0, end)));
}

bool Connection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (fd_ < 0 || !wait(fd_, POLLOUT)) return false;
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool Connection::wait_for_close() {
  char bytes[4096];
  while (fd_ >= 0 && wait(fd_, POLLIN)) {
    if (::recv(fd_, bytes, sizeof bytes, 0) <= 0) return true;
  }
  return false;
}

RawServer::RawServer(Script script) : script_(std::move(script)) {
  listener_ = listen_on_loopback(128, port_);
  acceptor_ = std::thread([this] { serve(); });
}

RawServer::~RawServer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& connection : open_) connection->shutdown();
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

std::string RawServer::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

int RawServer::accepted() {
  std::lock_guard lock(mutex_);
  return accepted_;
}

void RawServer::serve() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::lock_guard lock(mutex_);
    if (stopping_) {
      ::close(fd);
      return;
    }
    open_.push_back(std::make_unique<Connection>(fd));
    open_.back()->number = accepted_;
    threads_.emplace_back([this, connection = open_.back().get()] {
      script_(*connection);
      connection->close();
    });
    ++accepted_;
  }
}

BlackHole::BlackHole() {
  fds_.push_back(listen_on_loopback(0, port_));
  const sockaddr_in address = loopback(port_);
  // Linux lets backlog + 1 through; what comes after stays half open.
  for (int i = 0; i < 4; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    fds_.push_back(fd);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      pollfd polled{fd, POLLOUT, 0};
      ::poll(&polled, 1, 50);
    }
  }
}

BlackHole::~BlackHole() {
  for (int fd : fds_) ::close(fd);
}

}  // namespace llmorch::testing_net
