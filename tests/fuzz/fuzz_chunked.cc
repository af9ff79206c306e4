// ChunkDecoder on arbitrary bytes: cuts change nothing, and the budget holds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/http_front/chunked.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kBudget = 1000;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  llmorch::server::ChunkDecoder whole(kBudget), pieces(kBudget);
  std::string whole_body, body;
  const std::size_t whole_used = whole.feed(input, whole_body);
  std::size_t used = 0;
  while (used < size && !pieces.done() && !pieces.error()) {
    const std::size_t piece = std::min(size - used, std::size_t{1} + data[used] % 16u);
    const std::size_t taken = pieces.feed(input.substr(used, piece), body);
    used += taken;
    if (taken < piece && !pieces.done() && !pieces.error()) std::abort();
  }
  if (used != whole_used || body != whole_body || pieces.done() != whole.done() ||
      pieces.error().status != whole.error().status || body.size() > kBudget)
    std::abort();
  return 0;
}
