// From the name that a caller asks for to the Model that answers it.
//
// Pure; any thread. A Model that the configuration does not name is made on the fly: one target,
// all of its provider's credentials, default time-outs. Health is keyed by identity, so it is the
// same for each of them.
#ifndef LLMORCH_ROUTING_RESOLVE_H_
#define LLMORCH_ROUTING_RESOLVE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "llmorch/status.h"
#include "types/snapshot.h"

namespace llmorch {

struct Resolved {
  std::shared_ptr<const Model> model;  // null: `error` says why
  Status error;
};

// The first of these that fits:
//  1. a configured model's name or alias, also one that contains '/';
//  2. PROVIDER/MODEL: a configured provider's name, and that provider's own name of a model, which
//     may contain further '/';
//  3. a name that exactly one discovered provider lists.
// Otherwise 404 with suggestions; 400 naming the PROVIDER/MODEL spellings when several providers
// list it; 503 with a wait when a provider's list has not come yet.
Resolved resolve_model(const Snapshot& snapshot, std::string_view name);

// Every name that resolve_model() is sure to take, for lists: configured names and aliases, then
// those that are discovered: bare ones where that is enough, and all as PROVIDER/MODEL.
std::vector<std::string> model_names(const Snapshot& snapshot);

}  // namespace llmorch

#endif  // LLMORCH_ROUTING_RESOLVE_H_
