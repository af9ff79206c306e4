#include "server/routes.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace llmorch::server {
namespace {

void chat(Gateway& gateway, const std::shared_ptr<Exchange>& exchange) {
  CallSpec spec;
  spec.format = Format::kOpenAiChat;
  spec.path = exchange->request().head.path;
  spec.query = exchange->request().head.query;
  spec.headers = exchange->copy_headers();
  spec.request_id = exchange->request().id;
  spec.body = Body(exchange->take_body());
  exchange->start([&](Sink& sink) { return gateway.start(std::move(spec), sink); });
}

Reply ready(const ServerState& state) {
  if (state.draining) return json_reply(R"({"status":"draining"})", 503);
  return json_reply(R"({"status":"ready"})");
}

Reply health(const Gateway& gateway, const ServerState& state) {
  const Gateway::Counters counters = gateway.counters();
  const bool draining = state.draining;
  return json_reply(
      fmt::format(R"({{"status":"{}","version":"{}","config_version":{},"connections":{},)"
                  R"("calls_started":{},"calls_live":{},"records_delivered":{},)"
                  R"("records_dropped":{}}})",
                  draining ? "draining" : "ok", version(), gateway.config_version(),
                  state.totals->connections.load(), counters.calls_started, counters.calls_live,
                  counters.records_delivered, counters.records_dropped),
      draining ? 503 : 200);
}

}  // namespace

std::vector<Route> make_routes(Gateway& gateway, const ServerState& state) {
  std::vector<Route> routes;
  for (const std::string prefix : {"/v1", ""}) {
    routes.push_back({.method = "POST",
                      .path = prefix + "/chat/completions",
                      .handle = [&gateway](const auto& exchange) { chat(gateway, exchange); },
                      .hot = true});
    routes.push_back(
        {.method = "GET", .path = prefix + "/models", .handle = [&gateway](const auto& exchange) {
           exchange->answer(json_reply(gateway.list_models(Format::kOpenAiChat)));
         }});
  }
  routes.push_back({.method = "GET", .path = "/livez", .handle = [](const auto& exchange) {
                      exchange->answer(json_reply(R"({"status":"alive"})"));
                    }});
  routes.push_back({.method = "GET", .path = "/readyz", .handle = [&state](const auto& exchange) {
                      exchange->answer(ready(state));
                    }});
  // Not on the loop: it may one day ask stores.
  routes.push_back({.method = "GET", .path = "/health", .blocking = [&](const Request&) {
                      return health(gateway, state);
                    }});
  return routes;
}

}  // namespace llmorch::server
