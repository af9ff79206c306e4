// The stores that the conformance suite runs over, and samples to put into them.
//
// A new store is one more row of kinds().
#ifndef LLMORCH_TESTS_STORAGE_STORE_KINDS_H_
#define LLMORCH_TESTS_STORAGE_STORE_KINDS_H_

#include <functional>
#include <string>
#include <vector>

#include "llmorch/spi/store.h"

namespace llmorch::test {

// A directory of its own, removed at the end of its scope.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct StoreKind {
  const char* name;
  bool durable;  // opening the directory again finds everything
  std::function<Stores(const std::string& dir)> open;
};
const std::vector<StoreKind>& kinds();

// The stores in that directory; fails the test when they do not open.
Stores open_sqlite(const std::string& dir);

// Runs `body` over fresh stores of every kind.
void for_each_kind(const std::function<void(Stores&)>& body);

WallTime at(std::int64_t seconds);  // after 2026-11-23T00:00:00Z

// The i-th of a row of Records that differ in everything; 10 s apart.
Record sample_record(int i);
std::vector<Record> sample_records(int from, int until);
// Everything that a Record says, to compare by.
std::string all_of(const Record& record);
std::vector<std::string> all_of(const std::vector<Record>& records);

CatalogObject sample_object(const std::string& kind, const std::string& id,
                            const std::string& name);

// Every page of a query, joined.
std::vector<Record> all_pages(Ledger& ledger, const LedgerFilter& filter, std::size_t limit);

}  // namespace llmorch::test

#endif  // LLMORCH_TESTS_STORAGE_STORE_KINDS_H_
