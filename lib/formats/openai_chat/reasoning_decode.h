// What a model thought and how much it may think, as clients of this dialect say it: OpenAI's own
// field and those of LiteLLM, OpenRouter and the compatible servers.
//
// Pure functions; any thread. Source: WIRE_FORMATS 6.5, 6.6.
#ifndef LLMORCH_FORMATS_OPENAI_CHAT_REASONING_DECODE_H_
#define LLMORCH_FORMATS_OPENAI_CHAT_REASONING_DECODE_H_

#include <vector>

#include "formats/openai_chat/field_reader.h"

namespace llmorch::openai_chat {

// The reasoning of an assistant message, in order. One source is read: the one that carries proofs
// if there is one. Every field that reasoning_content alone would not give back stays in `extras`.
std::vector<Part> read_reasoning(const json::Value& message, Extras& extras);

// reasoning_effort, reasoning, thinking and include_reasoning of a request body.
Status read_reasoning_controls(const json::Value& root, ChatRequest& out);

}  // namespace llmorch::openai_chat

#endif  // LLMORCH_FORMATS_OPENAI_CHAT_REASONING_DECODE_H_
