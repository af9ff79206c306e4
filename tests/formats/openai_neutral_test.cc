// What clients of the OpenAI dialect say for other vendors becomes neutral, and goes back as it
// stood (WIRE_FORMATS 6.1, 6.4 to 6.6).
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/answers.h"
#include "llmorch/spi/format.h"

namespace llmorch {
namespace {

const FormatCodec& codec() { return *find_format(Format::kOpenAiChat); }

Result<ChatRequest> decode(std::string body) {
  CallSpec spec;
  spec.body = Body(std::move(body));
  return codec().decode(spec);
}

// A request with one message before the one under test, and `more` top-level fields.
std::string body_with(const std::string& message, const std::string& more = "") {
  return R"({"model":"m","messages":[{"role":"user","content":"q"},)" + message + "]" + more + "}";
}

// One part as one line.
std::string show(const Part& part) {
  static const std::vector<std::string> kKinds = {"text", "refusal", "reasoning", "media",
                                                  "call", "result",  "opaque"};
  std::string out = kKinds[static_cast<std::size_t>(part.kind)] + " " + part.text;
  if (!part.signature.empty()) out += " signed " + part.signature;
  if (!part.redacted.empty()) out += " sealed " + part.redacted;
  if (part.origin) out += " by " + std::string(format_name(*part.origin));
  if (!part.cache_control.empty()) out += " cache " + part.cache_control;
  for (const Part& inner : part.content) out += " [" + show(inner) + "]";
  return out;
}

void check_back(const std::string& body, const ChatRequest& request) {
  const auto again = codec().encode(request, {});
  REQUIRE_MESSAGE(again.has_value(), again.error().message());
  CAPTURE(again->body.str());
  CHECK(testing::same_json(body, again->body.str()));
  CHECK(again->dropped == std::vector<std::string>{});
}

TEST_CASE("neutral: reasoning, proofs and cache marks of messages (WIRE 6.4, 6.6; rules 34, 102)") {
  struct Case {
    std::string rule;
    std::string message;
    std::vector<std::string> parts;
  };
  const std::string ephemeral = R"({"type":"ephemeral"})";
  const std::vector<Case> cases = {
      {"reasoning_content",
       R"({"role":"assistant","content":"a","reasoning_content":"r"})",
       {"reasoning r", "text a"}},
      {"reasoning",
       R"({"role":"assistant","content":"a","reasoning":"r"})",
       {"reasoning r", "text a"}},
      {"both: one is read, both go back",
       R"({"role":"assistant","content":"a","reasoning":"s","reasoning_content":"r"})",
       {"reasoning r", "text a"}},
      {"null is none", R"({"role":"assistant","content":"a","reasoning":null})", {"text a"}},
      {"thinking_blocks in order, with seals (rule 34)",
       R"({"role":"assistant","content":"a","reasoning_content":"rs","thinking_blocks":[{"type":"thinking","thinking":"r","signature":"S1"},{"type":"redacted_thinking","data":"D"},{"type":"thinking","thinking":"s","signature":"S2"}]})",
       {"reasoning r signed S1 by anthropic_messages", "reasoning  sealed D by anthropic_messages",
        "reasoning s signed S2 by anthropic_messages", "text a"}},
      {"a block without a signature proves nothing",
       R"({"role":"assistant","content":"a","thinking_blocks":[{"type":"thinking","thinking":"r"}]})",
       {"reasoning r", "text a"}},
      {"reasoning_details of Anthropic",
       R"({"role":"assistant","content":"a","reasoning":"r","reasoning_details":[{"type":"reasoning.text","text":"r","signature":"S","format":"anthropic-claude-v1","index":0},{"type":"reasoning.encrypted","data":"D","format":"anthropic-claude-v1","index":1}]})",
       {"reasoning r signed S by anthropic_messages", "reasoning  sealed D by anthropic_messages",
        "text a"}},
      {"reasoning_details of others: the origin is theirs, or unknown",
       R"({"role":"assistant","content":"a","reasoning_details":[{"type":"reasoning.summary","summary":"s"},{"type":"reasoning.encrypted","data":"G","format":"google-gemini-v1"},{"type":"reasoning.encrypted","data":"O","format":"openai-responses-v1"},{"type":"reasoning.encrypted","data":"X","format":"x"},{"type":"new"}]})",
       {"reasoning s", "reasoning  sealed G by gemini", "reasoning  sealed O by openai_responses",
        "reasoning  sealed X", "text a"}},
      {"Mistral's thinking parts stay where they stood",
       R"({"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"r"},{"type":"text","text":"s"}]},{"type":"text","text":"a"}]})",
       {"reasoning rs by openai_chat", "text a"}},
      {"Google's proof of a tool call (rules 47, 49)",
       R"({"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"S"}}},{"id":"d","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"x":1}}]})",
       {"call  signed S by gemini", "call "}},
      {"cache_control on a part, and on one that is no mark",
       R"({"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"b","cache_control":null},{"type":"image_url","image_url":{"url":"https://x"},"cache_control":{"type":"ephemeral"}}]})",
       {R"(text a cache {"type":"ephemeral","ttl":"1h"})", "text b", "media  cache " + ephemeral}},
      {"on a message it stands for its last part",
       R"({"role":"system","content":"a","cache_control":{"type":"ephemeral"}})",
       {"text a cache " + ephemeral}},
      {"on a tool message",
       R"({"role":"tool","tool_call_id":"c","content":"r","cache_control":{"type":"ephemeral"}})",
       {"result  cache " + ephemeral + " [text r]"}},
      {"prompt_cache_breakpoint",
       R"({"role":"user","content":[{"type":"text","text":"a","prompt_cache_breakpoint":{"mode":"explicit"}},{"type":"text","text":"b","prompt_cache_breakpoint":{"mode":"explicit","ttl":"12h"}}]})",
       {"text a cache " + ephemeral, R"(text b cache {"type":"ephemeral","ttl":"1h"})"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.rule);
    const std::string body = body_with(c.message);
    const auto request = decode(body);
    REQUIRE_MESSAGE(request.has_value(), request.error().message());
    CHECK(request->format == Format::kOpenAiChat);
    std::vector<std::string> seen;
    for (const Part& part : request->messages[1].parts) seen.push_back(show(part));
    CHECK(seen == c.parts);
    check_back(body, *request);
  }
}

