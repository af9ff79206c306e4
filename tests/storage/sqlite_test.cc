// What only the SQLite stores do: files and their modes, the directory's lock, migrations, reading
// beside writing.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <latch>
#include <set>
#include <string>
#include <thread>

#include "storage/fault_disk.h"
#include "storage/open_stores.h"
#include "storage/sha256.h"
#include "storage/sqlite_database.h"
#include "storage/sqlite_stores.h"
#include "storage/store_kinds.h"

namespace llmorch::test {
namespace {

unsigned mode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

Result<std::shared_ptr<Database>> open_with(const std::string& dir,
                                            const std::vector<Migration>& known) {
  auto data_dir = DataDir::open(dir);
  REQUIRE_MESSAGE(data_dir, data_dir.error().message());
  return Database::open(*std::move(data_dir), known);
}

Status run_sql(const std::string& dir, const char* sql) {
  auto connection = Connection::open(database_path(dir), Connection::Access::kWrite);
  REQUIRE(connection);
  return (*connection)->execute(sql);
}

TEST_CASE("data directory: made for its owner alone, and so are the files") {
  const TempDir top;
  const std::string dir = top.path() + "/a/b/data";
  const mode_t before = ::umask(0);
  {
    Stores stores = open_sqlite(dir);
    REQUIRE(stores.ledger->append({sample_record(1)}).ok());
    CHECK(mode_of(dir) == 0700);
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(dir)) {
      names.insert(entry.path().filename());
      CAPTURE(entry.path().string());
      CHECK(mode_of(entry.path()) == 0600);
    }
    CHECK(names ==
          std::set<std::string>{"llmorch.db", "llmorch.db-shm", "llmorch.db-wal", "llmorch.lock"});
  }
  ::umask(before);
  // Closed, the database is one file again, which can be copied.
  CHECK_FALSE(std::filesystem::exists(dir + "/llmorch.db-wal"));
  ::chmod(database_path(dir).c_str(), 0644);
  const Stores again = open_sqlite(dir);
  CHECK(mode_of(database_path(dir)) == 0600);
  CHECK(all_of(*again.ledger->get(sample_record(1).id)) == all_of(sample_record(1)));
}

TEST_CASE("data directory: the second to open it is told who has it") {
  const TempDir dir;
  Stores stores = open_sqlite(dir.path());
  const auto second = DataDir::open(dir.path());
  REQUIRE_FALSE(second);
  CHECK(second.error().reason() == "data_dir_in_use");
  CHECK(second.error().message().find(dir.path()) != std::string::npos);
  CHECK(second.error().message().find("process " + std::to_string(::getpid())) !=
        std::string::npos);
  CHECK(storage_migrate_up(dir.path()).reason() == "data_dir_in_use");
  stores.catalog.reset();
  stores.ledger.reset();
  CHECK_FALSE(DataDir::open(dir.path()));  // one store still holds it
  stores.state.reset();
  CHECK(DataDir::open(dir.path()));
}

TEST_CASE("data directory: one that cannot be made says why") {
  const TempDir dir;
  std::ofstream(dir.path() + "/file") << "x";
  for (const char* name : {"/file", "/file/data"}) {
    CAPTURE(name);
    const auto opened = DataDir::open(dir.path() + name);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == Code::kStorage);
    CHECK(opened.error().message().find(dir.path() + "/file") == 0);
  }
}

TEST_CASE("sqlite: what is no database is an error, not a fresh start") {
  const TempDir dir;
  std::ofstream(database_path(dir.path())) << std::string(5000, 'x');
  auto data_dir = DataDir::open(dir.path());
  REQUIRE(data_dir);
  const auto opened = sqlite_stores(*std::move(data_dir));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == Code::kStorage);
  CHECK(opened.error().message().find(database_path(dir.path())) == 0);
  CHECK(opened.error().message().find("not a database") != std::string::npos);
  CHECK(std::filesystem::file_size(database_path(dir.path())) == 5000);
}

