// The mock refuses what Anthropic refuses (WIRE_FORMATS 2.2, 2.4, 2.6), with Anthropic's words.
#include "testing/mock_anthropic.h"

#include <doctest/doctest.h>

#include <string>

#include "testing/mock_signature.h"

namespace llmorch::testing {
namespace {

const std::string kHi = R"({"role":"user","content":"hi"})";
const std::string kUse =
    R"({"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}}]})";
const std::string kResult =
    R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"42"}]})";
const std::string kTool =
    R"({"name":"f","description":"d","input_schema":{"type":"object","properties":{}}})";

std::string user(const std::string& blocks) {
  return R"({"role":"user","content":[)" + blocks + "]}";
}
std::string assistant(const std::string& blocks) {
  return R"({"role":"assistant","content":[)" + blocks + "]}";
}
std::string image(const std::string& type, const std::string& data) {
  return R"({"type":"image","source":{"type":"base64","media_type":")" + type + R"(","data":")" +
         data + "\"}}";
}
std::string tool(const std::string& schema, const std::string& more = "") {
  return R"("tools":[{"name":"f","input_schema":)" + schema + more + "}]";
}
std::string thinking(const std::string& text, const std::string& signature) {
  return R"({"type":"thinking","thinking":")" + text + R"(","signature":")" + signature + "\"}";
}

struct Row {
  std::string messages;
  std::string more;     // members beside model, max_tokens and messages
  std::string message;  // a part of the refusal; "" when accepted
};

void check(const std::string& model, const Row& row, AnthropicRequest request = {}) {
  CAPTURE(model);
  CAPTURE(row.messages);
  CAPTURE(row.more);
  if (request.version.empty()) request.version = "2023-06-01";
  MockAsk ask;
  const Problem problem = read_anthropic(
      joined("{\"model\":\"", model, "\",", request.count_only ? "" : "\"max_tokens\":4000,",
             "\"messages\":[", row.messages, "]", row.more.empty() ? "" : ",", row.more, "}"),
      request, ask);
  if (row.message.empty()) {
    CHECK_MESSAGE(!problem, problem.value_or(""));
  } else {
    REQUIRE(problem);
    CHECK_MESSAGE(problem->find(row.message) != std::string::npos, *problem);
  }
}

TEST_CASE("bodies that are not a request") {
  const struct {
    std::string body;
    std::string message;
  } rows[] = {
      {"{", "not valid JSON"},
      {"[]", "Input should be a valid dictionary"},
      {R"({"max_tokens":5,"messages":[]})", "model: Field required"},
      {R"({"model":"m","messages":[)" + kHi + "]}", "max_tokens: Field required"},
      {R"({"model":"m","max_tokens":null,"messages":[)" + kHi + "]}", "max_tokens: Field required"},
      {R"({"model":"m","max_tokens":5})", "messages: Field required"},
      {R"({"model":"m","max_tokens":5,"messages":[]})", "at least one message is required"},
      {R"({"model":"m","max_tokens":"5","messages":[]})",
       "max_tokens: Input should be a valid integer"},
      {R"({"model":"m","max_tokens":-1,"messages":[)" + kHi + "]}",
       "max_tokens: Input should be greater than or equal to 0"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.body);
    MockAsk ask;
    const Problem problem = read_anthropic(row.body, {"2023-06-01", false, false}, ask);
    REQUIRE(problem);
    CHECK_MESSAGE(problem->find(row.message) != std::string::npos, *problem);
  }
}

