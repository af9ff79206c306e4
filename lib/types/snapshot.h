// Snapshot: the compiled configuration that a call holds from start to end. Immutable and shared;
// any thread may read it.
#ifndef LLMORCH_TYPES_SNAPSHOT_H_
#define LLMORCH_TYPES_SNAPSHOT_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "llmorch/config.h"
#include "llmorch/spi/provider.h"

namespace llmorch {

struct Timeouts {
  std::chrono::milliseconds connect{3000};  // DNS, TCP and TLS
  // From request sent to the first content of a stream, or to the head of a whole answer. Unset: 30
  // s for a stream; a whole answer, which vendors send when it is complete, only has the total.
  std::optional<std::chrono::milliseconds> first_event;
  std::chrono::milliseconds idle{30000};    // between bytes, once content has begun
  std::chrono::milliseconds total{600000};  // the whole call, all attempts
  std::chrono::milliseconds early_head{
      10000};                                  // a stream's head goes out after this, at the latest
  std::chrono::milliseconds heartbeat{15000};  // between heartbeats on an idle stream; 0: none

  std::chrono::milliseconds first_event_limit(bool stream) const {
    return first_event.value_or(stream ? std::chrono::milliseconds{30000} : total);
  }
};

struct Model {
  std::string name;
  std::vector<std::string> aliases;
  std::string strategy = "weighted";
  std::vector<Target> targets;
  Timeouts timeouts;
  int max_attempts = 3;
  bool failover = true;  // false: one attempt, whatever happens
};

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

// What the endpoints of providers with `discover` say they serve.
struct Discovered {
  struct List {
    std::shared_ptr<const Provider> provider;
    std::shared_ptr<const std::vector<std::string>> models;  // null: none came yet
    bool pending = true;  // one may still come soon: the first was not refused for good
    std::string error;    // why the last try failed; "" when it did not
  };
  std::vector<List> lists;  // in the order of the file
  // Model name -> the lists that hold it.
  std::unordered_map<std::string, std::vector<std::size_t>, StringHash, std::equal_to<>> owners;
};

struct Snapshot {
  std::uint64_t version = 1;
  std::vector<std::shared_ptr<const Provider>> providers;
  std::vector<std::shared_ptr<const Model>> models;  // in the order of the file
  // By name and by alias.
  std::unordered_map<std::string, std::shared_ptr<const Model>, StringHash, std::equal_to<>>
      by_name;
  std::vector<ConfigIssue> warnings;
  std::string source = "the configuration";  // where to add a model, for messages
  std::shared_ptr<const Discovered> discovered;  // null: no provider is asked for its models

  const Model* find(std::string_view name) const {
    auto it = by_name.find(name);
    return it == by_name.end() ? nullptr : it->second.get();
  }
};

}  // namespace llmorch

#endif  // LLMORCH_TYPES_SNAPSHOT_H_
