// What every Ledger promises (spi/store.h).
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "base/random.h"
#include "storage/open_stores.h"
#include "storage/store_kinds.h"

namespace llmorch::test {
namespace {

std::vector<Record> newest_first(std::vector<Record> records) {
  std::reverse(records.begin(), records.end());
  return records;
}

TEST_CASE("ledger: a Record comes back with everything it said") {
  for_each_kind([](Stores& stores) {
    const std::vector<Record> records = sample_records(0, 60);
    REQUIRE(stores.ledger->append(records).ok());
    for (const Record& record : records) {
      CAPTURE(record.id);
      const auto got = stores.ledger->get(record.id);
      REQUIRE_MESSAGE(got, got.error().message());
      CHECK(all_of(*got) == all_of(record));
    }
    CHECK(stores.ledger->get("0193-x").error().code() == Code::kNotFound);
    CHECK(stores.ledger->get("").error().code() == Code::kNotFound);
  });
}

TEST_CASE("ledger: appending again writes nothing twice; another call of the same id is kept") {
  for_each_kind([](Stores& stores) {
    Ledger& ledger = *stores.ledger;
    REQUIRE(ledger.append(sample_records(0, 5)).ok());
    REQUIRE(ledger.append(sample_records(3, 8)).ok());
    REQUIRE(ledger.append({}).ok());
    CHECK(all_of(all_pages(ledger, {}, 100)) == all_of(newest_first(sample_records(0, 8))));
    // The first text stays: a Record is written once.
    Record changed = sample_record(4);
    changed.http_status = 1;
    REQUIRE(ledger.append({changed}).ok());
    CHECK(all_of(*ledger.get(changed.id)) == all_of(sample_record(4)));

    Record reused = sample_record(4);
    reused.started = at(5000);
    reused.http_status = 418;
    REQUIRE(ledger.append({reused}).ok());
    CHECK(all_pages(ledger, {}, 100).size() == 9);
    CHECK(ledger.get(reused.id)->http_status == 418);
  });
}

TEST_CASE("ledger: pages are newest first and complete, whatever their size") {
  for_each_kind([](Stores& stores) {
    Ledger& ledger = *stores.ledger;
    std::vector<Record> records = sample_records(0, 40);
    for (int i = 10; i < 20; ++i) records[static_cast<std::size_t>(i)].started = at(100);
    std::sort(records.begin(), records.end(), [](const Record& a, const Record& b) {
      return std::tie(a.started, a.id) > std::tie(b.started, b.id);
    });
    REQUIRE(ledger.append(records).ok());
    for (const std::size_t limit : {1, 3, 39, 40, 41, 1000}) {
      CAPTURE(limit);
      CHECK(all_of(all_pages(ledger, {}, limit)) == all_of(records));
    }
    CHECK(ledger.query({}, "", 40)->next.empty());
    // What is written meanwhile is newer than the cursor: it moves no page.
    const auto first = ledger.query({}, "", 10);
    REQUIRE(first);
    REQUIRE(ledger.append({sample_record(90)}).ok());
    const auto second = ledger.query({}, first->next, 10);
    REQUIRE(second);
    CHECK(second->records.front().id == records[10].id);
    for (const char* cursor : {"x", "12", ".", "99999999999999999999.a", "1x.a"}) {
      CAPTURE(cursor);
      const auto page = ledger.query({}, cursor, 10);
      CHECK(page.error().code() == Code::kInvalidArgument);
      CHECK(page.error().param() == "cursor");
    }
  });
}

TEST_CASE("ledger: filters") {
  struct Row {
    const char* name;
    LedgerFilter filter;
    bool (*wanted)(const Record&);
  };
  const Row rows[] = {
      {"from", {.from = at(105)}, [](const Record& r) { return r.started >= at(105); }},
      {"until", {.until = at(105)}, [](const Record& r) { return r.started < at(105); }},
      {"from is in, until is out",
       {.from = sample_record(5).started, .until = sample_record(9).started},
       [](const Record& r) {
         return r.started >= sample_record(5).started && r.started < sample_record(9).started;
       }},
      {"nothing between", {.from = at(200), .until = at(100)}, [](const Record&) { return false; }},
      {"provider",
       {.provider = "openai"},
       [](const Record& r) {
         return !r.attempts.empty() && r.attempts.back().provider == "openai";
       }},
      {"model", {.model = "smart"}, [](const Record& r) { return r.model == "smart"; }},
      {"key", {.key_id = "key-a"}, [](const Record& r) { return r.principal.id == "key-a"; }},
      {"key and time",
       {.until = at(105), .key_id = "key-a"},
       [](const Record& r) { return r.principal.id == "key-a" && r.started < at(105); }},
      {"no such key", {.key_id = "key-z"}, [](const Record&) { return false; }},
      {"project", {.project = "red"}, [](const Record& r) { return r.principal.project == "red"; }},
      {"error type",
       {.error_type = "caller_cancelled"},
       [](const Record& r) { return r.error_type == "caller_cancelled"; }},
      {"trace",
       {.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"},
       [](const Record& r) { return !r.trace_id.empty(); }},
      {"session", {.session = "s2"}, [](const Record& r) { return r.session == "s2"; }},
      {"status", {.http_status = 499}, [](const Record& r) { return r.http_status == 499; }},
      {"failed", {.failed = true}, [](const Record& r) { return !r.error_type.empty(); }},
      {"not failed", {.failed = false}, [](const Record& r) { return r.error_type.empty(); }},
      {"all of it",
       {.model = "fast", .key_id = "key-b", .project = "blue", .failed = true},
       [](const Record& r) {
         return r.model == "fast" && r.principal.id == "key-b" && r.principal.project == "blue" &&
                !r.error_type.empty();
       }},
  };
  for_each_kind([&rows](Stores& stores) {
    const std::vector<Record> records = sample_records(0, 60);
    REQUIRE(stores.ledger->append(records).ok());
    for (const Row& row : rows) {
      CAPTURE(row.name);
      std::vector<Record> wanted;
      std::copy_if(records.rbegin(), records.rend(), std::back_inserter(wanted), row.wanted);
      CHECK(all_of(all_pages(*stores.ledger, row.filter, 7)) == all_of(wanted));
    }
  });
}

TEST_CASE("ledger: sums") {
  for_each_kind([](Stores& stores) {
    Ledger& ledger = *stores.ledger;
    CHECK(ledger.stats({}, StatsBy::kTotal, 10)->empty());
    std::vector<Record> records(3);
    for (std::size_t i = 0; i < records.size(); ++i) {
      records[i].id = std::to_string(i);
      records[i].started = at(86'400 * static_cast<std::int64_t>(i / 2) + 86'399);
      records[i].model = i == 0 ? "a" : "b";
      records[i].principal = {i == 2 ? "" : "k", "p"};
      records[i].http_status = i == 2 ? 429 : 200;
      records[i].error_type = i == 2 ? "policy_rate_limited" : "";
      records[i].usage = {1, 10, 100, 1000, 10000};
      records[i].cost_nano_usd = 5;
      records[i].duration_us = 7;
      records[i].first_event_us = i == 2 ? -1 : 3;
      if (i < 2) {
        records[i].attempts.resize(i + 1);
        records[i].attempts.back().provider = "claude";
      }
    }
    REQUIRE(ledger.append(records).ok());

    const StatsRow all{"", 3, 1, 3, {3, 30, 300, 3000, 30000}, 15, 21, 2, 6, records[2].started};
    CHECK(*ledger.stats({}, StatsBy::kTotal, 10) == std::vector<StatsRow>{all});
    const StatsRow good{"200", 2,  0, 3, {2, 20, 200, 2000, 20000},
                        10,    14, 2, 6, records[1].started};
    CHECK(ledger.stats({}, StatsBy::kStatus, 10)->front() == good);
    CHECK(*ledger.stats({}, StatsBy::kStatus, 1) == std::vector<StatsRow>{good});
    CHECK(ledger.stats({.http_status = 200}, StatsBy::kTotal, 10)->front().cost_nano_usd == 10);
    CHECK(ledger.stats({.key_id = "k"}, StatsBy::kTotal, 10)->front().calls == 2);

    struct Row {
      StatsBy by;
      std::vector<std::string> groups;
    };
    const Row rows[] = {
        {StatsBy::kProvider, {"claude", ""}},
        {StatsBy::kModel, {"b", "a"}},
        {StatsBy::kKey, {"k", ""}},
        {StatsBy::kProject, {"p"}},
        {StatsBy::kStatus, {"200", "429"}},
        {StatsBy::kErrorType, {"", "policy_rate_limited"}},
        {StatsBy::kDay, {"2026-11-23", "2026-11-24"}},
    };
    for (const Row& row : rows) {
      const auto stats = ledger.stats({}, row.by, 10);
      REQUIRE(stats);
      std::vector<std::string> groups;
      for (const StatsRow& group : *stats) groups.push_back(group.group);
      CHECK(groups == row.groups);
    }
  });
}

TEST_CASE("ledger: retention deletes the oldest, in batches") {
  for_each_kind([](Stores& stores) {
    Ledger& ledger = *stores.ledger;
    REQUIRE(ledger.append(sample_records(0, 50)).ok());
    const WallTime before = sample_record(25).started;  // 25 are older
    CHECK(*ledger.remove_before(before, 10) == 10);
    CHECK(all_of(all_pages(ledger, {}, 100)) == all_of(newest_first(sample_records(10, 50))));
    CHECK(ledger.get(sample_record(9).id).error().code() == Code::kNotFound);
    CHECK(*ledger.remove_before(before, 10) == 10);
    CHECK(*ledger.remove_before(before, 10) == 5);
    CHECK(*ledger.remove_before(before, 10) == 0);
    CHECK(all_pages(ledger, {}, 100).size() == 25);
    CHECK(ledger.stats({}, StatsBy::kTotal, 1)->front().calls == 25);
  });
}

TEST_CASE("ledger: what is too much is refused, and one odd Record spoils no batch") {
  for_each_kind([](Stores& stores) {
    Ledger& ledger = *stores.ledger;
    CHECK(ledger.append(std::vector<Record>(Ledger::kMaxBatch + 1)).code() == Code::kTooLarge);
    for (const std::size_t limit : {std::size_t{0}, std::size_t{1'000'000}}) {
      CHECK(ledger.query({}, "", limit).error().param() == "limit");
      CHECK(ledger.stats({}, StatsBy::kTotal, limit).error().param() == "limit");
      CHECK(ledger.remove_before(at(0), limit).error().param() == "limit");
    }
    Record odd = sample_record(1);
    odd.error_message.assign(100'000, 'x');
    odd.raw_usage.assign(100'000, '1');
    odd.model_asked = "bad \xFF bytes";
    odd.session = std::string("nul \0 byte", 10);
    odd.plan.resize(1000);
    odd.attempts.resize(1000);
    odd.dropped.assign(1000, "field");
    REQUIRE(ledger.append({sample_record(0), odd, sample_record(2)}).ok());
    const auto kept = ledger.get(odd.id);
    REQUIRE(kept);
    CHECK(kept->error_message.size() <= 4096);
    CHECK(kept->error_message.substr(0, 100) == std::string(100, 'x'));
    CHECK(kept->raw_usage.empty());
    CHECK(kept->session == odd.session);
    CHECK(kept->plan.size() == 64);
    CHECK(kept->attempts.size() == 64);
    CHECK(kept->dropped.size() == 64);
    CHECK(all_pages(ledger, {}, 10).size() == 3);
  });
}

// The memory ledger is the model; the others must give its answers to the same random steps.
TEST_CASE("ledger: every kind answers random searches alike") {
  for_each_kind([](Stores& stores) {
    const Stores model = memory_stores();
    Random random(11);
    const auto pick = [&random](std::initializer_list<const char*> words) {
      return std::string(words.begin()[random.below(words.size())]);
    };
    for (int step = 0; step < 120; ++step) {
      CAPTURE(step);
      const int from = static_cast<int>(random.below(300));
      const auto batch = sample_records(from, from + static_cast<int>(random.below(20)));
      REQUIRE(model.ledger->append(batch).ok());
      REQUIRE(stores.ledger->append(batch).ok());
      LedgerFilter filter;
      if (random.below(2) == 0) filter.from = at(static_cast<std::int64_t>(random.below(3000)));
      if (random.below(2) == 0) filter.until = at(static_cast<std::int64_t>(random.below(3000)));
      filter.provider = pick({"", "", "openai", "claude"});
      filter.model = pick({"", "", "smart"});
      filter.key_id = pick({"", "", "key-a", "key-b"});
      filter.project = pick({"", "", "", "red"});
      if (random.below(3) == 0) filter.failed = random.below(2) == 0;
      const std::size_t limit = 1 + random.below(50);
      CHECK(all_of(all_pages(*stores.ledger, filter, limit)) ==
            all_of(all_pages(*model.ledger, filter, limit)));
      const auto by = static_cast<StatsBy>(random.below(8));
      CHECK(*stores.ledger->stats(filter, by, limit) == *model.ledger->stats(filter, by, limit));
      if (random.below(4) == 0) {
        const WallTime before = at(static_cast<std::int64_t>(random.below(2000)));
        CHECK(*stores.ledger->remove_before(before, 15) ==
              *model.ledger->remove_before(before, 15));
      }
    }
  });
}

TEST_CASE("ledger in memory: the oldest go when it is full") {
  const Stores stores = memory_stores(10);
  REQUIRE(stores.ledger->append(sample_records(0, 8)).ok());
  REQUIRE(stores.ledger->append(sample_records(8, 16)).ok());
  CHECK(all_of(all_pages(*stores.ledger, {}, 100)) == all_of(newest_first(sample_records(6, 16))));
  CHECK(stores.ledger->get(sample_record(5).id).error().code() == Code::kNotFound);
}

}  // namespace
}  // namespace llmorch::test
