#include "testing/http_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace llmorch::testing {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr int kAcceptsPerTurn = 128;

Status system_error(std::string_view what, int error) {
  return Status(Code::kNetwork, std::string(what) + ": " + std::strerror(error));
}

void set_nodelay(int fd) {
  const int on = 1;
  // Without it the kernel would join small pieces again and delay the second one.
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const Status error(Code::kInvalidArgument, "not an address: " + std::string(text));
  if (colon == std::string_view::npos) return error;
  std::string host(text.substr(0, colon));
  const std::string_view port_text = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, failed] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (failed != std::errc() || end != port_text.data() + port_text.size()) return error;
  if (host == "localhost") host = "127.0.0.1";
  Address address;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6.sin6_addr) != 1) {
      return error;
    }
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.size = sizeof v6;
    return address;
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) != 1) return error;
  std::memcpy(&address.storage, &v4, sizeof v4);
  address.size = sizeof v4;
  return address;
}

Socket::Socket(Loop& loop, int fd, SocketOwner* owner) : loop_(loop), owner_(owner), fd_(fd) {
  set_nodelay(fd_);
  update_interest();
}

Result<std::unique_ptr<Socket>> Socket::connect(Loop& loop, const Address& to, SocketOwner* owner) {
  const int fd = ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return system_error("socket", errno);
  const int failed = ::connect(fd, reinterpret_cast<const sockaddr*>(&to.storage), to.size);
  if (failed != 0 && errno != EINPROGRESS) {
    const int error = errno;
    ::close(fd);
    return system_error("connect", error);
  }
  auto socket = std::make_unique<Socket>(loop, fd, owner);
  socket->connecting_ = true;
  socket->update_interest();
  return socket;
}

Socket::~Socket() { close(); }

void Socket::close() {
  if (fd_ < 0) return;
  loop_.unwatch(fd_);
  ::close(fd_);
  fd_ = -1;
  out_.clear();
  out_start_ = 0;
}

void Socket::reset() {
  if (fd_ < 0) return;
  const linger now{1, 0};
  (void)::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

void Socket::lose(int error) {
  close();
  owner_->on_lost(error);
}

void Socket::set_reading(bool reading) {
  reading_ = reading;
  update_interest();
}

void Socket::update_interest() {
  if (fd_ < 0) return;
  unsigned wanted = 0;
  if (reading_ && !fin_seen_ && !connecting_) wanted |= Loop::kRead;
  if (connecting_ || unsent() > 0 || deferred_error_ != 0) wanted |= Loop::kWrite;
  if (wanted == interest_ && interest_ != 0) return;
  interest_ = wanted;
  const Status status = loop_.watch(fd_, wanted, this);
  if (!status.ok()) deferred_error_ = EBADF;
}

void Socket::send(std::string_view bytes) {
  if (fd_ < 0) return;
  const bool was_empty = unsent() == 0;
  if (was_empty && slice_ == 0 && !connecting_ && deferred_error_ == 0) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      deferred_error_ = errno;
    }
  }
  if (bytes.empty()) return;
  out_.append(bytes);
  update_interest();
}

void Socket::finish_sending() {
  then_ = Then::kFin;
  if (unsent() == 0) finish_flush();
}

void Socket::reset_when_sent() {
  then_ = Then::kReset;
  if (unsent() == 0) finish_flush();
}

void Socket::finish_flush() {
  if (fd_ < 0 || connecting_) return;
  if (then_ == Then::kFin) (void)::shutdown(fd_, SHUT_WR);
  if (then_ == Then::kReset) reset();
  then_ = Then::kNothing;
}

