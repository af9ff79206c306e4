#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "server/http_front/router.h"

namespace llmorch::server {
namespace {

// Levenshtein, on texts short enough for a row on the heap not to matter.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
    }
  }
  return row.back();
}

std::string_view nearest(const std::vector<Route>& routes, std::string_view path) {
  constexpr std::size_t kLongest = 128;  // what is longer is no typing error
  std::string_view best;
  std::size_t best_distance = kLongest;
  if (path.size() > kLongest) return {};
  for (const Route& route : routes) {
    const std::size_t away = distance(path, route.path);
    if (away < best_distance) {
      best_distance = away;
      best = route.path;
    }
  }
  return best;
}

}  // namespace

Reply no_route(const std::vector<Route>& routes, const Request& request) {
  const std::string_view path = request.head.path;
  std::string allow;
  for (const Route& route : routes) {
    if (route.path != path) continue;
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
  if (const std::string_view other = nearest(routes, path); !other.empty())
    message.append("; the nearest is ").append(other);
  return error_reply(Status(Code::kNotFound, std::move(message)).with_reason("not_found"),
                     request.id);
}

}  // namespace llmorch::server
