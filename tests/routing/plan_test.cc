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
      ++first[make_plan(m, {}, health, at(0), seed).entries[0].model];
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
    const Plan plan = make_plan(m, {}, health, at(0), seed);
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
    heavy += make_plan(m, {}, health, at(0), seed).entries[0].credential == "k0" ? 1 : 0;
  CHECK(heavy / 20'000.0 == doctest::Approx(0.75).epsilon(0.03));
}

TEST_CASE("tiers stand in order, a target's other credentials after the tier's other targets") {
  const Model m = model({target(provider("late"), "c", 2), target(provider("x", {1, 1}), "a", 1),
                         target(provider("y"), "b", 1), target(provider("low"), "d", -3)});
  const HealthTable health;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const Plan plan = make_plan(m, {}, health, at(0), seed);
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
    const Plan plan = make_plan(m, {}, health, at(0), seed);
    CHECK(order(plan) == "p/b/k0");
    REQUIRE(plan.entries.size() == 3);
    CHECK(plan.entries[1].reason == "weight 0");
    CHECK(plan.entries[2].reason == "credential weight 0");
  }
  CHECK(make_plan(model({target(p, "a", 1, 0)}), {}, health, at(0), 1).candidates.empty());
  CHECK(make_plan(model({}), {}, health, at(0), 1).candidates.empty());
}

TEST_CASE("the same seed gives the same plan, another seed another one") {
  std::vector<Target> targets;
  for (int i = 0; i < 8; ++i)
    targets.push_back(target(provider("p" + std::to_string(i), {1, 2}), "m"));
  const Model m = model(targets);
  const HealthTable health;
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Plan plan = make_plan(m, {}, health, at(0), seed);
    CHECK(plan.seed == seed);
    CHECK(order(plan) == order(make_plan(m, {}, health, at(5), seed)));
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
  const Plan plan = make_plan(m, {}, health, at(0), 1);
  CHECK(order(plan) == "b/m/k0 d/m/k0 c/m/k0 a/m/k0");
  CHECK(plan.entries[2].reason == "cooling 20s");
  CHECK(plan.candidates[2].cooling);
  CHECK_FALSE(plan.candidates[1].cooling);
  // Nothing free: the call is not refused.
  limited(1, 30);
  limited(3, 10);
  CHECK(order(make_plan(m, {}, health, at(0), 1)) == "d/m/k0 c/m/k0 b/m/k0 a/m/k0");
  // Free again, exactly at the deadline.
  CHECK(make_plan(m, {}, health, at(10), 1).entries[0].provider == "d");
  CHECK_FALSE(make_plan(m, {}, health, at(10), 1).candidates[0].cooling);
}

