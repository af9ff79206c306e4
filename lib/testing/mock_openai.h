// The mock as OpenAI's Chat Completions: internals shared by its request reader, its answers and
// their tests. WIRE_FORMATS 1.
#ifndef LLMORCH_TESTING_MOCK_OPENAI_H_
#define LLMORCH_TESTING_MOCK_OPENAI_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"
#include "testing/mock_dialect.h"

namespace llmorch::testing {

// {"error":{"message","type","param","code"}}; empty param and code are null.
std::string openai_error(std::string_view message, std::string_view type = "invalid_request_error",
                         std::string_view param = {}, std::string_view code = {});
MockPage openai_refusal(std::string_view message, std::string_view param = {},
                        std::string_view code = {}, int status = 400);

MockReading read_openai_chat(std::string_view body, const std::vector<std::string>& models);

// The parts of it. Each is nullopt when all is well.
std::optional<MockPage> check_openai_model(const json::Value& root, std::string_view model);
std::optional<MockPage> read_openai_messages(const json::Value& messages, MockAsk& ask,
                                             std::string& last_user);
std::optional<MockPage> read_openai_tools(const json::Value& root, std::string_view last_user,
                                          MockAsk& ask);
MockPage openai_wrong_type(std::string_view param, const json::Value& value);

std::unique_ptr<MockAnswer> openai_answer(MockAsk ask, const Script& script);

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_MOCK_OPENAI_H_
