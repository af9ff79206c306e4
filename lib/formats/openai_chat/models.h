// What is known of a model by its name: which fields OpenAI's own ones refuse, and how the families
// that speak this dialect want their history. Of a name that is not in the table nothing is
// assumed.
//
// Pure functions over a constant table; any thread. Source: WIRE_FORMATS 1.2, 6.4 to 6.6.
#ifndef LLMORCH_FORMATS_OPENAI_CHAT_MODELS_H_
#define LLMORCH_FORMATS_OPENAI_CHAT_MODELS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "llmorch/spi/format.h"

namespace llmorch::openai_chat {

// OpenAI's words for effort, in order.
enum class Effort : unsigned char { kNone, kMinimal, kLow, kMedium, kHigh, kXHigh, kMax };

// How reasoning in an assistant's history is given back.
enum class Echo : unsigned char {
  kNever,   // the field is unknown there
  kGiven,   // where there was some
  kAlways,  // on every assistant message, empty if need be
};

struct Model {
  std::string_view prefix;
  bool openai = false;     // OpenAI's own: newer fields are known, and unknown ones refused
  bool reasoning = false;  // refuses max_tokens, stop, penalties, and most sampling
  bool efforts = true;     // takes reasoning_effort, from `lowest` to `highest`
  bool none = false;       // and "none", with which it also takes temperature and top_p
  Effort lowest = Effort::kLow;
  Effort highest = Effort::kHigh;
  bool effort_with_tools = true;
  bool parallel = true;  // takes parallel_tool_calls
  Echo echo = Echo::kNever;
  std::size_t id_length = 0;  // tool call ids are exactly so long; 0: at most 40
};

// `name` may carry a provider's prefix ("openai/gpt-5"). What the configuration says of a target
// goes before the table.
Model find_model(std::string_view name, const Capabilities& capabilities);

// The nearest effort the model takes; "" when it takes none, or has no word for not thinking.
std::string_view fit_effort(const Model& model, std::string_view effort);
// A number of tokens as an effort; "" when the model may choose.
std::string_view effort_of_budget(std::int64_t tokens);

}  // namespace llmorch::openai_chat

#endif  // LLMORCH_FORMATS_OPENAI_CHAT_MODELS_H_
