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

std::vector<Route> make_routes(Gateway& gateway, const ServerState& state);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_ROUTES_H_
