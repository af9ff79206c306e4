// One request on its way into Gemini's shape: what its writers share.
//
// Belongs to one call of encode_request(), on one thread. The first failure counts.
#ifndef LLMORCH_FORMATS_GEMINI_ENCODING_H_
#define LLMORCH_FORMATS_GEMINI_ENCODING_H_

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/gemini/models.h"
#include "llmorch/spi/chat.h"
#include "llmorch/status.h"

namespace llmorch::gemini {

// A request field in the words of the dialect the caller used; `neutral` is OpenAI's name for it.
std::string caller_word(Format format, std::string_view neutral);
// "messages[2].content[1]", as the caller would say it, of a part of the neutral request.
std::string caller_path(const ChatRequest& request, std::size_t message, std::size_t part);

// Tool names as Gemini takes them. Stable within one request.
class ToolNames {
 public:
  ToolNames() = default;
  ToolNames(const ChatRequest& request, std::size_t longest);
  const std::string& sent(const std::string& asked);
  // Those that had to change: (as sent, as asked).
  std::vector<std::pair<std::string, std::string>> changed() const;

 private:
  bool is_taken(const std::string& name) const;
  std::size_t longest_ = 128;
  std::map<std::string, std::string, std::less<>> sent_;  // by the name that was asked for
};

struct Encoding {
  Encoding(const ChatRequest& asked, const ModelTraits& known);

  const ChatRequest& request;
  const ModelTraits traits;
  const bool own;  // it was written in Gemini's words: extras are put back
  ToolNames names;
  std::vector<std::string> dropped;
  Status error;

  const Extras* extras(const Extras& of) const { return own ? &of : nullptr; }
  void fail(Status status);
  // It cannot be expressed: names the field, in the caller's words.
  void refuse(std::string param, std::string why);
  void drop(std::string what);  // once per name
  void drop_field(std::string_view neutral) { drop(caller_word(request.format, neutral)); }
};

// The JSON text that stood at that path; "" when there is none.
std::string_view find_extra(const Extras& extras, std::string_view path);

// The messages as `contents`, and what belongs into systemInstruction.
struct Contents {
  std::string system;  // parts, with commas between them; "" none
  std::string list;    // "[…]"
};
Contents write_contents(Encoding& encoding, const std::string& system_prompt);

// A part that carries bytes, or a reference to them.
void write_media(Encoding& encoding, std::string& out, const Part& part, const std::string& path);

// "[{…}]", or "" when there are no tools.
std::string write_tools(Encoding& encoding, std::vector<std::string>& custom_tools);
// The object, or "".
std::string write_tool_config(Encoding& encoding);

}  // namespace llmorch::gemini

#endif  // LLMORCH_FORMATS_GEMINI_ENCODING_H_
