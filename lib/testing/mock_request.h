// What the mock upstream was asked, read as strictly as the vendor reads it.
//
// read_chat_request() is a pure function: the body's JSON in, either a ChatAsk or the vendor's own
// refusal (status and error JSON) out.
#ifndef LLMORCH_TESTING_MOCK_REQUEST_H_
#define LLMORCH_TESTING_MOCK_REQUEST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace llmorch::testing {

struct ChatAsk {
  std::string model;
  bool stream = false;
  bool include_usage = false;
  int n = 1;
  std::int64_t max_tokens = -1;    // -1: no limit
  std::string text;                // of the last message; parts that are not text as "[type]"
  bool after_tool = false;         // the last message is a tool's result
  std::string call_tool;           // name of the tool to call; "" answer with text
  std::uint64_t prompt_bytes = 0;  // text of all messages
  std::uint64_t nonce = 0;         // of this very body and its last user message
};

struct Refusal {
  int status = 400;
  std::string body;
};

// {"error":{"message","type","param","code"}}; empty param and code are null.
std::string error_json(std::string_view message, std::string_view type = "invalid_request_error",
                       std::string_view param = {}, std::string_view code = {});

std::variant<ChatAsk, Refusal> read_chat_request(std::string_view body,
                                                 const std::vector<std::string>& models);

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_MOCK_REQUEST_H_
