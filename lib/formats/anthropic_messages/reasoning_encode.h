// How much the model may think, in the words that it understands, and how long its answer may be:
// the two depend on each other.
//
// Pure but for what it reports in the context. Source: WIRE_FORMATS 2.6, 6.5, 6.6.
#ifndef LLMORCH_FORMATS_ANTHROPIC_MESSAGES_REASONING_ENCODE_H_
#define LLMORCH_FORMATS_ANTHROPIC_MESSAGES_REASONING_ENCODE_H_

#include <cstdint>
#include <string>

#include "formats/anthropic_messages/encode_context.h"

namespace llmorch::anthropic_messages {

struct Reasoning {
  bool thinks = false;
  std::string thinking;         // JSON; "" leave it out
  std::string effort;           // of output_config; "" leave it out
  std::int64_t max_tokens = 0;  // thinking included
};

// `calls_without_thinking`: the last assistant turn has calls that no thinking leads to.
Reasoning choose_reasoning(EncodeContext& context, bool calls_without_thinking);

}  // namespace llmorch::anthropic_messages

#endif  // LLMORCH_FORMATS_ANTHROPIC_MESSAGES_REASONING_ENCODE_H_
