// Messages, content blocks and tools of a request body to the neutral form.
//
// One reader per request, on one thread. The first wrong field ends the reading; see error().
// Source: WIRE_FORMATS 2.2, 2.4.
#ifndef LLMORCH_FORMATS_ANTHROPIC_MESSAGES_MESSAGE_DECODE_H_
#define LLMORCH_FORMATS_ANTHROPIC_MESSAGES_MESSAGE_DECODE_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/anthropic_messages/anthropic_messages.h"

namespace llmorch::anthropic_messages {

inline std::string at(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}
inline std::string in(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

class MessageReader {
 public:
  const Status& error() const { return error_; }

  Message read_system(const json::Value& system);
  Message read_message(const json::Value& value, const std::string& path);
  Tool read_tool(const json::Value& value, const std::string& path);

  void fail(Status status) {
    if (error_.ok()) error_ = std::move(status);
  }
  // A string field that must be there, or may be missing or null.
  std::string need_string(const json::Value& object, std::string_view key, const std::string& path);
  std::string take_string(const json::Value& value, const std::string& path);
  bool need_object(const json::Value& value, const std::string& path);

 private:
  void read_content(const json::Value& content, const std::string& path, std::vector<Part>& parts,
                    bool& plain);
  Part read_block(const json::Value& value, const std::string& path);
  void read_thinking(const json::Value& value, const std::string& path, Part& part);
  void read_media(const json::Value& value, const std::string& path, Part& part);
  void read_tool_result(const json::Value& value, const std::string& path, Part& part);
  void read_rest(const json::Value& value, std::initializer_list<std::string_view> known,
                 Part& part);

  Status error_;
};

}  // namespace llmorch::anthropic_messages

#endif  // LLMORCH_FORMATS_ANTHROPIC_MESSAGES_MESSAGE_DECODE_H_
