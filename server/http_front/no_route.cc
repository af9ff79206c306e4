#include <string>
#include <string_view>
#include <vector>

#include "server/http_front/router.h"
#include "server/nearest.h"

namespace llmorch::server {
namespace {

constexpr std::size_t kAnyDistance = 128;

std::string spelled(const Route& route) { return route.path + (route.named ? "{name}" : ""); }

}  // namespace

bool Route::takes_path(std::string_view raw) const {
  return named ? raw.size() > path.size() && raw.starts_with(path) : raw == path;
}

bool Route::takes_method(std::string_view asked) const {
  return asked == method || (asked == "HEAD" && method == "GET");
}

Reply no_route(const std::vector<Route>& routes, const Request& request) {
  const std::string_view path = request.head.path;
  std::string allow, supported;
  std::vector<std::string_view> paths;
  for (const Route& route : routes) {
    if (!route.named) paths.push_back(route.path);
    if (!supported.empty()) supported += ", ";
    supported.append(route.method).append(" ").append(spelled(route));
    if (!route.takes_path(path)) continue;
    if (!allow.empty()) allow += ", ";
    allow += route.method;
    if (route.method == "GET") allow += ", HEAD";
  }
  if (!allow.empty()) {
    Reply reply = error_reply(Status(Code::kUnsupported, "this path takes " + allow + ", not " +
                                                             std::string(request.head.method))
                                  .with_http_status(405)
                                  .with_reason("method_not_allowed"),
                              request.id);
    reply.headers.push_back({"allow", allow});
    return reply;
  }
  std::string message = "no such path: " + std::string(path.substr(0, 200));
  if (const std::string_view other = nearest(path, paths, kAnyDistance); !other.empty())
    message.append("; the nearest is ").append(other);
  message.append("; supported are ").append(supported);
  return error_reply(Status(Code::kNotFound, std::move(message)).with_reason("not_found"),
                     request.id);
}

}  // namespace llmorch::server
