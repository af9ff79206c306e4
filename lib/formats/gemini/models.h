// What Gemini models differ in, as far as a request must know: one row of data per family.
//
// Names that no row knows are taken for the newest generation. Pure; any thread.
// Source: WIRE_FORMATS 3.2, 3.6 and 6.5.
#ifndef LLMORCH_FORMATS_GEMINI_MODELS_H_
#define LLMORCH_FORMATS_GEMINI_MODELS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "llmorch/spi/format.h"

namespace llmorch::gemini {

// How a model is told how much to think.
enum class Thinking : std::uint8_t { kNone, kBudget, kLevel };

struct ModelTraits {
  Thinking thinking = Thinking::kLevel;
  std::int64_t least_budget = 0;  // tokens; what "none" becomes
  std::int64_t most_budget = 0;
  bool minimal_level = true;     // MINIMAL; else LOW is the lowest
  bool xhigh_level = false;      // XHIGH; else HIGH is the highest
  bool needs_signature = true;   // of the first call of each step (3.6)
  bool call_ids = false;         // functionCall.id is part of the protocol
  bool media_in_results = true;  // functionResponse.parts
  bool json_with_tools = true;   // a JSON answer and function tools in one request
  bool builtin_with_tools = true;
  bool https_files = true;  // fileData takes a public https URL
  bool penalties = true;
  bool logprobs = false;
  bool json_schema = true;  // parametersJsonSchema; else the OpenAPI subset
  std::size_t longest_tool_name = 128;
  // As configured, else allowed.
  bool tools = true;
  bool vision = true;
  bool structured_output = true;
  bool sampling = true;
  std::int64_t max_output_tokens = 0;  // 0: not known
};

ModelTraits model_traits(std::string_view model, const Capabilities& configured);

}  // namespace llmorch::gemini

#endif  // LLMORCH_FORMATS_GEMINI_MODELS_H_
