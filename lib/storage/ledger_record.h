// How ledgers see a Record: bounded, and its lists as JSON text.
//
// Pure functions; any thread.
#ifndef LLMORCH_STORAGE_LEDGER_RECORD_H_
#define LLMORCH_STORAGE_LEDGER_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llmorch/spi/store.h"
#include "llmorch/types.h"

namespace llmorch {

// The Record as it is kept: long texts shortened, so that one odd call cannot make a whole batch
// fail; times to the microsecond.
Record ledger_form(Record record);

// The provider of the last attempt, "" when there was none.
std::string_view last_provider(const Record& record);

// Where a page ended: the start and id of its last Record.
struct LedgerCursor {
  std::int64_t started_us = 0;
  std::string id{};
};
std::string cursor_text(const LedgerCursor& cursor);
// kInvalidArgument for a text that cursor_text() did not write.
Result<LedgerCursor> parse_cursor(std::string_view text);

// Lists as JSON. Reading is total: what cannot be read is left out.
std::string attempts_json(const std::vector<AttemptRecord>& attempts);
std::vector<AttemptRecord> attempts_from_json(std::string text);
std::string plan_json(const std::vector<PlanEntry>& plan);
std::vector<PlanEntry> plan_from_json(std::string text);
std::string names_json(const std::vector<std::string>& names);
std::vector<std::string> names_from_json(std::string text);
std::string prices_json(const std::optional<Prices>& prices);  // "" for none
std::optional<Prices> prices_from_json(std::string text);

// Words of closed lists, and back; an unknown word is the list's first.
std::string_view operation_name(Operation operation);
Operation operation_from_name(std::string_view name);
FinishReason finish_from_name(std::string_view name);
CancelPhase cancel_phase_from_name(std::string_view name);
UsageSource usage_source_from_name(std::string_view name);

}  // namespace llmorch

#endif  // LLMORCH_STORAGE_LEDGER_RECORD_H_
