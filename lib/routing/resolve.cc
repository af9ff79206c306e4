#include "routing/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace llmorch {
namespace {

constexpr std::size_t kMaxName = 256;
// Telling a caller what it may have meant must not take long.
constexpr std::size_t kMaxSuggested = 2000;

// The name goes into URLs, headers and logs, and it is the caller's.
bool is_model_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && is_header_value(name) &&
         name.find('\t') == name.npos && trim(name).size() == name.size();
}

// The provider that a PROVIDER/MODEL name names; null when it is no such name.
std::shared_ptr<const Provider> named_provider(const Snapshot& snapshot, std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == name.npos || !is_model_name(name.substr(slash + 1))) return nullptr;
  const auto found = std::find_if(snapshot.providers.begin(), snapshot.providers.end(),
                                  [&](const std::shared_ptr<const Provider>& provider) {
                                    return provider->name == name.substr(0, slash);
                                  });
  return found == snapshot.providers.end() ? nullptr : *found;
}

Resolved direct(std::string_view name, std::shared_ptr<const Provider> provider,
                std::string_view model) {
  auto made = std::make_shared<Model>();
  made->name = name;
  Target& target = made->targets.emplace_back();
  target.provider = std::move(provider);
  target.model = model;
  return {std::move(made), Status()};
}

std::string either_of(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out.append(i + 1 == names.size() ? " or " : ", ");
    out.append(json_string(names[i]));
  }
  return out;
}

Status ambiguous(const Discovered& discovered, const std::vector<std::size_t>& owners,
                 std::string_view name) {
  std::vector<std::string> spellings;
  for (const std::size_t owner : owners)
    spellings.push_back(discovered.lists[owner].provider->name + "/" + std::string(name));
  return Status(Code::kInvalidArgument,
                fmt::format("The model {} is offered by {} providers. Ask for {}.",
                            json_string(shorten(name, 100)), owners.size(), either_of(spellings)))
      .with_reason("model_ambiguous")
      .with_param("model");
}

// Why a provider's list is not there, for those that have none. Says what to ask for instead.
std::string without_lists(const Snapshot& snapshot) {
  std::string text;
  if (snapshot.discovered == nullptr) return text;
  for (const Discovered::List& list : snapshot.discovered->lists) {
    if (list.models != nullptr || list.error.empty()) continue;
    text.append(
        fmt::format(" The models of provider {0} could not be listed ({1}); ask for "
                    "\"{2}/NAME\".",
                    json_string(list.provider->name), list.error, list.provider->name));
  }
  return text;
}

bool any_pending(const Snapshot& snapshot) {
  return snapshot.discovered != nullptr &&
         std::any_of(snapshot.discovered->lists.begin(), snapshot.discovered->lists.end(),
                     [](const Discovered::List& list) { return list.pending; });
}

Status not_yet_known(const Snapshot& snapshot, std::string_view name) {
  return Status(Code::kNoCandidate,
                fmt::format("Whether there is a model {} is not known yet: the providers' lists "
                            "of models are still being fetched.{}",
                            json_string(shorten(name, 100)), without_lists(snapshot)))
      .with_retry_after(std::chrono::seconds(1));
}

Status unknown(const Snapshot& snapshot, std::string_view name) {
  std::vector<std::string> names;
  for (const auto& [known, model] : snapshot.by_name) names.push_back(known);
  if (snapshot.discovered != nullptr) {
    for (const auto& [known, owners] : snapshot.discovered->owners) {
      if (names.size() >= kMaxSuggested) break;
      names.push_back(owners.size() == 1
                          ? known
                          : snapshot.discovered->lists[owners[0]].provider->name + "/" + known);
    }
  }
  std::sort(names.begin(), names.end());
  const std::vector<std::string> near = nearest(name, names, 3);
  std::string text = fmt::format("The model {} does not exist.", json_string(shorten(name, 100)));
  if (!near.empty()) text.append(" Did you mean ").append(either_of(near)).push_back('?');
  text.append(without_lists(snapshot));
  text.append(" Models are listed by GET /v1/models");
  if (!snapshot.providers.empty()) {
    text.append(fmt::format("; \"{}/NAME\" asks a provider for any of its own",
                            snapshot.providers.front()->name));
  }
  text.append(fmt::format("; add one under `models` in {}.", snapshot.source));
  return Status(Code::kNotFound, std::move(text))
      .with_reason("model_not_found")
      .with_param("model");
}

}  // namespace

Resolved resolve_model(const Snapshot& snapshot, std::string_view name) {
  if (const auto found = snapshot.by_name.find(name); found != snapshot.by_name.end())
    return {found->second, Status()};
  if (!is_model_name(name)) return {nullptr, unknown(snapshot, name)};
  if (auto provider = named_provider(snapshot, name))
    return direct(name, std::move(provider), name.substr(name.find('/') + 1));
  if (snapshot.discovered != nullptr) {
    const Discovered& discovered = *snapshot.discovered;
    const auto found = discovered.owners.find(name);
    if (found != discovered.owners.end()) {
      const std::vector<std::size_t>& owners = found->second;
      if (owners.size() > 1) return {nullptr, ambiguous(discovered, owners, name)};
      return direct(name, discovered.lists[owners[0]].provider, name);
    }
  }
  if (any_pending(snapshot)) return {nullptr, not_yet_known(snapshot, name)};
  return {nullptr, unknown(snapshot, name)};
}

std::vector<std::string> model_names(const Snapshot& snapshot) {
  std::vector<std::string> names;
  for (const std::shared_ptr<const Model>& model : snapshot.models) {
    names.push_back(model->name);
    names.insert(names.end(), model->aliases.begin(), model->aliases.end());
  }
  if (snapshot.discovered == nullptr) return names;
  std::vector<std::string> direct;
  for (const Discovered::List& list : snapshot.discovered->lists) {
    if (list.models == nullptr) continue;
    for (const std::string& model : *list.models) {
      // A configured name wins over either spelling, and is in the list already.
      const bool bare = snapshot.discovered->owners.at(model).size() == 1 &&
                        named_provider(snapshot, model) == nullptr;
      if (bare && snapshot.find(model) == nullptr) names.push_back(model);
      std::string full = list.provider->name + "/" + model;
      if (snapshot.find(full) == nullptr) direct.push_back(std::move(full));
    }
  }
  std::move(direct.begin(), direct.end(), std::back_inserter(names));
  return names;
}

}  // namespace llmorch
