#include "testing/fault_proxy_plan.h"

#include <optional>

#include "json/json.h"

namespace llmorch::testing {
namespace {

struct KindRow {
  std::string_view name;
  Fault::Kind kind;
};

constexpr KindRow kKinds[] = {
    {"none", Fault::Kind::kNone},
    {"reset", Fault::Kind::kReset},
    {"fin", Fault::Kind::kFin},
    {"half_close", Fault::Kind::kHalfClose},
    {"blackhole", Fault::Kind::kBlackhole},
    {"corrupt", Fault::Kind::kCorrupt},
    {"accept_then_close", Fault::Kind::kAcceptThenClose},
};

constexpr std::uint64_t kRandomReach = 2000;  // bytes into an answer, where random faults strike

Status wrong(std::string_view what) {
  return Status(Code::kInvalidArgument, "fault: " + std::string(what));
}

std::optional<Fault::Kind> kind_named(std::string_view name) {
  for (const KindRow& row : kKinds) {
    if (row.name == name) return row.kind;
  }
  return std::nullopt;
}

Status read_member(std::string_view key, const json::Value& value, Fault& fault) {
  if (key == "kind") {
    const auto kind = kind_named(value.string().value_or(""));
    if (!kind) return wrong("unknown kind " + std::string(value.raw()));
    fault.kind = *kind;
    return {};
  }
  if (key == "direction") {
    const std::string word = value.string().value_or("");
    if (word != "down" && word != "up") return wrong("direction must be \"down\" or \"up\"");
    fault.direction = word == "down" ? Fault::Direction::kDown : Fault::Direction::kUp;
    return {};
  }
  const auto number = value.integer();
  if (!number || *number < 0) return wrong(std::string(key) + " must be a whole number");
  const auto count = static_cast<std::uint64_t>(*number);
  if (key == "after") {
    fault.after = count;
  } else if (key == "times") {
    fault.times = count;
  } else if (key == "bytes_per_second") {
    fault.bytes_per_second = count;
  } else if (key == "slice") {
    fault.slice = count;
  } else if (key == "latency_ms" && count <= 3'600'000) {
    fault.latency = std::chrono::milliseconds(count);
  } else if (key == "jitter_ms" && count <= 3'600'000) {
    fault.jitter = std::chrono::milliseconds(count);
  } else {
    return wrong("unknown key or too large: " + std::string(key));
  }
  return {};
}

Status read_list(const json::Value& value, std::vector<Fault>& out) {
  std::vector<json::Value> items;
  if (value.is_array()) {
    items = value.items();
  } else {
    items.push_back(value);
  }
  for (const json::Value& item : items) {
    if (!item.is_object()) return wrong("must be an object");
    Fault fault;
    for (const auto& [key, member] : item.members()) {
      if (Status status = read_member(key, member, fault); !status.ok()) return status;
    }
    out.push_back(fault);
  }
  return {};
}

}  // namespace

std::string_view fault_kind_name(Fault::Kind kind) {
  for (const KindRow& row : kKinds) {
    if (row.kind == kind) return row.name;
  }
  return "none";
}

Result<FaultPlan> FaultPlan::parse(std::string_view json, std::uint64_t seed) {
  FaultPlan plan(seed);
  if (json.empty()) return plan;
  auto document = json::Document::parse(std::string(json));
  if (!document) return document.error();
  const json::Value root = document->root();
  const json::Value random = root["random"];
  if (!random.exists()) {
    if (Status status = read_list(root, plan.faults_); !status.ok()) return status;
    return plan;
  }
  plan.by_chance_ = true;
  for (const auto& [key, value] : root.members()) {
    if (key == "percent" && value.integer() && *value.integer() >= 0 && *value.integer() <= 100) {
      plan.percent_ = static_cast<std::uint64_t>(*value.integer());
    } else if (key != "random") {
      return wrong("unknown key or bad value: " + key);
    }
  }
  if (random.is_array()) {
    if (Status status = read_list(random, plan.faults_); !status.ok()) return status;
  } else if (!random.boolean().value_or(false)) {
    return wrong("random must be true or a list");
  }
  return plan;
}

Fault FaultPlan::next() {
  if (!by_chance_) {
    while (index_ < faults_.size() && faults_[index_].times == 0) ++index_;
    if (index_ == faults_.size()) return {};
    --faults_[index_].times;
    return faults_[index_];
  }
  if (random_.below(100) >= percent_) return {};
  if (!faults_.empty()) return faults_[random_.below(faults_.size())];
  Fault fault;
  fault.kind = kKinds[random_.below(std::size(kKinds))].kind;
  fault.after = random_.below(kRandomReach);
  fault.slice = random_.below(3) == 0 ? 1 + random_.below(7) : 0;
  fault.latency = std::chrono::milliseconds(random_.below(20));
  return fault;
}

}  // namespace llmorch::testing