TEST_CASE("sqlite: nothing is acknowledged before the disk has it") {
  const TempDir dir;
  const Stores stores = open_sqlite(dir.path());
  int before = disk_syncs();
  REQUIRE(stores.ledger->append(sample_records(0, 500)).ok());
  CHECK(disk_syncs() > before);
  CHECK(disk_syncs() <= before + 3);  // and a batch shares it
  before = disk_syncs();
  REQUIRE(stores.catalog->put(sample_object("model", "1", "a")));
  CHECK(disk_syncs() > before);
  before = disk_syncs();
  REQUIRE(stores.state->sync({{"k", 1, 0, -1, at(60)}}, at(0)));
  CHECK(disk_syncs() > before);
}

TEST_CASE("sqlite: everything is there after closing and opening") {
  const TempDir dir;
  {
    Stores stores = open_sqlite(dir.path());
    REQUIRE(stores.ledger->append(sample_records(0, 30)).ok());
    REQUIRE(stores.catalog->put(sample_object("model", "1", "a")));
    REQUIRE(stores.state->sync({{"k", 5, 0, -1, at(60)}}, at(0)));
  }
  Stores stores = open_sqlite(dir.path());
  CHECK(all_pages(*stores.ledger, {}, 100).size() == 30);
  CHECK(*stores.catalog->revision() == 1);
  CHECK(stores.catalog->get("model", "1")->json == sample_object("model", "1", "a").json);
  CHECK(stores.state->sync({{"k", 1, 0, -1, at(60)}}, at(0))->front().total == 6);
}

TEST_CASE("migrations: published texts are as they were published, numbered without gaps") {
  int number = 0;
  for (const Migration& migration : migrations()) {
    CAPTURE(migration.number);
    CHECK(migration.number == ++number);
    CHECK(sha256_hex(migration.sql) == migration.sha256);
  }
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("migrations: status before, after, and up from an older schema") {
  const TempDir dir;
  const auto pending = storage_migration_status(dir.path());
  REQUIRE(pending);
  REQUIRE(pending->size() == migrations().size());
  CHECK(pending->front().name == "catalog");
  CHECK(pending->front().applied_at.empty());
  CHECK_FALSE(std::filesystem::exists(database_path(dir.path())));  // asking makes nothing

  const std::vector<Migration> older(migrations().begin(), migrations().begin() + 1);
  REQUIRE(open_with(dir.path(), older));
  const auto half = storage_migration_status(dir.path());
  REQUIRE(half);
  CHECK_FALSE(half->at(0).applied_at.empty());
  CHECK(half->at(1).applied_at.empty());

  REQUIRE(storage_migrate_up(dir.path()).ok());
  REQUIRE(storage_migrate_up(dir.path()).ok());  // again changes nothing
  Stores stores = open_sqlite(dir.path());
  const auto all = storage_migration_status(dir.path());  // beside the running one
  REQUIRE(all);
  for (const MigrationState& state : *all) CHECK(state.applied_at.size() == 20);
  CHECK(all->front().applied_at == half->front().applied_at);
  CHECK(stores.ledger->append(sample_records(0, 3)).ok());
}

TEST_CASE("migrations: what must not be opened is not touched") {
  const TempDir dir;
  std::vector<Migration> newer = migrations();
  static const std::string extra = "CREATE TABLE later (x INTEGER) STRICT;";
  static const std::string extra_sum = sha256_hex(extra);
  newer.push_back({static_cast<int>(newer.size()) + 1, "later", extra.c_str(), extra_sum.c_str()});
  REQUIRE(open_with(dir.path(), newer));

  const auto refused = open_with(dir.path(), migrations());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::kUnsupported);
  CHECK(refused.error().reason() == "schema_newer");
  CHECK(refused.error().message().find("schema 4") != std::string::npos);
  CHECK(storage_migration_status(dir.path()).error().reason() == "schema_newer");
  CHECK(open_with(dir.path(), newer));  // still whole

  // Applied with another text than the one this release has.
  REQUIRE(run_sql(dir.path(), "UPDATE schema_migrations SET sha256 = 'x' WHERE number = 2").ok());
  const auto changed = open_with(dir.path(), newer);
  REQUIRE_FALSE(changed);
  CHECK(changed.error().reason() == "schema_changed");
  CHECK(changed.error().message().find("migration 2 (ledger)") != std::string::npos);

  // A text edited after it was published.
  const TempDir fresh;
  std::vector<Migration> edited = migrations();
  edited[2].sql = "CREATE TABLE counters (x INTEGER) STRICT;";
  const auto rejected = open_with(fresh.path(), edited);
  REQUIRE_FALSE(rejected);
  CHECK(rejected.error().reason() == "schema_changed");
  CHECK(open_with(fresh.path(), migrations()));  // nothing of it was applied
}

