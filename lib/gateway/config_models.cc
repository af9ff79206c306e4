#include "gateway/config_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/text.h"

namespace llmorch::config {
namespace {

constexpr std::size_t kMaxModels = 10'000;
constexpr std::size_t kMaxAliases = 64;
constexpr std::size_t kMaxTargets = 64;
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxEdits = 64;
constexpr std::size_t kMaxEditBytes = 65536;
constexpr std::int64_t kMaxTier = 1000;
constexpr std::int64_t kMaxWeight = 1'000'000;
constexpr std::int64_t kMaxAttempts = 10;
constexpr std::size_t kMaxPrompt = 65536;
constexpr std::int64_t kMaxOutputTokens = 100'000'000;

std::string shown(std::string_view text) { return json_string(shorten(text, 100)); }

// What llmorch itself must know about a request cannot be changed behind its back.
bool editable(Reader& reader, const Place& place, std::string_view key) {
  static constexpr std::array<std::string_view, 6> kReserved{"model", "messages", "contents",
                                                             "input", "stream",   "stream_options"};
  if (std::find(kReserved.begin(), kReserved.end(), key) == kReserved.end()) return true;
  reader.error(place, fmt::format("{} is not a target's to change", shown(key)),
               key == "model" ? "the target's own \"model\" sets it" : "");
  return false;
}

void read_set(Reader& reader, const Place& place, Target& target) {
  if (!place.value.exists()) return;
  if (!place.value.is_object()) {
    reader.error(place, fmt::format("must be an object of request keys and values, not {}",
                                    json::type_name(place.value.type())));
    return;
  }
  if (place.value.size() > kMaxEdits) {
    reader.error(place, fmt::format("holds more than {} keys", kMaxEdits));
    return;
  }
  for (const json::Value::Member& m : place.value.members()) {
    const Place item{m.value, &place, m.key, 0, false};
    if (m.key.empty() || m.key.size() > kMaxName) {
      reader.error(item, fmt::format("a key has 1 to {} bytes", kMaxName));
    } else if (m.value.raw().size() > kMaxEditBytes) {
      reader.error(item, fmt::format("the value is longer than {} bytes", kMaxEditBytes));
    } else if (editable(reader, item, m.key)) {
      target.set.emplace_back(m.key, std::string(m.value.raw()));
    }
  }
}

void read_remove(Reader& reader, const Place& place, Target& target) {
  for (const Place& item : reader.array(place, kMaxEdits)) {
    const std::optional<std::string> key = reader.name(item, kMaxName);
    if (!key || !editable(reader, item, *key)) continue;
    const bool set_too = std::any_of(target.set.begin(), target.set.end(),
                                     [&](const auto& edit) { return edit.first == *key; });
    if (set_too) {
      reader.error(item, fmt::format("{} is both set and removed", shown(*key)));
    } else {
      target.remove.push_back(*key);
    }
  }
}

// Unlike names it may have lines.
std::string read_prompt(Reader& reader, const Place& place) {
  std::optional<std::string> text = reader.string(place);
  if (!text) return "";
  if (text->empty()) {
    reader.error(place, "must not be empty", "leave it out");
  } else if (text->size() > kMaxPrompt) {
    reader.error(place, fmt::format("is longer than {} bytes", kMaxPrompt));
  } else if (text->find('\0') != text->npos) {
    reader.error(place, "holds a NUL character");
  } else {
    return std::move(*text);
  }
  return "";
}

Capabilities read_capabilities(Reader& reader, const Place& place) {
  Capabilities out;
  if (!place.value.exists() || !reader.object(place, "models[].targets[].capabilities")) return out;
  out.tools = reader.boolean(member(place, "tools"));
  out.vision = reader.boolean(member(place, "vision"));
  out.structured_output = reader.boolean(member(place, "structured_output"));
  out.reasoning = reader.boolean(member(place, "reasoning"));
  out.sampling = reader.boolean(member(place, "sampling"));
  out.max_output_tokens = reader.integer(member(place, "max_output_tokens"), 1, kMaxOutputTokens);
  return out;
}

Target read_target(Reader& reader, const Place& place, const ProviderTable& providers) {
  Target target;
  if (!reader.object(place, "models[].targets[]")) return target;
  const Place provider = member(place, "provider");
  reader.required(place, provider, "the name of one of the providers");
  if (const auto name = reader.string(provider)) {
    const auto found = providers.by_name.find(*name);
    if (found != providers.by_name.end()) {
      target.provider = found->second;
    } else {
      reader.error(provider, fmt::format("there is no provider {}", shown(*name)),
                   reader.full() ? "" : suggestion(*name, providers.names));
    }
  }
  const Place model = member(place, "model");
  reader.required(place, model, "the provider's own name of the model");
  target.model = reader.name(model, kMaxName).value_or("");
  target.tier = static_cast<int>(reader.integer(member(place, "tier"), 1, kMaxTier).value_or(1));
  target.weight =
      static_cast<unsigned>(reader.integer(member(place, "weight"), 0, kMaxWeight).value_or(1));
  target.headers = reader.headers(member(place, "headers"));
  const Place set = member(place, "set");
  read_set(reader, set, target);
  const Place remove = member(place, "remove");
  read_remove(reader, remove, target);
  target.system_prompt = read_prompt(reader, member(place, "system_prompt"));
  target.capabilities = read_capabilities(reader, member(place, "capabilities"));
  return target;
}

Timeouts read_timeouts(Reader& reader, const Place& place) {
  Timeouts out;
  if (!place.value.exists() || !reader.object(place, "models[].timeouts")) return out;
  const auto read = [&](std::string_view key, auto& into) {
    if (const auto time = reader.duration(member(place, key), key == "heartbeat")) into = *time;
  };
  read("connect", out.connect);
  read("first_event", out.first_event);
  read("idle", out.idle);
  read("total", out.total);
  read("early_head", out.early_head);
  read("heartbeat", out.heartbeat);
  return out;
}

std::shared_ptr<Model> read_model(Reader& reader, const Place& place,
                                  const ProviderTable& providers) {
  auto model = std::make_shared<Model>();
  if (!reader.object(place, "models[]")) return model;
  const Place name = member(place, "name");
  reader.required(place, name);
  model->name = reader.name(name, kMaxName).value_or("");
  const Place strategy = member(place, "strategy");
  if (const auto text = reader.string(strategy); text && *text != "weighted") {
    reader.error(strategy, fmt::format("unknown strategy {}", shown(*text)),
                 "there is one: \"weighted\"");
  }
  model->timeouts = read_timeouts(reader, member(place, "timeouts"));
  model->max_attempts = static_cast<int>(
      reader.integer(member(place, "max_attempts"), 1, kMaxAttempts).value_or(model->max_attempts));
  model->failover = reader.boolean(member(place, "failover")).value_or(model->failover);

  const Place targets = member(place, "targets");
  for (const Place& item : reader.array(targets, kMaxTargets))
    model->targets.push_back(read_target(reader, item, providers));
  if (!targets.value.exists() || (targets.value.is_array() && targets.value.size() == 0)) {
    reader.error(targets.value.exists() ? targets : place, "the model has no targets",
                 "add at least one: {\"provider\": …, \"model\": …}");
  }
  const auto drained = [](const Target& target) { return target.weight == 0; };
  if (!model->targets.empty() &&
      std::all_of(model->targets.begin(), model->targets.end(), drained)) {
    reader.warning(targets, "every target has weight 0, so every call of this model is refused");
  }
  return model;
}

}  // namespace

void read_models(Reader& reader, const Place& list, const ProviderTable& providers, Snapshot& out) {
  std::unordered_map<std::string, std::string> taken;  // name or alias -> where
  for (const Place& place : reader.array(list, kMaxModels)) {
    const std::shared_ptr<Model> model = read_model(reader, place, providers);
    const auto claim = [&](const std::string& name, const Place& at) {
      const auto [it, fresh] = taken.emplace(name, "");
      if (fresh) {
        it->second = at.pointer();
        out.by_name.emplace(name, model);
      } else {
        reader.error(at, fmt::format("the model name {} is taken already", shown(name)),
                     fmt::format("by {}", it->second));
      }
      return fresh;
    };
    if (!model->name.empty()) claim(model->name, member(place, "name"));
    const Place aliases = member(place, "aliases");
    if (place.value.is_object()) {
      for (const Place& item : reader.array(aliases, kMaxAliases)) {
        const std::optional<std::string> alias = reader.name(item, kMaxName);
        if (alias && claim(*alias, item)) model->aliases.push_back(*alias);
      }
    }
    out.models.push_back(model);
  }
}

}  // namespace llmorch::config
