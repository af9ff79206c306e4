#include "server/http_front/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

namespace llmorch::server {
namespace {

Status refused(std::string_view address, std::string why) {
  return Status(Code::kInvalidArgument,
                "cannot listen on " + std::string(address) + ": " + std::move(why));
}

Status refused(std::string_view address, int error) {
  if (error == EADDRINUSE)
    return refused(address, "the port is taken by another program; choose another one");
  return refused(address, std::system_category().message(error));
}

std::string printable(const sockaddr_storage& bound, bool& loopback) {
  char host[INET6_ADDRSTRLEN] = "";
  if (bound.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(bound);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
    loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
    return "[" + std::string(host) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(bound);
  ::inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
  loopback = (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  return std::string(host) + ":" + std::to_string(ntohs(v4.sin_port));
}

}  // namespace

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

OwnedFd::~OwnedFd() { reset(); }
int OwnedFd::release() noexcept { return std::exchange(fd_, -1); }
void OwnedFd::reset() noexcept {
  if (fd_ >= 0) ::close(release());
}

Result<Listening> listen_on(std::string_view address, int backlog) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == address.size())
    return refused(address, "write HOST:PORT, as in 127.0.0.1:8000");
  std::string host(address.substr(0, colon));
  const std::string port(address.substr(colon + 1));
  // getaddrinfo() would take 99999 for 34463.
  const bool digits =
      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || port.size() > 5 || std::stoi(port) > 65535)
    return refused(address, "the port is not a number from 0 to 65535");
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int result =
      ::getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &found);
  if (result != 0) return refused(address, ::gai_strerror(result));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
  // "localhost" is often both; what people type then is 127.0.0.1.
  for (addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (each->ai_family != AF_INET) continue;
    found = each;
    break;
  }

  Listening out;
  out.host = std::string(address.substr(0, colon));
  out.fd = OwnedFd(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (out.fd.get() < 0) return refused(address, errno);
  // Never SO_REUSEPORT: a second server would silently take a share of the connections.
  const int on = 1;
  ::setsockopt(out.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(out.fd.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(out.fd.get(), backlog) != 0)
    return refused(address, errno);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(out.fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0)
    return refused(address, errno);
  out.address = printable(bound, out.loopback);
  return out;
}

}  // namespace llmorch::server
