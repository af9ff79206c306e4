// How the discovered lists of a Snapshot come about: pure functions, each giving a new value.
#ifndef LLMORCH_GATEWAY_DISCOVERED_H_
#define LLMORCH_GATEWAY_DISCOVERED_H_

#include <memory>

#include "types/snapshot.h"

namespace llmorch {

// The snapshot with a list for each provider that is discovered: the one in `before` where it is of
// the same endpoint (name, type and base URL), else a pending one. `before` may be null.
std::shared_ptr<const Snapshot> with_lists(std::shared_ptr<const Snapshot> snapshot,
                                           const Discovered* before);

// The snapshot with what came of asking one endpoint. A failed try (`news.models` is null) leaves
// the list that was there. The same pointer comes back when nothing has changed, or when the
// snapshot no longer has that endpoint.
std::shared_ptr<const Snapshot> with_news(std::shared_ptr<const Snapshot> snapshot,
                                          const Discovered::List& news);

}  // namespace llmorch

#endif  // LLMORCH_GATEWAY_DISCOVERED_H_
