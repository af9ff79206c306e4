// Stores: where configuration objects, Records and shared counters are kept.
//
//   Catalog     the objects that the admin API edits: providers, models, client keys
//   Ledger      what was written down after calls
//   StateStore  counters that several gateways share, for limits
//
// Memory and SQLite are built in; another store is a class per interface that passes
// tests/storage/conformance_*.cc.
//
// Ownership: plain values in and out. Threads: every function may be called from any thread and may
// block (a disk, a network), so none is ever called on a loop thread or while a call waits.
// Units: times are kept to the microsecond. Errors: a failed function has changed nothing that it
// knows of, and may be called again with the same arguments. kStorage: the store itself failed.
// Bounds: stated per function; more is refused with kTooLarge, never cut silently.
#ifndef LLMORCH_SPI_STORE_H_
#define LLMORCH_SPI_STORE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llmorch/status.h"
#include "llmorch/types.h"

namespace llmorch {

using WallTime = std::chrono::system_clock::time_point;

// Who an object belongs to. kFile: the configuration file, so the admin API must not change it.
enum class Origin : std::uint8_t { kDb = 0, kFile = 1 };
std::string_view origin_name(Origin origin);  // "db", "file"

// A configuration object. The store does not look into `json`.
struct CatalogObject {
  std::string kind{};  // "provider", "model", "key"; 1 to 64 bytes
  std::string id{};    // UUIDv7, made by the caller, never reused; unique in its kind
  std::string name{};  // unique in its kind; 1 to 256 bytes
  std::string json{};  // at most 1 MiB
  Origin origin = Origin::kDb;
  std::uint64_t version = 0;  // set by the store: the revision that wrote it; the ETag
  WallTime created{};         // as first put; later puts do not change it
  WallTime updated{};         // as last put
  bool operator==(const CatalogObject&) const = default;
};

struct CatalogEdit {
  enum class Op : std::uint8_t { kPut, kRemove };
  Op op = Op::kPut;
  CatalogObject object{};  // kRemove: kind and id are enough
  // If-Match: the version that must be there; 0: the object must not exist. Unset: whatever is
  // there.
  std::optional<std::uint64_t> if_version{};
};

struct CatalogContents {
  std::uint64_t revision = 0;
  std::vector<CatalogObject> objects{};  // by kind, then name
};

class Catalog {
 public:
  static constexpr std::size_t kMaxObjects = 100'000;
  static constexpr std::size_t kMaxEdits = 10'000;  // in one apply()

  virtual ~Catalog() = default;
  // Every object of that kind, of all kinds when it is "", as they stood at one revision.
  virtual Result<CatalogContents> list(std::string_view kind) = 0;
  // kNotFound when there is none.
  virtual Result<CatalogObject> get(std::string_view kind, std::string_view id) = 0;
  virtual Result<CatalogObject> find(std::string_view kind, std::string_view name) = 0;
  // Makes all edits in their order, or none; the revision grows by one. Returns the objects as they
  // are now, those removed as they were. With `if_revision`, only when nothing was changed since
  // that revision: whoever checked references between objects asks for it.
  // Errors name the edit in param() ("edits[2]"): kNotFound (removing, or if_version, where nothing
  // is), kInvalidArgument (a field is out of bounds), and as HTTP 409 "name_taken", 412
  // "version_mismatch", 412 "revision_mismatch".
  virtual Result<std::vector<CatalogObject>> apply(const std::vector<CatalogEdit>& edits,
                                                   std::optional<std::uint64_t> if_revision) = 0;
  // Counts up with every change, over restarts too. Cheap: to be asked often.
  virtual Result<std::uint64_t> revision() = 0;

