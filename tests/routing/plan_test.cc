#include "routing/plan.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "base/random.h"
#include "routing/support.h"

namespace llmorch {
namespace {

using test::at;
using test::model;
using test::order;
using test::provider;
using test::target;

TEST_CASE("a target's share of first places is its weight: chi-square, p > 0.01") {
  const auto p = provider("p");
  const Model m = model({target(p, "a", 1, 5), target(p, "b", 1, 3), target(p, "c", 1, 2)});
  const HealthTable health;
  constexpr int kDraws = 100'000;
  const auto chi_square = [&](std::uint64_t from, std::uint64_t step) {
    std::map<std::string, int> first;
    for (int i = 0; i < kDraws; ++i) {
      const auto seed = from + static_cast<std::uint64_t>(i) * step;
      ++first[make_plan(m, health, at(0), seed).entries[0].model];
    }
    double sum = 0;
    for (const auto& [name, share] : std::map<std::string, double>{{"a", .5}, {"b", .3}, {"c", .2}})
      sum += (first[name] - share * kDraws) * (first[name] - share * kDraws) / (share * kDraws);
    return sum;
  };
  // 9.21: the 99th percentile for two degrees of freedom. Seeds that count up, and seeds that jump.
  CHECK(chi_square(1, 1) < 9.21);
  CHECK(chi_square(77, 0x9E3779B97F4A7C15U) < 9.21);
}

TEST_CASE("the second place is drawn by weight among the rest") {
  const auto p = provider("p");
  const Model m = model({target(p, "a", 1, 5), target(p, "b", 1, 3), target(p, "c", 1, 2)});
  const HealthTable health;
  int a_first = 0;
  int then_b = 0;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    const Plan plan = make_plan(m, health, at(0), seed);
    if (plan.entries[0].model != "a") continue;
    ++a_first;
    then_b += plan.entries[1].model == "b" ? 1 : 0;
  }
  CHECK(static_cast<double>(then_b) / a_first == doctest::Approx(0.6).epsilon(0.03));
}

TEST_CASE("a target's first credential is drawn by weight") {
  const Model m = model({target(provider("p", {3, 1}), "a")});
  const HealthTable health;
  int heavy = 0;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed)
    heavy += make_plan(m, health, at(0), seed).entries[0].credential == "k0" ? 1 : 0;
  CHECK(heavy / 20'000.0 == doctest::Approx(0.75).epsilon(0.03));
}

TEST_CASE("tiers stand in order, a target's other credentials after the tier's other targets") {
  const Model m = model({target(provider("late"), "c", 2), target(provider("x", {1, 1}), "a", 1),
                         target(provider("y"), "b", 1), target(provider("low"), "d", -3)});
  const HealthTable health;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const Plan plan = make_plan(m, health, at(0), seed);
    REQUIRE(plan.candidates.size() == 5);
    REQUIRE(plan.entries.size() == 5);
    CHECK(plan.entries[0].model == "d");
    CHECK(plan.entries[1].model != plan.entries[2].model);
    CHECK(plan.entries[3].model == "a");
    CHECK(plan.entries[3].reason == "other credential");
    CHECK(plan.entries[4].model == "c");
  }
}

TEST_CASE("weight 0 is drained: never a candidate, and the plan says so") {
  const auto p = provider("p", {1, 0});
  const Model m = model({target(p, "a", 1, 0), target(p, "b", 1, 1)});
  const HealthTable health;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const Plan plan = make_plan(m, health, at(0), seed);
    CHECK(order(plan) == "p/b/k0");
    REQUIRE(plan.entries.size() == 3);
    CHECK(plan.entries[1].reason == "weight 0");
    CHECK(plan.entries[2].reason == "credential weight 0");
  }
  CHECK(make_plan(model({target(p, "a", 1, 0)}), health, at(0), 1).candidates.empty());
  CHECK(make_plan(model({}), health, at(0), 1).candidates.empty());
}

