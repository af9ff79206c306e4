#include "server/routes.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "server/model_list.h"

namespace llmorch::server {
namespace {

void chat(Gateway& gateway, const std::shared_ptr<Exchange>& exchange) {
  CallSpec spec;
  spec.format = Format::kOpenAiChat;
  spec.path = exchange->request().head.path;
  spec.query = exchange->request().head.query;
  spec.headers = exchange->copy_headers();
  spec.request_id = exchange->request().id;
  spec.principal = exchange->request().principal;
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

// Names may hold '/', written as it is or as %2F.
Reply one_model(const Gateway& gateway, const std::string& prefix, const Request& request) {
  const std::string id = percent_decoded(request.head.path.substr(prefix.size()));
  if (auto model = model_in_list(gateway.list_models(Format::kOpenAiChat), id))
    return json_reply(std::move(*model));
  return error_reply(Status(Code::kNotFound, "there is no model \"" + id.substr(0, 256) +
                                                 "\" here; GET /v1/models lists them")
                         .with_reason("model_not_found")
                         .with_param("model"),
                     request.id);
}

void add_data_routes(std::vector<Route>& routes, Gateway& gateway) {
  for (const std::string prefix : {"/v1", ""}) {
    routes.push_back({.method = "POST",
                      .path = prefix + "/chat/completions",
                      .handle = [&gateway](const auto& exchange) { chat(gateway, exchange); },
                      .hot = true});
    routes.push_back(
        {.method = "GET", .path = prefix + "/models", .handle = [&gateway](const auto& exchange) {
           exchange->answer(json_reply(gateway.list_models(Format::kOpenAiChat)));
         }});
    routes.push_back(
        {.method = "GET",
         .path = prefix + "/models/",
         .blocking = [&gateway, base = prefix + "/models/"](
                         const Request& request) { return one_model(gateway, base, request); },
         .named = true});
  }
}

// Whoever watches a gateway has no key. A balancer in front of the data plane asks there whether it
// lives and is ready; counts are the operator's business.
void add_health_routes(std::vector<Route>& routes, Gateway& gateway, const ServerState& state) {
  routes.push_back(
      {.method = "GET",
       .path = "/livez",
       .handle =
           [](const auto& exchange) { exchange->answer(json_reply(R"({"status":"alive"})")); },
       .plane = Plane::kBoth,
       .open = true});
  routes.push_back({.method = "GET",
                    .path = "/readyz",
                    .handle = [&state](const auto& exchange) { exchange->answer(ready(state)); },
                    .plane = Plane::kBoth,
                    .open = true});
  // Not on the loop: it may one day ask stores.
  for (const char* path : {"/health", "/healthz"}) {
    routes.push_back({.method = "GET",
                      .path = path,
                      .blocking = [&](const Request&) { return health(gateway, state); },
                      .plane = Plane::kAdmin,
                      .open = true});
  }
}

}  // namespace

std::vector<Route> make_routes(Gateway& gateway, const ServerState& state) {
  std::vector<Route> routes;
  add_data_routes(routes, gateway);
  add_health_routes(routes, gateway, state);
  return routes;
}

std::vector<Route> routes_on(Plane plane, const std::vector<Route>& routes) {
  std::vector<Route> out;
  for (const Route& route : routes) {
    if (route.plane == plane || route.plane == Plane::kBoth) out.push_back(route);
  }
  return out;
}

}  // namespace llmorch::server
