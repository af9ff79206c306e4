// A blocking HTTP/1.1 client for tests: it sends what it is told, well-formed or not, and shows
// what came back.
//
//   HttpReply reply = http_post(port, "/v1/chat/completions", body, {{"authorization", "Bearer
//   x"}}); HttpConnection stream(port);                       // for streams, raw bytes and early
//   leaving stream.send(http_request("POST", "/v1/...", body, headers));
//   stream.read_until("[DONE]");                        // the raw bytes so far: stream.received()
//   HttpReply whole = stream.read_reply();
//
// 127.0.0.1 only. Every wait has a deadline (`limit`, 20 s); a reply that did not come in time, or
// was cut, has `complete == false`, and status 0 when even its head is missing. One thread.
#ifndef LLMORCH_TESTS_SUPPORT_HTTP_CLIENT_H_
#define LLMORCH_TESTS_SUPPORT_HTTP_CLIENT_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmorch::test {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpReply {
  int status = 0;
  HttpHeaders headers;    // names in lower case
  std::string body;       // without the chunking
  bool complete = false;  // ended by its own framing

  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return "";
  }
};

// Host, content-length (when there is a body) and a JSON content-type are added unless given.
inline std::string http_request(std::string_view method, std::string_view target,
                                std::string_view body = {}, const HttpHeaders& headers = {}) {
  std::string out = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\n";
  bool has_host = false;
  bool has_type = false;
  for (const auto& [name, value] : headers) {
    has_host = has_host || name == "host";
    has_type = has_type || name == "content-type";
    out += name + ": " + value + "\r\n";
  }
  if (!has_host) out += "host: 127.0.0.1\r\n";
  if (!body.empty() || method == "POST") {
    if (!has_type) out += "content-type: application/json\r\n";
    out += "content-length: " + std::to_string(body.size()) + "\r\n";
  }
  return out + "\r\n" + std::string(body);
}

class HttpConnection {
 public:
  using Clock = std::chrono::steady_clock;

  explicit HttpConnection(int port, Clock::duration limit = std::chrono::seconds(20))
      : end_(Clock::now() + limit) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd_ >= 0 && ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) close();
  }
  ~HttpConnection() { close(); }
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  bool connected() const { return fd_ >= 0; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Reads until `text` has been received since the last reply; false when that does not happen.
  bool read_until(std::string_view text) {
    while (received_.find(text) == std::string::npos) {
      if (!read_some()) return false;
    }
    return true;
  }
  void read_to_end() {
    while (read_some()) {
    }
  }
  bool ended() const { return ended_; }  // the peer closed or reset
  const std::string& received() const { return received_; }

  // The next reply. Bytes behind it stay for the one after.
  HttpReply read_reply() {
    HttpReply reply;
    if (!read_until("\r\n\r\n")) return reply;
    const std::size_t head = received_.find("\r\n\r\n") + 4;
    parse_head(std::string_view(received_).substr(0, head), reply);
    received_.erase(0, head);
    const std::string length = reply.header("content-length");
    if (reply.header("transfer-encoding") == "chunked") {
      reply.complete = read_chunks(reply.body);
    } else if (!length.empty() || reply.status == 204 || reply.status == 304) {
      const std::size_t size = std::strtoull(length.c_str(), nullptr, 10);
      while (received_.size() < size && read_some()) {
      }
      reply.complete = received_.size() >= size;
      reply.body = received_.substr(0, size);
      received_.erase(0, size);
    } else {
      read_to_end();
      reply.complete = ended_;
      reply.body.swap(received_);
    }
    return reply;
  }

  void finish_sending() { (void)::shutdown(fd_, SHUT_WR); }
  void reset() {
    const linger now{1, 0};
    (void)::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  bool read_some() {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - Clock::now());
    if (fd_ < 0 || ended_ || left.count() <= 0) return false;
    pollfd entry{fd_, POLLIN, 0};
    if (::poll(&entry, 1, static_cast<int>(left.count())) <= 0) return false;
    std::array<char, 16384> buffer;
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    ended_ = got <= 0;
    if (got > 0) received_.append(buffer.data(), static_cast<std::size_t>(got));
    return !ended_;
  }

  static void parse_head(std::string_view head, HttpReply& reply) {
    const std::size_t space = head.find(' ');
    reply.status = space == head.npos ? 0 : std::atoi(std::string(head.substr(space + 1)).c_str());
    head.remove_prefix(head.find("\r\n") + 2);
    while (head.size() > 2) {
      const std::string_view line = head.substr(0, head.find("\r\n"));
      head.remove_prefix(line.size() + 2);
      const std::size_t colon = line.find(':');
      if (colon == line.npos) continue;
      std::string name(line.substr(0, colon));
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      std::string_view value = line.substr(colon + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      reply.headers.emplace_back(std::move(name), value);
    }
  }

  bool read_chunks(std::string& body) {
    for (;;) {
      if (!read_until("\r\n")) return false;
      const std::size_t line = received_.find("\r\n") + 2;
      const std::size_t size = std::strtoull(received_.c_str(), nullptr, 16);
      while (received_.size() < line + size + 2) {
        if (!read_some()) {
          if (received_.size() > line) body += received_.substr(line, size);
          return false;
        }
      }
      body += received_.substr(line, size);
      received_.erase(0, line + size + 2);
      if (size == 0) return true;
    }
  }

  int fd_ = -1;
  const Clock::time_point end_;
  bool ended_ = false;
  std::string received_;
};

inline HttpReply http_call(int port, std::string_view method, std::string_view target,
                           std::string_view body = {}, const HttpHeaders& headers = {}) {
  HttpConnection connection(port);
  if (!connection.connected() || !connection.send(http_request(method, target, body, headers))) {
    return {};
  }
  return connection.read_reply();
}

inline HttpReply http_get(int port, std::string_view target, const HttpHeaders& headers = {}) {
  return http_call(port, "GET", target, {}, headers);
}

inline HttpReply http_post(int port, std::string_view target, std::string_view body,
                           const HttpHeaders& headers = {}) {
  return http_call(port, "POST", target, body, headers);
}

}  // namespace llmorch::test

#endif  // LLMORCH_TESTS_SUPPORT_HTTP_CLIENT_H_
