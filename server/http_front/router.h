// Router: finds the handler of a request. The one place that knows cpp-httplib.
//
// cpp-httplib parses the request line, routes, and calls the handler, which finds its exchange
// here. It sees nothing else of the request: no field (it would percent-decode their values), no
// body (it would copy it), no query; and nothing it writes itself reaches a client.
//
// Threads: one router belongs to one loop. Errors: a path nobody knows is answered with 404, a
// method nobody handles with 405.
#ifndef LLMORCH_SERVER_HTTP_FRONT_ROUTER_H_
#define LLMORCH_SERVER_HTTP_FRONT_ROUTER_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "llmorch/loop.h"
#include "server/http_front/exchange.h"
#include "server/http_front/work_pool.h"

namespace llmorch::server {

// Which listener a route answers on, where the data plane and the admin have one each.
enum class Plane { kData, kAdmin, kBoth };

struct Route {
  std::string method;  // "GET" answers HEAD too
  std::string path;    // one spelling, compared with the raw request target
  // Called on the loop: answers, or starts a call.
  std::function<void(const std::shared_ptr<Exchange>&)> handle{};
  // Instead, for what may block: called on the work pool, several at once.
  std::function<Reply(const Request&)> blocking{};
  bool hot = false;    // found before all others
  bool named = false;  // `path` ends with '/', and a name of any length, with more '/', follows
  Plane plane = Plane::kData;
  bool open = false;                    // answers without a client key
  Format format = Format::kOpenAiChat;  // whose shape its errors have

  bool takes_path(std::string_view raw) const;
  bool takes_method(std::string_view asked) const;
};

// Asked once for each request, before its route is called; `route` is null when there is none. What
// is not ok is the answer. Called on the loop.
using Admit = std::function<Status(const Route* route, Request& request)>;

class Router {
 public:
  // `pool` may be null where no route is blocking, `admit` where everybody may ask everything. The
  // loop must outlive the pool's work.
  Router(const std::vector<Route>& routes, Loop& loop, WorkPool* pool, Admit admit);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // Calls the handler, or answers that there is none.
  void dispatch(const std::shared_ptr<Exchange>& exchange);

 private:
  class Http;
  std::unique_ptr<Http> http_;
};

// What is wrong with a request that no route takes: 404 with the nearest path and all there are, or
// 405 with Allow.
Reply no_route(const std::vector<Route>& routes, const Request& request);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_HTTP_FRONT_ROUTER_H_
