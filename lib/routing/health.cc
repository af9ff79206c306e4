#include "routing/health.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "routing/policy.h"

namespace llmorch {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Ticks = TimePoint::rep;

constexpr unsigned kFailuresInARow = 5;
constexpr seconds kFirstTrip{30};
constexpr seconds kLongestTrip{300};
constexpr milliseconds kLongestCooling = std::chrono::hours(1);
constexpr seconds kProbe{30};
constexpr Ticks kNever = std::numeric_limits<Ticks>::min();
// Callers may name any model of a provider, so the number of cells is not the configuration's.
constexpr std::size_t kMaxCells = 16384;
constexpr seconds kBetweenSweeps{1};

Ticks ticks(TimePoint time) { return time.time_since_epoch().count(); }
TimePoint time_of(Ticks value) { return TimePoint(Duration(value)); }

void keep_later(std::atomic<Ticks>& cell, Ticks until) {
  Ticks seen = cell.load(std::memory_order_relaxed);
  while (seen < until && !cell.compare_exchange_weak(seen, until, std::memory_order_relaxed)) {
  }
}

// A line of its own, so that two loops that report on neighbours do not slow each other down.
struct alignas(64) Cell {
  std::atomic<Ticks> until{kNever};
  std::atomic<Ticks> tripped_until{kNever};  // of `until`, the breaker's part
  std::atomic<Ticks> probe_until{kNever};    // half-open: somebody's claim
  std::atomic<unsigned> failures{0};         // in a row
  std::atomic<unsigned> trips{0};            // in a row

  void cool(Ticks deadline) { keep_later(until, deadline); }

  struct Trip {
    Ticks until = kNever;  // kNever: it did not trip
    bool first = false;    // it was closed before
  };
  Trip count_failure(TimePoint now) {
    if (failures.fetch_add(1, std::memory_order_relaxed) + 1 < kFailuresInARow) return {};
    // Calls that were under way when it tripped must not trip it again: one claims each trip.
    Ticks seen = tripped_until.load(std::memory_order_relaxed);
    const unsigned shift = std::min(trips.load(std::memory_order_relaxed), 4U);
    const Ticks deadline = ticks(now + std::min(kFirstTrip * (1U << shift), kLongestTrip));
    if (seen > ticks(now) ||
        !tripped_until.compare_exchange_strong(seen, deadline, std::memory_order_relaxed)) {
      return {};
    }
    cool(deadline);
    return {deadline, trips.fetch_add(1, std::memory_order_relaxed) == 0};
  }

  // Whether this closed a breaker that had tripped.
  bool count_success() {
    failures.store(0, std::memory_order_relaxed);
    return trips.exchange(0, std::memory_order_relaxed) > 0;
  }

  bool half_open(TimePoint now) const {
    return trips.load(std::memory_order_relaxed) > 0 &&
           tripped_until.load(std::memory_order_relaxed) <= ticks(now);
  }
  bool claim_probe(TimePoint now) {
    Ticks seen = probe_until.load(std::memory_order_relaxed);
    return seen <= ticks(now) && probe_until.compare_exchange_strong(seen, ticks(now + kProbe),
                                                                     std::memory_order_relaxed);
  }
  void end_probe() { probe_until.store(kNever, std::memory_order_relaxed); }

  bool idle(TimePoint now) const {
    return until.load(std::memory_order_relaxed) <= ticks(now) &&
           failures.load(std::memory_order_relaxed) == 0 &&
           trips.load(std::memory_order_relaxed) == 0;
  }
};

// Identities. A changed base URL or secret is another target or credential, so that what a reload
// repaired is not left cooling.
std::string target_key(const Target& target) {
  std::string key = "t";
  key.append(target.provider->name).push_back('\0');
  key.append(target.provider->base_url).push_back('\0');
  return key.append(target.model);
}
std::string credential_key(const Target& target, const Credential& credential) {
  std::string key = "c";
  key.append(target.provider->name).push_back('\0');
  key.append(credential.name).push_back('\0');
  return key.append(std::to_string(std::hash<std::string_view>{}(credential.secret.reveal())));
}
std::string pair_key(const Target& target, const Credential& credential) {
  return "p" + target_key(target) + '\0' + credential_key(target, credential);
}

}  // namespace

struct HealthTable::Impl {
  mutable std::shared_mutex mutex;
  std::unordered_map<std::string, std::shared_ptr<Cell>> cells;
  TimePoint next_sweep{};
  // The latest deadline of all: while it lies in the past, nothing cools and nobody needs the lock.
  std::atomic<Ticks> latest{kNever};
  // Until the first failure there is nothing that a success could clear.
  std::atomic<bool> any_cell{false};
  std::atomic<unsigned> tripped{0};  // breakers that are not closed