TEST_CASE("a target keeps its share while one of its credentials cools") {
  const Model m = model({target(provider("a", {9, 1}), "m"), target(provider("b"), "m")});
  HealthTable health;
  health.report(m.targets[0], m.targets[0].provider->credentials[0], Verdict::kRateLimit,
                std::chrono::seconds(60), at(0));
  int first = 0;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    const Plan plan = make_plan(m, {}, health, at(0), seed);
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
    const Plan plan = make_plan(m, {}, health, at(1), random.next());
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

// A target that says so much of itself: "v" no vision, "t" no tools, "s" no structured output, in
// capitals that it has it.
Target able(const std::string& name, const std::string& says) {
  Target made = target(provider(name), "m");
  for (const char c : says) {
    const bool has = c < 'a';
    if (c == 'v' || c == 'V') made.capabilities.vision = has;
    if (c == 't' || c == 'T') made.capabilities.tools = has;
    if (c == 's' || c == 'S') made.capabilities.structured_output = has;
  }
  return made;
}

TEST_CASE("what a target is said to lack keeps it out; what is not said does not") {
  struct Row {
    Needs needs;
    std::vector<std::string> says;  // of the targets a, b, c
    std::string order;              // sorted
    std::string left_out;           // "a: no vision"
    std::string refused;            // the last words of the message
  };
  const Row rows[] = {
      {{}, {"vts", "v", ""}, "a b c", "", ""},
      {{.vision = true}, {"v", "V", ""}, "b c", "a: no vision", ""},
      {{.tools = true}, {"vT", "t", "s"}, "a c", "b: no tools", ""},
      {{.structured_output = true},
       {"s", "S", "st"},
       "b",
       "a: no structured_output "
       "c: no structured_output",
       ""},
      {{.vision = true}, {"v", "v"}, "", "a: no vision b: no vision", ": vision"},
      {{.tools = true, .vision = true},
       {"v", "t"},
       "",
       "a: no vision b: no tools",
       ": vision, tools"},
      {{.tools = true, .structured_output = true, .vision = true},
       {"Vts"},
       "",
       "a: no tools",
       ": tools"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.order + " | " + row.left_out);
    std::vector<Target> targets;
    for (std::size_t i = 0; i < row.says.size(); ++i)
      targets.push_back(able(std::string(1, static_cast<char>('a' + i)), row.says[i]));
    const Model m = model(targets);
    const Plan plan = make_plan(m, row.needs, HealthTable(), at(0), 3);
    std::set<std::string> taken;
    for (std::size_t i = 0; i < plan.candidates.size(); ++i) taken.insert(plan.entries[i].provider);
    std::string got;
    for (const std::string& name : taken) got += (got.empty() ? "" : " ") + name;
    CHECK(got == row.order);
    std::string left;
    for (std::size_t i = plan.candidates.size(); i < plan.entries.size(); ++i)
      left += (left.empty() ? "" : " ") + plan.entries[i].provider + ": " + plan.entries[i].reason;
    CHECK(left == row.left_out);
    CHECK(plan.refused.ok() == row.refused.empty());
    if (!row.refused.empty()) {
      CHECK(plan.refused.http_status() == 400);
      CHECK(plan.refused.message().ends_with(row.refused));
    }
  }
}

TEST_CASE("a drained or cooling target is no reason to say that nobody can do it") {
  HealthTable health;
  const Model drained = model({target(provider("a"), "m", 1, 0)});
  CHECK(make_plan(drained, {.vision = true}, health, at(0), 1).refused.ok());
  const Model m = model({able("a", "v"), able("b", "V")});
  health.report(m.targets[1], m.targets[1].provider->credentials[0], Verdict::kRateLimit, {},
                at(0));
  const Plan plan = make_plan(m, {.vision = true}, health, at(1), 1);
  CHECK(plan.refused.ok());
  CHECK(order(plan) == "b/m/k0");
}

// Trips the breaker of a target: free again at 30 s, half-open then.
void trip(HealthTable& health, const Target& t) {
  for (int i = 0; i < 5; ++i)
    health.report(t, t.provider->credentials[0], Verdict::kServerError, {}, at(0));
}

TEST_CASE("DESIGN 4.7: a half-open target is first in one plan at a time, and last in others") {
  const Model m = model({target(provider("ill", {1, 1}), "m", 1), target(provider("b"), "m", 2)});
  HealthTable health;
  trip(health, m.targets[0]);
  CHECK(make_plan(m, {}, health, at(29), 1).entries[0].provider == "b");
  const Plan probe = make_plan(m, {}, health, at(30), 1);
  CHECK(probe.entries[0].provider == "ill");
  CHECK(probe.entries[0].reason == "probe");
  CHECK_FALSE(probe.candidates[0].cooling);
  CHECK(probe.entries[1].reason == "other credential");  // of the same target, after it
  const auto others = [&](int second) { return make_plan(m, {}, health, at(second), 1); };
  for (int i = 0; i < 20; ++i) {
    const Plan plan = others(31);
    REQUIRE(plan.candidates.size() == 3);
    CHECK(plan.entries[0].provider == "b");
    CHECK(plan.entries[1].reason == "recovering");
    CHECK(plan.candidates[1].cooling);
  }
  const Credential& key = m.targets[0].provider->credentials[0];
  SUBCASE("a probe that says nothing lets the next one go") {
    health.report(m.targets[0], key, Verdict::kClientCancel, {}, at(32));
    CHECK(others(32).entries[0].reason == "probe");
    CHECK(others(32).entries[0].provider == "b");
  }
  SUBCASE("a success closes the breaker") {
    health.report(m.targets[0], key, Verdict::kOk, {}, at(32));
    for (int i = 0; i < 3; ++i) CHECK(others(32).entries[0].reason == "weighted");
    CHECK(others(32).entries[0].provider == "ill");
  }
  SUBCASE("a failure opens it again, for longer") {
    health.report(m.targets[0], key, Verdict::kTimeout, {}, at(32));
    CHECK(others(91).entries[0].provider == "b");
    CHECK(others(92).entries[0].reason == "probe");
    CHECK(others(92).entries[0].provider == "b");
  }
  SUBCASE("a probe of which nothing is heard does not keep others away for ever") {
    CHECK(others(59).entries[0].provider == "b");
    CHECK(others(60).entries[0].reason == "probe");
  }
}

TEST_CASE(
    "only the first place is a probe; with nobody else a call still goes to a half-open one") {
  const Model two = model({target(provider("a"), "m", 1), target(provider("ill"), "m", 2)});
  HealthTable health;
  trip(health, two.targets[1]);
  for (int i = 0; i < 3; ++i) {
    const Plan plan = make_plan(two, {}, health, at(30), 1);
    CHECK(plan.entries[0].reason == "weighted");
    CHECK(plan.entries[1].reason == "recovering");
  }
  const Model alone = model({two.targets[1]});
  CHECK(make_plan(alone, {}, health, at(30), 1).entries[0].reason == "probe");
  CHECK(make_plan(alone, {}, health, at(30), 1).entries[0].reason == "recovering");
}

}  // namespace
}  // namespace llmorch
