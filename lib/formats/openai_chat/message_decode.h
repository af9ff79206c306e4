// Messages of a request body to the neutral form: parts, tool calls, and what the model thought.
//
// One reader per request, on one thread: the deprecated function calls are matched by name over all
// messages. The first wrong field ends the reading; see error().
// Source: WIRE_FORMATS 1.3; the fields of other vendors that clients send in this
// dialect: 6.4, 6.6.
#ifndef LLMORCH_FORMATS_OPENAI_CHAT_MESSAGE_DECODE_H_
#define LLMORCH_FORMATS_OPENAI_CHAT_MESSAGE_DECODE_H_

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "formats/openai_chat/field_reader.h"

namespace llmorch::openai_chat {

class MessageReader : public FieldReader {
 public:
  Message read(const json::Value& value, const std::string& path);

 private:
  void read_result(const json::Value& value, const std::string& path, bool deprecated,
                   Message& message);
  void read_content(const json::Value& content, const std::string& path, std::vector<Part>& parts,
                    bool& plain);
  Part read_part(const json::Value& value, const std::string& path);
  Part read_image(const json::Value& value, const std::string& path);
  Part read_audio(const json::Value& value, const std::string& path);
  Part read_file(const json::Value& value, const std::string& path);
  void read_assistant(const json::Value& value, const std::string& path, Message& message);
  void read_rest(const json::Value& value, std::initializer_list<std::string_view> known,
                 Part& part);
  Part read_tool_call(const json::Value& value, const std::string& path);

  int functions_called_ = 0;  // ids for the deprecated function_call
  std::map<std::string, std::string, std::less<>> function_ids_;
};

// The cache mark on `object`, in Anthropic's words: cache_control (LiteLLM, OpenRouter) or OpenAI's
// own prompt_cache_breakpoint. "" none; the field itself is kept in `extras` under `prefix`.
std::string read_cache_mark(const json::Value& object, std::string_view prefix, Extras& extras);

}  // namespace llmorch::openai_chat

#endif  // LLMORCH_FORMATS_OPENAI_CHAT_MESSAGE_DECODE_H_
