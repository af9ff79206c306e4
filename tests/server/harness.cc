#include "server/harness.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <stdexcept>

namespace llmorch::server {

using std::chrono::milliseconds, std::chrono::seconds;

void FakeCall::cancel() {
  cancelled = true;
  loop_.post([self = shared_from_this()] { self->end(Status(Code::kCancelled, "cancelled")); });
}

void FakeCall::head(int status, bool stream, Headers headers) {
  if (ended) return;
  AnswerHead head;
  head.http_status = status;
  head.stream = stream;
  head.headers = std::move(headers);
  head.headers.push_back(
      {"content-type", stream ? "text/event-stream; charset=utf-8" : "application/json"});
  sink_->head(head);
}

void FakeCall::end(Status outcome) {
  if (ended.exchange(true)) return;
  sink_->end(outcome);
}

FrontThread::FrontThread(FrontOptions options) {
  if (options.totals == nullptr) options.totals = std::make_shared<FrontTotals>();
  totals_ = options.totals;
  loop_ = std::move(*new_loop());
  pool_ = std::make_unique<WorkPool>(2, 8);
  thread_ = std::thread([this] {
    while (!stop_) loop_->drive(seconds(1));
  });
  Result<Listening> listening = listen_on("127.0.0.1:0", 128);
  REQUIRE(listening.has_value());
  port_ = std::stoi(listening->address.substr(listening->address.rfind(':') + 1));
  run([&] {
    front_ = std::make_unique<HttpFront>(*loop_, routes(), pool_.get(), options);
    REQUIRE(front_->listen(std::move(listening->fd)).ok());
  });
}

FrontThread::~FrontThread() {
  pool_.reset();
  run([this] { front_.reset(); });
  // Calls that were cancelled by that end in a later turn.
  run([this] {
    for (const auto& call : calls_) call->end(Status(Code::kCancelled, "over"));
  });
  loop_->post([this] { stop_ = true; });
  thread_.join();
}

std::vector<Route> FrontThread::routes() {
  std::vector<Route> out;
  out.push_back({.method = "POST", .path = "/echo", .handle = [](const auto& exchange) {
                   exchange->answer({200, {{"content-type", "text/plain"}}, exchange->take_body()});
                 }});
  out.push_back({.method = "GET", .path = "/plain", .handle = [](const auto& exchange) {
                   exchange->answer({200, {{"content-type", "text/plain"}}, "plain"});
                 }});
  out.push_back({.method = "GET", .path = "/throws", .handle = [](const auto&) {
                   throw std::runtime_error("secret words");
                 }});
  out.push_back({.method = "GET", .path = "/injects", .handle = [](const auto& exchange) {
                   exchange->answer({200,
                                     {{"x-bad", "a\r\nx-injected: 1"},
                                      {"x bad", "b"},
                                      {"content-length", "99"},
                                      {"x-good", "c"}},
                                     "plain"});
                 }});
  out.push_back({.method = "GET",
                 .path = "/named/",
                 .handle =
                     [](const auto& exchange) {
                       const Request& request = exchange->request();
                       exchange->answer({200, {}, percent_decoded(request.head.path.substr(7))});
                     },
                 .named = true});
  out.push_back({.method = "GET",
                 .path = "/whoami",
                 .handle =
                     [](const auto& exchange) {
                       exchange->answer({200, {}, exchange->request().principal.id});
                     },
                 .open = true});
  out.push_back({.method = "GET", .path = "/pooled", .blocking = [](const Request& request) {
                   return json_reply("\"" + std::string(request.head.path) + "\"");
                 }});
  out.push_back({.method = "POST",
                 .path = "/call",
                 .handle =
                     [this](const auto& exchange) {
                       bodies.push_back(exchange->take_body());
                       exchange->start([&](Sink& sink) {
                         calls_.push_back(
                             std::make_shared<FakeCall>(*loop_, sink, exchange->request().id));
                         return calls_.back();
                       });
                     },
                 .hot = true});
  return out;
}

void FrontThread::run(const std::function<void()>& work) {
  std::promise<void> done;
  loop_->post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

bool FrontThread::eventually(const std::function<bool()>& condition) {
  const auto last = std::chrono::steady_clock::now() + seconds(20);
  while (std::chrono::steady_clock::now() < last) {
    bool met = false;
    run([&] { met = condition(); });
    if (met) return true;
    std::this_thread::yield();
  }
  return false;
}

std::shared_ptr<FakeCall> FrontThread::call(std::size_t index) {
  std::shared_ptr<FakeCall> found;
  const bool there = eventually([&] {
    if (calls_.size() > index) found = calls_[index];
    return found != nullptr;
  });
  REQUIRE(there);
  return found;
}

std::string RawAnswer::field(std::string_view name) const {
  std::size_t at = 0;
  while ((at = head.find("\r\n", at)) != std::string::npos) {
    at += 2;
    const std::size_t colon = head.find(": ", at);
    if (colon == std::string::npos) return "";
    if (same_word(std::string_view(head).substr(at, colon - at), name))
      return head.substr(colon + 2, head.find("\r\n", colon) - colon - 2);
  }
  return "";
}

RawClient::RawClient(int port, int receive_buffer) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(fd_ >= 0);
  if (receive_buffer > 0)
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  const timeval limit{20, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
}

RawClient::~RawClient() { close(); }

void RawClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawClient::finish_sending() { ::shutdown(fd_, SHUT_WR); }

bool RawClient::fill() {
  char block[16 * 1024];
  const ssize_t count = ::recv(fd_, block, sizeof block, 0);
  if (count <= 0) return false;
  in_.append(block, static_cast<std::size_t>(count));
  return true;
}

bool RawClient::read_until(std::string_view text) {
  while (in_.find(text) == std::string::npos) {
    if (!fill()) return false;
  }
  return true;
}

std::string RawClient::rest() {
  while (fill()) {
  }
  return std::exchange(in_, {});
}

RawAnswer RawClient::answer(std::string_view method) {
  RawAnswer out;
  if (!read_until("\r\n\r\n")) return out;
  const std::size_t end = in_.find("\r\n\r\n") + 4;
  out.head = in_.substr(0, end);
  in_.erase(0, end);
  out.status = std::stoi(out.head.substr(9, 3));
  if (out.status == 100) {
    out.complete = true;
    return out;
  }
  out.chunked = out.field("transfer-encoding") == "chunked";
  const std::string length = out.field("content-length");
  if (method == "HEAD") {
    out.complete = true;
  } else if (out.chunked) {
    ChunkDecoder decoder(1u << 30);
    do {
      in_.erase(0, decoder.feed(in_, out.body));
    } while (!decoder.done() && !decoder.error() && fill());
    out.complete = decoder.done();
  } else if (!length.empty()) {
    const std::size_t size = std::stoul(length);
    while (in_.size() < size && fill()) {
    }
    out.complete = in_.size() >= size;
    out.body = in_.substr(0, size);
    in_.erase(0, size);
  } else {
    out.body = rest();
    out.complete = true;
  }
  return out;
}

std::string get(std::string_view path, std::string_view more) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more) +
         "\r\n";
}

std::string post(std::string_view path, std::string_view body, std::string_view more) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more) + "\r\n" + std::string(body);
}

}  // namespace llmorch::server
