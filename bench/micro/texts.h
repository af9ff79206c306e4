// Requests and answers of a given size for the micro-benchmarks, always the same ones. Test code.
#ifndef LLMORCH_BENCH_MICRO_TEXTS_H_
#define LLMORCH_BENCH_MICRO_TEXTS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "llmorch/types.h"

namespace llmorch::bench {

// The sizes everything is measured at: a short question, a chat with history, a long document.
inline const std::vector<std::int64_t> kSizes = {600, 20'000, 200'000};

constexpr std::size_t kChunkBytes = 300;

// An openai_chat request of about `size` bytes: a streamed conversation with escapes and digits.
CallSpec request(std::size_t size);
// openai_chat stream chunks of kChunkBytes each, about `size` bytes in all, without an end.
std::vector<std::string> chunks(std::size_t size);
// The same as one text.
std::string stream_text(std::size_t size);

}  // namespace llmorch::bench

#endif  // LLMORCH_BENCH_MICRO_TEXTS_H_