  std::shared_ptr<Cell> find(const std::string& key) const {
    const std::shared_lock lock(mutex);
    const auto it = cells.find(key);
    return it == cells.end() ? nullptr : it->second;
  }

  // Null when the table is full of cells that are needed.
  std::shared_ptr<Cell> find_or_make(const std::string& key, TimePoint now) {
    if (auto cell = find(key)) return cell;
    const std::unique_lock lock(mutex);
    if (cells.size() >= kMaxCells) {
      if (now < next_sweep) return nullptr;
      sweep(now);
      if (cells.size() >= kMaxCells) return nullptr;
    }
    any_cell.store(true, std::memory_order_relaxed);
    auto& cell = cells[key];
    if (!cell) cell = std::make_shared<Cell>();
    return cell;
  }

  // Pairs go first: forgetting one costs a single attempt, and they are what a caller makes many of
  // by asking for models that do not exist.
  void sweep(TimePoint now) {
    next_sweep = now + kBetweenSweeps;
    std::erase_if(cells, [&](const auto& item) { return item.second->idle(now); });
    if (cells.size() < kMaxCells) return;
    std::erase_if(cells, [](const auto& item) { return item.first.front() == 'p'; });
  }

  void cool(const std::string& key, milliseconds wait, TimePoint now) {
    const auto cell = find_or_make(key, now);
    if (cell == nullptr) return;
    const Ticks deadline = ticks(now + std::clamp(wait, milliseconds(0), kLongestCooling));
    cell->cool(deadline);
    keep_later(latest, deadline);
  }

  void count_failure(const std::string& key, TimePoint now) {
    const auto cell = find_or_make(key, now);
    if (cell == nullptr) return;
    const Cell::Trip trip = cell->count_failure(now);
    if (trip.first) tripped.fetch_add(1, std::memory_order_relaxed);
    if (trip.until != kNever) keep_later(latest, trip.until);
  }
};

HealthTable::HealthTable() : impl_(std::make_unique<Impl>()) {}
HealthTable::~HealthTable() = default;

std::optional<TimePoint> HealthTable::cooling_until(const Target& target,
                                                    const Credential& credential,
                                                    TimePoint now) const {
  if (impl_->latest.load(std::memory_order_relaxed) <= ticks(now)) return std::nullopt;
  Ticks until = kNever;
  for (const std::string& key :
       {target_key(target), credential_key(target, credential), pair_key(target, credential)}) {
    if (const auto cell = impl_->find(key))
      until = std::max(until, cell->until.load(std::memory_order_relaxed));
  }
  if (until <= ticks(now)) return std::nullopt;
  return time_of(until);
}

bool HealthTable::half_open(const Target& target, TimePoint now) const {
  if (impl_->tripped.load(std::memory_order_relaxed) == 0) return false;
  const auto cell = impl_->find(target_key(target));
  return cell != nullptr && cell->half_open(now);
}

bool HealthTable::claim_probe(const Target& target, TimePoint now) const {
  const auto cell = impl_->find(target_key(target));
  return cell == nullptr || !cell->half_open(now) || cell->claim_probe(now);
}

void HealthTable::report(const Target& target, const Credential& credential, Verdict verdict,
                         std::optional<milliseconds> retry_after, TimePoint now) {
  if (verdict == Verdict::kOk) {
    if (!impl_->any_cell.load(std::memory_order_relaxed)) return;
    if (const auto cell = impl_->find(target_key(target))) {
      if (cell->count_success()) impl_->tripped.fetch_sub(1, std::memory_order_relaxed);
      cell->end_probe();
    }
    return;
  }
  const VerdictRule& rule = verdict_rule(verdict);
  const auto cool = [&](auto key, milliseconds wait) {
    if (wait == milliseconds(0)) return;
    if (rule.heeds_retry_after && retry_after) wait = *retry_after;
    impl_->cool(key(), wait, now);
  };
  cool([&] { return target_key(target); }, rule.cool_target);
  cool([&] { return credential_key(target, credential); }, rule.cool_credential);
  cool([&] { return pair_key(target, credential); }, rule.cool_pair);
  if (rule.blame_target) impl_->count_failure(target_key(target), now);
  // What says nothing about the target leaves it as it was, for somebody else to find out.
  if (impl_->tripped.load(std::memory_order_relaxed) > 0) {
    if (const auto cell = impl_->find(target_key(target))) cell->end_probe();
  }
}

}  // namespace llmorch
