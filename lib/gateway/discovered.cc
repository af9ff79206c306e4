#include "gateway/discovered.h"

#include <algorithm>
#include <utility>

namespace llmorch {
namespace {

bool same_endpoint(const Provider& a, const Provider& b) {
  return a.name == b.name && a.type == b.type && a.base_url == b.base_url;
}

template <class Lists>
auto find_list(Lists& lists, const Provider& provider) {
  return std::find_if(lists.begin(), lists.end(), [&](const Discovered::List& list) {
    return same_endpoint(*list.provider, provider);
  });
}

std::shared_ptr<const Snapshot> with(const Snapshot& snapshot, Discovered discovered) {
  discovered.owners.clear();
  for (std::size_t i = 0; i < discovered.lists.size(); ++i) {
    if (discovered.lists[i].models == nullptr) continue;
    for (const std::string& model : *discovered.lists[i].models)
      discovered.owners[model].push_back(i);
  }
  auto out = std::make_shared<Snapshot>(snapshot);
  out->discovered = std::make_shared<const Discovered>(std::move(discovered));
  return out;
}

bool same_models(const Discovered::List& a, const Discovered::List& b) {
  if (a.models == nullptr || b.models == nullptr) return a.models == b.models;
  return *a.models == *b.models;
}

}  // namespace

std::shared_ptr<const Snapshot> with_lists(std::shared_ptr<const Snapshot> snapshot,
                                           const Discovered* before) {
  Discovered out;
  for (const std::shared_ptr<const Provider>& provider : snapshot->providers) {
    if (!provider->discover) continue;
    Discovered::List& list = out.lists.emplace_back();
    if (before != nullptr) {
      const auto kept = find_list(before->lists, *provider);
      if (kept != before->lists.end()) list = *kept;
    }
    list.provider = provider;
  }
  return out.lists.empty() ? snapshot : with(*snapshot, std::move(out));
}

std::shared_ptr<const Snapshot> with_news(std::shared_ptr<const Snapshot> snapshot,
                                          const Discovered::List& news) {
  if (snapshot->discovered == nullptr) return snapshot;
  Discovered out = *snapshot->discovered;
  const auto list = find_list(out.lists, *news.provider);
  if (list == out.lists.end()) return snapshot;
  const Discovered::List was = *list;
  list->error = news.error;
  if (news.models != nullptr) list->models = news.models;
  list->pending = list->models == nullptr && news.pending;
  if (list->error == was.error && list->pending == was.pending && same_models(*list, was))
    return snapshot;
  return with(*snapshot, std::move(out));
}

}  // namespace llmorch
