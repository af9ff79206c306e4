// The mock refuses what OpenAI refuses (WIRE_FORMATS 1.2, 1.3, 1.7), in OpenAI's shape.
#include <doctest/doctest.h>

#include <string>
#include <variant>

#include "json/json.h"
#include "rig.h"
#include "testing/mock_openai.h"

namespace llmorch::testing {
namespace {

TEST_CASE("request bodies: what is refused, and with which words") {
  const std::string user = R"({"role":"user","content":"hi"})";
  const std::string call =
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",)"
      R"("function":{"name":"f","arguments":"{}"}}]})";
  const std::string result = R"({"role":"tool","tool_call_id":"c1","content":"42"})";
  const std::string tools = R"("tools":[{"type":"function","function":{"name":"f"}}])";
  const auto with = [&user](const std::string& more) {
    return R"({"model":"m","messages":[)" + user + "]" + (more.empty() ? "" : "," + more) + "}";
  };
  const auto talk = [](const std::string& messages) {
    return R"({"model":"m","messages":[)" + messages + "]}";
  };
  const struct {
    std::string body;
    int status;           // 200: accepted
    const char* message;  // a part of it
    const char* param;
  } rows[] = {
      {with(""), 200, "", ""},
      {with(R"("temperature":0.7,"top_p":null,"n":2,"stop":["a"],"user":"u")"), 200, "", ""},
      {with(R"("stream":true,"stream_options":{"include_usage":true})"), 200, "", ""},
      {with(tools + R"(,"tool_choice":{"type":"function","function":{"name":"f"}})"), 200, "", ""},
      {talk(user + "," + call + "," + result), 200, "", ""},
      {talk(R"({"role":"user","content":[{"type":"text","text":"a"},)"
            R"({"type":"image_url","image_url":{"url":"data:"}}]})"),
       200, "", ""},
      {"{", 400, "could not parse the JSON body", ""},
      {"[]", 400, "could not parse the JSON body", ""},
      {"", 400, "could not parse the JSON body", ""},
      {R"({"messages":[]})", 400, "model", "model"},
      {R"({"model":"m"})", 400, "Missing required parameter: 'messages'.", "messages"},
      {R"({"model":7,"messages":[]})", 400, "Invalid type for 'model'", "model"},
      {R"({"model":"gone","messages":[1]})", 404, "`gone` does not exist", "model"},
      {talk(""), 400, "empty array", "messages"},
      {with(R"("x":1)"), 400, "Unrecognized request argument supplied: x", ""},
      {with(R"("x":1,"y":2)"), 400, "Unrecognized request argument supplied: x, y", ""},
      {with(R"("stream_options":{"include_usage":true})"), 400, "only allowed when 'stream'",
       "stream_options"},
      {with(R"("stream":true,"stream_options":{"usage":true})"), 400, "Unknown parameter",
       "stream_options.usage"},
      {with(R"("temperature":"hot")"), 400, "Invalid type for 'temperature'", "temperature"},
      {with(R"("temperature":2.5)"), 400, "out of range", "temperature"},
      {with(R"("n":1.5)"), 400, "Invalid type for 'n'", "n"},
      {with(R"("n":0)"), 400, "out of range", "n"},
      {with(R"("stream":"true")"), 400, "Invalid type for 'stream'", "stream"},
      {with(R"("max_tokens":5,"max_completion_tokens":5)"), 400, "at the same time", "max_tokens"},
      {with(R"("top_logprobs":3)"), 400, "'logprobs' is enabled", "top_logprobs"},
      {with(R"("tool_choice":"auto")"), 400, "only allowed when 'tools'", "tool_choice"},
      {with(R"("tools":[])"), 400, "empty array", "tools"},
      {with(R"("tools":[{"type":"function","function":{"name":"a b"}}])"), 400, "pattern",
       "tools[0].function.name"},
      {with(R"("tools":[{"type":"function","function":{"name":"a","parameters":"x"}}])"), 400,
       "Invalid type", "tools[0].function.parameters"},
      {with(tools + R"(,"tool_choice":{"type":"function","function":{"name":"g"}})"), 400,
       "'g' not found in 'tools'", "tool_choice"},
      {talk(R"({"role":"robot","content":"x"})"), 400, "Invalid value: 'robot'",
       "messages[0].role"},
      {talk(R"({"role":"user"})"), 400, "Invalid value for 'content'", "messages[0].content"},
      {talk(R"({"role":"user","content":null})"), 400, "Invalid value for 'content'",
       "messages[0].content"},
      {talk(R"({"role":"user","content":[]})"), 400, "Invalid value for 'content'",
       "messages[0].content"},
      {talk(R"({"role":"user","content":[{"type":"video"}]})"), 400, "Invalid value for 'content'",
       "messages[0].content"},
      {talk(R"("hello")"), 400, "Invalid type for 'messages[0]'", "messages[0]"},
      {talk(user + "," + result), 400,
       "must be a response to a preceeding message with 'tool_calls'", "messages[1].role"},
      {talk(user + "," + call + "," + user), 400, "did not have response messages: c1",
       "messages[2].role"},
      {talk(user + "," + call), 400, "did not have response messages: c1", "messages[1].role"},
      {talk(user + "," + call + "," + result + "," + result), 400, "preceeding message",
       "messages[3].role"},
      {talk(user + "," + call + R"(,{"role":"tool","content":"x"})"), 400,
       "Missing required parameter", "messages[2].tool_call_id"},
      {talk(R"({"role":"system","content":[{"type":"image_url","image_url":{"url":"data:"}}]})"),
       400, "Invalid value for 'content'", "messages[0].content"},
      {with(R"("stop":["a","b","c","d"])"), 200, "", ""},
      {with(R"("stop":["a","b","c","d","e"])"), 400, "array too long", "stop"},
      {with(R"("prompt_cache_key":")" + std::string(65, 'k') + "\""), 400, "string too long",
       "prompt_cache_key"},
      {with(R"("response_format":{"type":"json_object"})"), 200, "", ""},
      {with(R"("response_format":{"type":"json_schema","json_schema":{"name":"a"}})"), 200, "", ""},
      {with(R"("response_format":{"type":"xml"})"), 400, "Invalid value: 'xml'",
       "response_format.type"},
      {with(R"("response_format":{"type":"json_schema","json_schema":{}})"), 400,
       "Missing required parameter", "response_format.json_schema.name"},
      {with(R"("response_format":{"type":"json_schema","json_schema":{"name":"a b"}})"), 400,
       "pattern", "response_format.json_schema.name"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.body);
    const auto read = read_openai_chat(row.body, {"m"});
    const auto* refusal = std::get_if<MockPage>(&read);
    if (row.status == 200) {
      CHECK_MESSAGE(refusal == nullptr, (refusal == nullptr ? "" : refusal->body));
      continue;
    }
    REQUIRE(refusal != nullptr);
    CHECK(refusal->status == row.status);
    auto document = json::Document::parse(refusal->body);
    REQUIRE(document);
    const json::Value error = document->root()["error"];
    CHECK(error["message"].string().value_or("").find(row.message) != std::string::npos);
    CHECK(error["param"].string().value_or("") == row.param);
    CHECK(error["type"].string() == "invalid_request_error");
    CHECK(error["code"].exists());
  }
}

// A model the row names, and one more member; "" for accepted, else the param that is refused.
TEST_CASE("models that reason refuse what others take (WIRE 1.2)") {
  const struct {
    const char* model;
    const char* member;
    const char* param;
    const char* code;
  } rows[] = {
      {"gpt-5", R"("max_completion_tokens":9)", "", ""},
      {"gpt-5", R"("max_tokens":9)", "max_tokens", "unsupported_parameter"},
      {"o3", R"("max_tokens":9)", "max_tokens", "unsupported_parameter"},
      {"gpt-4o", R"("max_tokens":9)", "", ""},
      {"gpt-5", R"("temperature":1)", "", ""},
      {"gpt-5", R"("temperature":0.5)", "temperature", "unsupported_value"},
      {"gpt-5-chat-latest", R"("temperature":0.5)", "", ""},
      {"gpt-5.1", R"("temperature":0.5,"reasoning_effort":"none")", "", ""},
      {"gpt-6", R"("temperature":0.5,"reasoning_effort":"none")", "temperature",
       "unsupported_value"},
      {"o4-mini", R"("top_p":0.5)", "top_p", "unsupported_parameter"},
      {"gpt-5", R"("logprobs":true)", "logprobs", "unsupported_parameter"},
      {"gpt-5", R"("logprobs":true,"top_logprobs":2)", "top_logprobs", "unsupported_parameter"},
      {"gpt-5", R"("frequency_penalty":0.1)", "frequency_penalty", "unsupported_parameter"},
      {"gpt-5", R"("presence_penalty":0.1)", "presence_penalty", "unsupported_parameter"},
      {"gpt-5", R"("logit_bias":{"5":1})", "logit_bias", "unsupported_parameter"},
      {"o3", R"("stop":["x"])", "stop", "unsupported_parameter"},
      {"o1", R"("stop":["x"])", "", ""},
      {"gpt-5.6",
       R"("reasoning_effort":"low","tools":[{"type":"function","function":{"name":"f"}}])",
       "reasoning_effort", ""},
      {"gpt-5.6", R"("tools":[{"type":"function","function":{"name":"f"}}])", "", ""},
      {"gpt-4o-search-preview", R"("temperature":0.5)", "temperature", ""},
      {"gpt-5", R"("reasoning_effort":"huge")", "reasoning_effort", "invalid_value"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.model);
    CAPTURE(row.member);
    const auto read = read_openai_chat(
        joined("{\"model\":\"", row.model,
               "\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],", row.member, "}"),
        {});
    const auto* refusal = std::get_if<MockPage>(&read);
    CHECK((refusal == nullptr) == (*row.param == '\0'));
    if (refusal == nullptr) continue;
    auto document = json::Document::parse(refusal->body);
    REQUIRE(document);
    CHECK(document->root()["error"]["param"].string().value_or("") == row.param);
    CHECK(document->root()["error"]["code"].string().value_or("") == row.code);
  }
}

TEST_CASE("paths, methods, keys and content types") {
  Rig rig;
  MockOptions options;
  options.key = "right";
  options.models = {"m", "n"};
  const auto mock = rig.mock("", options);
  const std::string body = chat_body("hi");
  const std::string chat = "/v1/chat/completions";
  const struct {
    std::string method;
    std::string target;
    test::HttpHeaders headers;
    int status;
    const char* part;  // of the answer
  } rows[] = {
      {"POST", chat, {{"authorization", "Bearer right"}}, 200, "echo:"},
      {"POST", chat + "?x=1", {{"authorization", "bearer right"}}, 200, "echo:"},
      {"POST",
       chat,
       {{"authorization", "Bearer right"}, {"content-type", "Application/JSON; charset=utf-8"}},
       200,
       "echo:"},
      {"POST", chat, {}, 401, "You didn't provide an API key"},
      {"POST", chat, {{"authorization", "Bearer "}}, 401, "You didn't provide an API key"},
      {"POST", chat, {{"authorization", "Basic right"}}, 401, "You didn't provide an API key"},
      {"POST", chat, {{"authorization", "Bearer wrong"}}, 401, "invalid_api_key"},
      {"POST",
       chat,
       {{"authorization", "Bearer right"}, {"content-type", "text/plain"}},
       415,
       "Unsupported content type"},
      {"POST",
       chat,
       {{"authorization", "Bearer right"}, {"content-type", ""}},
       400,
       "Unsupported content type"},
      {"PUT", chat, {{"authorization", "Bearer right"}}, 405, "Not allowed to PUT"},
      {"POST",
       "/v1/nothing",
       {{"authorization", "Bearer right"}},
       404,
       "Invalid URL (POST /v1/nothing)"},
      {"GET", "/v1/models", {{"authorization", "Bearer right"}}, 200, "\"id\":\"n\""},
      {"GET", "/v1/models/n", {{"authorization", "Bearer right"}}, 200, "\"object\":\"model\""},
      {"GET", "/v1/models/o", {{"authorization", "Bearer right"}}, 404, "model_not_found"},
      {"GET", "/v1/models", {}, 401, "API key"},
      {"POST", "/v1/models", {{"authorization", "Bearer right"}}, 405, "Not allowed to POST"},
      {"GET", "/mock/nothing", {}, 404, "no such page"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.method);
    CAPTURE(row.target);
    RawClient client(*rig.loop, mock->port());
    const bool post = std::string_view(row.method) != "GET";
    client.send(test::http_request(row.method, row.target, post ? body : "", row.headers));
    REQUIRE(rig.drive_until([&] { return client.answer_complete(); }));
    CHECK(client.status == row.status);
    CHECK(client.body.find(row.part) != std::string::npos);
    if (row.status == 405) CHECK(client.head.find("allow: ") != std::string::npos);
  }
  CHECK(mock->stats().requests == std::size(rows) - 1);
  CHECK(mock->stats().refused == 11);
}

TEST_CASE("what is not HTTP gets a 400 and is closed") {
  Rig rig;
  const auto mock = rig.mock();
  RawClient client(*rig.loop, mock->port());
  client.send("this is not HTTP\r\n\r\n");
  REQUIRE(rig.drive_until([&] { return client.ended(); }));
  CHECK(client.bytes.starts_with("HTTP/1.1 400 "));
  CHECK(mock->stats().requests == 0);
}

}  // namespace
}  // namespace llmorch::testing
