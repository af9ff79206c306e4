// MockDialect: one vendor's API as the mock upstream plays it. What a dialect decides is here; what
// all have in common (scripts, faults, connections, counting) is in MockUpstream.
//
// The mock judges what llmorch makes, so none of this uses llmorch's own formats: it reads JSON and
// writes text. Implementations have no state: one object each, shared by all, any thread.
// Source: the vendors' APIs as WIRE_FORMATS.md sections 1 to 3 have them.
#ifndef LLMORCH_TESTING_MOCK_DIALECT_H_
#define LLMORCH_TESTING_MOCK_DIALECT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "testing/http_wire.h"
#include "testing/mock_answer.h"
#include "testing/mock_ask.h"
#include "testing/mock_script.h"

namespace llmorch::testing {

// One request. Views into what the connection holds.
struct MockCall {
  const HttpParser& head;
  std::string_view path;   // without the query
  std::string_view query;  // what follows "?"
  std::string_view body;
  std::string id;  // "req_" and 16 digits
};

// Of "a=1&b=2"; "" when it is not there. Nothing is decoded.
std::string_view query_value(std::string_view query, std::string_view name);

enum class MockEndpoint { kGenerate, kCountTokens, kModels };

using MockReading = std::variant<MockAsk, MockPage>;
using MockHeaders = std::vector<std::pair<std::string, std::string>>;

class MockDialect {
 public:
  virtual ~MockDialect() = default;

  virtual std::string_view name() const = 0;  // as a script's "dialect"
  // What the path means to this vendor; nullopt when it is not this vendor's.
  virtual std::optional<MockEndpoint> endpoint(const MockCall& call) const = 0;
  // The refusal when the credential is missing or not `key`; any will do when `key` is empty.
  virtual std::optional<MockPage> check_key(const MockCall& call, std::string_view key) const = 0;
  // The question, or the vendor's refusal. `models` empty: any name will do.
  virtual MockReading read(const MockCall& call, MockEndpoint endpoint,
                           const std::vector<std::string>& models) const = 0;
  virtual std::unique_ptr<MockAnswer> answer(MockAsk ask, const Script& script) const = 0;
  virtual std::string count_json(const MockAsk& ask) const = 0;
  virtual MockPage list_models(const MockCall& call,
                               const std::vector<std::string>& models) const = 0;
  // An error body of this status. `script` may hold a wait hint that the vendor puts elsewhere than
  // in a header: it is taken out then.
  virtual std::string error_body(const MockCall& call, int status, std::string_view message,
                                 Script* script) const = 0;
  virtual MockHeaders headers(const MockCall& call, int status) const = 0;
  virtual std::string_view content_type(bool sse) const = 0;
};

const MockDialect& openai_dialect();
const MockDialect& anthropic_dialect();
const MockDialect& gemini_dialect();

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_MOCK_DIALECT_H_
