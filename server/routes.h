// What the gateway answers on: the paths, and what they do. Built once, used by every loop.
//
// The Gateway and the state must outlive the fronts that use the routes.
#ifndef LLMORCH_SERVER_ROUTES_H_
#define LLMORCH_SERVER_ROUTES_H_

#include <atomic>
#include <memory>
#include <vector>

#include "llmorch/gateway.h"
#include "server/http_front/router.h"

namespace llmorch::server {

struct ServerState {
  std::atomic<bool> draining{false};
  std::shared_ptr<FrontTotals> totals = std::make_shared<FrontTotals>();
};

// All of them. Each says whether it belongs to the data plane, to the admin, or to both.
std::vector<Route> make_routes(Gateway& gateway, const ServerState& state);

// Those that answer on a listener that has one of the two only.
std::vector<Route> routes_on(Plane plane, const std::vector<Route>& routes);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_ROUTES_H_