TEST_CASE("the same seed gives the same plan, another seed another one") {
  std::vector<Target> targets;
  for (int i = 0; i < 8; ++i)
    targets.push_back(target(provider("p" + std::to_string(i), {1, 2}), "m"));
  const Model m = model(targets);
  const HealthTable health;
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Plan plan = make_plan(m, health, at(0), seed);
    CHECK(plan.seed == seed);
    CHECK(order(plan) == order(make_plan(m, health, at(5), seed)));
    seen.insert(order(plan));
  }
  CHECK(seen.size() > 90);
}

TEST_CASE("cooling pairs stand last, over all tiers, the one that is free soonest first") {
  const Model m = model({target(provider("a"), "m", 1), target(provider("b"), "m", 1),
                         target(provider("c"), "m", 2), target(provider("d"), "m", 3)});
  HealthTable health;
  const auto limited = [&](std::size_t i, int seconds) {
    health.report(m.targets[i], m.targets[i].provider->credentials[0], Verdict::kRateLimit,
                  std::chrono::seconds(seconds), at(0));
  };
  limited(0, 40);
  limited(2, 20);
  const Plan plan = make_plan(m, health, at(0), 1);
  CHECK(order(plan) == "b/m/k0 d/m/k0 c/m/k0 a/m/k0");
  CHECK(plan.entries[2].reason == "cooling 20s");
  CHECK(plan.candidates[2].cooling);
  CHECK_FALSE(plan.candidates[1].cooling);
  // Nothing free: the call is not refused.
  limited(1, 30);
  limited(3, 10);
  CHECK(order(make_plan(m, health, at(0), 1)) == "d/m/k0 c/m/k0 b/m/k0 a/m/k0");
  // Free again, exactly at the deadline.
  CHECK(make_plan(m, health, at(10), 1).entries[0].provider == "d");
  CHECK_FALSE(make_plan(m, health, at(10), 1).candidates[0].cooling);
}

TEST_CASE("a target keeps its share while one of its credentials cools") {
  const Model m = model({target(provider("a", {9, 1}), "m"), target(provider("b"), "m")});
  HealthTable health;
  health.report(m.targets[0], m.targets[0].provider->credentials[0], Verdict::kRateLimit,
                std::chrono::seconds(60), at(0));
  int first = 0;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    const Plan plan = make_plan(m, health, at(0), seed);
    REQUIRE(plan.candidates.size() == 3);
    CHECK(plan.candidates[2].cooling);
    first += plan.entries[0].provider == "a" ? 1 : 0;
  }
  CHECK(first / 20'000.0 == doctest::Approx(0.5).epsilon(0.03));
}

TEST_CASE("a plan holds every pair of non-zero weight exactly once, whatever cools") {
  Random random(4);
  for (int run = 0; run < 2000; ++run) {
    std::vector<Target> targets;
    std::size_t expected = 0;
    for (std::uint64_t t = 0, count = 1 + random.below(6); t < count; ++t) {
      std::vector<unsigned> weights;
      for (std::uint64_t c = 0, keys = 1 + random.below(4); c < keys; ++c)
        weights.push_back(static_cast<unsigned>(random.below(3)));
      const auto weight = static_cast<unsigned>(random.below(4));
      for (const unsigned w : weights) expected += weight > 0 && w > 0 ? 1 : 0;
      targets.push_back(target(provider("p" + std::to_string(t), weights), "m",
                               static_cast<int>(random.below(3)), weight));
    }
    const Model m = model(targets);
    HealthTable health;
    for (const Target& t : m.targets) {
      if (random.below(3) == 0)
        health.report(t, t.provider->credentials[0],
                      random.below(2) == 0 ? Verdict::kRateLimit : Verdict::kOverloaded, {}, at(0));
    }
    const Plan plan = make_plan(m, health, at(1), random.next());
    std::set<std::pair<const Target*, std::size_t>> pairs;
    bool cooling = false;
    for (const Candidate& c : plan.candidates) {
      pairs.insert({c.target, c.credential});
      CHECK(c.cooling >= cooling);  // once cooling ones begin, only such follow
      cooling = c.cooling;
    }
    CHECK(pairs.size() == expected);
    CHECK(plan.candidates.size() == expected);
  }
}

}  // namespace
}  // namespace llmorch
