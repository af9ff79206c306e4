#include "routing/policy.h"

#include <algorithm>
#include <array>

#include "base/random.h"

namespace llmorch {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr milliseconds kHour = minutes(60);
constexpr milliseconds kTenMinutes = minutes(10);
constexpr milliseconds kShortestWait{100};
constexpr milliseconds kLongestWait{2000};

constexpr VerdictRule kNothing{};
constexpr VerdictRule kOtherTarget{.other_target = true};
// One bad answer may be chance, so a sole target gets a second try; the breaker counts it.
constexpr VerdictRule kFailure{.other_target = true, .same_pair = true, .blame_target = true};

// Indexed by Verdict.
constexpr std::array<VerdictRule, 17> kRules{{
    kNothing,                                                                    // ok
    kNothing,                                                                    // invalid_request
    kNothing,                                                                    // context_length
    kNothing,                                                                    // content_policy
    {.other_target = true, .other_credential = true, .cool_credential = kHour},  // auth
    {.other_target = true, .other_credential = true, .cool_pair = kTenMinutes},  // permission
    {.other_target = true, .other_credential = true, .cool_credential = kHour},  // billing
    {.other_target = true, .other_credential = true, .cool_pair = kTenMinutes},  // model_not_found
    {.other_target = true,
     .other_credential = true,
     .same_pair = true,
     .cool_credential = seconds(60),
     .heeds_retry_after = true},  // rate_limit
    {.other_target = true,
     .same_pair = true,
     .blame_target = true,
     .cool_target = seconds(10),
     .heeds_retry_after = true},                   // overloaded
    kFailure,                                      // server_error
    {.other_target = true, .blame_target = true},  // timeout: it may have been worked on, and paid
    kFailure,                                      // network
    kFailure,                                      // malformed
    {.other_target = true, .same_pair = true},     // conflict
    kNothing,                                      // client_cancel
    kOtherTarget,                                  // inexpressible
}};

// Whether the pair may come next after all that was tried, repeats excluded.
bool allowed(const Plan& plan, const std::vector<Tried>& tried, std::size_t candidate) {
  const Target* target = plan.candidates[candidate].target;
  if (plan.candidates[tried.back().candidate].target != target &&
      !verdict_rule(tried.back().verdict).other_target) {
    return false;
  }
  return std::none_of(tried.begin(), tried.end(), [&](const Tried& past) {
    return past.candidate == candidate || (plan.candidates[past.candidate].target == target &&
                                           !verdict_rule(past.verdict).other_credential);
  });
}

// How much speaks against a pair; equal ones keep the plan's order.
int reluctance(const Plan& plan, const std::vector<Tried>& tried, const Candidate& candidate) {
  int against = candidate.cooling ? 4 : 0;
  for (const Tried& past : tried) {
    const Candidate& other = plan.candidates[past.candidate];
    if (other.target->provider != candidate.target->provider) continue;
    if (past.verdict == Verdict::kOverloaded) against |= 1;
    if (verdict_rule(past.verdict).cool_credential > milliseconds(0) &&
        other.credential == candidate.credential) {
      against |= 2;
    }
  }
  return against;
}

}  // namespace

const VerdictRule& verdict_rule(Verdict verdict) {
  const auto index = static_cast<std::size_t>(verdict);
  return index < kRules.size() ? kRules[index] : kNothing;
}

NextStep next_step(const Model& model, const Plan& plan, const std::vector<Tried>& tried,
                   milliseconds left, std::uint64_t seed) {
  if (left <= milliseconds(0) || plan.candidates.empty()) return {};
  if (tried.empty()) return {.attempt = true};
  if (!model.failover) return {};
  const auto sent = std::count_if(tried.begin(), tried.end(), [](const Tried& past) {
    return past.verdict != Verdict::kInexpressible;
  });
  if (sent >= model.max_attempts) return {};

  std::size_t best = plan.candidates.size();
  int best_reluctance = 0;
  for (std::size_t i = 0; i < plan.candidates.size(); ++i) {
    if (!allowed(plan, tried, i)) continue;
    const int against = reluctance(plan, tried, plan.candidates[i]);
    if (best != plan.candidates.size() && against >= best_reluctance) continue;
    best = i;
    best_reluctance = against;
  }
  if (best != plan.candidates.size()) return {.attempt = true, .candidate = best};

  // What was inexpressible says nothing about those that were asked before it.
  const auto asked = std::find_if(tried.rbegin(), tried.rend(), [](const Tried& past) {
    return past.verdict != Verdict::kInexpressible;
  });
  if (asked == tried.rend() || !verdict_rule(asked->verdict).same_pair) return {};
  const Tried& last = *asked;
  for (std::size_t i = 0; i < tried.size(); ++i) {  // once per call: has any pair come back yet?
    for (std::size_t j = i + 1; j < tried.size(); ++j) {
      if (tried[i].candidate == tried[j].candidate) return {};
    }
  }
  const auto span = static_cast<std::uint64_t>((kLongestWait - kShortestWait).count()) + 1;
  const auto jitter = static_cast<milliseconds::rep>(Random(seed + tried.size()).below(span));
  const milliseconds wait = last.retry_after.value_or(kShortestWait + milliseconds(jitter));
  if (wait >= left) return {};
  return {.attempt = true, .candidate = last.candidate, .wait = std::max(wait, milliseconds(0))};
}

Status with_soonest_wait(const Status& failure, const Plan& plan, const Tried& last,
                         const HealthTable& health, TimePoint now) {
  const bool waiting_helps =
      failure.code() == Code::kRateLimited || failure.code() == Code::kOverloaded;
  if (!waiting_helps || plan.candidates.empty()) return failure;
  const VerdictRule& rule = verdict_rule(last.verdict);
  const Candidate& failed = plan.candidates[last.candidate];
  milliseconds soonest = milliseconds::max();
  for (const Candidate& candidate : plan.candidates) {
    const bool same_target = candidate.target == failed.target;
    const bool same_key = candidate.target->provider == failed.target->provider &&
                          candidate.credential == failed.credential;
    milliseconds wait{0};
    if (same_target) wait = rule.cool_target;
    if (same_key) wait = std::max(wait, rule.cool_credential);
    if (same_target && same_key) wait = std::max(wait, rule.cool_pair);
    if (wait > milliseconds(0) && rule.heeds_retry_after) wait = last.retry_after.value_or(wait);
    const Credential& key = candidate.target->provider->credentials[candidate.credential];
    if (const auto until = health.cooling_until(*candidate.target, key, now))
      wait = std::max(wait, std::chrono::ceil<milliseconds>(*until - now));
    soonest = std::min(soonest, wait);
  }
  return failure.with_retry_after(std::max<milliseconds>(soonest, seconds(1)));
}

}  // namespace llmorch
