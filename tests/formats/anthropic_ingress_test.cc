// Anthropic requests: read into the neutral form and back with nothing lost, scanned and spliced
// with every other byte kept, and refused naming the field.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/anthropic_support.h"
#include "formats/fixtures.h"

namespace llmorch {
namespace {

using testing::anthropic;
using testing::at_path;
using testing::decode_anthropic;
using testing::to_anthropic;

const std::string kHi = R"("messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}])";

TEST_CASE("ingress: decode and encode give the same JSON back") {
  const std::string head = R"({"model":"claude-opus-4-8","max_tokens":9,)";
  const std::vector<std::string> cases = {
      head + kHi + "}",
      head + kHi +
          R"(,"system":"S","stream":true,"stop_sequences":["a"],"metadata":{"user_id":"u","x":1},"service_tier":"standard_only","container":"c","mcp_servers":[{"name":"m"}],"context_management":{"edits":[]},"inference_geo":"eu","big":123456789012345678901234567890})",
      head + kHi +
          R"(,"system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"b"}],"cache_control":{"type":"ephemeral"}})",
      head + kHi + R"(,"thinking":{"type":"adaptive"},"output_config":{"effort":"max"}})",
      head + kHi + R"(,"thinking":{"type":"adaptive","display":"omitted"}})",
      head + kHi + R"(,"thinking":{"type":"enabled","budget_tokens":1500}})",
      head + kHi + R"(,"thinking":{"type":"disabled"},"output_config":{"effort":"low"}})",
      head + kHi + R"(,"thinking":{"type":"between_tools"}})",
      head + kHi + R"(,"output_config":{"effort":"low"}})",
      head + kHi +
          R"(,"output_config":{"format":{"type":"json_schema","schema":{"type":"object","minProperties":1}},"task_budget":{"x":1}}})",
      head + kHi +
          R"(,"tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{"b":{},"a":{"minimum":1.0}}},"strict":true,"cache_control":{"type":"ephemeral"},"defer_loading":true},{"type":"web_search_20250305","name":"web_search","max_uses":5},{"type":"bash_20250124","name":"bash"}],"tool_choice":{"type":"any","disable_parallel_tool_use":true}})",
      head + kHi +
          R"(,"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"f"}})",
      head + kHi +
          R"(,"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"none"}})",
      head +
          R"("messages":[{"role":"user","content":[{"type":"text","text":"q","citations":[]},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"},"transformations":{"oversized_image":"error"}},{"type":"image","source":{"type":"url","url":"https://x/y.png"}},{"type":"image","source":{"type":"file","file_id":"file_1"}},{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjcK"},"title":"t","context":"c","citations":{"enabled":true}},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"hello"}},{"type":"document","source":{"type":"content","content":"x"}},{"type":"document","source":{"type":"url","url":"https://x/y.pdf"}},{"type":"search_result","source":"s","title":"t","content":[]},{"type":"container_upload","file_id":"f"}]}]})",
      head +
          R"("messages":[{"role":"user","content":[{"type":"text","text":"q"}]},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"redacted_thinking","data":"d"},{"type":"text","text":"a"},{"type":"server_tool_use","id":"st","name":"web_search","input":{}},{"type":"web_search_tool_result","tool_use_id":"st","content":[]},{"type":"tool_use","id":"toolu_1","name":"f","input":{"a": 1.50},"caller":{"type":"direct"}},{"type":"thinking","thinking":"t2","signature":"s2"},{"type":"tool_use","id":"toolu_2","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"r"},{"type":"tool_reference","tool_name":"x"}],"is_error":true,"cache_control":{"type":"ephemeral"}},{"type":"tool_result","tool_use_id":"toolu_2"},{"type":"text","text":"go"}]},{"role":"system","content":[{"type":"text","text":"mid"}]}],"tools":[{"name":"f","input_schema":{"type":"object"}}]})",
  };
  for (const std::string& body : cases) {
    CAPTURE(body);
    const auto request = decode_anthropic(body);
    REQUIRE_MESSAGE(request.has_value(), request.error().message());
    CHECK(request->format == Format::kAnthropicMessages);
    const auto encoded = anthropic().encode(*request, {});
    REQUIRE_MESSAGE(encoded.has_value(), encoded.error().message());
    const std::string again = encoded->body.str();
    CAPTURE(again);
    CHECK(testing::same_json(body, again));
    CHECK(encoded->dropped.empty());
    const auto second = decode_anthropic(again);
    REQUIRE(second.has_value());
    CHECK(*second == *request);
  }
}

