#include "formats/openai_chat/openai_chat.h"
#include "llmorch/spi/format.h"

namespace llmorch {

const FormatCodec* find_format(Format format) {
  switch (format) {
    case Format::kOpenAiChat:
      return &openai_chat::codec();
    case Format::kOpenAiResponses:
    case Format::kAnthropicMessages:
    case Format::kGemini:
    case Format::kBedrockConverse:
      break;
  }
  return nullptr;
}

}  // namespace llmorch