TEST_CASE("neutral: images in a tool message are parts of the result (WIRE 6.1)") {
  const auto request = decode(body_with(
      R"({"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"r"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]})"));
  REQUIRE(request.has_value());
  const Part& result = request->messages[1].parts[0];
  REQUIRE(result.content.size() == 2);
  CHECK(result.content[1].media.base64 == "AA");
}

TEST_CASE("neutral: cache marks of tools") {
  const std::string body = body_with(
      R"({"role":"user","content":"x"})",
      R"(,"tools":[{"type":"function","function":{"name":"f"},"cache_control":{"type":"ephemeral"}},{"type":"function","function":{"name":"g","cache_control":{"type":"ephemeral"}}},{"type":"function","function":{"name":"h"},"cache_control":{}}])");
  const auto request = decode(body);
  REQUIRE(request.has_value());
  CHECK(request->tools[0].cache_control == R"({"type":"ephemeral"})");
  CHECK(request->tools[1].cache_control == R"({"type":"ephemeral"})");
  CHECK(request->tools[2].cache_control == "");
  check_back(body, *request);
}

TEST_CASE("neutral: how much to think, and who asks (WIRE 6.5; rule 40)") {
  struct Case {
    std::string fields;
    std::string effort;
    std::int64_t budget;  // -1 none
    int include;          // 0, 1, -1 not said
    std::string user;
  };
  const std::vector<Case> cases = {
      {R"("reasoning_effort":"high")", "high", -1, -1, ""},
      {R"("reasoning_effort":null)", "", -1, -1, ""},
      {R"("reasoning":{"effort":"low","exclude":true})", "low", -1, 0, ""},
      {R"("reasoning":{"max_tokens":2000})", "", 2000, -1, ""},
      {R"("reasoning":{"enabled":true})", "medium", -1, -1, ""},
      {R"("reasoning":{"enabled":false})", "none", -1, -1, ""},
      {R"("reasoning":{"effort":"low"},"reasoning_effort":"high")", "high", -1, -1, ""},
      {R"("reasoning":"odd")", "", -1, -1, ""},
      {R"("thinking":{"type":"enabled","budget_tokens":1024})", "", 1024, -1, ""},
      {R"("thinking":{"type":"enabled"})", "medium", -1, -1, ""},
      {R"("thinking":{"type":"disabled"})", "none", -1, -1, ""},
      {R"("include_reasoning":true)", "", -1, 1, ""},
      {R"("user":"u")", "", -1, -1, "u"},
      {R"("safety_identifier":"s")", "", -1, -1, "s"},
      {R"("safety_identifier":"s","user":"u")", "", -1, -1, "s"},
      {R"("safety_identifier":null,"user":"")", "", -1, -1, ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.fields);
    const std::string body = body_with(R"({"role":"user","content":"x"})", "," + c.fields);
    const auto request = decode(body);
    REQUIRE_MESSAGE(request.has_value(), request.error().message());
    CHECK(request->reasoning_effort == c.effort);
    CHECK(request->reasoning_budget.value_or(-1) == c.budget);
    CHECK((request->include_reasoning ? static_cast<int>(*request->include_reasoning) : -1) ==
          c.include);
    CHECK(request->user == c.user);
    check_back(body, *request);
  }
  for (const std::string bad : {R"("reasoning_effort":"extreme")", R"("reasoning_effort":3)",
                                R"("reasoning":{"effort":"extreme"})"}) {
    CAPTURE(bad);
    const auto request = decode(body_with(R"({"role":"user","content":"x"})", "," + bad));
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error().http_status() == 400);
    CHECK(request.error().param() == "reasoning_effort");
  }
}

}  // namespace
}  // namespace llmorch
