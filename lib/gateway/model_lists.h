// ModelLists: asks the endpoints of providers with `discover` for their own lists of models, at
// once and then every ten minutes, in the background of one loop.
//
// Threads: its loop's, construction and destruction included. Bounds: 10 s for a page, 50 pages, 8
// MB for a page's body, 10,000 names of 256 bytes; a failed try is repeated after 1 s, 2 s, 4 s …
// up to ten minutes, with the provider's next credential.
#ifndef LLMORCH_GATEWAY_MODEL_LISTS_H_
#define LLMORCH_GATEWAY_MODEL_LISTS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "llmorch/loop.h"
#include "llmorch/spi/transport.h"
#include "types/snapshot.h"

namespace llmorch {

class ModelLists {
 public:
  // What came of a try: `models`, or null with `error` and whether it may yet succeed (`pending`).
  // Must not call back.
  using Tell = std::function<void(const Discovered::List& news)>;
  // A line for the operator: an endpoint begins to fail, fails otherwise than before, or is back.
  using Log = std::function<void(std::string line)>;

  // `transport` must outlive this.
  ModelLists(Loop& loop, Transport& transport, Tell tell, Log log);
  ~ModelLists();

  // From now on these are the providers. One that is asked already, in the same way, goes on with
  // its timers; others are asked at once.
  void follow(const std::vector<std::shared_ptr<const Provider>>& providers);

 private:
  class Fetch;
  Loop& loop_;
  Transport& transport_;
  const Tell tell_;
  const Log log_;
  std::vector<std::unique_ptr<Fetch>> fetches_;
};

}  // namespace llmorch

#endif  // LLMORCH_GATEWAY_MODEL_LISTS_H_
