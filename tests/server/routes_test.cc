// The table of routes: every route has a row here, which says on which listener it answers and
// whether it needs a client key (operations B.4: deny by default, one check keyed by route).
#include "server/routes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "server/model_list.h"

namespace llmorch::server {
namespace {

TEST_CASE("every route: its listener, and whether it is open") {
  Options options;
  options.mode = Mode::kDriven;
  auto gateway = Gateway::open(R"({"version":1,"providers":[],"models":[]})", std::move(options));
  REQUIRE(gateway.has_value());
  const ServerState state;
  struct Row {
    Plane plane;
    bool open;
  };
  const Row data{Plane::kData, false}, watch{Plane::kBoth, true}, counts{Plane::kAdmin, true};
  const std::map<std::string, Row> rows = {
      {"POST /v1/chat/completions", data},
      {"POST /chat/completions", data},
      {"GET /v1/models", data},
      {"GET /models", data},
      {"GET /v1/models/", data},
      {"GET /models/", data},
      {"GET /livez", watch},
      {"GET /readyz", watch},
      {"GET /health", counts},
      {"GET /healthz", counts},
  };
  const std::vector<Route> routes = make_routes(**gateway, state);
  CHECK(routes.size() == rows.size());
  for (const Route& route : routes) {
    const std::string name = route.method + " " + route.path;
    CAPTURE(name);
    const auto row = rows.find(name);
    REQUIRE(row != rows.end());
    CHECK(route.plane == row->second.plane);
    CHECK(route.open == row->second.open);
    CHECK(route.named == route.path.ends_with('/'));
  }
  const auto count = [&](Plane plane) { return routes_on(plane, routes).size(); };
  CHECK(count(Plane::kData) == 8);
  CHECK(count(Plane::kAdmin) == 4);
}

TEST_CASE("one model of a list") {
  const std::string list =
      R"({"object":"list","data":[{"id":"a","object":"model","created":0,"owned_by":"llmorch"},)"
      R"({"id":"p/org/b","object":"model","created":0,"owned_by":"llmorch"},)"
      R"({"id":"say \"c\"","object":"model","created":0,"owned_by":"llmorch"}]})";
  struct Row {
    const char* id;
    const char* json;
  };
  for (const Row& row :
       {Row{"a", R"({"id":"a","object":"model","created":0,"owned_by":"llmorch"})"},
        Row{"p/org/b", R"({"id":"p/org/b","object":"model","created":0,"owned_by":"llmorch"})"},
        Row{"say \"c\"", R"({"id":"say \"c\"","object":"model","created":0,"owned_by":"llmorch"})"},
        Row{"b", ""}, Row{"", ""}, Row{"llmorch", ""}, Row{"model", ""}, Row{"A", ""},
        Row{"a\",\"object", ""}}) {
    CAPTURE(row.id);
    CHECK(model_in_list(list, row.id).value_or("") == row.json);
  }
  CHECK_FALSE(model_in_list("", "a").has_value());
}

}  // namespace
}  // namespace llmorch::server
