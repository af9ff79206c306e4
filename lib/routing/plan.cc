#include "routing/plan.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/text.h"

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

// What the target is said to lack of what is needed, or "".
std::string_view lacking(const Capabilities& can, const Needs& needs) {
  if (needs.vision && !can.vision.value_or(true)) return "vision";
  if (needs.tools && !can.tools.value_or(true)) return "tools";
  if (needs.structured_output && !can.structured_output.value_or(true)) return "structured_output";
  return "";
}

class Planner {
 public:
  Planner(const Model& model, const Needs& needs, const HealthTable& health, TimePoint now,
          std::uint64_t seed)
      : model_(model), needs_(needs), health_(health), now_(now), random_(seed) {
    plan_.seed = seed;
  }

  Plan run() {
    sort_out();
    std::vector<int> tiers;
    for (const Open& open : open_) tiers.push_back(open.target->tier);
    std::sort(tiers.begin(), tiers.end());
    tiers.erase(std::unique(tiers.begin(), tiers.end()), tiers.end());
    for (const int tier : tiers) order_tier(tier);
    append_open();
    append_cooling();
    std::move(left_out_.begin(), left_out_.end(), std::back_inserter(plan_.entries));
    if (plan_.candidates.empty() && !lacking_.empty()) refuse();
    return std::move(plan_);
  }

 private:
  // A target that can take the call now, with those of its credentials that can.
  struct Open {
    const Target* target;
    std::vector<std::size_t> credentials;
    bool half_open;
  };
  struct Placed {
    Candidate candidate;
    const char* reason;
    bool half_open;
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
      if (const std::string_view lack = lacking(target.capabilities, needs_); !lack.empty()) {
        left_out_.push_back(entry(target, "", "no " + std::string(lack)));
        if (std::find(lacking_.begin(), lacking_.end(), lack) == lacking_.end())
          lacking_.push_back(lack);
        continue;
      }
      Open open{&target, {}, health_.half_open(target, now_)};
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
    std::vector<Placed> spare;
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
        (first ? placed_ : spare)
            .push_back({{&target, credential, false},
                        first ? "weighted" : "other credential",
                        open_[drawn].half_open});
        first = false;
      }
    }
    placed_.insert(placed_.end(), spare.begin(), spare.end());
  }

  // Only the first place is sure to be tried, so only there a probe may be claimed. Failing over to
  // a half-open target would send it every call that another one failed.
  void append_open() {
    const Target* probed = nullptr;
    for (const Placed& place : placed_) {
      const Target* target = place.candidate.target;
      if (!place.half_open || target == probed) {
        append(place.candidate, place.reason);
      } else if (plan_.candidates.empty() && health_.claim_probe(*target, now_)) {
        probed = target;
        append(place.candidate, "probe");
      } else {
        cooling_.push_back({{target, place.candidate.credential, true}, now_});
      }
    }
  }

  void append_cooling() {
    std::stable_sort(cooling_.begin(), cooling_.end(),
                     [](const Cooling& a, const Cooling& b) { return a.until < b.until; });
    for (const Cooling& cooling : cooling_) {
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(cooling.until - now_).count();
      append(cooling.candidate,
             seconds == 0 ? "recovering" : "cooling " + std::to_string(seconds) + "s");
    }
  }

  void refuse() {
    std::string what;
    for (const std::string_view lack : lacking_) what.append(what.empty() ? "" : ", ").append(lack);
    plan_.refused = Status(Code::kUnsupported, "the request needs what no target of the model " +
                                                   json_string(model_.name) + " has: " + what);
    if (what == "tools") plan_.refused = plan_.refused.with_param("tools");
  }

  void append(const Candidate& candidate, std::string reason) {
    const Target& target = *candidate.target;
    plan_.candidates.push_back(candidate);
    plan_.entries.push_back(
        entry(target, target.provider->credentials[candidate.credential].name, std::move(reason)));
  }

  const Model& model_;
  const Needs needs_;
  const HealthTable& health_;
  const TimePoint now_;
  Random random_;
  std::vector<Open> open_;
  std::vector<Placed> placed_;
  std::vector<Cooling> cooling_;
  std::vector<PlanEntry> left_out_;
  std::vector<std::string_view> lacking_;
  Plan plan_;
};

}  // namespace

Plan make_plan(const Model& model, const Needs& needs, const HealthTable& health, TimePoint now,
               std::uint64_t seed) {
  return Planner(model, needs, health, now, seed).run();
}

}  // namespace llmorch
