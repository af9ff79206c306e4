// One encoding of a ChatRequest in this dialect: what its parts share.
//
// Belongs to one function call on one thread; points to the request and the edits.
#ifndef LLMORCH_FORMATS_OPENAI_CHAT_ENCODING_H_
#define LLMORCH_FORMATS_OPENAI_CHAT_ENCODING_H_

#include <string>
#include <string_view>

#include "formats/object_writer.h"
#include "formats/openai_chat/models.h"
#include "formats/openai_chat/openai_chat.h"

namespace llmorch::openai_chat {

struct Encoding {
  Encoding(const ChatRequest& from, const RequestEdits& with);

  const ChatRequest& request;
  const RequestEdits& edits;
  // The caller spoke this dialect: its own words go on as they stood, whatever the model makes of
  // them, and its extra fields too.
  const bool own;
  const Model model;
  EncodedRequest result;
  Status error;  // the first

  void fail(std::string param, std::string why);  // kUnsupported
  void drop(std::string_view what);
  const Extras* extras(const Extras& of) const { return own ? &of : nullptr; }
  // Another dialect's extra fields: reported with `prefix` before their names.
  void drop_extras(const Extras& of, std::string_view prefix);

  // Names and ids as this dialect allows them; what was renamed goes into the hints.
  std::string tool_name(const std::string& asked);
  std::string call_id(const std::string& id) const;
};

// Separates elements of the list that is being written to `out`.
inline void next(std::string& out) {
  if (out.back() != '[') out.push_back(',');
}

// Appends the list of messages (message_encode.cc).
void write_messages(Encoding& encoding, std::string& out);

// A schema for a function's parameters: an object's properties may not be missing (schema.cc).
std::string function_schema(const std::string& schema);
// Whether OpenAI takes the schema with strict: true.
bool is_strict_schema(const std::string& schema);

}  // namespace llmorch::openai_chat

#endif  // LLMORCH_FORMATS_OPENAI_CHAT_ENCODING_H_
