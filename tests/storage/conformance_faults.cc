// Stores that fail at the n-th operation, before doing it or after (the answer is lost), and a disk
// that fails at the n-th call: no failure is silent, none leaves half of something, and what was
// acknowledged stays.
#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <string>

#include "storage/fault_disk.h"
#include "storage/hooked_stores.h"
#include "storage/ledger_sink.h"
#include "storage/open_stores.h"
#include "storage/store_kinds.h"

namespace llmorch::test {
namespace {

constexpr int kBatches = 3;
constexpr int kPerBatch = 4;

struct Acknowledged {
  std::map<std::string, std::uint64_t> objects;  // name and version
  std::int64_t counted = 0;
  int failures = 0;
};

// What a gateway does in its background, each step tried until it is acknowledged.
Acknowledged work(Stores& stores, LedgerSink& sink) {
  Acknowledged done;
  const auto until_ok = [&done](const std::function<Status()>& step) {
    for (int tries = 0; tries < 20; ++tries) {
      const Status status = step();
      if (status.ok()) return;
      ++done.failures;
      CHECK_FALSE(status.message().empty());
    }
    FAIL("the failure does not end");
  };
  for (int batch = 0; batch < kBatches; ++batch) {
    for (Record& record : sample_records(batch * kPerBatch, (batch + 1) * kPerBatch))
      sink.add(std::move(record));
    until_ok([&sink] { return sink.flush(); });
    until_ok([&] {
      const std::string name = "n" + std::to_string(batch);
      auto put = stores.catalog->put(sample_object("key", name, name));
      if (put) done.objects[name] = put->version;
      return put.error();
    });
    until_ok([&] {
      const auto grants = stores.state->sync({{"k", 1, 0, -1, at(60)}}, at(0));
      if (grants) ++done.counted;
      return grants.error();
    });
  }
  return done;
}

// The stores hold what was acknowledged: Records and objects exactly, counters at least.
void check_kept(Stores& stores, const Acknowledged& done) {
  CHECK(all_pages(*stores.ledger, {}, 1000).size() == kBatches * kPerBatch);
  for (int i = 0; i < kBatches * kPerBatch; ++i) {
    const auto record = stores.ledger->get(sample_record(i).id);
    REQUIRE(record);
    REQUIRE(all_of(*record) == all_of(sample_record(i)));
  }
  const auto contents = stores.catalog->list("key");
  REQUIRE(contents);
  CHECK(contents->objects.size() == done.objects.size());
  for (const CatalogObject& object : contents->objects) {
    REQUIRE(done.objects.contains(object.name));
    CHECK(done.objects.at(object.name) == object.version);
  }
  const auto grants = stores.state->sync({{"k", 0, 0, -1, at(60)}}, at(0));
  REQUIRE(grants);
  CHECK(grants->front().total >= done.counted);
  CHECK(grants->front().total <= done.counted + done.failures);
}

TEST_CASE("faults: an operation fails, or its answer is lost") {
  for (const StoreKind& kind : kinds()) {
    CAPTURE(kind.name);
    for (const bool answer_lost : {false, true}) {
      CAPTURE(answer_lost);
      for (int nth = 1; nth <= 3 * kBatches; ++nth) {
        CAPTURE(nth);
        const TempDir dir;
        Stores inner = kind.open(dir.path());
        int operation = 0;
        Stores stores = hooked_stores(inner, [&](const std::function<void()>& run) -> Status {
          const bool fails = ++operation == nth;
          if (!fails || answer_lost) run();
          return fails ? Status(Code::kStorage, "the store failed, as the test wants it")
                       : Status();
        });
        LedgerSink sink(stores.ledger);
        const Acknowledged done = work(stores, sink);
        CHECK(done.failures == 1);
        CHECK(sink.written() == kBatches * kPerBatch);
        CHECK(sink.dropped() == 0);
        check_kept(inner, done);
      }
    }
  }
}

TEST_CASE("faults: the disk fails at the n-th call") {
  int survived = 0;
  for (const DiskFault fault : {DiskFault::kError, DiskFault::kTorn}) {
    for (int nth = 1; nth < 1000; ++nth) {
      CAPTURE(nth);
      const TempDir dir;
      Acknowledged done;
      int calls = 0;
      {
        Stores stores = open_sqlite(dir.path());
        LedgerSink sink(stores.ledger);
        arm_disk(fault, nth);
        done = work(stores, sink);
        calls = disarm_disk();
        CHECK(sink.dropped() == 0);
        check_kept(stores, done);
      }
      Stores reopened = open_sqlite(dir.path());
      check_kept(reopened, done);
      if (nth > calls) break;  // the whole work was done before the fault
      CHECK(done.failures == 1);
      ++survived;
    }
  }
  CHECK(survived > 2 * 3 * kBatches);  // one write and one sync for each at the least
}

TEST_CASE("faults: a full disk is an error until there is room again") {
  const TempDir dir;
  Stores stores = open_sqlite(dir.path());
  LedgerSink sink(stores.ledger, 50);
  REQUIRE(stores.ledger->append(sample_records(0, 10)).ok());
  arm_disk(DiskFault::kFull, 1);
  for (Record& record : sample_records(10, 70)) sink.add(std::move(record));
  CHECK(sink.waiting() == 50);
  CHECK(sink.dropped() == 10);  // counted, and the newest ones
  CHECK(sink.flush().code() == Code::kStorage);
  CHECK(stores.catalog->put(sample_object("key", "1", "a")).error().code() == Code::kStorage);
  CHECK(stores.state->sync({{"k", 1, 0, -1, at(9)}}, at(0)).error().code() == Code::kStorage);
  // Reading goes on meanwhile.
  CHECK(all_pages(*stores.ledger, {}, 100).size() == 10);
  CHECK(stores.catalog->list("")->objects.empty());
  disarm_disk();
  CHECK(sink.flush().ok());
  CHECK(sink.written() == 50);
  CHECK(sink.waiting() == 0);
  CHECK(all_pages(*stores.ledger, {}, 100).size() == 60);
  CHECK(stores.state->sync({{"k", 1, 0, -1, at(9)}}, at(0))->front().total == 1);
}

}  // namespace
}  // namespace llmorch::test
