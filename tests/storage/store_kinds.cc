#include "storage/store_kinds.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>

#include "storage/hooked_stores.h"
#include "storage/open_stores.h"

namespace llmorch::test {
namespace {

// Keeps the line alive as long as the stores that use it.
Stores behind_slow_line(Stores inner) {
  auto line = std::make_shared<SlowLine>();
  return hooked_stores(std::move(inner),
                       [line, hook = line->hook()](const std::function<void()>& operation) {
                         return hook(operation);
                       });
}

}  // namespace

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "llmorch-storage-XXXXXX").string();
  if (::mkdtemp(name.data()) != nullptr) path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

Stores open_sqlite(const std::string& dir) {
  auto data_dir = DataDir::open(dir);
  REQUIRE_MESSAGE(data_dir, data_dir.error().message());
  auto stores = sqlite_stores(*std::move(data_dir));
  REQUIRE_MESSAGE(stores, stores.error().message());
  return *std::move(stores);
}

const std::vector<StoreKind>& kinds() {
  static const std::vector<StoreKind> all = {
      {"memory", false, [](const std::string&) { return memory_stores(); }},
      {"sqlite", true, open_sqlite},
      {"memory behind a slow line", false,
       [](const std::string&) { return behind_slow_line(memory_stores()); }},
      {"sqlite behind a slow line", true,
       [](const std::string& dir) { return behind_slow_line(open_sqlite(dir)); }},
  };
  return all;
}

void for_each_kind(const std::function<void(Stores&)>& body) {
  for (const StoreKind& kind : kinds()) {
    CAPTURE(kind.name);
    const TempDir dir;
    Stores stores = kind.open(dir.path());
    body(stores);
  }
}

WallTime at(std::int64_t seconds) { return WallTime(std::chrono::seconds(1795392000 + seconds)); }

Record sample_record(int i) {
  const auto pick = [i](std::initializer_list<const char*> words) {
    return std::string(words.begin()[static_cast<std::size_t>(i) % words.size()]);
  };
  const std::string number = std::to_string(i);
  Record record;
  record.id = "0193-" + number;
  record.started = at(i * std::int64_t{10}) + std::chrono::microseconds(i);
  record.principal = {pick({"", "key-a", "key-b"}), pick({"", "blue", "red", "green"})};
  record.format_in = static_cast<Format>(i % 4);
  record.format_out = static_cast<Format>((i + 1) % 4);
  record.operation = static_cast<Operation>(i % 3);
  record.model_asked = pick({"smart", "fast", "gpt \"q\"", "näme"});
  record.model = pick({"smart", "fast", ""});
  record.model_answered = "m-" + number;
  record.stream = i % 2 == 1;
  record.trace_id = pick({"", "4bf92f3577b34da6a3ce929d0e0e4736"});
  record.session = pick({"", "s1", "s2"});
  record.plan.push_back({pick({"claude", "openai"}), "m", "main", 1, 3u, "weighted"});
  if (i % 2 == 0) record.plan.push_back({"gemini", "g", "second", 2, 1u, "cooling 12s"});
  record.plan_omitted = static_cast<unsigned>(i % 5);
  record.seed = 0xF000000000000000U + static_cast<unsigned>(i);
  for (int k = 0; k <= i % 3; ++k) {
    AttemptRecord attempt;
    attempt.candidate = k;
    attempt.provider = k % 2 == 0 ? pick({"claude", "openai", "gemini"}) : "openai";
    attempt.model = "m";
    attempt.credential = "main";
    attempt.verdict = static_cast<Verdict>((i + k) % 17);
    attempt.http_status = 200 + i % 300;
    attempt.message = pick({"", "line\nbreak", "quote \" and \\ slash"});
    attempt.start_us = k;
    attempt.connected_us = i % 4 == 0 ? -1 : 10 + k;
    attempt.request_sent_us = 11 + k;
    attempt.first_byte_us = 12 + k;
    attempt.end_us = 20 + k;
    attempt.bytes_sent = 100;
    attempt.bytes_received = 1ULL << 40;
    record.attempts.push_back(attempt);
  }
  if (i % 10 == 9) record.attempts.clear();
  record.http_status = i % 3 == 2 ? 503 : (i % 3 == 1 ? 499 : 200);
  record.error_type = pick({"", "caller_cancelled", "provider_overloaded"});
  record.error_message = pick({"", "left", "it said: \xF0\x9F\x98\x80 \t no"});
  record.cancel_phase = static_cast<CancelPhase>(i % 5);
  record.usage = {i, i * 2, i * 3, i * 5, i * 7};
  record.usage_source = static_cast<UsageSource>(i % 3);
  record.raw_usage = pick({"", "{\"total\": 0.70, \"n\": 12345678901234567890}"});
  if (i % 2 == 0) record.prices = Prices{3'000'000, 300'000, 3'750'000, 15'000'000};
  record.cost_nano_usd = i * std::int64_t{1'000'000'007};
  record.finish = static_cast<FinishReason>(i % 7);
  if (i % 3 == 0) record.dropped = {"logit_bias", "seed", "a \"b\""};
  record.first_event_us = i % 4 == 3 ? -1 : 1000 + i;
  record.duration_us = 100'000 + i;
  record.overhead_us = 40 + i;
  record.bytes_in = 600;
  record.bytes_out = 1ULL << 33;
  record.config_version = static_cast<unsigned>(i / 10);
  return record;
}

std::vector<Record> sample_records(int from, int until) {
  std::vector<Record> records;
  for (int i = from; i < until; ++i) records.push_back(sample_record(i));
  return records;
}

std::string all_of(const Record& record) {
  std::string text = record_json(record);
  const auto add = [&text](const auto& value) { text.append(" ").append(std::to_string(value)); };
  add(record.started.time_since_epoch().count());
  add(static_cast<int>(record.operation));
  add(record.plan_omitted);
  add(record.cost_nano_usd);
  for (const AttemptRecord& attempt : record.attempts) {
    add(attempt.candidate);
    add(attempt.bytes_sent);
    add(attempt.connected_us);
  }
  add(record.prices.has_value());
  if (record.prices) {
    add(record.prices->input);
    add(record.prices->input_cache_read);
    add(record.prices->input_cache_write);
    add(record.prices->output);
  }
  return text.append(record.trace_id + "|" + record.session + "|" + record.raw_usage);
}

std::vector<std::string> all_of(const std::vector<Record>& records) {
  std::vector<std::string> texts;
  for (const Record& record : records) texts.push_back(all_of(record));
  return texts;
}

CatalogObject sample_object(const std::string& kind, const std::string& id,
                            const std::string& name) {
  CatalogObject object;
  object.kind = kind;
  object.id = id;
  object.name = name;
  object.json = R"({"weight": 0.70, "of": ")" + name + "\"}";
  object.created = at(1);
  object.updated = at(2);
  return object;
}

std::vector<Record> all_pages(Ledger& ledger, const LedgerFilter& filter, std::size_t limit) {
  std::vector<Record> records;
  std::string cursor;
  do {
    auto page = ledger.query(filter, cursor, limit);
    REQUIRE_MESSAGE(page, page.error().message());
    CHECK(page->records.size() <= limit);
    for (Record& record : page->records) records.push_back(std::move(record));
    cursor = page->next;
  } while (!cursor.empty());
  return records;
}

}  // namespace llmorch::test