// False when the connection was lost.
bool Socket::flush() {
  while (unsent() > 0) {
    const std::size_t count = slice_ == 0 ? unsent() : std::min(slice_, unsent());
    const ssize_t sent = ::send(fd_, out_.data() + out_start_, count, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EINTR) break;
      lose(errno);
      return false;
    }
    out_start_ += static_cast<std::size_t>(sent);
    if (slice_ != 0) break;
  }
  if (unsent() > 0) {
    // Moving the rest down costs its length, so only when it is the smaller half.
    if (out_start_ > out_.size() / 2) {
      out_.erase(0, out_start_);
      out_start_ = 0;
    }
    update_interest();
    return true;
  }
  out_.clear();
  if (out_.capacity() > kReadSize) out_.shrink_to_fit();
  out_start_ = 0;
  update_interest();
  finish_flush();
  if (fd_ >= 0) {
    owner_->on_drained();
  } else {
    owner_->on_lost(0);
  }
  return fd_ >= 0;
}

void Socket::on_ready(unsigned ready) {
  if (deferred_error_ != 0) {
    lose(deferred_error_);
    return;
  }
  if (connecting_) {
    int error = 0;
    socklen_t size = sizeof error;
    (void)::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      lose(error);
      return;
    }
    if ((ready & Loop::kWrite) == 0) return;
    connecting_ = false;
    update_interest();
    owner_->on_connected();
    if (fd_ < 0) return;
    if (unsent() == 0) finish_flush();
    if (fd_ < 0) owner_->on_lost(0);
  }
  if (fd_ >= 0 && (ready & Loop::kWrite) != 0 && unsent() > 0 && !flush()) return;
  if (fd_ < 0 || (ready & (Loop::kRead | Loop::kHangup | Loop::kFailed)) == 0) return;
  if (reading_ && !fin_seen_) {
    read_some();
  } else if ((ready & Loop::kFailed) != 0) {
    int error = 0;
    socklen_t size = sizeof error;
    (void)::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    lose(error);
  }
}

void Socket::read_some() {
  thread_local std::array<char, kReadSize> buffer;
  const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (got > 0) {
    owner_->on_bytes({buffer.data(), static_cast<std::size_t>(got)});
  } else if (got == 0) {
    fin_seen_ = true;
    update_interest();
    owner_->on_fin();
  } else if (errno != EAGAIN && errno != EINTR) {
    lose(errno);
  }
}

Listener::Listener(Loop& loop, int fd, Accepted accepted)
    : loop_(loop),
      fd_(fd),
      accepted_(std::move(accepted)),
      breather_([this] { (void)loop_.watch(fd_, Loop::kRead, this); }) {}

Result<std::unique_ptr<Listener>> Listener::listen(Loop& loop, std::string_view address,
                                                   Accepted accepted) {
  auto parsed = Address::parse(address);
  if (!parsed) return parsed.error();
  const int fd = ::socket(parsed->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return system_error("socket", errno);
  std::unique_ptr<Listener> listener(new Listener(loop, fd, std::move(accepted)));
  const int on = 1;
  (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&parsed->storage), parsed->size) != 0 ||
      ::listen(fd, 4096) != 0) {
    return system_error("listen on " + std::string(address), errno);
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  (void)::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (bound.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &bound, sizeof v6);
    listener->port_ = ntohs(v6.sin6_port);
    (void)::inet_ntop(AF_INET6, &v6.sin6_addr, host.data(), host.size());
    listener->host_.append("[").append(host.data()).append("]");
  } else {
    sockaddr_in v4{};
    std::memcpy(&v4, &bound, sizeof v4);
    listener->port_ = ntohs(v4.sin_port);
    (void)::inet_ntop(AF_INET, &v4.sin_addr, host.data(), host.size());
    listener->host_ = host.data();
  }
  const Status watched = loop.watch(fd, Loop::kRead, listener.get());
  if (!watched.ok()) return watched;
  return listener;
}

Listener::~Listener() {
  loop_.disarm(breather_);
  loop_.unwatch(fd_);
  ::close(fd_);
}

std::string Listener::address() const { return host_ + ":" + std::to_string(port_); }

void Listener::on_ready(unsigned) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      accepted_(fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // The connection stays in the backlog and would wake us for ever: look again later.
      loop_.unwatch(fd_);
      loop_.arm(breather_, loop_.now() + std::chrono::milliseconds(50));
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

}  // namespace llmorch::testing
