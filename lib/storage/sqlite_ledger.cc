#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "storage/ledger_record.h"
#include "storage/sqlite_stores.h"
#include "storage/store_rules.h"

namespace llmorch {
namespace {

// In the order of bind_record() and read_record().
#define CALL_COLUMNS                                                                         \
  "started_us, id, key_id, project, format_in, format_out, operation, model_asked, model, "  \
  "model_answered, provider, stream, trace_id, session, http_status, error_type, "           \
  "cancel_phase, finish_reason, tokens_in, tokens_cache_read, tokens_cache_write, "          \
  "tokens_out, tokens_reasoning, usage_source, cost_nano_usd, first_event_us, duration_us, " \
  "overhead_us, bytes_in, bytes_out, config_version, seed, attempt_count, plan_omitted, "    \
  "error_message, raw_usage, prices, dropped, attempts, plan"

// In the order of bind_filter(): ?1 to ?11.
#define FILTER                                                        \
  "started_us >= ?1 AND started_us < ?2 "                             \
  "AND (?3 = '' OR provider = ?3) AND (?4 = '' OR model = ?4) "       \
  "AND (?5 = '' OR key_id = ?5) AND (?6 = '' OR project = ?6) "       \
  "AND (?7 = '' OR error_type = ?7) AND (?8 = '' OR trace_id = ?8) "  \
  "AND (?9 = '' OR session = ?9) AND (?10 = 0 OR http_status = ?10) " \
  "AND (?11 < 0 OR (error_type <> '') = ?11) "

#define PAGE "AND (started_us, id) < (?12, ?13) ORDER BY started_us DESC, id DESC LIMIT ?14"

#define STATS                                                                                \
  "SELECT CASE ?12 WHEN 1 THEN provider WHEN 2 THEN model WHEN 3 THEN key_id "               \
  "WHEN 4 THEN project WHEN 5 THEN CAST(http_status AS TEXT) WHEN 6 THEN error_type "        \
  "WHEN 7 THEN strftime('%Y-%m-%d', started_us / 1000000, 'unixepoch') ELSE '' END AS grp, " \
  "count(*), sum(error_type <> ''), sum(attempt_count), sum(tokens_in), "                    \
  "sum(tokens_cache_read), sum(tokens_cache_write), sum(tokens_out), "                       \
  "sum(tokens_reasoning), sum(cost_nano_usd), sum(duration_us), "                            \
  "sum(first_event_us >= 0), sum(max(first_event_us, 0)), max(started_us) "

#define GROUPS "GROUP BY grp ORDER BY 2 DESC, 1 LIMIT ?13"

constexpr const char* kInsert =
    "INSERT INTO calls (" CALL_COLUMNS
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, "
    "?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, "
    "?37, ?38, ?39, ?40) ON CONFLICT (id, started_us) DO NOTHING";
constexpr const char* kGet =
    "SELECT " CALL_COLUMNS " FROM calls WHERE id = ?1 ORDER BY started_us DESC LIMIT 1";
// One text per index to search by: an optional condition would keep SQLite from the better one.
constexpr const char* kPage =
    "SELECT " CALL_COLUMNS " FROM calls INDEXED BY calls_by_time WHERE " FILTER PAGE;
constexpr const char* kPageOfKey =
    "SELECT " CALL_COLUMNS " FROM calls INDEXED BY calls_by_key WHERE key_id = ?5 AND " FILTER PAGE;
constexpr const char* kStats = STATS "FROM calls INDEXED BY calls_by_time WHERE " FILTER GROUPS;
constexpr const char* kStatsOfKey =
    STATS "FROM calls INDEXED BY calls_by_key WHERE key_id = ?5 AND " FILTER GROUPS;
constexpr const char* kRemoveBefore =
    "DELETE FROM calls WHERE rowid IN (SELECT rowid FROM calls INDEXED BY calls_by_time "
    "WHERE started_us < ?1 ORDER BY started_us, id LIMIT ?2)";

#undef CALL_COLUMNS
#undef FILTER
#undef PAGE
#undef STATS
#undef GROUPS

std::int64_t as_signed(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t as_unsigned(std::int64_t value) { return static_cast<std::uint64_t>(value); }

Status insert(Connection& connection, const Record& record) {
  const std::array<std::string, 4> lists{prices_json(record.prices), names_json(record.dropped),
                                         attempts_json(record.attempts), plan_json(record.plan)};
  return connection.prepare(kInsert)
      .bind(to_us(record.started))
      .bind(record.id)
      .bind(record.principal.id)
      .bind(record.principal.project)
      .bind(format_name(record.format_in))
      .bind(format_name(record.format_out))
      .bind(operation_name(record.operation))
      .bind(record.model_asked)
      .bind(record.model)
      .bind(record.model_answered)
      .bind(last_provider(record))
      .bind(std::int64_t{record.stream})
      .bind(record.trace_id)
      .bind(record.session)
      .bind(std::int64_t{record.http_status})
      .bind(record.error_type)
      .bind(cancel_phase_name(record.cancel_phase))
      .bind(finish_reason_name(record.finish))
      .bind(record.usage.input)
      .bind(record.usage.input_cache_read)
      .bind(record.usage.input_cache_write)
      .bind(record.usage.output)
      .bind(record.usage.output_reasoning)
      .bind(usage_source_name(record.usage_source))
      .bind(record.cost_nano_usd)
      .bind(record.first_event_us)
      .bind(record.duration_us)
      .bind(record.overhead_us)
      .bind(as_signed(record.bytes_in))
      .bind(as_signed(record.bytes_out))
      .bind(as_signed(record.config_version))
      .bind(as_signed(record.seed))
      .bind(as_signed(record.attempts.size()))
      .bind(std::int64_t{record.plan_omitted})
      .bind(record.error_message)
      .bind(record.raw_usage)
      .bind(lists[0])
      .bind(lists[1])
      .bind(lists[2])
      .bind(lists[3])
      .run();
}

Record read_record(const Statement& row) {
  Record record;
  record.started = from_us(row.integer(0));
  record.id = row.text(1);
  record.principal.id = row.text(2);
  record.principal.project = row.text(3);
  record.format_in = format_from_name(row.text(4)).value_or(Format{});
  record.format_out = format_from_name(row.text(5)).value_or(Format{});
  record.operation = operation_from_name(row.text(6));
  record.model_asked = row.text(7);
  record.model = row.text(8);
  record.model_answered = row.text(9);
  record.stream = row.integer(11) != 0;  // 10, the provider, stands in the attempts
  record.trace_id = row.text(12);
  record.session = row.text(13);
  record.http_status = static_cast<int>(row.integer(14));
  record.error_type = row.text(15);
  record.cancel_phase = cancel_phase_from_name(row.text(16));
  record.finish = finish_from_name(row.text(17));
  record.usage.input = row.integer(18);
  record.usage.input_cache_read = row.integer(19);
  record.usage.input_cache_write = row.integer(20);
  record.usage.output = row.integer(21);
  record.usage.output_reasoning = row.integer(22);
  record.usage_source = usage_source_from_name(row.text(23));
  record.cost_nano_usd = row.integer(24);
  record.first_event_us = row.integer(25);
  record.duration_us = row.integer(26);
  record.overhead_us = row.integer(27);
  record.bytes_in = as_unsigned(row.integer(28));
  record.bytes_out = as_unsigned(row.integer(29));
  record.config_version = as_unsigned(row.integer(30));
  record.seed = as_unsigned(row.integer(31));
  record.plan_omitted = static_cast<unsigned>(row.integer(33));  // 32 counts the attempts
  record.error_message = row.text(34);
  record.raw_usage = row.text(35);
  record.prices = prices_from_json(row.text(36));
  record.dropped = names_from_json(row.text(37));
  record.attempts = attempts_from_json(row.text(38));
  record.plan = plan_from_json(row.text(39));
  return record;
}

void bind_filter(Statement& statement, const LedgerFilter& filter) {
  statement.bind(filter.from ? to_us(*filter.from) : std::numeric_limits<std::int64_t>::min())
      .bind(filter.until ? to_us(*filter.until) : std::numeric_limits<std::int64_t>::max())
      .bind(filter.provider)
      .bind(filter.model)
      .bind(filter.key_id)
      .bind(filter.project)
      .bind(filter.error_type)
      .bind(filter.trace_id)
      .bind(filter.session)
      .bind(std::int64_t{filter.http_status})
      .bind(filter.failed ? std::int64_t{*filter.failed} : std::int64_t{-1});
}

StatsRow read_stats(const Statement& row) {
  StatsRow stats;
  stats.group = row.text(0);
  stats.calls = row.integer(1);
  stats.failed = row.integer(2);
  stats.attempts = row.integer(3);
  stats.usage = {row.integer(4), row.integer(5), row.integer(6), row.integer(7), row.integer(8)};
  stats.cost_nano_usd = row.integer(9);
  stats.duration_us = row.integer(10);
  stats.first_events = row.integer(11);
  stats.first_event_us = row.integer(12);
  stats.last = from_us(row.integer(13));
  return stats;
}

class SqliteLedger final : public Ledger {
 public:
  explicit SqliteLedger(std::shared_ptr<Database> database) : database_(std::move(database)) {}

  Status append(const std::vector<Record>& batch) override {
    Status checked = check_batch(batch.size());
    if (!checked.ok()) return checked;
    return database_->write([&](Connection& connection) -> Status {
      for (const Record& record : batch) {
        Status status = insert(connection, ledger_form(record));
        if (!status.ok()) return status;
      }
      return {};
    });
  }

  Result<Record> get(std::string_view id) override {
    std::optional<Record> record;
    const Status status = database_->read([&](Connection& connection) -> Status {
      Statement row = connection.prepare(kGet);
      row.bind(id);
      if (row.next()) record = read_record(row);
      return row.status();
    });
    if (!status.ok()) return status;
    if (!record) return no_object("call", id);
    return *std::move(record);
  }

  Result<LedgerPage> query(const LedgerFilter& filter, std::string_view cursor,
                           std::size_t limit) override {
    const Status checked = check_limit(limit, kMaxPage);
    if (!checked.ok()) return checked;
    LedgerCursor from{std::numeric_limits<std::int64_t>::max(), ""};
    if (!cursor.empty()) {
      auto parsed = parse_cursor(cursor);
      if (!parsed) return parsed.error();
      from = *std::move(parsed);
    }
    LedgerPage page;
    const Status status = database_->read([&](Connection& connection) -> Status {
      Statement rows = connection.prepare(filter.key_id.empty() ? kPage : kPageOfKey);
      bind_filter(rows, filter);
      // One more than asked, to know whether there is a next page.
      rows.bind(from.started_us).bind(from.id).bind(as_signed(limit + 1));
      while (rows.next()) page.records.push_back(read_record(rows));
      return rows.status();
    });
    if (!status.ok()) return status;
    if (page.records.size() > limit) {
      page.records.pop_back();
      page.next = cursor_text({to_us(page.records.back().started), page.records.back().id});
    }
    return page;
  }

  Result<std::vector<StatsRow>> stats(const LedgerFilter& filter, StatsBy by,
                                      std::size_t limit) override {
    const Status checked = check_limit(limit, kMaxGroups);
    if (!checked.ok()) return checked;
    std::vector<StatsRow> groups;
    const Status status = database_->read([&](Connection& connection) -> Status {
      Statement rows = connection.prepare(filter.key_id.empty() ? kStats : kStatsOfKey);
      bind_filter(rows, filter);
      rows.bind(static_cast<std::int64_t>(by)).bind(as_signed(limit));
      while (rows.next()) groups.push_back(read_stats(rows));
      return rows.status();
    });
    if (!status.ok()) return status;
    return groups;
  }

  Result<std::size_t> remove_before(WallTime time, std::size_t limit) override {
    const Status checked = check_limit(limit, kMaxBatch);
    if (!checked.ok()) return checked;
    std::size_t removed = 0;
    const Status status = database_->write([&](Connection& connection) -> Status {
      Status done =
          connection.prepare(kRemoveBefore).bind(to_us(time)).bind(as_signed(limit)).run();
      removed = static_cast<std::size_t>(connection.changes());
      return done;
    });
    if (!status.ok()) return status;
    return removed;
  }

 private:
  const std::shared_ptr<Database> database_;
};

}  // namespace

std::shared_ptr<Ledger> sqlite_ledger(std::shared_ptr<Database> database) {
  return std::make_shared<SqliteLedger>(std::move(database));
}

}  // namespace llmorch
