#include "storage/store_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace llmorch {
namespace {

constexpr std::size_t kMaxKind = 64;
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxJson = 1 << 20;

Status precondition(std::string message, const char* reason, int http_status) {
  return Status(Code::kInvalidArgument, std::move(message))
      .with_http_status(http_status)
      .with_reason(reason);
}

Status too_many(std::size_t size, std::size_t max, std::string_view what) {
  return Status(Code::kTooLarge, fmt::format("{} {} at once; at most {}", size, what, max));
}

Status check_edit(const CatalogEdit& edit) {
  const CatalogObject& object = edit.object;
  const auto bad = [](std::string_view field, std::size_t max) {
    return Status(Code::kInvalidArgument, fmt::format("\"{}\" needs 1 to {} bytes", field, max));
  };
  if (object.kind.empty() || object.kind.size() > kMaxKind) return bad("kind", kMaxKind);
  if (object.id.empty() || object.id.size() > kMaxName) return bad("id", kMaxName);
  if (edit.op == CatalogEdit::Op::kRemove) return {};
  if (object.name.empty() || object.name.size() > kMaxName) return bad("name", kMaxName);
  if (object.json.size() > kMaxJson)
    return Status(Code::kTooLarge, fmt::format("the object has more than {} bytes", kMaxJson));
  return {};
}

std::int64_t add(std::int64_t a, std::int64_t b) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  if (b > 0 && a > kMax - b) return kMax;
  if (b < 0 && a < kMin - b) return kMin;
  return a + b;
}

}  // namespace

std::string_view origin_name(Origin origin) { return origin == Origin::kFile ? "file" : "db"; }

Result<CatalogObject> Catalog::put(CatalogObject object, std::optional<std::uint64_t> if_version) {
  auto done = apply({{CatalogEdit::Op::kPut, std::move(object), if_version}}, std::nullopt);
  if (!done) return done.error();
  return std::move(done->front());
}

Result<CatalogObject> Catalog::remove(std::string_view kind, std::string_view id,
                                      std::optional<std::uint64_t> if_version) {
  CatalogEdit edit{CatalogEdit::Op::kRemove, {}, if_version};
  edit.object.kind = kind;
  edit.object.id = id;
  auto done = apply({std::move(edit)}, std::nullopt);
  if (!done) return done.error();
  return std::move(done->front());
}

std::int64_t to_us(WallTime time) {
  return std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch()).count();
}

WallTime from_us(std::int64_t us) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::microseconds(us)));
}

Status check_edits(const std::vector<CatalogEdit>& edits) {
  if (edits.size() > Catalog::kMaxEdits) return too_many(edits.size(), Catalog::kMaxEdits, "edits");
  for (std::size_t i = 0; i < edits.size(); ++i) {
    const Status status = check_edit(edits[i]);
    if (!status.ok()) return in_edit(i, status);
  }
  return {};
}

Status in_edit(std::size_t index, const Status& status) {
  return status.ok() ? status : status.with_param(fmt::format("edits[{}]", index));
}

Status no_object(std::string_view kind, std::string_view id) {
  return Status(Code::kNotFound, fmt::format("there is no {} \"{}\"", kind, id));
}

Status name_taken(std::string_view kind, std::string_view name) {
  return precondition(fmt::format("there is another {} named \"{}\"", kind, name), "name_taken",
                      409);
}

Status version_mismatch(std::uint64_t wanted, std::uint64_t found) {
  return precondition(
      wanted == 0 ? std::string("it exists already")
                  : fmt::format("it was changed meanwhile: version {}, not {}", found, wanted),
      "version_mismatch", 412);
}

Status revision_mismatch(std::uint64_t wanted, std::uint64_t found) {
  return precondition(
      fmt::format("the catalog was changed meanwhile: revision {}, not {}", found, wanted),
      "revision_mismatch", 412);
}

Status too_many_objects() {
  return Status(Code::kTooLarge,
                fmt::format("the catalog is full: at most {} objects", Catalog::kMaxObjects));
}

Status check_version(const CatalogEdit& edit, std::uint64_t found) {
  const bool must_exist =
      edit.op == CatalogEdit::Op::kRemove || (edit.if_version && *edit.if_version != 0);
  if (found == 0 && must_exist) return no_object(edit.object.kind, edit.object.id);
  if (edit.if_version && *edit.if_version != found)
    return version_mismatch(*edit.if_version, found);
  return {};
}

Status check_batch(std::size_t size) {
  return size > Ledger::kMaxBatch ? too_many(size, Ledger::kMaxBatch, "records") : Status();
}

Status check_limit(std::size_t limit, std::size_t max) {
  if (limit >= 1 && limit <= max) return {};
  return Status(Code::kInvalidArgument, fmt::format("limit is {}; it must be 1 to {}", limit, max))
      .with_param("limit");
}

Status check_deltas(const std::vector<CounterDelta>& deltas) {
  if (deltas.size() > StateStore::kMaxDeltas)
    return too_many(deltas.size(), StateStore::kMaxDeltas, "counters");
  for (const CounterDelta& delta : deltas) {
    if (delta.name.empty() || delta.name.size() > kMaxName)
      return Status(Code::kInvalidArgument,
                    fmt::format("a counter's name needs 1 to {} bytes", kMaxName));
  }
  return {};
}

CounterGrant grant(const CounterDelta& delta, std::int64_t total) {
  // Never below nothing: what is given back to a counter that began anew is not credit.
  const std::int64_t spent = std::max<std::int64_t>(add(total, delta.used), 0);
  std::int64_t granted = std::max<std::int64_t>(delta.want, 0);
  if (delta.limit >= 0) granted = std::min(granted, std::max<std::int64_t>(delta.limit - spent, 0));
  return {granted, add(spent, granted)};
}

}  // namespace llmorch
