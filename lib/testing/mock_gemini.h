// The mock as the Gemini API: internals shared by its request readers, its answers and their tests.
// WIRE_FORMATS 3.
//
// Names may come in camelCase or snake_case, as proto-JSON has it; complaints name snake_case
// paths.
#ifndef LLMORCH_TESTING_MOCK_GEMINI_H_
#define LLMORCH_TESTING_MOCK_GEMINI_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"
#include "testing/mock_dialect.h"

namespace llmorch::testing {

// The first number of "gemini-3-pro-preview"; 0 when the name does not say.
int gemini_generation(std::string_view model);

// The member by its camelCase name, however it was written.
json::Value gemini_member(const json::Value& object, std::string_view name);
std::string snake_case(std::string_view name);

struct GeminiViolation {
  std::string field;
  std::string description;
};
// Names and types of everything below `root`, which is a message of this type; all that is wrong.
std::vector<GeminiViolation> check_gemini_types(const json::Value& root, std::string_view type);

// A refusal's message; nullopt when all is well.
using GeminiProblem = std::optional<std::string>;

GeminiProblem read_gemini_contents(const json::Value& root, MockAsk& ask, std::string& last_user);
GeminiProblem check_gemini_config(const json::Value& root, std::string_view model);
GeminiProblem read_gemini_tools(const json::Value& root, std::string_view last_user, MockAsk& ask);
// A Schema (the OpenAPI subset) and a JSON Schema, both at `at` (3.3).
GeminiProblem check_gemini_schema(const json::Value& schema, const std::string& at);
GeminiProblem check_gemini_json_schema(const json::Value& schema, const std::string& at);

struct GeminiRequest {
  std::string model;
  bool stream = false;
  bool array = false;
  bool count_only = false;
};
// Status 0 when all is well. The body of a refusal is the vendor's.
MockPage read_gemini(std::string_view body, const GeminiRequest& request, MockAsk& ask);
MockPage gemini_refusal(std::string_view message, int status = 400);

std::unique_ptr<MockAnswer> gemini_answer(MockAsk ask, const Script& script);

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_MOCK_GEMINI_H_
