// What every built-in store holds to: bounds, and the Status for breaking a rule. One text for all,
// so that callers see no difference.
//
// Pure functions; any thread.
#ifndef LLMORCH_STORAGE_STORE_RULES_H_
#define LLMORCH_STORAGE_STORE_RULES_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "llmorch/spi/store.h"

namespace llmorch {

std::int64_t to_us(WallTime time);
WallTime from_us(std::int64_t us);

Status check_edits(const std::vector<CatalogEdit>& edits);
// The same Status, naming the edit.
Status in_edit(std::size_t index, const Status& status);
Status no_object(std::string_view kind, std::string_view id);
Status name_taken(std::string_view kind, std::string_view name);
Status version_mismatch(std::uint64_t wanted, std::uint64_t found);
Status revision_mismatch(std::uint64_t wanted, std::uint64_t found);
Status too_many_objects();
// The if_version of an edit against the version that is there (0: none).
Status check_version(const CatalogEdit& edit, std::uint64_t found);

Status check_batch(std::size_t size);
// 1 to max.
Status check_limit(std::size_t limit, std::size_t max);
Status check_deltas(const std::vector<CounterDelta>& deltas);

// What a delta gets from a counter that stands at `total`.
CounterGrant grant(const CounterDelta& delta, std::int64_t total);

}  // namespace llmorch

#endif  // LLMORCH_STORAGE_STORE_RULES_H_
