// The mock as Anthropic's Messages: internals shared by its request readers, its answers and their
// tests. WIRE_FORMATS 2.
#ifndef LLMORCH_TESTING_MOCK_ANTHROPIC_H_
#define LLMORCH_TESTING_MOCK_ANTHROPIC_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"
#include "testing/mock_dialect.h"

namespace llmorch::testing {

// One row of WIRE_FORMATS 2.6: what models whose id holds `id` accept.
struct AnthropicModel {
  enum class Effort { kNone, kNoXhigh, kAll };
  std::string_view id;
  int max_output = 0;  // 0: not checked
  Effort effort = Effort::kAll;
  // Of: sampling, both (temperature and top_p at once), budget, adaptive, off (thinking of these
  // kinds), forced (tools), schema (output_config.format), prefill, system (turns of that role).
  std::string_view accepts;
  bool takes(std::string_view what) const { return accepts.find(what) != std::string_view::npos; }
};
// An unknown model accepts everything: the mock cannot know better.
const AnthropicModel& anthropic_model(std::string_view name);

struct AnthropicRequest {
  std::string_view version;  // of the header
  bool beta = false;         // a beta header came along
  bool count_only = false;   // count_tokens
};

// The refusal's message, without its envelope; nullopt when all is well.
using Problem = std::optional<std::string>;

// Reads a whole body into `ask`.
Problem read_anthropic(std::string_view body, const AnthropicRequest& request, MockAsk& ask);

// The parts of it.
Problem anthropic_shape(const json::Value& object, std::string_view shape, std::string_view at);
Problem check_anthropic_model(const json::Value& root, const AnthropicModel& model);
Problem read_anthropic_messages(const json::Value& root, const AnthropicModel& model, MockAsk& ask,
                                std::string& last_user);
Problem read_anthropic_tools(const json::Value& root, std::string_view last_user, MockAsk& ask);
// Schemas of strict tools and of output_config.format (2.4).
class StrictSchemas {
 public:
  Problem check(const json::Value& schema, std::string_view at);

 private:
  Problem walk(const json::Value& node, std::string_view at, int depth);
  Problem check_node(const json::Value& node, std::string_view at);
  Problem check_cycles(const json::Value& node, const json::Value& definitions,
                       std::vector<std::string>& way, int depth);
  std::vector<std::string> free_;  // definitions that were seen to lead into no circle
  int optional_ = 0;
  int unions_ = 0;
};
// The vendor's count and order of cache breakpoints, all over the body.
Problem check_anthropic_cache(const json::Value& root);

std::unique_ptr<MockAnswer> anthropic_answer(MockAsk ask, const Script& script);

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_MOCK_ANTHROPIC_H_
