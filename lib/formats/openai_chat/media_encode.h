// Images, sounds and documents as parts of a message's content.
//
// Belongs to one function call on one thread. What cannot be said ends the encoding with
// kUnsupported, naming the part. Source: WIRE_FORMATS 1.3, 6.1, 6.3.
#ifndef LLMORCH_FORMATS_OPENAI_CHAT_MEDIA_ENCODE_H_
#define LLMORCH_FORMATS_OPENAI_CHAT_MEDIA_ENCODE_H_

#include <string>

#include "formats/openai_chat/encoding.h"

namespace llmorch::openai_chat {

void write_media(Encoding& encoding, std::string& out, const Part& part, const std::string& path);

}  // namespace llmorch::openai_chat

#endif  // LLMORCH_FORMATS_OPENAI_CHAT_MEDIA_ENCODE_H_
