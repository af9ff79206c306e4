#include "routing/health.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "base/random.h"
#include "routing/support.h"

namespace llmorch {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::provider;
using test::target;

struct Fixture {
  std::shared_ptr<const Provider> p = provider("p", {1, 1});
  Target a = target(p, "a");
  Target b = target(p, "b");
  const Credential& k0 = p->credentials[0];
  const Credential& k1 = p->credentials[1];
  HealthTable health;

  // Seconds until free, or 0.
  int cooling(const Target& t, const Credential& k, int now) const {
    const auto until = health.cooling_until(t, k, at(now));
    return until ? static_cast<int>(
                       std::chrono::duration_cast<std::chrono::seconds>(*until - at(now)).count())
                 : 0;
  }
  void fail(const Target& t, int times, int now, Verdict verdict = Verdict::kServerError) {
    for (int i = 0; i < times; ++i) health.report(t, k0, verdict, {}, at(now));
  }
};

TEST_CASE_FIXTURE(Fixture, "who cools, and for how long, per verdict") {
  struct Row {
    Verdict verdict;
    int same, other_model, other_key, other_both;  // seconds, after one report on (a, k0)
  };
  const Row rows[] = {
      {Verdict::kInvalidRequest, 0, 0, 0, 0},  {Verdict::kContextLength, 0, 0, 0, 0},
      {Verdict::kContentPolicy, 0, 0, 0, 0},   {Verdict::kAuth, 3600, 3600, 0, 0},
      {Verdict::kPermission, 600, 0, 0, 0},    {Verdict::kBilling, 3600, 3600, 0, 0},
      {Verdict::kModelNotFound, 600, 0, 0, 0}, {Verdict::kRateLimit, 60, 60, 0, 0},
      {Verdict::kOverloaded, 10, 0, 10, 0},    {Verdict::kServerError, 0, 0, 0, 0},
      {Verdict::kTimeout, 0, 0, 0, 0},         {Verdict::kNetwork, 0, 0, 0, 0},
      {Verdict::kMalformed, 0, 0, 0, 0},       {Verdict::kConflict, 0, 0, 0, 0},
      {Verdict::kClientCancel, 0, 0, 0, 0},    {Verdict::kInexpressible, 0, 0, 0, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(verdict_name(row.verdict));
    Fixture fresh;
    fresh.health.report(fresh.a, fresh.k0, row.verdict, {}, at(100));
    CHECK(fresh.cooling(fresh.a, fresh.k0, 100) == row.same);
    CHECK(fresh.cooling(fresh.b, fresh.k0, 100) == row.other_model);
    CHECK(fresh.cooling(fresh.a, fresh.k1, 100) == row.other_key);
    CHECK(fresh.cooling(fresh.b, fresh.k1, 100) == row.other_both);
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "Retry-After replaces a rate limit's and an overload's wait, no other's") {
  health.report(a, k0, Verdict::kRateLimit, 7s, at(0));
  CHECK(cooling(a, k0, 0) == 7);
  health.report(b, k1, Verdict::kOverloaded, 3s, at(0));
  CHECK(cooling(b, k1, 0) == 3);
  health.report(a, k1, Verdict::kBilling, 1s, at(0));
  CHECK(cooling(a, k1, 0) == 3600);
  Fixture other;
  other.health.report(a, k0, Verdict::kRateLimit, 100h, at(0));
  CHECK(other.cooling(a, k0, 0) == 3600);  // at most an hour
}

TEST_CASE_FIXTURE(Fixture, "a repeated cooling keeps the later deadline") {
  health.report(a, k0, Verdict::kRateLimit, 50s, at(0));
  health.report(a, k0, Verdict::kRateLimit, 5s, at(10));
  CHECK(cooling(a, k0, 10) == 40);
  health.report(a, k0, Verdict::kRateLimit, 60s, at(10));
  CHECK(cooling(a, k0, 10) == 60);
  CHECK(cooling(a, k0, 69) == 1);
  CHECK(cooling(a, k0, 70) == 0);
}

TEST_CASE_FIXTURE(Fixture, "five failures in a row cool the target 30 s, doubling up to 300 s") {
  fail(a, 4, 0);
  CHECK(cooling(a, k0, 0) == 0);
  fail(a, 1, 0);
  CHECK(cooling(a, k0, 0) == 30);
  CHECK(cooling(a, k1, 0) == 30);
  CHECK(cooling(b, k0, 0) == 0);
  int now = 0;
  int wait = 30;
  for (const int next : {60, 120, 240, 300, 300, 300}) {
    fail(a, 3, now);  // calls that were under way when it tripped
    CHECK(cooling(a, k0, now) == wait);
    now += wait;
    CHECK(cooling(a, k0, now) == 0);
    fail(a, 1, now);  // still ill: one failure is enough
    CHECK(cooling(a, k0, now) == next);
    wait = next;
  }
}

TEST_CASE_FIXTURE(Fixture, "success clears the target's count") {
  for (int round = 0; round < 10; ++round) {
    fail(a, 4, round);
    health.report(a, k1, Verdict::kOk, {}, at(round));
  }
  CHECK(cooling(a, k0, 10) == 0);
  fail(a, 5, 10);
  CHECK(cooling(a, k0, 10) == 30);
  health.report(a, k0, Verdict::kOk, {}, at(40));
  fail(a, 4, 40);
  CHECK(cooling(a, k0, 40) == 0);
  fail(a, 1, 40);
  CHECK(cooling(a, k0, 40) == 30);  // and the doubling starts over
}

TEST_CASE_FIXTURE(Fixture, "what is no failure of the target never trips its breaker") {
  for (const Verdict verdict :
       {Verdict::kInvalidRequest, Verdict::kContextLength, Verdict::kContentPolicy,
        Verdict::kRateLimit, Verdict::kAuth, Verdict::kConflict, Verdict::kClientCancel,
        Verdict::kInexpressible}) {
    CAPTURE(verdict_name(verdict));
    Fixture fresh;
    fresh.fail(fresh.a, 100, 0, verdict);
    CHECK(fresh.cooling(fresh.a, fresh.k1, 0) == 0);
    // Nor does it clear the count.
    fresh.fail(fresh.a, 4, 0);
    fresh.fail(fresh.a, 1, 0, verdict);
    fresh.fail(fresh.a, 1, 0);
    CHECK(fresh.cooling(fresh.a, fresh.k1, 0) == 30);
  }
}

TEST_CASE_FIXTURE(Fixture, "cells are keyed by identity: they survive a reload, not a repair") {
  health.report(a, k0, Verdict::kAuth, {}, at(0));
  fail(b, 5, 0);
  Fixture reloaded;  // other objects, same names and secrets
  CHECK(cooling(reloaded.a, reloaded.k0, 1) == 3599);
  CHECK(cooling(reloaded.b, reloaded.k1, 1) == 29);
  const Credential repaired{"k0", Secret("another"), 1};
  CHECK(cooling(reloaded.a, repaired, 1) == 0);
  auto moved = std::make_shared<Provider>(*reloaded.p);
  moved->base_url = "https://elsewhere.example/v1";
  CHECK(cooling(target(moved, "b"), moved->credentials[1], 1) == 0);
}

TEST_CASE_FIXTURE(Fixture, "half-open: from the end of a trip to the next success") {
  fail(a, 4, 0);
  CHECK_FALSE(health.half_open(a, at(0)));
  CHECK(health.claim_probe(a, at(0)));  // nothing to claim: go on
  CHECK(health.claim_probe(a, at(0)));
  fail(a, 1, 0);
  CHECK_FALSE(health.half_open(a, at(29)));
  CHECK(health.half_open(a, at(30)));
  CHECK_FALSE(health.half_open(b, at(30)));
  CHECK(health.claim_probe(a, at(30)));
  CHECK_FALSE(health.claim_probe(a, at(30)));
  CHECK_FALSE(health.claim_probe(a, at(59)));
  CHECK(health.claim_probe(a, at(60)));
  // What blames only a key frees the probe for the next call.
  health.report(a, k0, Verdict::kRateLimit, {}, at(61));
  CHECK(health.half_open(a, at(61)));
  CHECK(health.claim_probe(a, at(61)));
  health.report(a, k0, Verdict::kNetwork, {}, at(62));
  CHECK_FALSE(health.half_open(a, at(121)));
  CHECK(health.half_open(a, at(122)));
  CHECK(health.claim_probe(a, at(122)));
  health.report(a, k0, Verdict::kOk, {}, at(123));
  CHECK_FALSE(health.half_open(a, at(123)));
}

TEST_CASE_FIXTURE(Fixture, "a caller that invents model names cannot push out what matters") {
  fail(a, 5, 0);
  health.report(b, k1, Verdict::kAuth, {}, at(0));
  for (int i = 0; i < 40'000; ++i) {
    // The time goes on, as sweeping is rare.
    health.report(target(p, "invented" + std::to_string(i)), k0, Verdict::kModelNotFound, {},
                  at(1 + i / 1000));
  }
  CHECK(cooling(a, k0, 20) == 10);
  CHECK(cooling(b, k1, 20) == 3580);
  CHECK(cooling(target(p, "invented39999"), k0, 40) > 0);
  fail(b, 5, 40);
  CHECK(cooling(b, k0, 40) == 30);
}

TEST_CASE_FIXTURE(Fixture, "four threads: of a half-open target exactly one gets the probe") {
  for (int round = 0; round < 50; ++round) {
    Fixture fresh;
    fresh.fail(fresh.a, 5, 0);
    std::atomic<int> claims{0};
    std::vector<std::thread> threads;
    for (int id = 0; id < 4; ++id)
      threads.emplace_back([&] { claims += fresh.health.claim_probe(fresh.a, at(30)) ? 1 : 0; });
    for (std::thread& thread : threads) thread.join();
    CHECK(claims == 1);
  }
}

TEST_CASE_FIXTURE(Fixture, "four threads: no deadline moves back, and one trip is one trip") {
  std::atomic<bool> ok{true};
  std::vector<std::thread> threads;
  for (unsigned id = 0; id < 4; ++id) {
    threads.emplace_back([&, id] {
      Random random(id);
      std::optional<TimePoint> seen;
      for (int i = 0; i < 2000; ++i) {
        const auto wait = std::chrono::milliseconds(1000 + random.below(1'000'000));
        health.report(a, k0, Verdict::kRateLimit, wait, at(0));
        const auto until = health.cooling_until(a, k0, at(0));
        if (!until || *until < at(0) + wait || (seen && *until < *seen)) ok = false;
        seen = until;
        health.report(b, k1, Verdict::kNetwork, {}, at(0));
        const Target own = target(p, "own" + std::to_string(random.below(50)));
        health.report(own, k1, i % 3 == 0 ? Verdict::kOk : Verdict::kServerError, {}, at(0));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(ok);
  CHECK(cooling(b, k1, 0) == 30);
}

}  // namespace
}  // namespace llmorch