  // One edit at a time.
  Result<CatalogObject> put(CatalogObject object, std::optional<std::uint64_t> if_version = {});
  Result<CatalogObject> remove(std::string_view kind, std::string_view id,
                               std::optional<std::uint64_t> if_version = {});
};

// Which Records are meant. Empty fields ask for nothing; the others must all hold.
struct LedgerFilter {
  std::optional<WallTime> from{};   // started at or after
  std::optional<WallTime> until{};  // started before
  std::string provider{};           // of the last attempt
  std::string model{};              // the configured one
  std::string key_id{};             // Principal::id
  std::string project{};
  std::string error_type{};
  std::string trace_id{};
  std::string session{};
  int http_status = 0;
  std::optional<bool> failed{};  // whether error_type is set
};

struct LedgerPage {
  std::vector<Record> records{};  // newest first
  std::string next{};             // the cursor of the next page; "": this was the last
};

enum class StatsBy : std::uint8_t {
  kTotal = 0,
  kProvider,
  kModel,
  kKey,
  kProject,
  kStatus,  // HTTP status
  kErrorType,
  kDay,  // UTC, "2026-11-23"
};

// Sums over the Records of one group.
struct StatsRow {
  std::string group{};
  std::int64_t calls = 0;
  std::int64_t failed = 0;
  std::int64_t attempts = 0;
  Usage usage{};
  std::int64_t cost_nano_usd = 0;
  std::int64_t duration_us = 0;
  std::int64_t first_events = 0;  // calls that had one
  std::int64_t first_event_us = 0;
  WallTime last{};  // when the newest of them started
  bool operator==(const StatsRow&) const = default;
};

// A Record is kept whole, up to 4 KB of each text, 64 entries of each list, and 16 KB of raw usage
// (which is left out when it has more).
class Ledger {
 public:
  static constexpr std::size_t kMaxBatch = 10'000;
  static constexpr std::size_t kMaxPage = 1'000;
  static constexpr std::size_t kMaxGroups = 1'000;

  virtual ~Ledger() = default;
  // All of the batch or none; when it returns ok, the batch survives the death of the process. A
  // Record that is already there (same id, same start) is not written again, so a batch whose fate
  // is unknown is simply appended again.
  virtual Status append(const std::vector<Record>& batch) = 0;
  // The Record of that call; the newest, where callers reused an id. kNotFound.
  virtual Result<Record> get(std::string_view id) = 0;
  // Newest first; `cursor` "" begins. `limit` 1 to kMaxPage. kInvalidArgument (param "cursor") for
  // a cursor that no page gave; kTimeout when the filter needs too long a search.
  virtual Result<LedgerPage> query(const LedgerFilter& filter, std::string_view cursor,
                                   std::size_t limit) = 0;
  // The `limit` (1 to kMaxGroups) groups with the most calls, most first, then by name.
  virtual Result<std::vector<StatsRow>> stats(const LedgerFilter& filter, StatsBy by,
                                              std::size_t limit) = 0;
  // Deletes up to `limit` (1 to kMaxBatch) of the oldest Records that started before `time`; how
  // many. Fewer than `limit`: none is left. Retention calls it until then, letting writes between.
  virtual Result<std::size_t> remove_before(WallTime time, std::size_t limit) = 0;
};

// What one process spent of a shared counter since its last sync, and what it would like to spend
// until the next.
struct CounterDelta {
  std::string name{};       // names the window too: "key/ID/rpm/29397301"; 1 to 256 bytes
  std::int64_t used = 0;    // beyond earlier grants; negative gives back what was not spent
  std::int64_t want = 0;    // tokens to be granted in advance, at most
  std::int64_t limit = -1;  // of the total over all processes; -1: none
  WallTime expires{};       // when nobody needs the counter any more; it starts again at 0
};

struct CounterGrant {
  std::int64_t granted = 0;  // may be spent without being reported again
  std::int64_t total = 0;    // over all processes, this grant included
  bool operator==(const CounterGrant&) const = default;
};

class StateStore {
 public:
  static constexpr std::size_t kMaxDeltas = 10'000;

  virtual ~StateStore() = default;
  // Adds up the deltas in their order and answers each with a grant, at the same index. All or
  // nothing: after an error the caller keeps its deltas for the next sync; where only the answer
  // was lost, they count twice.
  virtual Result<std::vector<CounterGrant>> sync(const std::vector<CounterDelta>& deltas,
                                                 WallTime now) = 0;
};

// One of each. They may share a file or a connection; each lives as long as its last holder.
struct Stores {
  std::shared_ptr<Catalog> catalog{};
  std::shared_ptr<Ledger> ledger{};
  std::shared_ptr<StateStore> state{};
};

}  // namespace llmorch

#endif  // LLMORCH_SPI_STORE_H_
