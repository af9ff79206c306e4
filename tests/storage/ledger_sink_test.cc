// DESIGN 4.8: a slow or failing ledger is never in a call's way, and what it costs is counted.
#include "storage/ledger_sink.h"

#include <doctest/doctest.h>

#include <latch>
#include <thread>
#include <utility>

#include "engine/record_queue.h"
#include "storage/hooked_stores.h"
#include "storage/open_stores.h"
#include "storage/store_kinds.h"

namespace llmorch::test {
namespace {

TEST_CASE("sink: while the ledger takes its time, calls push on; nothing is lost") {
  const Stores inner = memory_stores();
  std::latch appending(1), answered(1);
  bool first = true;
  Stores stores = hooked_stores(inner, [&](const std::function<void()>& run) {
    if (std::exchange(first, false)) appending.count_down();
    answered.wait();  // the ledger takes until the test says so
    run();
    return Status();
  });
  RecordQueue queue(1000, [] {});
  LedgerSink sink(stores.ledger);
  std::vector<Record> batch;
  const auto deliver = [&] {
    while (queue.take(batch)) {
      for (Record& record : batch) sink.add(std::move(record));
      CHECK(sink.flush().ok());
    }
  };
  queue.push(sample_record(0));
  std::thread writer(deliver);
  appending.wait();
  // This thread is the loop: the ledger is in the middle of an append and will not answer before
  // all of this has been done.
  for (int i = 1; i < 1101; ++i) queue.push(sample_record(i));
  CHECK(queue.dropped() == 100);  // over the queue's bound: dropped, counted, and no wait
  CHECK(inner.ledger->stats({}, StatsBy::kTotal, 1)->empty());
  answered.count_down();
  writer.join();
  deliver();
  CHECK(sink.written() == 1001);
  CHECK(sink.dropped() == 0);
  CHECK(all_pages(*inner.ledger, {}, 1000).size() == 1001);
}

TEST_CASE("sink: batches of 512; what fails waits, in order, and goes with the next flush") {
  const Stores inner = memory_stores();
  std::vector<bool> fails;  // the operations to come; none: they work
  int operations = 0;
  Stores stores = hooked_stores(inner, [&](const std::function<void()>& run) -> Status {
    const auto index = static_cast<std::size_t>(operations++);
    if (index < fails.size() && fails[index]) return Status(Code::kStorage, "no");
    run();
    return {};
  });
  LedgerSink sink(stores.ledger, 1200);
  for (Record& record : sample_records(0, 1300)) sink.add(std::move(record));
  CHECK(sink.waiting() == 1200);
  CHECK(sink.dropped() == 100);
  fails = {false, true};
  CHECK(sink.flush().code() == Code::kStorage);
  CHECK(operations == 2);
  CHECK(sink.written() == 512);
  CHECK(sink.waiting() == 688);
  CHECK(sink.flush().ok());
  CHECK(operations == 4);
  CHECK(sink.written() == 1200);
  CHECK(sink.waiting() == 0);
  CHECK(sink.flush().ok());
  CHECK(operations == 4);  // nothing waits: the ledger is left alone
  const std::vector<Record> kept = all_pages(*inner.ledger, {}, 1000);
  REQUIRE(kept.size() == 1200);
  CHECK(all_of(kept.front()) == all_of(sample_record(1199)));
  CHECK(all_of(kept.back()) == all_of(sample_record(0)));
}

}  // namespace
}  // namespace llmorch::test
