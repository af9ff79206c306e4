#include "server/http_front/http_front.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <utility>

#include "server/http_front/request_id.h"
#include "server/http_front/response_head.h"

namespace llmorch::server {
namespace {

constexpr int kAcceptsPerTurn = 64;  // the other loops want some, and so do open connections
constexpr std::size_t kScratch = 64 * 1024;

std::string printable(const sockaddr_storage& peer) {
  char text[INET6_ADDRSTRLEN] = "";
  if (peer.ss_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr, text,
                sizeof text);
  } else if (peer.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(peer).sin_addr, text, sizeof text);
  }
  return text;
}

// Best effort: the socket is new, so its buffer has room.
void turn_away(int fd) {
  const std::string id = new_request_id();
  const Reply reply = error_reply(Status(Code::kOverloaded, "too many connections; try again")
                                      .with_retry_after(std::chrono::seconds(1)),
                                  id);
  std::string answer = render_head({.status = reply.status,
                                    .framing = BodyFraming::kLength,
                                    .length = reply.body.size(),
                                    .keep_alive = false,
                                    .minor = 1,
                                    .stream = false,
                                    .request_id = id},
                                   reply.headers);
  answer += reply.body;
  const iovec part{answer.data(), answer.size()};
  plain_channel(fd)->write(&part, 1);
}

}  // namespace

HttpFront::HttpFront(Loop& loop, const std::vector<Route>& routes, WorkPool* pool,
                     FrontOptions options)
    : loop_(loop),
      options_(std::move(options)),
      router_(routes, loop, pool, std::move(options_.admit)),
      scratch_(kScratch, '\0'),
      end_of_turn_([this] { end_turn(); }),
      breather_([this] {
        if (socket_.get() >= 0)
          (void)loop_.watch(socket_.get(), Loop::kRead | Loop::kExclusive, this);
      }) {
  if (options_.totals == nullptr) options_.totals = std::make_shared<FrontTotals>();
}

HttpFront::~HttpFront() {
  drain();
  while (!connections_.empty()) connections_.begin()->first->close();
  loop_.disarm(end_of_turn_);
}

Status HttpFront::listen(OwnedFd socket) {
  socket_ = std::move(socket);
  return loop_.watch(socket_.get(), Loop::kRead | Loop::kExclusive, this);
}

void HttpFront::drain() {
  draining_ = true;
  loop_.disarm(breather_);
  if (socket_.get() >= 0) loop_.unwatch(socket_.get());
  socket_.reset();
}

void HttpFront::on_ready(unsigned) { accept_some(); }

void HttpFront::accept_some() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const int fd = ::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        // The socket stays readable: looking at it again at once would be a busy loop.
        loop_.unwatch(socket_.get());
        loop_.arm(breather_, loop_.now() + std::chrono::milliseconds(100));
        return;
      }
      if (errno == ECONNABORTED || errno == EINTR) continue;
      return;
    }
    const std::size_t open = options_.totals->connections.fetch_add(1) + 1;
    if (options_.limits.connections != 0 && open > options_.limits.connections) {
      options_.totals->connections.fetch_sub(1);
      turn_away(fd);
      continue;
    }
    ConnectionOwner& owner = *this;
    auto connection = std::make_unique<Connection>(owner, plain_channel(fd), printable(peer));
    Connection* const opened = connection.get();
    connections_.emplace(opened, std::move(connection));
    opened->open();
  }
}

void HttpFront::flush_later(Connection* connection) {
  if (std::exchange(connection->queued, true)) return;
  to_flush_.push_back(connection);
  if (!end_of_turn_.armed()) loop_.arm(end_of_turn_, loop_.now());
}

// What many events of one turn added to an answer leaves in one write.
void HttpFront::end_turn() {
  // A flushed answer may let the next request in, whose answer then waits for the next turn.
  const std::vector<Connection*> batch = std::exchange(to_flush_, {});
  for (Connection* connection : batch) connection->queued = false;
  for (Connection* connection : batch) connection->flush();
  dead_.clear();
}

// It may be one of its own members that calls: it is destroyed at the end of the turn.
void HttpFront::closed(Connection* connection) {
  options_.totals->connections.fetch_sub(1);
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  if (std::exchange(connection->queued, false)) std::erase(to_flush_, connection);
  dead_.push_back(std::move(found->second));
  connections_.erase(found);
  if (!end_of_turn_.armed()) loop_.arm(end_of_turn_, loop_.now());
}

}  // namespace llmorch::server
