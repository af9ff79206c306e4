// Models for routing tests, in few words. Header only; test code.
#ifndef LLMORCH_TESTS_ROUTING_SUPPORT_H_
#define LLMORCH_TESTS_ROUTING_SUPPORT_H_

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "routing/plan.h"

namespace llmorch::test {

inline TimePoint at(int seconds) { return TimePoint(std::chrono::seconds(seconds)); }

// A provider whose credentials are named k0, k1 … and weigh as given.
inline std::shared_ptr<const Provider> provider(std::string name,
                                                std::vector<unsigned> weights = {1}) {
  auto made = std::make_shared<Provider>();
  made->name = std::move(name);
  made->base_url = "https://" + made->name + ".example/v1";
  for (std::size_t i = 0; i < weights.size(); ++i) {
    made->credentials.push_back(
        {"k" + std::to_string(i), Secret("secret" + std::to_string(i)), weights[i]});
  }
  return made;
}

inline Target target(std::shared_ptr<const Provider> from, std::string model, int tier = 1,
                     unsigned weight = 1) {
  Target made;
  made.provider = std::move(from);
  made.model = std::move(model);
  made.tier = tier;
  made.weight = weight;
  return made;
}

inline Model model(std::vector<Target> targets, int max_attempts = 3) {
  Model made;
  made.name = "m";
  made.targets = std::move(targets);
  made.max_attempts = max_attempts;
  return made;
}

// "a/m1/k0 b/m2/k0"
inline std::string order(const Plan& plan) {
  std::string text;
  for (std::size_t i = 0; i < plan.candidates.size(); ++i) {
    const PlanEntry& entry = plan.entries[i];
    text += (i == 0 ? "" : " ") + entry.provider + "/" + entry.model + "/" + entry.credential;
  }
  return text;
}

}  // namespace llmorch::test

#endif  // LLMORCH_TESTS_ROUTING_SUPPORT_H_
