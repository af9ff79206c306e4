// kill -9: a process appends batches and says so after each; it is killed at random, and at every
// call it makes to the disk. Every Record it acknowledged is there, once; of the batch it was at,
// all or nothing.
#include <doctest/doctest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <string>

#include "base/random.h"
#include "storage/fault_disk.h"
#include "storage/sqlite_connection.h"
#include "storage/sqlite_database.h"
#include "storage/store_kinds.h"
#include "support/process.h"

namespace llmorch::test {
namespace {

constexpr const char* kChild = "storage child: appends until it is killed";

// Two to nine Records, the same whenever they are made.
std::vector<Record> batch_of(int run, int number) {
  Random random(static_cast<std::uint64_t>(run) * 1000 + static_cast<std::uint64_t>(number));
  std::vector<Record> batch;
  for (int i = 1 + static_cast<int>(random.below(8)); i >= 0; --i) {
    Record record = sample_record(i);
    record.id = std::to_string(run) + "-" + std::to_string(number) + "-" + std::to_string(i);
    batch.push_back(std::move(record));
  }
  return batch;
}

int number_in(const char* name) {
  const char* text = ::getenv(name);
  return text == nullptr ? 0 : std::atoi(text);
}

// The last number that the child acknowledged, -1 for none.
int last_acknowledged(const std::string& output) {
  const std::size_t at = output.rfind("acknowledged ");
  return at == std::string::npos ? -1 : std::atoi(output.c_str() + at + 13);
}

struct Found {
  std::map<std::string, int> times;  // each id, how often
};

Found find_all(const std::string& dir) {
  Found found;
  Stores stores = open_sqlite(dir);
  for (const Record& record : all_pages(*stores.ledger, {}, 1000)) ++found.times[record.id];
  return found;
}

// `acknowledged` is the number of the last batch of that run whose append() returned.
void check_run(const Found& found, int run, int acknowledged, std::size_t& records) {
  for (int number = 0; number <= acknowledged + 1; ++number) {
    const std::vector<Record> batch = batch_of(run, number);
    std::size_t there = 0;
    for (const Record& record : batch) {
      const auto it = found.times.find(record.id);
      if (it == found.times.end()) continue;
      CHECK(it->second == 1);
      ++there;
    }
    CAPTURE(run);
    CAPTURE(number);
    if (number <= acknowledged) {
      CHECK(there == batch.size());
    } else {
      CHECK((there == 0 || there == batch.size()));
    }
    records += there;
  }
}

void check_integrity(const std::string& dir) {
  auto connection = Connection::open(database_path(dir), Connection::Access::kRead);
  REQUIRE(connection);
  Statement check = (*connection)->prepare("PRAGMA integrity_check");
  REQUIRE(check.next());
  CHECK(check.text(0) == "ok");
}

Process start_child(const std::string& dir, int run, int kill_at) {
  return Process({std::filesystem::read_symlink("/proc/self/exe").string(), "--no-skip",
                  "--test-case=" + std::string(kChild)},
                 {{"LLMORCH_STORAGE_DIR", dir},
                  {"LLMORCH_STORAGE_RUN", std::to_string(run)},
                  {"LLMORCH_STORAGE_KILL_AT", std::to_string(kill_at)}});
}

TEST_CASE(kChild* doctest::skip()) {
  const char* dir = ::getenv("LLMORCH_STORAGE_DIR");
  if (dir == nullptr) return;  // somebody ran it by hand
  const int run = number_in("LLMORCH_STORAGE_RUN");
  const int kill_at = number_in("LLMORCH_STORAGE_KILL_AT");
  Stores stores = open_sqlite(dir);
  if (kill_at > 0) arm_disk(DiskFault::kKill, kill_at);
  for (int number = 0; number < 100'000; ++number) {
    REQUIRE(stores.ledger->append(batch_of(run, number)).ok());
    // Again, as a writer does that does not know how the first went.
    if (number % 3 == 0) REQUIRE(stores.ledger->append(batch_of(run, number)).ok());
    const std::string line = "acknowledged " + std::to_string(number) + ";\n";
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) return;
  }
}

TEST_CASE("crash: killed at random") {
  const TempDir dir;
  Random random(3);
  std::vector<int> acknowledged;
  constexpr int kRuns = 25;
  for (int run = 0; run < kRuns; ++run) {
    Process child = start_child(dir.path(), run, 0);
    const int reached = static_cast<int>(random.below(60));
    REQUIRE(child.wait_for_line("acknowledged " + std::to_string(reached) + ";"));
    child.signal(SIGKILL);
    REQUIRE(child.wait_exit());
    acknowledged.push_back(last_acknowledged(child.output()));
    CHECK(acknowledged.back() >= reached);
  }
  const Found found = find_all(dir.path());
  std::size_t records = 0;
  for (int run = 0; run < kRuns; ++run)
    check_run(found, run, acknowledged[static_cast<std::size_t>(run)], records);
  CHECK(found.times.size() == records);  // and nothing that nobody wrote
  check_integrity(dir.path());
}

TEST_CASE("crash: killed at each call to the disk, with half of a write done") {
  const TempDir dir;
  std::vector<int> acknowledged;
  constexpr int kRuns = 40;
  for (int run = 0; run < kRuns; ++run) {
    Process child = start_child(dir.path(), run, run + 1);
    REQUIRE(child.wait_exit() == -SIGKILL);
    acknowledged.push_back(last_acknowledged(child.output()));
    // Each restart finds a sound file; the next run goes on with it.
    std::size_t records = 0;
    check_run(find_all(dir.path()), run, acknowledged.back(), records);
  }
  const Found found = find_all(dir.path());
  std::size_t records = 0;
  for (int run = 0; run < kRuns; ++run)
    check_run(found, run, acknowledged[static_cast<std::size_t>(run)], records);
  CHECK(found.times.size() == records);
  CHECK(acknowledged.back() > acknowledged.front());  // the kills came later and later
  check_integrity(dir.path());
}

}  // namespace
}  // namespace llmorch::test
