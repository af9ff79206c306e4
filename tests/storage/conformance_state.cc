// What every StateStore promises (spi/store.h).
#include <doctest/doctest.h>

#include <atomic>
#include <limits>
#include <string>
#include <thread>

#include "storage/store_kinds.h"

namespace llmorch::test {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

TEST_CASE("state: what is granted, and what the counter then says") {
  struct Row {
    const char* name;
    std::int64_t used, want, limit;
    CounterGrant grant;
  };
  // One after the other, on one counter.
  const Row rows[] = {
      {"just count", 5, 0, -1, {0, 5}},
      {"a grant in advance counts as used", 0, 10, -1, {10, 15}},
      {"within the limit", 1, 4, 100, {4, 20}},
      {"what is left of the limit", 0, 500, 100, {80, 100}},
      {"nothing is left", 0, 1, 100, {0, 100}},
      {"what was not spent is given back", -30, 0, 100, {0, 70}},
      {"and granted again", 0, 500, 100, {30, 100}},
      {"use beyond the limit is counted all the same", 7, 1, 100, {0, 107}},
      {"a lower limit takes nothing back", 0, 1, 10, {0, 107}},
      {"a limit of nothing", 0, 1, 0, {0, 107}},
      {"a negative wish is none", 0, -5, -1, {0, 107}},
      {"never below nothing", -1000, 0, -1, {0, 0}},
      {"the largest number is no end", kMax, kMax, -1, {kMax, kMax}},
      {"and stays it", kMax, 1, kMax, {0, kMax}},
  };
  for_each_kind([&rows](Stores& stores) {
    for (const Row& row : rows) {
      CAPTURE(row.name);
      const auto grants =
          stores.state->sync({{"k/rpm", row.used, row.want, row.limit, at(60)}}, at(0));
      REQUIRE_MESSAGE(grants, grants.error().message());
      CHECK(grants->front().granted == row.grant.granted);
      CHECK(grants->front().total == row.grant.total);
    }
  });
}

TEST_CASE("state: counters are apart, and answered in the order of asking") {
  for_each_kind([](Stores& stores) {
    const auto grants = stores.state->sync(
        {{"a", 1, 0, -1, at(60)}, {"b", 2, 3, 4, at(60)}, {"a", 10, 0, -1, at(60)}}, at(0));
    REQUIRE(grants);
    CHECK(*grants == std::vector<CounterGrant>{{0, 1}, {2, 4}, {0, 11}});
    CHECK(stores.state->sync({}, at(0))->empty());
  });
}

TEST_CASE("state: a counter begins again when its time is over") {
  for_each_kind([](Stores& stores) {
    const auto total = [&stores](std::int64_t now, std::int64_t expires) {
      return stores.state->sync({{"k", 1, 0, -1, at(expires)}}, at(now))->front().total;
    };
    CHECK(total(0, 60) == 1);
    CHECK(total(59, 60) == 2);
    CHECK(total(60, 120) == 1);
    CHECK(total(119, 100) == 2);  // an earlier end does not shorten it
    CHECK(total(119, 120) == 3);
    CHECK(total(500, 600) == 1);
  });
}

TEST_CASE("state: what is too much is refused, and nothing of it counts") {
  for_each_kind([](Stores& stores) {
    CHECK(
        stores.state->sync({{"a", 1, 0, -1, at(9)}, {"", 1, 0, -1, at(9)}}, at(0)).error().code() ==
        Code::kInvalidArgument);
    CHECK(stores.state->sync({{std::string(257, 'x'), 1, 0, -1, at(9)}}, at(0)).error().code() ==
          Code::kInvalidArgument);
    CHECK(stores.state
              ->sync(std::vector<CounterDelta>(StateStore::kMaxDeltas + 1, {"a", 1, 0, -1, at(9)}),
                     at(0))
              .error()
              .code() == Code::kTooLarge);
    CHECK(stores.state->sync({{"a", 0, 0, -1, at(9)}}, at(0))->front().total == 0);
  });
}

TEST_CASE("state: many at once never get more than the limit") {
  for_each_kind([](Stores& stores) {
    std::atomic<std::int64_t> granted{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&stores, &granted] {
        for (int i = 0; i < 20; ++i) {
          const auto grants = stores.state->sync({{"k", 0, 3, 100, at(60)}}, at(0));
          if (grants) granted += grants->front().granted;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(granted == 100);
  });
}

}  // namespace
}  // namespace llmorch::test
