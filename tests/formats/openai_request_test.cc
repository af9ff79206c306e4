// OpenAI chat requests to neutral form and back: nothing is lost, wrong types name their field, and
// what cannot be said is refused or reported.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "formats/answers.h"
#include "formats/fixtures.h"
#include "llmorch/spi/format.h"

namespace llmorch {
namespace {

const FormatCodec& codec() { return *find_format(Format::kOpenAiChat); }

Result<ChatRequest> decode(std::string body) {
  CallSpec spec;
  spec.body = Body(std::move(body));
  return codec().decode(spec);
}

std::string encode(const ChatRequest& request, const RequestEdits& options = {}) {
  const auto out = codec().encode(request, options);
  return out ? out->body.str() : "error " + out.error().param() + ": " + out.error().message();
}

const std::string kHi = R"("messages":[{"role":"user","content":"hi"}])";

TEST_CASE("requests: decode and encode give the same JSON back") {
  const std::vector<std::string>
      cases =
          {
              R"({"model":"a",)" + kHi + "}",
              R"({"model":"a",)" + kHi +
                  R"(,"temperature":0.70,"top_p":1E-1,"top_k":40,"presence_penalty":-2.0,"frequency_penalty":0,"n":2,"seed":-7,"max_tokens":10,"stop":["a","b"],"user":"u","service_tier":"flex","reasoning_effort":"low","parallel_tool_calls":false,"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},"tools":[{"type":"function","function":{"name":"f"}}]})",
              R"({"model":"a",)" + kHi +
                  R"(,"temperature":null,"n":null,"stop":null,"stream":false,"stream_options":null,"tools":null,"user":"","reasoning_effort":null,"max_tokens":null,"parallel_tool_calls":null,"response_format":null,"tool_choice":null})",
              R"({"model":"a",)" + kHi + R"(,"max_completion_tokens":5})",
              R"({"model":"a",)" + kHi + R"(,"max_completion_tokens":5,"max_tokens":6})",
              R"({"model":"a",)" + kHi +
                  R"(,"logit_bias":{"50256":-100},"metadata":{"a/b~c":"d"},"big":123456789012345678901234567890,"a/b":{"~":[1.50]},"prediction":{"type":"content","content":"x"}})",
              R"({"model":"a","messages":[{"role":"system","content":"s","name":"n"},{"role":"developer","content":[{"type":"text","text":"d","cache_control":{"type":"ephemeral"}}]},{"role":"user","content":[{"type":"text","text":"t"},{"type":"image_url","image_url":{"url":"https://x/y.png","detail":"low"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"image_url","image_url":{"url":"data:image/svg+xml;utf8,<svg>"}},{"type":"input_audio","input_audio":{"data":"BBBB","format":"wav"}},{"type":"file","file":{"file_data":"data:application/pdf;base64,CC","filename":"f.pdf"}},{"type":"file","file":{"file_id":"file-1"}},{"type":"file","file":{"file_data":"RAW","x":1}},{"type":"video_url","video_url":{"url":"v"}}]}]})",
              R"({"model":"a","messages":[{"role":"user","content":[]},{"role":"assistant","content":"a","reasoning_content":"","x":{"y":1}},{"role":"assistant","content":[{"type":"text","text":"p"},{"type":"refusal","refusal":"no"}]},{"role":"assistant","content":null,"refusal":"never","audio":{"id":"au"}},{"role":"assistant","content":"b","refusal":null,"tool_calls":null}]})",
              R"({"model":"a","messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\": 1.0}"},"extra_content":{"google":{"thought_signature":"s"}}},{"id":"c2","type":"custom","custom":{"name":"g","input":"free"}},{"id":"c3","type":"mcp","mcp":{}}]},{"role":"tool","tool_call_id":"c1","content":"r"},{"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"r2"}],"name":"g"}]})",
              R"({"model":"a",)" + kHi + R"(,"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"b":{},"a":{"minimum":1.0}}},"strict":true}},{"type":"function","function":{"name":"g","description":null,"parameters":null,"strict":null,"z":1},"cache_control":{}},{"type":"custom","custom":{"name":"h","format":{"type":"text"}}},{"type":"web_search","web_search":{"q":1}}],"tool_choice":"required"})",
              R"({"model":"a",)" + kHi +
                  R"(,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}}})",
              R"({"model":"a",)" + kHi +
                  R"(,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}}})",
              R"({"model":"a",)" + kHi +
                  R"(,"tools":[{"type":"custom","custom":{"name":"f"}}],"tool_choice":{"type":"custom","custom":{"name":"f"}}})",
              R"({"model":"a",)" + kHi + R"(,"tool_choice":{"type":"new","x":1},"tools":[]})",
              R"({"model":"a",)" + kHi + R"(,"response_format":{"type":"text"}})",
              R"({"model":"a",)" + kHi + R"(,"response_format":{"type":"json_object"}})",
              R"({"model":"a",)" + kHi +
                  R"(,"response_format":{"type":"json_schema","json_schema":{"name":"n","description":"d","schema":{"type":"object"},"strict":true,"x":1}}})",
              R"({"model":"a",)" + kHi +
                  R"(,"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":null}}})",
              R"({"model":"a",)" + kHi + R"(,"response_format":{"type":"grammar","grammar":"x"}})",
          };
  for (const std::string& body : cases) {
    CAPTURE(body);
    const auto request = decode(body);
    REQUIRE_MESSAGE(request.has_value(), request.error().message());
    const std::string again = encode(*request);
    CAPTURE(again);
    CHECK(testing::same_json(body, again));
    const auto second = decode(again);
    REQUIRE(second.has_value());
    CHECK(*second == *request);
  }
}

