#include "routing/resolve.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "routing/support.h"

namespace llmorch {
namespace {

using Names = std::vector<std::string>;

// Providers a, b and c; the model "smart" (alias "gpt", and one with a slash); lists as given.
struct World {
  struct Said {
    const char* provider;
    std::optional<Names> models;
    bool pending = false;
    std::string error{};
  };
  explicit World(const std::vector<Said>& said = {}) {
    for (const char* name : {"a", "b", "c"}) {
      snapshot.providers.push_back(
          test::provider(name, std::vector<unsigned>(name[0] == 'b' ? 2 : 1, 1)));
    }
    auto smart =
        std::make_shared<Model>(test::model({test::target(snapshot.providers[0], "real-smart")}));
    smart->name = "smart";
    smart->aliases = {"gpt", "a/fast"};
    snapshot.models = {smart};
    for (const char* name : {"smart", "gpt", "a/fast"}) snapshot.by_name.emplace(name, smart);
    snapshot.source = "llmorch.yaml";
    if (said.empty()) return;
    auto discovered = std::make_shared<Discovered>();
    for (const Said& one : said) {
      const auto provider =
          std::find_if(snapshot.providers.begin(), snapshot.providers.end(),
                       [&](const auto& each) { return each->name == one.provider; });
      Discovered::List& list = discovered->lists.emplace_back();
      list.provider = *provider;
      if (one.models) list.models = std::make_shared<const Names>(*one.models);
      list.pending = one.pending;
      list.error = one.error;
      for (const std::string& model : one.models.value_or(Names{}))
        discovered->owners[model].push_back(discovered->lists.size() - 1);
    }
    snapshot.discovered = discovered;
  }
  Snapshot snapshot;
};

struct Row {
  const char* name;
  const char* provider;  // "": an error
  const char* model;     // the provider's own name; of an error, a part of its message
  int status = 0;
};

void check(const World& world, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(std::string(row.name));
    const Resolved got = resolve_model(world.snapshot, row.name);
    if (std::string_view(row.provider).empty()) {
      CHECK(got.model == nullptr);
      CHECK(got.error.http_status() == row.status);
      CHECK_MESSAGE(got.error.message().find(row.model) != std::string::npos, got.error.message());
      continue;
    }
    REQUIRE_MESSAGE(got.model != nullptr, got.error.message());
    CHECK(got.error.ok());
    CHECK(got.model->targets[0].provider->name == row.provider);
    CHECK(got.model->targets[0].model == row.model);
  }
}

TEST_CASE("a configured name, an alias, or PROVIDER/MODEL of any provider") {
  const World world;
  check(world, {{"smart", "a", "real-smart"},
                {"gpt", "a", "real-smart"},
                {"a/fast", "a", "real-smart"},  // a configured name wins
                {"a/slow", "a", "slow"},
                {"b/meta/llama-4:free", "b", "meta/llama-4:free"},
                {"c/ünïcode", "c", "ünïcode"},
                {"smrt", "", "Did you mean \"smart\"?", 404},
                {"", "", "does not exist", 404},
                {"a/", "", "does not exist", 404},
                {"/x", "", "does not exist", 404},
                {"d/x", "", "llmorch.yaml", 404},
                {"A/x", "", "does not exist", 404}});
}

TEST_CASE("a model made on the fly: all keys of its provider, usual limits, the name as asked") {
  const World world;
  const Resolved got = resolve_model(world.snapshot, "b/x");
  REQUIRE(got.model != nullptr);
  CHECK(got.model->name == "b/x");
  CHECK(got.model->targets.size() == 1);
  CHECK(got.model->targets[0].weight == 1);
  CHECK(got.model->timeouts.total == Timeouts().total);
  CHECK(got.model->failover);
  const Plan plan = make_plan(*got.model, {}, HealthTable(), test::at(0), 1);
  CHECK(plan.candidates.size() == 2);
}

TEST_CASE("health is the same for every call of the same PROVIDER/MODEL") {
  const World world;
  HealthTable health;
  const Resolved first = resolve_model(world.snapshot, "a/x");
  const Target& target = first.model->targets[0];
  health.report(target, target.provider->credentials[0], Verdict::kModelNotFound, {}, test::at(0));
  const Resolved second = resolve_model(world.snapshot, "a/x");
  const Resolved other = resolve_model(world.snapshot, "a/y");
  CHECK(make_plan(*second.model, {}, health, test::at(1), 1).candidates[0].cooling);
  CHECK_FALSE(make_plan(*other.model, {}, health, test::at(1), 1).candidates[0].cooling);
}

TEST_CASE("a caller's name goes into URLs, headers and logs: what could break them is no model") {
  const World world;
  for (const std::string& name :
       {std::string("a/x\r\ny"), std::string("a/x\0y", 5), std::string("a/ x"), std::string("a/x "),
        std::string("a/x\ty"), std::string("a/x\x7f"), "a/" + std::string(257, 'x')}) {
    CAPTURE(name);
    const Resolved got = resolve_model(world.snapshot, name);
    CHECK(got.model == nullptr);
    CHECK(got.error.http_status() == 404);
  }
}

TEST_CASE("a bare name works when exactly one discovered provider lists it") {
  const World world({{"a", Names{"one", "both", "smart", "b/odd", "x/y"}},
                     {"b", Names{"two", "both"}},
                     {"c", std::nullopt, false, "HTTP 401, auth"}});
  check(world,
        {{"one", "a", "one"},
         {"two", "b", "two"},
         {"x/y", "a", "x/y"},    // no provider is named x
         {"b/odd", "b", "odd"},  // but one is named b
         {"a/both", "a", "both"},
         {"c/two", "c", "two"},
         {"smart", "a", "real-smart"},
         {"both", "", "Ask for \"a/both\" or \"b/both\".", 400},
         {"on", "", "\"one\"", 404},
         {"zzz", "", "\"c\" could not be listed (HTTP 401, auth); ask for \"c/NAME\"", 404}});
  CHECK(resolve_model(world.snapshot, "both").error.param() == "model");
  CHECK(resolve_model(world.snapshot, "both").error.reason() == "model_ambiguous");
  CHECK(resolve_model(world.snapshot, "zzz").error.reason() == "model_not_found");
}

TEST_CASE("until a provider's first list is there, an unknown name is worth another try") {
  const World world({{"a", Names{"one"}}, {"b", std::nullopt, true}});
  check(world, {{"one", "a", "one"},
                {"smart", "a", "real-smart"},
                {"b/two", "b", "two"},
                {"two", "", "being fetched", 503}});
  CHECK(resolve_model(world.snapshot, "two").error.retry_after() == std::chrono::seconds(1));
  CHECK(resolve_model(world.snapshot, "two\n").error.http_status() == 404);
}

TEST_CASE("names for lists: each resolves, and none stands there twice") {
  const World world({{"a", Names{"one", "both", "smart", "fast", "b/odd"}},
                     {"b", Names{"two", "both"}},
                     {"c", std::nullopt, true}});
  const Names names = model_names(world.snapshot);
  CHECK(names == Names{"smart", "gpt", "a/fast", "one", "fast", "two", "a/one", "a/both", "a/smart",
                       "a/b/odd", "b/two", "b/both"});
  for (const std::string& name : names) {
    CAPTURE(name);
    CHECK(resolve_model(world.snapshot, name).model != nullptr);
  }
  CHECK(model_names(World().snapshot) == Names{"smart", "gpt", "a/fast"});
}

}  // namespace
}  // namespace llmorch
