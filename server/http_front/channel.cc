#include "server/http_front/channel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace llmorch::server {
namespace {

class PlainChannel final : public Channel {
 public:
  explicit PlainChannel(int fd) : fd_(fd) {
    // Answers leave in one write each; waiting for more only delays them.
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~PlainChannel() override { ::close(fd_); }
  PlainChannel(const PlainChannel&) = delete;
  PlainChannel& operator=(const PlainChannel&) = delete;

  int fd() const override { return fd_; }

  Moved read(char* into, std::size_t room) override {
    return moved(::recv(fd_, into, room, 0), State::kEnded);
  }

  Moved write(const iovec* parts, int count) override {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);  // sendmsg() only reads them
    message.msg_iovlen = static_cast<std::size_t>(count);
    return moved(::sendmsg(fd_, &message, MSG_NOSIGNAL), State::kAgain);
  }

  void finish_writing() override { ::shutdown(fd_, SHUT_WR); }

 private:
  static Moved moved(ssize_t result, State when_nothing) {
    if (result > 0) return {State::kSome, static_cast<std::size_t>(result)};
    if (result == 0) return {when_nothing, 0};
    const bool again = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    return {again ? State::kAgain : State::kBroken, 0};
  }

  const int fd_;
};

}  // namespace

std::unique_ptr<Channel> plain_channel(int fd) { return std::make_unique<PlainChannel>(fd); }

}  // namespace llmorch::server