TEST_CASE("requests: the neutral form says what was meant") {
  const auto request = decode(
      R"({"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]},{"role":"assistant","content":"t","tool_calls":[{"id":"i","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"i","content":"out"}],"stop":"x","max_completion_tokens":9,"temperature":0.70})");
  REQUIRE(request.has_value());
  const Part& image = request->messages[0].parts[0];
  CHECK(image.media.mime_type == "image/png");
  CHECK(image.media.base64 == "AA");
  CHECK(request->messages[1].parts[0].text == "t");
  CHECK(request->messages[1].parts[1].kind == Part::Kind::kToolCall);
  const Part& result = request->messages[2].parts[0];
  CHECK(result.kind == Part::Kind::kToolResult);
  CHECK(result.tool_call_id == "i");
  CHECK(result.content[0].text == "out");
  CHECK(request->stop == std::vector<std::string>{"x"});
  CHECK(request->max_tokens == 9);
  CHECK(request->temperature == "0.70");
}

TEST_CASE("requests: deprecated functions become tools") {
  const auto request = decode(
      R"({"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"r"}],"functions":[{"name":"f","parameters":{}}],"function_call":{"name":"f"}})");
  REQUIRE_MESSAGE(request.has_value(), request.error().message());
  CHECK(testing::same_json(
      encode(*request),
      R"({"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_function_0","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_function_0","content":"r"}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"tool_choice":{"type":"function","function":{"name":"f"}}})"));
}

TEST_CASE("requests: wrong types name the field") {
  struct Case {
    std::string body;
    std::string param;
  };
  const auto message = [](const std::string& json) {
    return R"({"model":"m","messages":[{"role":"user","content":"x"},)" + json + "]}";
  };
  const std::vector<Case> cases = {
      {"[]", ""},
      {R"({"model":1,)" + kHi + "}", "model"},
      {R"({"model":null,)" + kHi + "}", "model"},
      {R"({"model":"m","messages":3})", "messages"},
      {message("3"), "messages[1]"},
      {message("{}"), "messages[1].role"},
      {message(R"({"role":5})"), "messages[1].role"},
      {message(R"({"role":"robot","content":"x"})"), "messages[1].role"},
      {message(R"({"role":"user","content":5})"), "messages[1].content"},
      {message(R"({"role":"user","content":["x"]})"), "messages[1].content[0]"},
      {message(R"({"role":"user","content":[{"text":"x"}]})"), "messages[1].content[0].type"},
      {message(R"({"role":"user","content":[{"type":"text"}]})"), "messages[1].content[0].text"},
      {message(R"({"role":"user","content":[{"type":"image_url","image_url":"u"}]})"),
       "messages[1].content[0].image_url"},
      {message(R"({"role":"user","content":[{"type":"image_url","image_url":{"url":1}}]})"),
       "messages[1].content[0].image_url.url"},
      {message(R"({"role":"user","content":[{"type":"input_audio","input_audio":{"data":"x"}}]})"),
       "messages[1].content[0].input_audio.format"},
      {message(R"({"role":"user","content":[{"type":"file"}]})"), "messages[1].content[0].file"},
      {message(R"({"role":"tool","content":"x"})"), "messages[1].tool_call_id"},
      {message(R"({"role":"assistant","tool_calls":{}})"), "messages[1].tool_calls"},
      {message(R"({"role":"assistant","tool_calls":[{"id":"i","type":"function"}]})"),
       "messages[1].tool_calls[0].function"},
      {message(
           R"({"role":"assistant","tool_calls":[{"id":"i","function":{"name":"f","arguments":{}}}]})"),
       "messages[1].tool_calls[0].function.arguments"},
      {R"({"model":"m",)" + kHi + R"(,"tools":[{"type":"function"}]})", "tools[0].function"},
      {R"({"model":"m",)" + kHi + R"(,"tools":[{"type":"function","function":{"name":""}}]})",
       "tools[0].function.name"},
      {R"({"model":"m",)" + kHi +
           R"(,"tools":[{"type":"function","function":{"name":"f","parameters":[]}}]})",
       "tools[0].function.parameters"},
      {R"({"model":"m",)" + kHi + R"(,"tools":"x"})", "tools"},
      {R"({"model":"m",)" + kHi + R"(,"temperature":"hot"})", "temperature"},
      {R"({"model":"m",)" + kHi + R"(,"max_tokens":1.5})", "max_tokens"},
      {R"({"model":"m",)" + kHi + R"(,"stop":[1]})", "stop"},
      {R"({"model":"m",)" + kHi + R"(,"stream":"x"})", "stream"},
      {R"({"model":"m",)" + kHi + R"(,"user":{}})", "user"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.body);
    const auto request = decode(c.body);
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error().code() == Code::kInvalidArgument);
    CHECK(request.error().http_status() == 400);
    CHECK(request.error().param() == c.param);
  }
}