TEST_CASE("top-level fields (2.2)") {
  const Row rows[] = {
      {kHi, "", ""},
      {kHi, R"("system":"s","stop_sequences":["x"],"stream":true,"metadata":{"user_id":"u"})", ""},
      {kHi, R"("temperature":1.0,"service_tier":"auto")", ""},
      {kHi, R"("n":2)", "n: Extra inputs are not permitted"},
      {kHi, R"("stop":["x"])", "stop: Extra inputs are not permitted"},
      {kHi, R"("frequency_penalty":0)", "frequency_penalty: Extra inputs are not permitted"},
      {kHi, R"("mcp_servers":[])", "mcp_servers: Extra inputs are not permitted"},
      {kHi, R"("temperature":1.5)", "temperature: range: 0..1"},
      {kHi, R"("temperature":"hot")", "temperature: Input should be a valid number"},
      {kHi, R"("top_p":1.1)", "top_p: range: 0..1"},
      {kHi, R"("temperature":0.5,"top_p":0.5)", "cannot both be specified"},
      {kHi, R"("max_tokens":64001)", "which is the maximum allowed number of output tokens"},
      {kHi, R"("stop_sequences":["  "])", "must contain non-whitespace"},
      {kHi, R"("stop_sequences":"x")", "stop_sequences: Input should be a valid list"},
      {kHi, R"("metadata":{"user":"u"})", "metadata.user: Extra inputs are not permitted"},
      {kHi, R"("metadata":{"user_id":"a@b.c"})", "appears to contain an email address"},
      {kHi, R"("service_tier":"flex")", "service_tier: Input should be"},
      {kHi, R"("speed":"slow")", "speed: Input should be"},
      {kHi, R"("system":[{"type":"text","text":""}])", "text content blocks must be non-empty"},
      {kHi, R"("system":[{"type":"image","text":"a"}])", "system.0.type: Input should be 'text'"},
      {kHi, R"("output_config":{"effort":"high"})", "does not support the effort parameter"},
      {kHi, R"("output_config":{"verbosity":"low"})", "output_config.verbosity: Extra inputs"},
  };
  for (const Row& row : rows) check("claude-sonnet-4-5", row);
  check("claude-sonnet-4-5", {kHi, R"("temperature":1.0)", "temperature: Extra inputs"},
        {"2026-10-21", false, false});
  check("claude-sonnet-4-5", {kHi, R"("mcp_servers":[])", ""}, {"2023-06-01", true, false});
  check("claude-sonnet-4-5", {kHi, "", ""}, {"2023-06-01", false, true});
  check("claude-sonnet-4-5", {kHi, R"("max_tokens":5)", "max_tokens: Extra inputs"},
        {"2023-06-01", false, true});
  check("claude-sonnet-4-5", {kHi, R"("stream":true)", "stream: Extra inputs"},
        {"2023-06-01", false, true});
}

TEST_CASE("what single models refuse (2.6)") {
  const std::string forced = tool(R"({"type":"object"})") + R"(,"tool_choice":{"type":"any"})";
  const std::string format = R"("output_config":{"format":{"type":"json_schema","schema":)"
                             R"({"type":"object","properties":{},"additionalProperties":false}}})";
  const struct {
    const char* model;
    Row row;
  } rows[] = {
      {"claude-opus-4-8", {kHi, R"("temperature":0.7)", "'temperature' is deprecated"}},
      {"claude-opus-4-8", {kHi, R"("temperature":1)", ""}},
      {"claude-sonnet-5", {kHi, R"("top_k":5)", "'top_k' is deprecated"}},
      {"claude-opus-5-5", {kHi, R"("top_p":0.5)", "'top_p' is deprecated"}},
      {"claude-opus-4-6", {kHi, R"("temperature":0.7)", ""}},
      {"claude-sonnet-4", {kHi, R"("temperature":0.7,"top_p":0.9)", ""}},
      {"claude-opus-5-5", {kHi, forced, "forced tool use is not supported"}},
      {"claude-opus-5", {kHi, forced, ""}},
      {"claude-opus-4-8",
       {kHi, R"("thinking":{"type":"enabled","budget_tokens":2000})",
        "\"thinking.type.enabled\" is not supported"}},
      {"claude-sonnet-4-5", {kHi, R"("thinking":{"type":"adaptive"})", "is not supported"}},
      {"claude-opus-5-5", {kHi, R"("thinking":{"type":"disabled"})", "is not supported"}},
      {"claude-opus-5-5", {kHi, R"("thinking":{"type":"between_tools"})", ""}},
      {"claude-sonnet-4-6",
       {kHi, R"("output_config":{"effort":"xhigh"})", "does not support effort level 'xhigh'"}},
      {"claude-opus-4-8", {kHi, R"("output_config":{"effort":"xhigh"})", ""}},
      {"claude-opus-4-8",
       {kHi, R"("output_config":{"effort":"minimal"})", "Input should be 'low'"}},
      {"claude-opus-4", {kHi, format, "does not support output format"}},
      {"claude-opus-4-5", {kHi, format, ""}},
      {"claude-opus-4-6",
       {kHi + "," + assistant(R"({"type":"text","text":"Yes,"})"), "",
        "does not support assistant message prefill"}},
      {"claude-opus-4-5", {kHi + "," + assistant(R"({"type":"text","text":"Yes,"})"), "", ""}},
      {"claude-opus-4-5",
       {kHi + "," + assistant(R"({"type":"text","text":"Yes, "})"), "",
        "cannot end with trailing whitespace"}},
      {"claude-sonnet-4-5",
       {kHi + R"(,{"role":"system","content":"s"})", "",
        "role 'system' is not supported on this model"}},
      {"claude-opus-5", {kHi + R"(,{"role":"system","content":"s"})", "", ""}},
      {"claude-opus-5",
       {kHi + R"(,{"role":"system","content":[)" + image("image/png", "") + "]}", "",
        "not permitted in `system` messages"}},
      {"mock", {kHi, R"("temperature":0.5,"top_k":3)", ""}},
  };
  for (const auto& row : rows) check(row.model, row.row);
}