TEST_CASE("ingress: the neutral form says what was meant (WIRE 6.3, 6.5)") {
  const auto request = decode_anthropic(
      R"({"model":"m","max_tokens":9,"system":"S","messages":[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"tool_use","id":"i","name":"f","input":{"a":1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"i","content":"out","is_error":true}]}],"thinking":{"type":"enabled","budget_tokens":1500},"tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},"metadata":{"user_id":"u"},"stop_sequences":["x"],"temperature":0.70})");
  REQUIRE(request.has_value());
  CHECK(request->messages[0].role == Message::Role::kSystem);
  CHECK(request->messages[0].plain_text);
  CHECK(request->messages[1].parts[0].text == "q");
  const Part& thought = request->messages[2].parts[0];
  CHECK(thought.kind == Part::Kind::kReasoning);
  CHECK(thought.signature == "s");
  CHECK(thought.origin == Format::kAnthropicMessages);
  CHECK(request->messages[2].parts[1].arguments == R"({"a":1})");
  const Part& result = request->messages[3].parts[0];
  CHECK(result.is_error);
  CHECK(result.content[0].text == "out");
  CHECK(request->reasoning_budget == 1500);
  CHECK(request->include_reasoning == true);
  CHECK(request->tool_choice.name == "f");
  CHECK(request->parallel_tool_calls == false);
  CHECK(request->user == "u");
  CHECK(request->temperature == "0.70");
  CHECK(request->max_tokens == 9);
  const auto silent =
      decode_anthropic(R"({"model":"m",)" + kHi + R"(,"thinking":{"type":"disabled"}})");
  REQUIRE(silent.has_value());
  CHECK(silent->reasoning_effort == "none");
}

TEST_CASE("ingress: another vendor's thinking comes back out of its carrier (WIRE 6.6)") {
  AnswerOptions options;
  options.upstream = Format::kGemini;
  event::PartStart open;
  open.kind = PartKind::kReasoning;
  const std::vector<Event> events = {event::Start{"m", "gemini", 0},
                                     open,
                                     event::PartDelta{0, 0, "hm", "SIG"},
                                     event::PartEnd{0, 0},
                                     event::Finish{0, FinishReason::kStop, "STOP", "", ""},
                                     event::End{}};
  const std::string answer = testing::write_anthropic(events, false, options);
  const std::string shown = at_path(answer, "content.0");
  CHECK(at_path(shown, "signature").find("llmorch.v1.") == 1);
  const auto request = decode_anthropic(
      R"({"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","content":[)" +
      shown + R"(]},{"role":"user","content":"q"}]})");
  REQUIRE(request.has_value());
  const Part& part = request->messages[1].parts[0];
  CHECK(part.origin == Format::kGemini);
  CHECK(part.signature == "SIG");
  CHECK(part.text == "hm");
  // The real vendor never sees it.
  const auto sent = to_anthropic(*request, {});
  REQUIRE(sent.has_value());
  CHECK(sent->body.str().find("hm") == std::string::npos);
  CHECK(testing::joined(sent->dropped) == "messages.thinking");
}