TEST_CASE("encode: what other formats can say and this one cannot") {
  ChatRequest request;
  request.model = "m";
  Message user;
  Part part;
  part.text = "look";
  user.parts.push_back(part);
  request.messages.push_back(user);

  SUBCASE("media by references that OpenAI does not have are refused, naming the part") {
    Part media;
    media.kind = Part::Kind::kMedia;
    media.media.kind = Media::Kind::kDocument;
    media.media.url = "https://x/y.pdf";
    request.messages[0].parts.push_back(media);
    const auto out = codec().encode(request, {});
    REQUIRE_FALSE(out.has_value());
    CHECK(out.error().code() == Code::kUnsupported);
    CHECK(out.error().param() == "messages[0].content[1]");
  }
  SUBCASE("tool results come first, their images follow in a user message, errors are marked") {
    Message tool;
    tool.role = Message::Role::kUser;
    Part text;
    text.text = "and now?";
    for (const std::string id : {"a", "b"}) {
      Part result;
      result.kind = Part::Kind::kToolResult;
      result.tool_call_id = id;
      result.is_error = id == "b";
      Part line;
      line.text = "r" + id;
      result.content.push_back(line);
      if (id == "a") {
        Part image;
        image.kind = Part::Kind::kMedia;
        image.media.mime_type = "image/png";
        image.media.base64 = "AA";
        result.content.push_back(image);
      }
      tool.parts.push_back(result);
    }
    tool.parts.push_back(text);
    request.messages = {tool};
    CHECK(testing::same_json(
        encode(request),
        R"({"model":"m","messages":[{"role":"tool","tool_call_id":"a","content":"ra"},{"role":"tool","tool_call_id":"b","content":"Error: rb"},{"role":"user","content":[{"type":"text","text":"Attached images from tool result a:"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]},{"role":"user","content":[{"type":"text","text":"and now?"}]}]})"));
  }
  SUBCASE("signatures and surplus stops are dropped and reported") {
    request.messages[0].role = Message::Role::kAssistant;
    Part thought;
    thought.kind = Part::Kind::kReasoning;
    thought.text = "hm";
    thought.signature = "sig";
    request.messages[0].parts.push_back(thought);
    request.stop = {"1", "2", "3", "4", "5"};
    request.tool_choice.kind = ToolChoice::Kind::kAuto;
    request.parallel_tool_calls = true;
    const auto out = codec().encode(request, {});
    REQUIRE(out.has_value());
    CHECK(out->dropped == std::vector<std::string>{"messages.thinking.signature", "tool_choice",
                                                   "parallel_tool_calls", "stop"});
    CHECK(testing::same_json(
        out->body.str(),
        R"({"model":"m","messages":[{"role":"assistant","content":[{"type":"text","text":"look"}],"reasoning_content":"hm"}],"stop":["1","2","3","4"]})"));
  }
  SUBCASE("options: model, edits and usage") {
    request.stream = true;
    request.user = "u";
    RequestEdits options;
    options.model = "t";
    options.ask_usage = true;
    options.set = {{"temperature", "1.0"}};
    options.remove = {"user"};
    CHECK(testing::same_json(
        encode(request, options),
        R"({"model":"t","messages":[{"role":"user","content":[{"type":"text","text":"look"}]}],"stream":true,"stream_options":{"include_usage":true},"temperature":1.0})"));
  }
}

TEST_CASE("corpus: every recorded request survives decode and encode") {
  int checked = 0;
  for (const auto& path : testing::fixture_files(
           {"openai-chat", "openai-compatible", "edge-cases", "errors"}, ".request.json")) {
    const std::string text = testing::read_file(path);
    const auto document = json::Document::parse(text);
    if (!document || !document->root()["messages"].is_array() ||
        !document->root()["model"].is_string() || document->root()["system"].exists()) {
      continue;  // another API's request
    }
    CAPTURE(path.string());
    const auto request = decode(text);
    REQUIRE_MESSAGE(request.has_value(), request.error().message());
    // An assistant's missing content and null say the same; null is what is written.
    std::string again = encode(*request);
    const bool same = testing::same_json(text, again);
    for (std::size_t at = 0; !same && at != std::string::npos;) {
      at = again.find(R"("content":null,"tool_calls")");
      if (at != std::string::npos) again.erase(at, std::string_view(R"("content":null,)").size());
    }
    CHECK(testing::same_json(text, again));
    ++checked;
  }
  if (!testing::fixtures().empty()) CHECK(checked > 50);
}

}  // namespace
}  // namespace llmorch