TEST_CASE("thinking and what it forbids (2.2, 2.6)") {
  const std::string on = R"("thinking":{"type":"enabled","budget_tokens":1024})";
  const Row rows[] = {
      {kHi, on, ""},
      {kHi, R"("thinking":{"type":"enabled"})", "budget_tokens: Field required"},
      {kHi, R"("thinking":{"type":"enabled","budget_tokens":1023})",
       "greater than or equal to 1024"},
      {kHi, R"("thinking":{"type":"enabled","budget_tokens":4000})",
       "`max_tokens` must be greater than `thinking.budget_tokens`"},
      {kHi, R"("thinking":{"type":"on"})", "Input tag 'on'"},
      {kHi, R"("thinking":{"type":"disabled","budget_tokens":1})", "Extra inputs"},
      {kHi, R"("thinking":{"type":"enabled","budget_tokens":1024,"display":"full"})",
       "Input should be 'summarized' or 'omitted'"},
      {kHi, on + R"(,"temperature":0.5)", "may only be set to 1 when thinking is enabled"},
      {kHi, on + R"(,"top_k":5)", "`top_k` must be unset"},
      {kHi, on + R"(,"top_p":0.9)", "greater than or equal to 0.95"},
      {kHi, on + R"(,"top_p":0.97)", ""},
      {kHi, on + "," + tool(R"({"type":"object"})") + R"(,"tool_choice":{"type":"any"})",
       "Thinking may not be enabled when tool_choice forces tool use"},
      {kHi, on + "," + tool(R"({"type":"object"})") + R"(,"tool_choice":{"type":"auto"})", ""},
      {kHi + "," + kUse + "," + kResult, on, "Expected `thinking` or `redacted_thinking`"},
  };
  for (const Row& row : rows) check("claude-sonnet-4-5", row);
  check("claude-opus-4-6", {kHi,
                            R"("thinking":{"type":"adaptive"},)" + tool(R"({"type":"object"})") +
                                R"(,"tool_choice":{"type":"tool","name":"f"})",
                            "Thinking may not be enabled"});
}

TEST_CASE("thinking comes back as it was signed, or is refused (2.2)") {
  const std::string nonce = "0123456789abcdef";
  const std::string good = sign(kAnthropicTag, nonce, "deep");
  std::string altered = good;
  altered.back() = altered.back() == '0' ? '1' : '0';
  const auto turn = [](const std::string& block) {
    return kHi + "," + assistant(block + R"(,{"type":"text","text":"a"})") + "," + kHi;
  };
  const std::string wrong = "Invalid `signature` in `thinking` block";
  const Row rows[] = {
      {turn(thinking("deep", good)), "", ""},
      {turn(thinking("", sign(kAnthropicTag, nonce, ""))), "", ""},
      {turn(thinking("deeper", good)), "", wrong},
      {turn(thinking("deep", altered)), "", wrong},
      {turn(thinking("deep", "")), "", wrong},
      {turn(thinking("deep", sign(kGeminiTag, nonce, "deep"))), "", wrong},
      {turn(R"({"type":"thinking","thinking":"deep"})"), "", "signature: Field required"},
      {turn(R"({"type":"redacted_thinking","data":")" + sign(kRedactedTag, nonce, "") + "\"}"), "",
       ""},
      {turn(R"({"type":"redacted_thinking","data":"xyz"})"), "", "Invalid `data`"},
      {user(thinking("deep", good)), "", "not permitted in `user` messages"},
      {turn(R"({"type":"thinking","thinking":"deep","signature":")" + good +
            R"(","cache_control":{"type":"ephemeral"}})"),
       "", "cache_control: Extra inputs are not permitted"},
  };
  for (const Row& row : rows) check("claude-sonnet-4-5", row);
}

