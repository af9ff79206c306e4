#include "routing/plan.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/random.h"

namespace llmorch {
namespace {

// Takes one index out of `pool`, by weight. The pool's order is part of what a seed means.
template <class Weight>
std::size_t draw(std::vector<std::size_t>& pool, Random& random, Weight weight) {
  std::uint64_t sum = 0;
  for (const std::size_t index : pool) sum += weight(index);
  std::uint64_t point = random.below(sum);
  auto it = pool.begin();
  while (it + 1 != pool.end() && point >= weight(*it)) point -= weight(*it++);
  const std::size_t drawn = *it;
  pool.erase(it);
  return drawn;
}

PlanEntry entry(const Target& target, std::string credential, std::string reason) {
  return {.provider = target.provider->name,
          .model = target.model,
          .credential = std::move(credential),
          .tier = target.tier,
          .weight = target.weight,
          .reason = std::move(reason)};
}

class Planner {
 public:
  Planner(const Model& model, const HealthTable& health, TimePoint now, std::uint64_t seed)
      : model_(model), health_(health), now_(now), random_(seed) {
    plan_.seed = seed;
  }

  Plan run() {
    sort_out();
    std::vector<int> tiers;
    for (const Open& open : open_) tiers.push_back(open.target->tier);
    std::sort(tiers.begin(), tiers.end());
    tiers.erase(std::unique(tiers.begin(), tiers.end()), tiers.end());
    for (const int tier : tiers) order_tier(tier);
    append_cooling();
    std::move(left_out_.begin(), left_out_.end(), std::back_inserter(plan_.entries));
    return std::move(plan_);
  }

 private:
  // A target that can take the call now, with those of its credentials that can.
  struct Open {
    const Target* target;
    std::vector<std::size_t> credentials;
  };
  struct Cooling {
    Candidate candidate;
    TimePoint until;
  };

  // Cooling is known before anything is drawn: a target one of whose keys cools keeps its share.
  void sort_out() {
    for (const Target& target : model_.targets) {
      if (target.weight == 0) {
        left_out_.push_back(entry(target, "", "weight 0"));
        continue;
      }
      Open open{&target, {}};
      const std::vector<Credential>& credentials = target.provider->credentials;
      for (std::size_t i = 0; i < credentials.size(); ++i) {
        if (credentials[i].weight == 0) {
          left_out_.push_back(entry(target, credentials[i].name, "credential weight 0"));
        } else if (const auto until = health_.cooling_until(target, credentials[i], now_)) {
          cooling_.push_back({{&target, i, true}, *until});
        } else {
          open.credentials.push_back(i);
        }
      }
      if (!open.credentials.empty()) open_.push_back(std::move(open));
    }
  }

  void order_tier(int tier) {
    std::vector<std::size_t> pool;
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (open_[i].target->tier == tier) pool.push_back(i);
    }
    std::vector<Candidate> spare;
    while (!pool.empty()) {
      const std::size_t drawn =
          draw(pool, random_, [&](std::size_t i) { return open_[i].target->weight; });
      const Target& target = *open_[drawn].target;
      std::vector<std::size_t>& credentials = open_[drawn].credentials;
      bool first = true;
      while (!credentials.empty()) {
        const std::size_t credential = draw(credentials, random_, [&](std::size_t i) {
          return target.provider->credentials[i].weight;
        });
        if (first) {
          append({&target, credential, false}, "weighted");
        } else {
          spare.push_back({&target, credential, false});
        }
        first = false;
      }
    }
    for (const Candidate& candidate : spare) append(candidate, "other credential");
  }

  void append_cooling() {
    std::stable_sort(cooling_.begin(), cooling_.end(),
                     [](const Cooling& a, const Cooling& b) { return a.until < b.until; });
    for (const Cooling& cooling : cooling_) {
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(cooling.until - now_);
      append(cooling.candidate, "cooling " + std::to_string(seconds.count()) + "s");
    }
  }

  void append(const Candidate& candidate, std::string reason) {
    const Target& target = *candidate.target;
    plan_.candidates.push_back(candidate);
    plan_.entries.push_back(
        entry(target, target.provider->credentials[candidate.credential].name, std::move(reason)));
  }

  const Model& model_;
  const HealthTable& health_;
  const TimePoint now_;
  Random random_;
  std::vector<Open> open_;
  std::vector<Cooling> cooling_;
  std::vector<PlanEntry> left_out_;
  Plan plan_;
};

}  // namespace

Plan make_plan(const Model& model, const HealthTable& health, TimePoint now, std::uint64_t seed) {
  return Planner(model, health, now, seed).run();
}

}  // namespace llmorch
