// Channel: the bytes of one connection, non-blocking. The plain one is a socket; one with TLS has
// the same three verbs, and nothing above would change.
//
// Ownership: owns its descriptor and closes it when destroyed. Threads: the loop's only.
#ifndef LLMORCH_SERVER_HTTP_FRONT_CHANNEL_H_
#define LLMORCH_SERVER_HTTP_FRONT_CHANNEL_H_

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <memory>

namespace llmorch::server {

class Channel {
 public:
  enum class State { kSome, kAgain, kEnded, kBroken };
  struct Moved {
    State state = State::kAgain;
    std::size_t bytes = 0;  // kSome: how many, at least one
  };

  virtual ~Channel() = default;
  virtual int fd() const = 0;
  // kEnded: the peer will send no more.
  virtual Moved read(char* into, std::size_t room) = 0;
  virtual Moved write(const iovec* parts, int count) = 0;
  // Says that we will send no more; reading goes on.
  virtual void finish_writing() = 0;
};

// Takes over a connected, non-blocking socket.
std::unique_ptr<Channel> plain_channel(int fd);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_HTTP_FRONT_CHANNEL_H_