TEST_CASE("tool calls and their results (2.2)") {
  const std::string text = R"({"type":"text","text":"so"})";
  const std::string use = R"({"type":"tool_use","id":"t1","name":"f","input":{}})";
  const std::string use2 = R"({"type":"tool_use","id":"t2","name":"f","input":{}})";
  const std::string got = R"({"type":"tool_result","tool_use_id":"t1","content":"42"})";
  const std::string got2 = R"({"type":"tool_result","tool_use_id":"t2"})";
  const std::string without = "`tool_use` ids were found without `tool_result` blocks";
  const std::string unexpected = "unexpected `tool_use_id` found in `tool_result` blocks: t1";
  const Row rows[] = {
      {kHi + "," + kUse + "," + kResult, "", ""},
      {kHi + "," + kUse + "," + user(got + "," + text), "", ""},
      {kHi + "," + assistant(text + "," + use + "," + use2) + "," + user(got2 + "," + got), "", ""},
      // Runs of one role are one turn.
      {kHi + "," + assistant(use) + "," + assistant(use2) + "," + user(got) + "," + user(got2), "",
       ""},
      {kHi + "," + kUse, "", without},
      {kHi + "," + kUse + "," + kHi, "", without},
      {kHi + "," + assistant(use + "," + use2) + "," + kResult, "", "immediately after: t2"},
      {kHi + "," + assistant(use + "," + use2) + "," + kResult + "," +
           R"({"role":"assistant","content":"x"},)" + user(got2),
       "", "immediately after: t2"},
      {kHi + "," + kUse + "," + user(text + "," + got), "", without},
      {kHi + "," + kUse + R"(,{"role":"system","content":"s"},)" + kResult, "", without},
      {kResult, "", unexpected},
      {kHi + R"(,{"role":"assistant","content":"x"},)" + kResult, "", unexpected},
      {kHi + "," + kUse + "," + user(got + "," + got), "", without},
      {kHi + "," + assistant(use + "," + use) + "," + kResult, "", "ids must be unique"},
      {kHi + "," + assistant(R"({"type":"tool_use","id":"a.b","name":"f","input":{}})"), "",
       "id: String should match pattern '^[a-zA-Z0-9_-]+$'"},
      {kHi + "," + assistant(R"({"type":"tool_use","id":"t1","name":"a b","input":{}})"), "",
       "name: String should match pattern"},
      {kHi + "," + assistant(R"({"type":"tool_use","id":"t1","name":"f","input":"{}"})"), "",
       "input: Input should be a valid dictionary"},
      {kHi + "," + assistant(R"({"type":"tool_use","id":"t1","name":"f"})"), "",
       "input: Field required"},
      {kHi + "," + kUse + "," +
           user(R"({"type":"tool_result","tool_use_id":"t1","is_error":true,"content":""})"),
       "", "content cannot be empty if `is_error` is true"},
      {kHi + "," + kUse + "," +
           user(
               R"({"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":""}]})"),
       "", "text content blocks must be non-empty"},
      {kHi + "," + kUse + "," +
           user(R"({"type":"tool_result","tool_use_id":"t1","content":[{"type":"tool_use"}]})"),
       "", "Input tag 'tool_use'"},
      {user(use), "", "not permitted in `user` messages"},
      {assistant(got), "", "not permitted in `assistant` messages"},
  };
  for (const Row& row : rows) check("claude-opus-5", row);
}

