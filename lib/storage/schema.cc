// The migrations of this release. Append only: a text that was published is never edited.
#include "storage/migrations.h"

namespace llmorch {
namespace {

constexpr const char* kCatalog = R"sql(
CREATE TABLE catalog (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  origin TEXT NOT NULL,
  json TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  updated_us INTEGER NOT NULL,
  PRIMARY KEY (kind, id),
  UNIQUE (kind, name)
) STRICT;
CREATE TABLE catalog_revision (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  revision INTEGER NOT NULL
) STRICT;
INSERT INTO catalog_revision VALUES (1, 0);
)sql";

// What searches and sums look at stands first; the long texts, which are only read with a whole
// Record, stand last.
constexpr const char* kLedger = R"sql(
CREATE TABLE calls (
  started_us INTEGER NOT NULL,
  id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  project TEXT NOT NULL,
  format_in TEXT NOT NULL,
  format_out TEXT NOT NULL,
  operation TEXT NOT NULL,
  model_asked TEXT NOT NULL,
  model TEXT NOT NULL,
  model_answered TEXT NOT NULL,
  provider TEXT NOT NULL,
  stream INTEGER NOT NULL,
  trace_id TEXT NOT NULL,
  session TEXT NOT NULL,
  http_status INTEGER NOT NULL,
  error_type TEXT NOT NULL,
  cancel_phase TEXT NOT NULL,
  finish_reason TEXT NOT NULL,
  tokens_in INTEGER NOT NULL,
  tokens_cache_read INTEGER NOT NULL,
  tokens_cache_write INTEGER NOT NULL,
  tokens_out INTEGER NOT NULL,
  tokens_reasoning INTEGER NOT NULL,
  usage_source TEXT NOT NULL,
  cost_nano_usd INTEGER NOT NULL,
  first_event_us INTEGER NOT NULL,
  duration_us INTEGER NOT NULL,
  overhead_us INTEGER NOT NULL,
  bytes_in INTEGER NOT NULL,
  bytes_out INTEGER NOT NULL,
  config_version INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  attempt_count INTEGER NOT NULL,
  plan_omitted INTEGER NOT NULL,
  error_message TEXT NOT NULL,
  raw_usage TEXT NOT NULL,
  prices TEXT NOT NULL,
  dropped TEXT NOT NULL,
  attempts TEXT NOT NULL,
  plan TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX calls_by_id ON calls (id, started_us);
CREATE INDEX calls_by_time ON calls (started_us, id);
CREATE INDEX calls_by_key ON calls (key_id, started_us, id);
)sql";

constexpr const char* kState = R"sql(
CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  total INTEGER NOT NULL,
  expires_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX counters_by_expiry ON counters (expires_us);
)sql";

}  // namespace

const std::vector<Migration>& migrations() {
  static const std::vector<Migration> all = {
      {1, "catalog", kCatalog, "261923dd512abaf76b5e7d8af80c59d1b8126df03a16a69bcd907e4f7a9c2a46"},
      {2, "ledger", kLedger, "20ddb73ba607e97c7e96396abd6b6a1ba53eaa05f05880901692000697c71085"},
      {3, "state", kState, "b907b907848f72762b0356a21c208c1c6b123bf8a868b450771320c9f8586e7b"},
  };
  return all;
}

}  // namespace llmorch