TEST_CASE("migrations: one that fails half-way leaves the database as it was") {
  const TempDir dir;
  static const std::string bad =
      "CREATE TABLE half (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1);";
  static const std::string sum = sha256_hex(bad);
  std::vector<Migration> known = migrations();
  known.push_back({static_cast<int>(known.size()) + 1, "bad", bad.c_str(), sum.c_str()});
  const auto failed = open_with(dir.path(), known);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message().find("(bad)") != std::string::npos);
  const auto status = storage_migration_status(dir.path());
  REQUIRE(status);
  CHECK_FALSE(status->back().applied_at.empty());  // those before it were done
  CHECK(run_sql(dir.path(), "SELECT * FROM half").code() == Code::kStorage);
}

TEST_CASE("sqlite: reads see one moment, and neither wait for writes nor hold them up") {
  const TempDir dir;
  auto database = open_with(dir.path(), migrations());
  REQUIRE(database);
  const Stores stores = sqlite_stores(*database);
  REQUIRE(stores.ledger->append(sample_records(0, 5)).ok());

  // A writer in the middle of its transaction: readers go on, and see what was there before.
  const Status written = (*database)->write([&](Connection& connection) -> Status {
    Status status = connection.execute("DELETE FROM calls");
    CHECK(all_pages(*stores.ledger, {}, 100).size() == 5);
    CHECK(*stores.catalog->revision() == 0);
    return status;
  });
  CHECK(written.ok());
  CHECK(all_pages(*stores.ledger, {}, 100).empty());

  // A reader in the middle of its own: writes go on, and it sees what it saw at first.
  const Status read = (*database)->read([&](Connection& connection) -> Status {
    Statement count = connection.prepare("SELECT count(*) FROM calls");
    CHECK(count.next());
    CHECK(count.integer(0) == 0);
    REQUIRE(stores.ledger->append(sample_records(0, 7)).ok());
    Statement again = connection.prepare("SELECT count(*) + 0 FROM calls");
    CHECK(again.next());
    CHECK(again.integer(0) == 0);
    return {};
  });
  CHECK(read.ok());
  CHECK(all_pages(*stores.ledger, {}, 100).size() == 7);
}

TEST_CASE("sqlite: a search that takes too long ends with a word about it") {
  const TempDir dir;
  auto data_dir = DataDir::open(dir.path());
  REQUIRE(data_dir);
  auto database = Database::open(*std::move(data_dir), migrations(), std::chrono::milliseconds(0));
  REQUIRE(database);
  const Stores stores = sqlite_stores(*database);
  REQUIRE(stores.ledger->append(sample_records(0, 2000)).ok());  // writes have no such limit
  const auto page = stores.ledger->query({.session = "none"}, "", 10);
  REQUIRE_FALSE(page);
  CHECK(page.error().code() == Code::kTimeout);
  CHECK(stores.ledger->stats({}, StatsBy::kDay, 10).error().code() == Code::kTimeout);
  // The same reader works on.
  CHECK(stores.ledger->get(sample_record(3).id));
}

TEST_CASE("sqlite: many threads at once") {
  const TempDir dir;
  Stores stores = open_sqlite(dir.path());
  constexpr int kThreads = 6;
  std::latch begin(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&stores, &begin, t] {
      begin.arrive_and_wait();
      for (int i = 0; i < 10; ++i) {
        const int first = (t * 10 + i) * 5;
        CHECK(stores.ledger->append(sample_records(first, first + 5)).ok());
        CHECK(stores.ledger->query({}, "", 10));
        CHECK(stores.ledger->stats({}, StatsBy::kModel, 10));
        const std::string name = std::to_string(t) + "-" + std::to_string(i);
        CHECK(stores.catalog->put(sample_object("key", name, name)));
        CHECK(stores.catalog->list("key"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(all_pages(*stores.ledger, {}, 1000).size() == kThreads * 50);
  CHECK(stores.catalog->list("key")->objects.size() == kThreads * 10);
  CHECK(*stores.catalog->revision() == kThreads * 10);
}

}  // namespace
}  // namespace llmorch::test
