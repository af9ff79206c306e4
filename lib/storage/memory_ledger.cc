#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "storage/ledger_record.h"
#include "storage/memory_stores.h"
#include "storage/store_rules.h"

namespace llmorch {
namespace {

bool is(const std::string& wanted, std::string_view found) {
  return wanted.empty() || wanted == found;
}

bool matches(const LedgerFilter& filter, const Record& record) {
  return is(filter.provider, last_provider(record)) && is(filter.model, record.model) &&
         is(filter.key_id, record.principal.id) && is(filter.project, record.principal.project) &&
         is(filter.error_type, record.error_type) && is(filter.trace_id, record.trace_id) &&
         is(filter.session, record.session) &&
         (filter.http_status == 0 || filter.http_status == record.http_status) &&
         (!filter.failed || *filter.failed == !record.error_type.empty());
}

std::string group_of(const Record& record, StatsBy by) {
  switch (by) {
    case StatsBy::kTotal:
      return "";
    case StatsBy::kProvider:
      return std::string(last_provider(record));
    case StatsBy::kModel:
      return record.model;
    case StatsBy::kKey:
      return record.principal.id;
    case StatsBy::kProject:
      return record.principal.project;
    case StatsBy::kStatus:
      return std::to_string(record.http_status);
    case StatsBy::kErrorType:
      return record.error_type;
    case StatsBy::kDay:
      return fmt::format("{:%Y-%m-%d}",
                         fmt::gmtime(std::chrono::system_clock::to_time_t(record.started)));
  }
  return "";
}

void add(StatsRow& row, const Record& record) {
  ++row.calls;
  if (!record.error_type.empty()) ++row.failed;
  row.attempts += static_cast<std::int64_t>(record.attempts.size());
  row.usage.input += record.usage.input;
  row.usage.input_cache_read += record.usage.input_cache_read;
  row.usage.input_cache_write += record.usage.input_cache_write;
  row.usage.output += record.usage.output;
  row.usage.output_reasoning += record.usage.output_reasoning;
  row.cost_nano_usd += record.cost_nano_usd;
  row.duration_us += record.duration_us;
  if (record.first_event_us >= 0) {
    ++row.first_events;
    row.first_event_us += record.first_event_us;
  }
  row.last = std::max(row.last, record.started);
}

class MemoryLedger final : public Ledger {
 public:
  explicit MemoryLedger(std::size_t max_records) : max_records_(max_records) {}

  Status append(const std::vector<Record>& batch) override {
    Status checked = check_batch(batch.size());
    if (!checked.ok()) return checked;
    const std::lock_guard lock(mutex_);
    for (const Record& given : batch) {
      Record record = ledger_form(given);
      const std::int64_t started = to_us(record.started);
      ids_.emplace(record.id, started);
      records_.emplace(Key(started, record.id), std::move(record));
    }
    while (records_.size() > max_records_) remove_oldest();
    return {};
  }

  Result<Record> get(std::string_view id) override {
    const std::lock_guard lock(mutex_);
    const auto after =
        ids_.upper_bound({std::string(id), std::numeric_limits<std::int64_t>::max()});
    if (after == ids_.begin() || std::prev(after)->first != id) return no_object("call", id);
    return records_.at({std::prev(after)->second, std::string(id)});
  }

  Result<LedgerPage> query(const LedgerFilter& filter, std::string_view cursor,
                           std::size_t limit) override {
    const Status checked = check_limit(limit, kMaxPage);
    if (!checked.ok()) return checked;
    auto [first, last] = range(filter);
    const std::lock_guard lock(mutex_);
    auto it = records_.lower_bound(last);
    if (!cursor.empty()) {
      const auto from = parse_cursor(cursor);
      if (!from) return from.error();
      const Key key(from->started_us, from->id);
      if (key < last) it = records_.lower_bound(key);
    }
    LedgerPage page;
    while (it != records_.begin()) {
      --it;
      if (it->first < first) break;
      if (!matches(filter, it->second)) continue;
      if (page.records.size() == limit) {
        const Record& end = page.records.back();
        page.next = cursor_text({to_us(end.started), end.id});
        break;
      }
      page.records.push_back(it->second);
    }
    return page;
  }

  Result<std::vector<StatsRow>> stats(const LedgerFilter& filter, StatsBy by,
                                      std::size_t limit) override {
    const Status checked = check_limit(limit, kMaxGroups);
    if (!checked.ok()) return checked;
    auto [first, last] = range(filter);
    std::map<std::string, StatsRow> groups;
    const std::lock_guard lock(mutex_);
    for (auto it = records_.lower_bound(first); it != records_.end() && it->first < last; ++it) {
      if (matches(filter, it->second)) add(groups[group_of(it->second, by)], it->second);
    }
    std::vector<StatsRow> rows;
    for (auto& [group, row] : groups) {
      row.group = group;
      rows.push_back(std::move(row));
    }
    std::stable_sort(rows.begin(), rows.end(),
                     [](const StatsRow& a, const StatsRow& b) { return a.calls > b.calls; });
    if (rows.size() > limit) rows.resize(limit);
    return rows;
  }

  Result<std::size_t> remove_before(WallTime time, std::size_t limit) override {
    const Status checked = check_limit(limit, kMaxBatch);
    if (!checked.ok()) return checked;
    const std::int64_t before = to_us(time);
    const std::lock_guard lock(mutex_);
    std::size_t removed = 0;
    for (; removed < limit && !records_.empty(); ++removed) {
      if (records_.begin()->first.first >= before) break;
      remove_oldest();
    }
    return removed;
  }

 private:
  using Key = std::pair<std::int64_t, std::string>;  // start and id

  // The Records meant by from and until: [first, last).
  static std::pair<Key, Key> range(const LedgerFilter& filter) {
    constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    return {Key(filter.from ? to_us(*filter.from) : kMin, ""),
            Key(filter.until ? to_us(*filter.until) : kMax, "")};
  }

  void remove_oldest() {
    const auto oldest = records_.begin();
    ids_.erase({oldest->first.second, oldest->first.first});
    records_.erase(oldest);
  }

  const std::size_t max_records_;
  std::mutex mutex_;
  std::map<Key, Record> records_;
  std::set<std::pair<std::string, std::int64_t>> ids_;
};

}  // namespace

std::shared_ptr<Ledger> memory_ledger(std::size_t max_records) {
  return std::make_shared<MemoryLedger>(max_records);
}

}  // namespace llmorch
