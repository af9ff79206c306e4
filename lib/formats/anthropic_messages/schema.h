// JSON Schema as Anthropic takes it: any schema of an object as a tool's input, a restricted one
// where the answer is held to it.
//
// Pure functions; any thread. Total: what is not a schema gives the schema of an empty object.
// Source: WIRE_FORMATS 2.4, which follows the sanitiser of Anthropic's own SDK.
#ifndef LLMORCH_FORMATS_ANTHROPIC_MESSAGES_SCHEMA_H_
#define LLMORCH_FORMATS_ANTHROPIC_MESSAGES_SCHEMA_H_

#include <string>
#include <string_view>

#include "json/json.h"

namespace llmorch::anthropic_messages {

// What one request may ask for; all strict schemas of it together.
struct StrictBudget {
  int tools = 20;
  int optional = 24;  // parameters that are not required
  int unions = 16;    // parameters that may have more than one type
};

struct StrictSchema {
  std::string json;
  int optional = 0;
  int unions = 0;
  // False: a rule that cannot be mended (recursion, a root that is no object, free-form members).
  bool possible = true;

  bool fits(const StrictBudget& budget) const {
    return possible && optional <= budget.optional && unions <= budget.unions;
  }
};
// An allow-list of keywords; of every other one a note is left in the description. Properties that
// are named like keywords stay.
StrictSchema strict_schema(std::string_view schema);

// For input_schema: the root is an object and no union. Otherwise as it stood, byte for byte.
std::string tool_schema(std::string_view schema);

}  // namespace llmorch::anthropic_messages

#endif  // LLMORCH_FORMATS_ANTHROPIC_MESSAGES_SCHEMA_H_