TEST_CASE("blocks and their sources (2.2)") {
  const std::string png = "iVBORw0KGgoAAAANSUhEUg==";
  const std::string jpeg = "/9j/4AAQSkZJRg==";
  const Row rows[] = {
      {user(image("image/png", png)), "", ""},
      {user(image("image/jpeg", jpeg)), "", ""},
      {user(image("image/jpeg", png)), "", "the image appears to be a image/png image"},
      {user(image("image/png", jpeg)), "", "specified using the image/png media type"},
      {user(image("image/png", "aGVsbG8=")), "", "Could not process image"},
      {user(image("image/bmp", png)), "", "media_type: Input should be 'image/jpeg'"},
      {user(image("image/png", "data:image/png;base64," + png)), "", "Invalid base64 data"},
      {user(R"({"type":"image","source":{"type":"url","url":"https://a/b.png"}})"), "", ""},
      {user(R"({"type":"image","source":{"type":"url","url":"data:image/png"}})"), "",
       "Only HTTPS URLs are supported"},
      {user(R"({"type":"image","source":{"type":"path","path":"/a"}})"), "", "Input tag 'path'"},
      {user(R"({"type":"image_url","image_url":{"url":"https://a"}})"), "",
       "Input tag 'image_url'"},
      {assistant(image("image/png", png)), "", "not permitted in `assistant` messages"},
      {user(R"({"type":"document","source":{"type":"base64","media_type":"application/pdf",)"
            R"("data":"JVBERi0xLjQK"}})"),
       "", ""},
      {user(R"({"type":"document","source":{"type":"base64","media_type":"application/pdf",)"
            R"("data":"aGVsbG8="}})"),
       "", "The PDF specified was not valid"},
      {user(R"({"type":"document","source":{"type":"text","media_type":"text/html","data":"a"}})"),
       "", "Input should be 'text/plain'"},
      {user(R"({"type":"text","text":""})"), "", "text content blocks must be non-empty"},
      {user(R"({"type":"text","text":" \n"})"), "", "must contain non-whitespace text"},
      {user(R"({"type":"text"})"), "", "messages.0.content.0.text.text: Field required"},
      {user(R"({"type":"text","text":"a","name":"b"})"), "",
       "messages.0.content.0.text.name: Extra inputs are not permitted"},
      {R"({"role":"user","content":""})", "", "text content blocks must be non-empty"},
      {R"({"role":"user","content":[]})", "", "must have non-empty content"},
      {R"({"role":"user","content":"a","name":"b"})", "", "messages.0.name: Extra inputs"},
      {R"({"role":"tool","content":"a"})", "", "messages.0.role: Input should be"},
      {R"({"content":"a"})", "", "messages.0.role: Field required"},
  };
  for (const Row& row : rows) check("claude-opus-4-5", row);
}

TEST_CASE("tools and the choice among them (2.4)") {
  const std::string one = "\"tools\":[" + kTool + "]";
  const Row rows[] = {
      {kHi, one, ""},
      {kHi, R"("tools":[{"type":"web_search_20260318","name":"web_search"}])", ""},
      {kHi, R"("tools":[{"type":"function","function":{"name":"f"}}])", "Input tag 'function'"},
      {kHi, R"("tools":[{"name":"f"}])", "tools.0.custom.input_schema: Field required"},
      {kHi, tool("true"), "tools.0.custom.input_schema: Input does not match the expected shape"},
      {kHi, tool("{}"), "tools.0.custom.input_schema.type: Field required"},
      {kHi, tool(R"({"type":"string"})"), "input_schema.type: Input should be 'object'"},
      {kHi, tool(R"({"type":"object","anyOf":[]})"), "does not support oneOf, allOf, or anyOf"},
      {kHi, tool(R"({"type":"object"})", R"(,"parameters":{})"), "parameters: Extra inputs"},
      {kHi, R"("tools":[{"name":"a b","input_schema":{"type":"object"}}])",
       "tools.0.custom.name: String should match pattern"},
      {kHi, R"("tools":[{"name":")" + std::string(129, 'a') + R"(","input_schema":{}}])",
       "tools.0.custom.name: String should match pattern"},
      {kHi, "\"tools\":[" + kTool + "," + kTool + "]", "Tool names must be unique"},
      {kHi, one + R"(,"tool_choice":{"type":"tool","name":"f"})", ""},
      {kHi, one + R"(,"tool_choice":{"type":"auto","disable_parallel_tool_use":true})", ""},
      {kHi, one + R"(,"tool_choice":{"type":"tool","name":"g"})", "Tool 'g' not found"},
      {kHi, one + R"(,"tool_choice":{"type":"tool"})", "name: Field required"},
      {kHi, one + R"(,"tool_choice":{"type":"required"})", "Input tag 'required'"},
      {kHi, one + R"(,"tool_choice":"auto")", "tool_choice: Input should be a valid dictionary"},
      {kHi, one + R"(,"tool_choice":{"type":"none","disable_parallel_tool_use":true})",
       "disable_parallel_tool_use: Extra inputs"},
      {kHi, R"("tool_choice":{"type":"auto"})", "may only be specified while providing tools"},
  };
  for (const Row& row : rows) check("claude-sonnet-4-5", row);
}

TEST_CASE("strict schemas: keywords and limits (2.4, recorded refusals)") {
  const auto object = [](const std::string& properties, const std::string& more = "") {
    return R"({"type":"object","additionalProperties":false,"properties":{)" + properties + "}" +
           more + "}";
  };
  const auto many = [](int count, const std::string& schema) {
    std::string out;
    for (int i = 0; i < count; ++i) put(out, i == 0 ? "" : ",", "\"p", i, "\":", schema);
    return out;
  };
  const auto names = [](int count) {
    std::string out;
    for (int i = 0; i < count; ++i) put(out, i == 0 ? "" : ",", "\"p", i, "\"");
    return R"(,"required":[)" + out + "]";
  };
  const std::string node =
      R"(,"$defs":{"Node":{"type":"object","additionalProperties":false,"properties":)"
      R"({"next":{"$ref":"#/$defs/Node"}}}})";
  const struct {
    std::string schema;
    std::string message;
  } rows[] = {
      {object(R"("a":{"type":"string","format":"date"})"), ""},
      {object(R"("a":{"type":"array","items":{"type":"integer"},"minItems":1})"), ""},
      {R"({"type":"object","properties":{}})", "'additionalProperties' must be explicitly set"},
      {object(R"("a":{"type":"object","properties":{}})"), "'additionalProperties' must be"},
      {object(R"("a":{"type":"integer","minimum":1})"), "property 'minimum' is not supported"},
      {object(R"("a":{"type":"string","pattern":"x"})"), "property 'pattern' is not supported"},
      {object(R"("a":{"oneOf":[]})"), "property 'oneOf' is not supported"},
      {object(R"("a":{"type":"string","format":"phone"})"), "format 'phone' is not supported"},
      {object(R"("a":{"type":"array","minItems":2})"), "values other than 0 or 1"},
      {object(R"("a":true)"), "For 'object' type, property 'properties' is not supported"},
      {object(R"("a":{"$ref":"#/$defs/Node","title":"t"})", node), "$ref cannot have siblings"},
      {object(R"("a":{"$ref":"#/$defs/Node"})", node),
       "Circular reference detected in schema definitions: Node -> Node"},
      {object(R"("a":{"$ref":"#/$defs/Gone"})", node), "unresolvable $ref"},
      {object(many(24, R"({"type":"string"})")), ""},
      {object(many(25, R"({"type":"string"})")), "too many optional parameters (25)"},
      {object(many(16, R"({"type":["string","null"]})"), names(16)), ""},
      {object(many(17, R"({"type":["string","null"]})"), names(17)),
       "too many parameters with union types (17"},
  };
  for (const auto& row : rows) {
    check("claude-sonnet-4-5", {kHi, tool(row.schema, R"(,"strict":true)"), row.message});
    check("claude-sonnet-4-5",
          {kHi, R"("output_config":{"format":{"type":"json_schema","schema":)" + row.schema + "}}",
           row.message});
    check("claude-sonnet-4-5", {kHi, tool(row.schema), ""});  // not strict, not compiled
  }
  for (const int count : {20, 21}) {
    std::string tools;
    for (int i = 0; i < count; ++i) {
      put(tools, i == 0 ? "" : ",", "{\"name\":\"f", i,
          "\",\"strict\":true,\"input_schema\":", object(""), "}");
    }
    check("claude-sonnet-4-5",
          {kHi, "\"tools\":[" + tools + "]", count == 20 ? "" : "Too many strict tools (21)"});
  }
}

TEST_CASE("cache breakpoints: four, and the long ones first (2.2)") {
  const auto text = [](const std::string& ttl) {
    return R"({"type":"text","text":"a","cache_control":{"type":"ephemeral")" +
           (ttl.empty() ? "" : R"(,"ttl":")" + ttl + "\"") + "}}";
  };
  const std::string five = text("5m");
  const std::string hour = text("1h");
  const Row rows[] = {
      {user(five + "," + five + "," + five + "," + five), "", ""},
      {user(five + "," + five + "," + five + "," + five + "," + five), "",
       "A maximum of 4 blocks with cache_control may be provided. Found 5."},
      {user(five + "," + five), "\"system\":[" + five + "," + five + "," + five + "]", "Found 5."},
      {user(five), "\"system\":[" + hour + "]", ""},
      {user(hour), "\"system\":[" + five + "]", "must not come after a ttl='5m'"},
      {user(text("2h")), "", "ttl: Input should be '5m' or '1h'"},
      {user(R"({"type":"text","text":"a","cache_control":{"type":"persistent"}})"), "",
       "does not match any of the expected tags: 'ephemeral'"},
      {kHi, R"("cache_control":{"type":"ephemeral"})", ""},
  };
  for (const Row& row : rows) check("claude-sonnet-4-5", row);
}

}  // namespace
}  // namespace llmorch::testing
