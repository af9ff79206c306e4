// What the writers of one request body share: the request, what the target's model can do, what was
// dropped or refused on the way, and the names that changed.
//
// Belongs to one call of encode_request() on one thread. The first refusal ends the writing.
// Source: WIRE_FORMATS 6.1, 6.4, 6.8.
#ifndef LLMORCH_FORMATS_ANTHROPIC_MESSAGES_ENCODE_CONTEXT_H_
#define LLMORCH_FORMATS_ANTHROPIC_MESSAGES_ENCODE_CONTEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "formats/anthropic_messages/models.h"
#include "formats/object_writer.h"
#include "llmorch/spi/format.h"

namespace llmorch::anthropic_messages {

class EncodeContext {
 public:
  EncodeContext(const ChatRequest& request, const RequestEdits& edits);

  const ChatRequest& request;
  const RequestEdits& edits;
  const ModelTraits traits;
  // The caller speaks this format too: its own words go back as they stood.
  const bool own;
  EncodedRequest result;
  Status error;

  void refuse(std::string param, std::string why);
  void drop(const std::string& what);
  // Extras of another format cannot be written; those that meant something are reported.
  void drop_extras(const Extras& extras, std::string_view prefix);
  const Extras* writable(const Extras& extras) const { return own ? &extras : nullptr; }

  // How the caller would name a field: its own dialect's path.
  std::string message_param(std::size_t message) const;
  std::string part_param(std::size_t message, std::size_t part) const;
  std::string inner_param(std::size_t message, std::size_t part, std::size_t inner) const;
  std::string field(std::string_view neutral) const;

  // Writes the mark, unless it is none, or among those over the vendor's limit. Marks must be
  // written in the order tools, system, messages.
  void write_mark(ObjectWriter& object, const std::string& mark);

  // The name as it is sent; remembered in the hints when it had to change.
  std::string tool_name(const std::string& asked);
  // A tool call's id as this format allows it.
  static std::string legal_id(std::string_view id);

 private:
  void count_marks(const std::vector<Part>& parts);

  std::size_t marks_to_skip_ = 0;
  bool short_mark_written_ = false;
};

// The mark that a part carries, its own or of what it holds; "" none or not one.
std::string mark_of(const Part& part);

}  // namespace llmorch::anthropic_messages

#endif  // LLMORCH_FORMATS_ANTHROPIC_MESSAGES_ENCODE_CONTEXT_H_
