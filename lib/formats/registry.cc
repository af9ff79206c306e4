#include "formats/anthropic_messages/anthropic_messages.h"
#include "formats/gemini/gemini.h"
#include "formats/openai_chat/openai_chat.h"
#include "llmorch/spi/format.h"

namespace llmorch {

const FormatCodec* find_format(Format format) {
  switch (format) {
    case Format::kOpenAiChat:
      return &openai_chat::codec();
    case Format::kGemini:
      return &gemini::codec();
    case Format::kAnthropicMessages:
      return &anthropic_messages::codec();
    case Format::kOpenAiResponses:
    case Format::kBedrockConverse:
      break;
  }
  return nullptr;
}

}  // namespace llmorch
