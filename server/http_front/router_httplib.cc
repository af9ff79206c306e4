// The only file that includes httplib.h. Debian 12's 0.11.4 is what it must work with; whatever
// depends on the version stands here.
#include <httplib.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "server/http_front/router.h"

namespace llmorch::server {
namespace {

// A request in memory. What cpp-httplib writes goes nowhere: the exchange answers.
class MemoryStream final : public httplib::Stream {
 public:
  explicit MemoryStream(std::string_view in) : in_(in) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* into, size_t room) override {
    const std::size_t count = std::min(room, in_.size());
    std::memcpy(into, in_.data(), count);
    in_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char*, size_t size) override { return static_cast<ssize_t>(size); }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }

 private:
  std::string_view in_;
};

// Our paths as patterns of themselves.
std::string as_pattern(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (std::strchr("\\^$.|?*+()[]{}", c) != nullptr) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

}  // namespace

class Router::Http final : public httplib::Server {
 public:
  Http(const std::vector<Route>& routes, Loop& loop, WorkPool* pool, Admit admit)
      : routes_(routes), loop_(loop), pool_(pool), admit_(std::move(admit)) {
    // Every other route costs a std::regex match, and cpp-httplib reads a request's body before it
    // looks at them. The hot ones are compared as they are, before any of that; and so are those
    // that end with a name, for std::regex recurses with the length of what a caller wrote.
    set_pre_routing_handler([this](const httplib::Request&, httplib::Response&) {
      for (const Route& route : routes_) {
        if (!(route.hot || route.named) || !fits(route)) continue;
        serve(route);
        return HandlerResponse::Handled;
      }
      return HandlerResponse::Unhandled;
    });
    for (const Route& route : routes_) {
      if (route.named) continue;
      const auto handler = [this, &route](const httplib::Request&, httplib::Response&) {
        // cpp-httplib decodes paths before it matches them; here one path has one spelling.
        if (fits(route)) serve(route);
      };
      if (route.method == "POST") {
        Post(as_pattern(route.path), handler);
      } else {
        Get(as_pattern(route.path), handler);
      }
    }
    // Without it, what() of an exception ends up in a header of the answer.
    set_exception_handler([this](const httplib::Request&, httplib::Response&, std::exception_ptr) {
      broken_ = true;
    });
  }

  void dispatch(const std::shared_ptr<Exchange>& exchange) {
    const RequestHead& head = exchange->request().head;
    current_ = &exchange;
    broken_ = false;
    line_.assign(head.method).append(" ").append(head.path).append(" HTTP/1.1\r\n\r\n");
    MemoryStream stream(line_);
    bool closed = false;
    process_request(stream, false, closed, nullptr);
    if (!exchange->taken()) not_taken();
    current_ = nullptr;
  }

 private:
  bool fits(const Route& route) const {
    const RequestHead& head = (*current_)->request().head;
    return route.takes_path(head.path) && route.takes_method(head.method);
  }

  bool admitted(const Route* route) {
    if (!admit_) return true;
    const Status status = admit_(route, (*current_)->mutable_request());
    if (status.ok()) return true;
    (*current_)->answer(error_reply(status, (*current_)->request().id,
                                    route != nullptr ? route->format : Format::kOpenAiChat));
    return false;
  }

  void not_taken() {
    const std::shared_ptr<Exchange>& exchange = *current_;
    if (broken_) {
      exchange->answer(error_reply(Status(Code::kInternal, "the request could not be handled"),
                                   exchange->request().id));
    } else if (admitted(nullptr)) {
      exchange->answer(no_route(routes_, exchange->request()));
    }
  }

  void serve(const Route& route) {
    if (!admitted(&route)) return;
    const std::shared_ptr<Exchange>& exchange = *current_;
    if (!route.blocking) return route.handle(exchange);
    exchange->take();
    // The pool reads the request and answers by way of the loop, where the exchange lives.
    const bool taken =
        pool_ != nullptr && pool_->submit([&loop = loop_, exchange, blocking = route.blocking] {
          Reply reply = blocking(exchange->request());
          loop.post([exchange, reply = std::move(reply)] { exchange->answer(reply); });
        });
    if (!taken) {
      exchange->answer(error_reply(Status(Code::kOverloaded, "too much to do; try again")
                                       .with_retry_after(std::chrono::seconds(1)),
                                   exchange->request().id, route.format));
    }
  }

  const std::vector<Route> routes_;
  Loop& loop_;
  WorkPool* const pool_;
  const Admit admit_;
  std::string line_;
  bool broken_ = false;
  const std::shared_ptr<Exchange>* current_ = nullptr;  // while process_request() runs
};

Router::Router(const std::vector<Route>& routes, Loop& loop, WorkPool* pool, Admit admit)
    : http_(std::make_unique<Http>(routes, loop, pool, std::move(admit))) {}
Router::~Router() = default;

void Router::dispatch(const std::shared_ptr<Exchange>& exchange) { http_->dispatch(exchange); }

}  // namespace llmorch::server