TEST_CASE("ingress: wrong types name the field") {
  struct Case {
    std::string body;
    std::string param;
  };
  const auto message = [](const std::string& json) {
    return R"({"model":"m","messages":[{"role":"user","content":"x"},)" + json + "]}";
  };
  const auto block = [&](const std::string& json) {
    return message(R"({"role":"user","content":[)" + json + "]}");
  };
  const std::vector<Case> cases = {
      {"[]", ""},
      {"{", ""},
      {R"({"messages":[]})", "model"},
      {R"({"model":1,)" + kHi + "}", "model"},
      {R"({"model":"m"})", "messages"},
      {R"({"model":"m","messages":3})", "messages"},
      {R"({"model":"m","system":3,)" + kHi + "}", "system"},
      {message("3"), "messages[1]"},
      {message(R"({"role":"tool","content":"x"})"), "messages[1].role"},
      {message(R"({"role":"user"})"), "messages[1].content"},
      {message(R"({"role":"user","content":5})"), "messages[1].content"},
      {block("3"), "messages[1].content[0]"},
      {block("{}"), "messages[1].content[0].type"},
      {block(R"({"type":"text"})"), "messages[1].content[0].text"},
      {block(R"({"type":"image"})"), "messages[1].content[0].source"},
      {block(R"({"type":"tool_use","id":"i","name":"f"})"), "messages[1].content[0].input"},
      {block(R"({"type":"tool_use","id":"i","name":"f","input":"{}"})"),
       "messages[1].content[0].input"},
      {block(R"({"type":"tool_result"})"), "messages[1].content[0].tool_use_id"},
      {R"({"model":"m",)" + kHi + R"(,"tools":3})", "tools"},
      {R"({"model":"m",)" + kHi + R"(,"tools":[{"input_schema":{}}]})", "tools[0].name"},
      {R"({"model":"m",)" + kHi + R"(,"tools":[{"name":"f"}]})", "tools[0].input_schema"},
      {R"({"model":"m",)" + kHi + R"(,"tool_choice":"auto"})", "tool_choice"},
      {R"({"model":"m",)" + kHi + R"(,"max_tokens":"9"})", "max_tokens"},
      {R"({"model":"m",)" + kHi + R"(,"temperature":"hot"})", "temperature"},
      {R"({"model":"m",)" + kHi + R"(,"stop_sequences":"x"})", "stop_sequences"},
      {R"({"model":"m",)" + kHi + R"(,"stream":1})", "stream"},
      {R"({"model":"m",)" + kHi + R"(,"thinking":{"type":"enabled"}})", "thinking.budget_tokens"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.body);
    const auto request = decode_anthropic(c.body);
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error().code() == Code::kInvalidArgument);
    CHECK(request.error().http_status() == 400);
    CHECK(request.error().param() == c.param);
  }
}

TEST_CASE("ingress: refusals name the field in the caller's words") {
  struct Case {
    std::string body;
    std::string param;
  };
  const std::vector<Case> cases = {
      {R"({"model":"claude-opus-4-8","system":"S","messages":[{"role":"user","content":"q"},{"role":"assistant","content":"So"}]})",
       "messages[1]"},
      {R"({"model":"m","messages":[{"role":"user","content":[]}]})", "messages"},
      {R"({"model":"m","system":"S","messages":[{"role":"user","content":[{"type":"text","text":"q"},{"type":"image","source":{"type":"base64","media_type":"image/bmp","data":"Qk0xMjM0"}}]}]})",
       "messages[0].content[1]"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.body);
    const auto request = decode_anthropic(c.body);
    REQUIRE(request.has_value());
    const auto out = to_anthropic(*request, {});
    REQUIRE_FALSE(out.has_value());
    CHECK(out.error().code() == Code::kUnsupported);
    CHECK(out.error().param() == c.param);
  }
}

Result<RequestScan> scan(const std::string& body) {
  CallSpec spec;
  spec.body = Body(body);
  return anthropic().scan(spec);
}

