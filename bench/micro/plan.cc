// What choosing costs, for models of so many targets in two tiers.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "routing/plan.h"

namespace llmorch::bench {
namespace {

Model model(std::size_t targets) {
  Model out;
  out.name = "m";
  for (std::size_t i = 0; i < targets; ++i) {
    auto provider = std::make_shared<Provider>();
    provider->name = "p" + std::to_string(i);
    provider->credentials.push_back({"main", Secret("sk"), 1});
    Target target;
    target.provider = std::move(provider);
    target.model = "up";
    target.tier = i < (targets + 1) / 2 ? 1 : 2;
    target.weight = static_cast<unsigned>(i % 3) + 1;
    out.targets.push_back(std::move(target));
  }
  return out;
}

void plan(benchmark::State& state) {
  const auto targets = static_cast<std::size_t>(state.range(0));
  const Model of = model(targets);
  const HealthTable health;
  std::uint64_t seed = 0;
  for (auto _ : state) {
    const Plan made = make_plan(of, {}, health, TimePoint(std::chrono::seconds(1000)), ++seed);
    if (made.candidates.size() != targets) return state.SkipWithError("a target got lost");
  }
}
BENCHMARK(plan)->Arg(1)->Arg(2)->Arg(8)->Arg(32);

}  // namespace
}  // namespace llmorch::bench
