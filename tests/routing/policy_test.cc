#include "routing/policy.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "base/random.h"
#include "routing/support.h"

namespace llmorch {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::model;
using test::provider;
using test::target;

constexpr auto kLong = std::chrono::milliseconds(600'000);

NextStep after(const Model& m, const Plan& plan, const std::vector<Tried>& tried,
               std::chrono::milliseconds left = kLong, std::uint64_t seed = 1) {
  return next_step(m, plan, tried, left, seed);
}

TEST_CASE("verdict_rule is the table of WIRE_FORMATS 7.1") {
  struct Row {
    Verdict verdict;
    bool other_target, other_credential, same_pair, blame;
    int target_s, credential_s, pair_s;
  };
  const Row rows[] = {
      {Verdict::kOk, false, false, false, false, 0, 0, 0},
      {Verdict::kInvalidRequest, false, false, false, false, 0, 0, 0},
      {Verdict::kContextLength, false, false, false, false, 0, 0, 0},
      {Verdict::kContentPolicy, false, false, false, false, 0, 0, 0},
      {Verdict::kAuth, true, true, false, false, 0, 3600, 0},
      {Verdict::kPermission, true, true, false, false, 0, 0, 600},
      {Verdict::kBilling, true, true, false, false, 0, 3600, 0},
      {Verdict::kModelNotFound, true, true, false, false, 0, 0, 600},
      {Verdict::kRateLimit, true, true, true, false, 0, 60, 0},
      {Verdict::kOverloaded, true, false, true, true, 10, 0, 0},
      {Verdict::kServerError, true, false, true, true, 0, 0, 0},
      {Verdict::kTimeout, true, false, false, true, 0, 0, 0},
      {Verdict::kNetwork, true, false, true, true, 0, 0, 0},
      {Verdict::kMalformed, true, false, true, true, 0, 0, 0},
      {Verdict::kConflict, true, false, true, false, 0, 0, 0},
      {Verdict::kClientCancel, false, false, false, false, 0, 0, 0},
      {Verdict::kInexpressible, true, false, false, false, 0, 0, 0},
  };
  CHECK(std::size(rows) == 17);  // as many as there are verdicts
  for (const Row& row : rows) {
    CAPTURE(verdict_name(row.verdict));
    const VerdictRule& rule = verdict_rule(row.verdict);
    CHECK(rule.other_target == row.other_target);
    CHECK(rule.other_credential == row.other_credential);
    CHECK(rule.same_pair == row.same_pair);
    CHECK(rule.blame_target == row.blame);
    CHECK(rule.cool_target == std::chrono::seconds(row.target_s));
    CHECK(rule.cool_credential == std::chrono::seconds(row.credential_s));
    CHECK(rule.cool_pair == std::chrono::seconds(row.pair_s));
  }
}

TEST_CASE("the first step is the plan's first candidate; none without candidates or time") {
  const Model m = model({target(provider("a"), "m")});
  const Plan plan = make_plan(m, {}, HealthTable(), at(0), 1);
  CHECK(after(m, plan, {}).attempt);
  CHECK(after(m, plan, {}).candidate == 0);
  CHECK_FALSE(after(m, plan, {}, 0ms).attempt);
  CHECK_FALSE(after(m, Plan(), {}).attempt);
}

TEST_CASE("a client's fault and a client that left end the call") {
  const Model m = model({target(provider("a"), "m"), target(provider("b"), "m")});
  const Plan plan = make_plan(m, {}, HealthTable(), at(0), 1);
  for (const Verdict verdict : {Verdict::kOk, Verdict::kInvalidRequest, Verdict::kContextLength,
                                Verdict::kContentPolicy, Verdict::kClientCancel}) {
    CHECK_FALSE(after(m, plan, {{0, verdict, {}}}).attempt);
  }
}

TEST_CASE("failover goes to the plan's next target, at once") {
  const Model m =
      model({target(provider("a"), "m"), target(provider("b"), "m"), target(provider("c"), "m")});
  const Plan plan = make_plan(m, {}, HealthTable(), at(0), 1);
  for (const Verdict verdict :
       {Verdict::kAuth, Verdict::kPermission, Verdict::kBilling, Verdict::kModelNotFound,
        Verdict::kRateLimit, Verdict::kOverloaded, Verdict::kServerError, Verdict::kTimeout,
        Verdict::kNetwork, Verdict::kMalformed, Verdict::kConflict, Verdict::kInexpressible}) {
    CAPTURE(verdict_name(verdict));
    const NextStep step = after(m, plan, {{0, verdict, 30s}});
    CHECK(step.attempt);
    CHECK(step.candidate == 1);
    CHECK(step.wait == 0ms);
  }
}

TEST_CASE("failover off: one attempt, whatever happens") {
  Model m = model({target(provider("a"), "m"), target(provider("b"), "m")});
  m.failover = false;
  const Plan plan = make_plan(m, {}, HealthTable(), at(0), 1);
  CHECK(after(m, plan, {}).attempt);
  CHECK_FALSE(after(m, plan, {{0, Verdict::kServerError, {}}}).attempt);
  CHECK_FALSE(after(m, plan, {{0, Verdict::kRateLimit, 1s}}).attempt);
}

TEST_CASE("the same target comes back only with another credential, after a credential's fault") {
  const Model m = model({target(provider("a", {1, 1}), "m")});
  const Plan plan = make_plan(m, {}, HealthTable(), at(0), 1);
  REQUIRE(plan.candidates.size() == 2);
  for (const Verdict verdict : {Verdict::kAuth, Verdict::kPermission, Verdict::kBilling,
                                Verdict::kModelNotFound, Verdict::kRateLimit}) {
    CHECK(after(m, plan, {{0, verdict, {}}}).candidate == 1);
    CHECK(after(m, plan, {{0, verdict, {}}}).attempt);
  }
  for (const Verdict verdict : {Verdict::kTimeout, Verdict::kInexpressible})
    CHECK_FALSE(after(m, plan, {{0, verdict, {}}}).attempt);
  // A server error gives the same pair again, not another key of the same server.
  CHECK(after(m, plan, {{0, Verdict::kServerError, {}}}).candidate == 0);
}

TEST_CASE("an overloaded target is followed by another provider where there is one") {
  const auto a = provider("a");
  const Model m = model({target(a, "m1", 1), target(a, "m2", 2), target(provider("b"), "m", 3)});
  const Plan plan = make_plan(m, {}, HealthTable(), at(0), 1);
  CHECK(after(m, plan, {{0, Verdict::kOverloaded, {}}}).candidate == 2);
  CHECK(after(m, plan, {{0, Verdict::kServerError, {}}}).candidate == 1);
  CHECK(after(m, plan, {{0, Verdict::kOverloaded, {}}, {2, Verdict::kNetwork, {}}}).candidate == 1);
}

TEST_CASE("a blamed credential is not the next choice for another model either") {
  const auto a = provider("a");
  const Model m = model({target(a, "m1", 1), target(a, "m2", 2), target(provider("b"), "m", 3)});
  const Plan plan = make_plan(m, {}, HealthTable(), at(0), 1);
  CHECK(after(m, plan, {{0, Verdict::kAuth, {}}}).candidate == 2);
  CHECK(after(m, plan, {{0, Verdict::kModelNotFound, {}}}).candidate == 1);
}

TEST_CASE("a cooling pair is chosen only when nothing free is left") {
  const auto a = provider("a");
  const Model m = model({target(a, "m1", 1), target(a, "m2", 2), target(provider("b"), "m", 3)});
  HealthTable health;
  health.report(m.targets[2], m.targets[2].provider->credentials[0], Verdict::kOverloaded, {},
                at(0));
  const Plan plan = make_plan(m, {}, health, at(1), 1);
  REQUIRE(plan.candidates[2].cooling);
  CHECK(after(m, plan, {{0, Verdict::kOverloaded, {}}}).candidate == 1);
}

TEST_CASE("the same pair again: only when nothing else exists, once, after a wait") {
  const Model one = model({target(provider("a"), "m")}, 10);
  const Plan plan = make_plan(one, {}, HealthTable(), at(0), 1);
  std::set<std::int64_t> waits;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const NextStep step = after(one, plan, {{0, Verdict::kServerError, {}}}, kLong, seed);
    CHECK(step.attempt);
    CHECK(step.candidate == 0);
    CHECK(step.wait >= 100ms);
    CHECK(step.wait <= 2000ms);
    waits.insert(step.wait.count());
  }
  CHECK(waits.size() > 300);  // full jitter
  CHECK(*waits.begin() < 200);
  CHECK(*waits.rbegin() > 1900);
  CHECK_FALSE(
      after(one, plan, {{0, Verdict::kServerError, {}}, {0, Verdict::kServerError, {}}}).attempt);
  CHECK_FALSE(after(one, plan, {{0, Verdict::kTimeout, {}}}).attempt);
  CHECK_FALSE(after(one, plan, {{0, Verdict::kAuth, {}}}).attempt);
  CHECK_FALSE(after(one, plan, {{0, Verdict::kServerError, {}}}, 100ms).attempt);

  const Model two = model({target(provider("a"), "m"), target(provider("b"), "m")}, 10);
  const Plan both = make_plan(two, {}, HealthTable(), at(0), 1);
  CHECK(after(two, both, {{0, Verdict::kServerError, {}}}).candidate == 1);
  // The last one asked comes back; what was inexpressible after it changes nothing.
  CHECK(after(two, both, {{0, Verdict::kServerError, {}}, {1, Verdict::kNetwork, {}}}).candidate ==
        1);
  const NextStep step =
      after(two, both, {{0, Verdict::kServerError, {}}, {1, Verdict::kInexpressible, {}}});
  CHECK(step.attempt);
  CHECK(step.candidate == 0);
}

TEST_CASE("Retry-After is waited for when it fits what is left, else the call ends") {
  const Model m = model({target(provider("a"), "m")});
  const Plan plan = make_plan(m, {}, HealthTable(), at(0), 1);
  const std::vector<Tried> tried{{0, Verdict::kRateLimit, 5s}};
  CHECK(after(m, plan, tried, 6s).wait == 5s);
  CHECK(after(m, plan, tried, 6s).attempt);
  CHECK_FALSE(after(m, plan, tried, 5s).attempt);
  CHECK_FALSE(after(m, plan, tried, 1s).attempt);
  // The latest error's wait counts, not the first one's.
  const Model two = model({target(provider("a"), "m"), target(provider("b"), "m")});
  const Plan both = make_plan(two, {}, HealthTable(), at(0), 1);
  CHECK(after(two, both, {{0, Verdict::kRateLimit, 1s}, {1, Verdict::kRateLimit, 7s}}).wait == 7s);
}

TEST_CASE("when everybody is limited the caller is told the soonest wait of all") {
  struct Row {
    const char* what;
    std::vector<int> cooling;  // seconds that each target's key cools already; 0: free
    std::size_t last;
    Verdict verdict;
    Code code;
    std::optional<std::chrono::milliseconds> said;  // by the upstream that was asked last
    std::optional<std::chrono::milliseconds> told;
  };
  const Row rows[] = {
      {"alone, and it said so", {0}, 0, Verdict::kRateLimit, Code::kRateLimited, 7s, 7s},
      {"alone, and it said nothing", {0}, 0, Verdict::kRateLimit, Code::kRateLimited, {}, 60s},
      {"alone, overloaded", {0}, 0, Verdict::kOverloaded, Code::kOverloaded, {}, 10s},
      {"the other one is free sooner", {0, 5}, 0, Verdict::kRateLimit, Code::kRateLimited, 40s, 5s},
      {"this one is", {0, 50}, 0, Verdict::kRateLimit, Code::kRateLimited, 40s, 40s},
      {"health knows of a longer one", {90}, 0, Verdict::kRateLimit, Code::kRateLimited, 7s, 90s},
      {"one was not even asked", {0, 0}, 0, Verdict::kRateLimit, Code::kRateLimited, 40s, 1s},
      {"half a second", {0}, 0, Verdict::kRateLimit, Code::kRateLimited, 500ms, 1s},
      {"no wait helps", {0, 5}, 0, Verdict::kBilling, Code::kBilling, {}, {}},
      {"a failure of its own", {0, 5}, 0, Verdict::kServerError, Code::kUpstream, {}, {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    std::vector<Target> targets;
    for (std::size_t i = 0; i < row.cooling.size(); ++i)
      targets.push_back(target(provider("p" + std::to_string(i)), "m", static_cast<int>(i)));
    const Model m = model(targets);
    HealthTable health;
    const Plan plan = make_plan(m, {}, health, at(0), 1);
    for (std::size_t i = 0; i < row.cooling.size(); ++i) {
      if (row.cooling[i] == 0) continue;
      health.report(m.targets[i], m.targets[i].provider->credentials[0], Verdict::kRateLimit,
                    std::chrono::seconds(row.cooling[i]), at(0));
    }
    const Status failure = Status(row.code, "no").with_retry_after(row.said);
    const Status told =
        with_soonest_wait(failure, plan, {row.last, row.verdict, row.said}, health, at(0));
    CHECK(told.retry_after() == row.told);
    CHECK(told.code() == row.code);
  }
}

TEST_CASE("the soonest wait knows that one key serves several targets") {
  const auto a = provider("a", {1, 1});
  const Model m = model({target(a, "m1", 1), target(a, "m2", 2)});
  const HealthTable health;
  const Plan plan = make_plan(m, {}, health, at(0), 1);
  REQUIRE(plan.candidates.size() == 4);
  const Status failure = Status(Code::kRateLimited, "no").with_retry_after(30s);
  // Of the two keys one is free, for either target.
  CHECK(with_soonest_wait(failure, plan, {0, Verdict::kRateLimit, 30s}, health, at(0))
            .retry_after() == 1s);
  const auto b = provider("b");
  const Model one = model({target(b, "m1", 1), target(b, "m2", 2)});
  const Plan both = make_plan(one, {}, health, at(0), 1);
  CHECK(with_soonest_wait(failure, both, {0, Verdict::kRateLimit, 30s}, health, at(0))
            .retry_after() == 30s);
}

TEST_CASE("max_attempts counts attempts that reached an upstream") {
  std::vector<Target> targets;
  for (int i = 0; i < 6; ++i) targets.push_back(target(provider("p" + std::to_string(i)), "m"));
  const Model m = model(targets, 2);
  const Plan plan = make_plan(m, {}, HealthTable(), at(0), 1);
  CHECK(after(m, plan, {{0, Verdict::kNetwork, {}}}).attempt);
  CHECK_FALSE(after(m, plan, {{0, Verdict::kNetwork, {}}, {1, Verdict::kNetwork, {}}}).attempt);
  CHECK(after(m, plan,
              {{0, Verdict::kInexpressible, {}},
               {1, Verdict::kInexpressible, {}},
               {2, Verdict::kNetwork, {}}})
            .attempt);
}

TEST_CASE("whatever happens, failover ends, and never repeats a pair but for one last retry") {
  Random random(11);
  int calls_with_retry = 0;
  for (int run = 0; run < 100'000; ++run) {
    std::vector<std::shared_ptr<const Provider>> providers;
    for (int p = 0; p < 3; ++p) {
      providers.push_back(
          provider("p" + std::to_string(p), std::vector<unsigned>(1 + random.below(3), 1)));
    }
    std::vector<Target> targets;
    for (std::uint64_t t = 0, count = 1 + random.below(4); t < count; ++t) {
      targets.push_back(target(providers[random.below(3)], "m" + std::to_string(t),
                               static_cast<int>(random.below(2))));
    }
    const Model m = model(targets, 1 + static_cast<int>(random.below(10)));
    const Plan plan = make_plan(m, {}, HealthTable(), at(0), random.next());
    std::vector<Tried> tried;
    std::set<std::size_t> seen;
    std::chrono::milliseconds left{static_cast<std::int64_t>(random.below(20'000))};
    int sent = 0;
    bool repeated = false;
    for (;;) {
      const NextStep step = next_step(m, plan, tried, left, random.next());
      if (!step.attempt) break;
      REQUIRE(step.candidate < plan.candidates.size());
      REQUIRE(step.wait < left);
      left -= step.wait;
      const bool again = !seen.insert(step.candidate).second;
      if (again) {
        REQUIRE_FALSE(repeated);
        REQUIRE(
            verdict_rule(std::find_if(tried.rbegin(), tried.rend(),
                                      [&](const Tried& t) { return t.candidate == step.candidate; })
                             ->verdict)
                .same_pair);
        repeated = true;
        ++calls_with_retry;
      } else {
        REQUIRE(step.wait == 0ms);
        for (const Tried& past : tried) {
          if (plan.candidates[past.candidate].target == plan.candidates[step.candidate].target)
            REQUIRE(verdict_rule(past.verdict).other_credential);
        }
      }
      const auto verdict = static_cast<Verdict>(1 + random.below(16));
      sent += verdict == Verdict::kInexpressible ? 0 : 1;
      REQUIRE(sent <= m.max_attempts);
      std::optional<std::chrono::milliseconds> hint;
      if (random.below(3) == 0) hint = std::chrono::milliseconds(random.below(5000));
      tried.push_back({step.candidate, verdict, hint});
    }
  }
  CHECK(calls_with_retry > 1000);
}

}  // namespace
}  // namespace llmorch