TEST_CASE("scan: what a request asks for") {
  struct Case {
    std::string body;
    std::string seen;
  };
  const auto say = [](const RequestScan& scan) {
    std::string out = scan.model;
    if (scan.stream) out += " stream";
    if (scan.tools) out += " tools";
    if (scan.structured_output) out += " structured";
    if (scan.images) out += " images";
    return out;
  };
  const std::string nested =
      R"({"model":"m","messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"i","content":[{"type":"image"}]}]}]})";
  const std::vector<Case> cases = {
      {R"({"model":"m",)" + kHi + "}", "m"},
      {R"({"model":"a","stream":true,"tools":[{}],"model":"b",)" + kHi + "}", "b stream tools"},
      {R"({"model":"m","tools":[],"stream":null,"output_config":{"effort":"low"},)" + kHi + "}",
       "m"},
      {R"({"model":"m","output_config":{"format":{"type":"json_schema"}},)" + kHi + "}",
       "m structured"},
      {R"({"model":"m","messages":[{"role":"user","content":[{"type":"image"}]}]})", "m images"},
      {nested, "m images"},
      {R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"image"}]}]})",
       "m"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.body);
    const auto found = scan(c.body);
    REQUIRE_MESSAGE(found.has_value(), found.error().message());
    CHECK(say(*found) == c.seen);
  }
  const std::vector<std::pair<std::string, std::string>> bad = {
      {R"({"messages":[1]})", "model"},
      {R"({"model":1,"messages":[1]})", "model"},
      {R"({"model":"m"})", "messages"},
      {R"({"model":"m","messages":[]})", "messages"},
      {R"({"model":"m","messages":{}})", "messages"},
      {R"({"model":"m","stream":"yes","messages":[1]})", "stream"},
      {"[]", ""},
      {"", ""},
  };
  for (const auto& entry : bad) {
    const std::string& body = entry.first;
    CAPTURE(body);
    const auto found = scan(body);
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().http_status() == 400);
    CHECK(found.error().param() == entry.second);
  }
}

TEST_CASE("splice: single keys change, every other byte stays") {
  struct Case {
    std::string rule;
    std::string body;
    RequestEdits edits;
    std::string out;
  };
  const auto edits = [](const std::string& model) {
    RequestEdits out;
    out.model = model;
    return out;
  };
  RequestEdits some = edits("n");
  some.set = {{"speed", R"("fast")"}, {"top_k", "3"}};
  some.remove = {"metadata"};
  RequestEdits prompt = edits("n");
  prompt.system_prompt = "P";
  RequestEdits prompt_set = prompt;
  prompt_set.set = {{"system", R"("T")"}};
  RequestEdits prompt_gone = prompt;
  prompt_gone.remove = {"system"};
  const std::string messages = R"("messages": [{"role":"user" , "content":"é 0.70"}])";
  const std::vector<Case> cases = {
      {"model", R"({ "model" : "m", )" + messages + " }", edits("n"),
       R"({ "model" : "n", )" + messages + " }"},
      {"set and remove", R"({"model":"m","metadata":{},"top_k":1,)" + messages + "}", some,
       R"({"model":"n","top_k":3,)" + messages + R"(,"speed":"fast"})"},
      {"a prompt where there is none", R"({"model":"m",)" + messages + "}", prompt,
       R"({"model":"n",)" + messages + R"(,"system":"P"})"},
      {"a prompt before a string", R"({"model":"m","system":"S",)" + messages + "}", prompt,
       R"({"model":"n","system":[{"type":"text","text":"P"},{"type":"text","text":"S"}],)" +
           messages + "}"},
      {"a prompt before blocks",
       R"({"model":"m","system":[ {"type":"text","text":"S","cache_control":{}}],)" + messages +
           "}",
       prompt,
       R"({"model":"n","system":[{"type":"text","text":"P"},{"type":"text","text":"S","cache_control":{}}],)" +
           messages + "}"},
      {"a prompt before no blocks", R"({"model":"m","system":[],)" + messages + "}", prompt,
       R"({"model":"n","system":[{"type":"text","text":"P"}],)" + messages + "}"},
      {"a prompt and null", R"({"model":"m","system":null,)" + messages + "}", prompt,
       R"({"model":"n","system":"P",)" + messages + "}"},
      {"a prompt before one that is set", R"({"model":"m","system":"S",)" + messages + "}",
       prompt_set,
       R"({"model":"n","system":[{"type":"text","text":"P"},{"type":"text","text":"T"}],)" +
           messages + "}"},
      {"a prompt in place of one that is removed", R"({"model":"m","system":"S",)" + messages + "}",
       prompt_gone, R"({"model":"n","system":"P",)" + messages + "}"},
      {"sampling that the model refuses (rule 109)",
       R"({"temperature":0.5,"model":"m","top_p":0.9,"top_k":4,)" + messages + "}",
       edits("claude-opus-4-8"), R"({"model":"claude-opus-4-8",)" + messages + "}"},
      {"sampling that it takes", R"({"temperature":0.50,"model":"m",)" + messages + "}",
       edits("claude-opus-4-6"),
       R"({"temperature":0.50,"model":"claude-opus-4-6",)" + messages + "}"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.rule);
    const auto found = scan(c.body);
    REQUIRE(found.has_value());
    const auto out = anthropic().splice(Body(c.body), *found, c.edits);
    REQUIRE(out.has_value());
    CHECK(out->str() == c.out);
  }
}

