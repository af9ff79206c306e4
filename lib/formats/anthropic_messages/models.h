// What Claude models differ in, as far as a request must know: one row of data per family.
//
// A row counts for every model whose id contains its name; the longest name wins. Pure; any thread.
// Source: WIRE_FORMATS 2.2 (mid-conversation system) and 2.6.
#ifndef LLMORCH_FORMATS_ANTHROPIC_MESSAGES_MODELS_H_
#define LLMORCH_FORMATS_ANTHROPIC_MESSAGES_MODELS_H_

#include <cstdint>
#include <string_view>

#include "llmorch/spi/format.h"

namespace llmorch::anthropic_messages {

// How a model is told to think.
enum class Thinking : std::uint8_t { kNone, kBudget, kAdaptive };
// What "do not think" becomes.
enum class NoThinking : std::uint8_t { kOmit, kDisabled, kBetweenTools, kImpossible };

struct ModelTraits {
  std::string_view name;
  std::int64_t max_output_tokens = 4096;
  Thinking thinking = Thinking::kNone;
  NoThinking no_thinking = NoThinking::kOmit;
  bool sampling = true;       // temperature, top_p, top_k
  bool one_sampling = false;  // temperature or top_p, not both
  bool forced_choice = true;  // tool_choice any or tool
  bool structured = false;    // output_config.format, strict tools
  bool xhigh = false;         // effort xhigh; else max
  bool mid_system = false;    // honours role "system" inside messages
  bool prefill = true;        // takes an assistant turn as the last
  // As configured, else allowed.
  bool tools = true;
  bool vision = true;
  bool known = false;
};

ModelTraits model_traits(std::string_view model, const Capabilities& configured);

}  // namespace llmorch::anthropic_messages

#endif  // LLMORCH_FORMATS_ANTHROPIC_MESSAGES_MODELS_H_
