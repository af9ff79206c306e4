// A request's tools and how the model may choose among them.
//
// Belongs to one call of encode_request(). Order of use: choose(), then, if the answer's form is to
// be a tool's input, force_json_tool(), then write_tools() and write_choice().
// Source: WIRE_FORMATS 2.4, 6.1.
#ifndef LLMORCH_FORMATS_ANTHROPIC_MESSAGES_TOOL_ENCODE_H_
#define LLMORCH_FORMATS_ANTHROPIC_MESSAGES_TOOL_ENCODE_H_

#include <string>
#include <vector>

#include "formats/anthropic_messages/encode_context.h"
#include "formats/anthropic_messages/schema.h"

namespace llmorch::anthropic_messages {

class ToolWriter {
 public:
  explicit ToolWriter(EncodeContext& context) : context_(context) {}

  // Decides on the choice. `thinking`: the model will think, which forbids forcing it.
  void choose(bool thinking);
  // Whether a tool of ours may stand for the answer.
  bool can_force_json() const;
  void force_json_tool(const ResponseFormat& format);

  // Appends the value of `tools`, and of `tool_choice`; nothing where there is none. `budget` is
  // what a structured answer left for strict tools.
  void write_tools(std::string& out, StrictBudget budget);
  void write_choice(std::string& out);

 private:
  enum class Choice { kUnset, kAuto, kAny, kTool, kNone };

  void read_allowed(const std::string& list);
  bool is_left_out(const Tool& tool) const;
  void write_tool(std::string& out, const Tool& tool, std::size_t index, StrictBudget& budget);
  void write_schema(ObjectWriter& object, const Tool& tool, StrictBudget& budget);

  EncodeContext& context_;
  Choice choice_ = Choice::kUnset;
  std::string name_;               // kTool
  std::vector<std::string> only_;  // names that stay; empty: all
  std::string json_tool_;          // written as the last tool; "" none
  std::string json_schema_;
  std::string json_description_;
  bool can_force_ = false;
};

}  // namespace llmorch::anthropic_messages

#endif  // LLMORCH_FORMATS_ANTHROPIC_MESSAGES_TOOL_ENCODE_H_