TEST_CASE("codec: errors, signs of life and models in Anthropic's shape (WIRE 2.7, 7.1)") {
  const auto body = [](const Status& status) { return anthropic().error_body(status, "req_1"); };
  CHECK(testing::same_json(
      body(Status(Code::kInvalidArgument, "no").with_param("messages[0]")),
      R"({"type":"error","error":{"type":"invalid_request_error","message":"messages[0]: no"},"request_id":"req_1"})"));
  const std::vector<std::pair<Status, std::string>> types = {
      {Status(Code::kAuth, "x"), "authentication_error"},
      {Status(Code::kPermission, "x"), "permission_error"},
      {Status(Code::kBilling, "x"), "billing_error"},
      {Status(Code::kNotFound, "x"), "not_found_error"},
      {Status(Code::kTooLarge, "x"), "request_too_large"},
      {Status(Code::kContextLength, "x"), "invalid_request_error"},
      {Status(Code::kContentPolicy, "x"), "invalid_request_error"},
      {Status(Code::kRateLimited, "x"), "rate_limit_error"},
      {Status(Code::kOverloaded, "x"), "overloaded_error"},
      {Status(Code::kTimeout, "x"), "timeout_error"},
      {Status(Code::kUpstream, "x"), "api_error"},
      {Status(Code::kNetwork, "x"), "api_error"},
      {Status(Code::kInternal, "x"), "api_error"},
  };
  for (const auto& entry : types) {
    CAPTURE(entry.second);
    CHECK(at_path(body(entry.first), "error.type") == "\"" + entry.second + "\"");
  }
  const std::string frame = anthropic().error_frame(Status(Code::kOverloaded, "x"), "");
  CHECK(frame ==
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
        "\"message\":\"x\"}}\n\n");
  const auto events = testing::read_anthropic(frame, true);
  CHECK(testing::show(events) == std::vector<std::string>{"error overloaded: x"});
  CHECK(testing::read_anthropic(anthropic().heartbeat(), true).size() == 1);
  CHECK(testing::same_json(
      anthropic().model_list({"a", "b"}),
      R"({"data":[{"type":"model","id":"a","display_name":"a","created_at":"1970-01-01T00:00:00Z"},{"type":"model","id":"b","display_name":"b","created_at":"1970-01-01T00:00:00Z"}],"first_id":"a","last_id":"b","has_more":false})"));
  CHECK(testing::same_json(anthropic().model_list({}),
                           R"({"data":[],"first_id":null,"last_id":null,"has_more":false})"));
}

TEST_CASE("corpus: every recorded request survives decode and encode") {
  int checked = 0;
  for (const auto& path : testing::fixture_files({"anthropic"}, ".request.json")) {
    const std::string text = testing::read_file(path);
    const auto document = json::Document::parse(text);
    if (!document || !document->root()["messages"].is_array() ||
        !document->root()["max_tokens"].exists() || !document->root()["model"].exists()) {
      continue;  // count_tokens, or Bedrock's own
    }
    CAPTURE(path.string());
    const auto request = decode_anthropic(text);
    REQUIRE_MESSAGE(request.has_value(), request.error().message());
    // A beta without published types is nothing for the checker of types.
    const bool beta = text.find("tool_addition") != std::string::npos;
    const auto encoded = beta ? anthropic().encode(*request, {}) : to_anthropic(*request, {});
    if (!encoded) {  // what a newer table refuses, as the vendor does
      CHECK(encoded.error().message().find("does not continue") != std::string::npos);
      continue;
    }
    const auto again = decode_anthropic(encoded->body.str());
    REQUIRE(again.has_value());
    CHECK(again->tools == request->tools);
    CHECK(again->extras == request->extras);
    CHECK(again->max_tokens == request->max_tokens);
    ++checked;
  }
  if (!testing::fixtures().empty()) CHECK(checked > 80);
}

}  // namespace
}  // namespace llmorch
