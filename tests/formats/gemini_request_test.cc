// Requests of OpenAI's dialect on their way to Gemini (WIRE_FORMATS 6.1, column Gemini).
#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/answers.h"
#include "formats/fixtures.h"
#include "formats/gemini_support.h"

namespace llmorch {
namespace {

using testing::chat_to_gemini;
using testing::same_json;
using testing::value_at;

constexpr std::string_view kPng =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+"
    "M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    "";
const std::string kHi = R"("messages":[{"role":"user","content":"hi"}])";
const std::string kTool =
    R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string"}}}}}])";

std::string messages(const std::string& list) {
  return R"({"model":"m","messages":[{"role":"user","content":"q"},)" + list + "]}";
}
std::string with(const std::string& fields) {
  return R"({"model":"m",)" + kHi + "," + fields + "}";
}
// A turn with calls "a" of f and "b" of g.
const std::string kCalls =
    R"({"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1.50}"}},{"id":"b","type":"function","function":{"name":"g","arguments":""}}]})";

struct Case {
  std::string rule;
  std::string model;
  std::string body;
  std::string pointer;   // into the body sent
  std::string expected;  // JSON; "" nothing stands there
};

void run(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    CAPTURE(one.rule);
    CAPTURE(one.body);
    const auto out = chat_to_gemini(one.body, one.model);
    REQUIRE_MESSAGE(out.has_value(), out.error().message());
    const std::string body = out->body.str();
    CAPTURE(body);
    const std::string got = value_at(body, one.pointer);
    if (one.expected.empty()) {
      CHECK(got == "");
    } else {
      const bool same = same_json(got, one.expected);
      CHECK_MESSAGE(same, got);
    }
  }
}

TEST_CASE("gemini request: messages (WIRE 6.1)") {
  const std::string g25 = "gemini-2.5-flash";
  run({
      {"system and developer lead", g25,
       R"({"model":"m","messages":[{"role":"system","content":"a"},{"role":"developer","content":[{"type":"text","text":"b"},{"type":"text","text":""}]},{"role":"user","content":"q"}]})",
       "",
       R"({"systemInstruction":{"parts":[{"text":"a"},{"text":"b"}]},"contents":[{"role":"user","parts":[{"text":"q"}]}]})"},
      {"later system is wrapped in the user turn", g25,
       messages(
           R"({"role":"assistant","content":"r"},{"role":"user","content":"n"},{"role":"system","content":"s"})"),
       "/contents",
       R"([{"role":"user","parts":[{"text":"q"}]},{"role":"model","parts":[{"text":"r"}]},{"role":"user","parts":[{"text":"n"},{"text":"<system>s</system>"}]}])"},
      {"only system: the last one speaks as the user", g25,
       R"({"model":"m","messages":[{"role":"system","content":"a"},{"role":"system","content":"b"}]})",
       "",
       R"({"systemInstruction":{"parts":[{"text":"a"}]},"contents":[{"role":"user","parts":[{"text":"b"}]}]})"},
      {"same roles are merged, parts are not joined", g25,
       messages(
           R"({"role":"user","content":"p"},{"role":"assistant","content":"a"},{"role":"assistant","content":"b"})"),
       "/contents",
       R"([{"role":"user","parts":[{"text":"q"},{"text":"p"}]},{"role":"model","parts":[{"text":"a"},{"text":"b"}]}])"},
      {"empty assistant messages vanish and their neighbours merge", g25,
       messages(
           R"({"role":"assistant","content":""},{"role":"assistant","content":null},{"role":"user","content":"p"})"),
       "/contents", R"([{"role":"user","parts":[{"text":"q"},{"text":"p"}]}])"},
      {"an empty user message alone is an empty text", g25,
       R"({"model":"m","messages":[{"role":"user","content":""}]})", "/contents",
       R"([{"role":"user","parts":[{"text":""}]}])"},
      {"refusals are text", g25, messages(R"({"role":"assistant","content":null,"refusal":"no"})"),
       "/contents/1", R"({"role":"model","parts":[{"text":"no"}]})"},
      {"foreign thoughts are dropped (6.6)", g25,
       messages(R"({"role":"assistant","content":"t","reasoning_content":"hm"})"), "/contents/1",
       R"({"role":"model","parts":[{"text":"t"}]})"},
      {"data URL, its type by its bytes (rule 42)", g25,
       R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"t"},{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,)" +
           std::string(kPng) + R"("}}]}]})",
       "/contents/0/parts/1/inlineData/mimeType", R"("image/png")"},
      {"https image", g25,
       R"({"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://h/a.webp?x=1"}}]}]})",
       "/contents/0/parts/0",
       R"({"fileData":{"mimeType":"image/webp","fileUri":"https://h/a.webp?x=1"}})"},
      {"sound", g25,
       R"({"model":"m","messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"mp3"}}]}]})",
       "/contents/0/parts/0", R"({"inlineData":{"mimeType":"audio/mp3","data":"AAAA"}})"},
      {"PDF", g25,
       R"({"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{"filename":"f","file_data":"JVBERi0xLjQK"}}]}]})",
       "/contents/0/parts/0",
       R"({"inlineData":{"mimeType":"application/pdf","data":"JVBERi0xLjQK"}})"},
      {"text files are text/plain", g25,
       R"({"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{"filename":"f.csv","file_data":"data:text/csv;base64,YSxi"}}]}]})",
       "/contents/0/parts/0/inlineData/mimeType", R"("text/plain")"},
  });
}

TEST_CASE("gemini request: calls and their results (WIRE 3.6, 6.1)") {
  const std::string g25 = "gemini-2.5-flash";
  const std::string g3 = "gemini-3-flash-preview";
  const std::string results =
      R"({"role":"tool","tool_call_id":"b","content":"{\"t\": 2.0}"},{"role":"tool","tool_call_id":"a","content":"1"})";
  run({
      {"rules 2 and 50: one content of calls, one of responses in the order of the calls", g25,
       messages(kCalls + "," + results), "/contents",
       R"([{"role":"user","parts":[{"text":"q"}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{"x":1.50}}},{"functionCall":{"name":"g","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"1"}}},{"functionResponse":{"name":"g","response":{"t": 2.0}}}]}])"},
      {"rules 51 and 110: only the first call is signed, with the sentinel", g3,
       messages(kCalls + "," + results), "/contents/1/parts",
       R"([{"functionCall":{"name":"f","args":{"x":1.50}},"thoughtSignature":"skip_thought_signature_validator"},{"functionCall":{"name":"g","args":{}}}])"},
      {"ids go only to models that have them (6.4.4)", "gemini-3.1-pro-preview",
       messages(kCalls + "," + results), "/contents/2/parts/0/functionResponse/id", R"("a")"},
      {"ids go only to models that have them (6.4.4)", "gemini-3-pro-preview",
       messages(kCalls + "," + results), "/contents/2/parts/0/functionResponse/id", ""},
      {"rule 49: Google's own carrier of signatures (6.4.7)", g3,
       messages(
           R"({"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"U0lH"}}}]},{"role":"tool","tool_call_id":"a","content":"1"})"),
       "/contents/1/parts/0/thoughtSignature", R"("U0lH")"},
      {"nothing stands between calls and responses (rule 31); the last of two results counts", g25,
       messages(
           kCalls +
           R"(,{"role":"system","content":"s"},{"role":"tool","tool_call_id":"a","content":"1"},{"role":"user","content":"u"},{"role":"tool","tool_call_id":"a","content":"2"})"),
       "/contents/2/parts",
       R"([{"functionResponse":{"name":"f","response":{"output":"2"}}},{"functionResponse":{"name":"g","response":{"error":"missing result"}}},{"text":"<system>s</system>"},{"text":"u"}])"},
      {"calls that nobody answered", g25, messages(kCalls), "/contents/2/parts",
       R"([{"functionResponse":{"name":"f","response":{"error":"missing result"}}},{"functionResponse":{"name":"g","response":{"error":"missing result"}}}])"},
      {"a result without its call is text", g25,
       messages(R"({"role":"tool","tool_call_id":"z","content":"r"})"), "/contents/0/parts",
       R"([{"text":"q"},{"text":"[tool result z] r"}])"},
      {"an object with $ref is text (3.2)", g25,
       messages(
           R"({"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"{\"x\":[{\"$ref\":\"y\"}]}"})"),
       "/contents/2/parts/0/functionResponse/response",
       R"({"output":"{\"x\":[{\"$ref\":\"y\"}]}"})"},
      {"parts of a result are lines; an empty result is empty", g25,
       messages(
           kCalls +
           R"(,{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"1"},{"type":"text","text":"2"}]},{"role":"tool","tool_call_id":"b","content":""})"),
       "/contents/2/parts",
       R"([{"functionResponse":{"name":"f","response":{"output":"1\n2"}}},{"functionResponse":{"name":"g","response":{"output":""}}}])"},
      {"rule 63: an image in a result, Gemini 3", g3,
       messages(
           kCalls +
           R"(,{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"1"},{"type":"image_url","image_url":{"url":"https://h/a.png"}}]},{"role":"tool","tool_call_id":"b","content":"2"})"),
       "/contents/2/parts",
       R"([{"functionResponse":{"name":"f","response":{"output":"1"},"parts":[{"fileData":{"mimeType":"image/png","fileUri":"https://h/a.png"}}]}},{"functionResponse":{"name":"g","response":{"output":"2"}}}])"},
      {"rule 52: files come after all responses on 2.x", g25,
       messages(
           kCalls +
           R"(,{"role":"tool","tool_call_id":"a","content":[{"type":"image_url","image_url":{"url":"https://h/a.png"}}]},{"role":"tool","tool_call_id":"b","content":"2"})"),
       "/contents/2/parts",
       R"([{"functionResponse":{"name":"f","response":{"output":""}}},{"functionResponse":{"name":"g","response":{"output":"2"}}},{"text":"Files that belong to the results of the tools above:"},{"fileData":{"mimeType":"image/png","fileUri":"https://h/a.png"}}])"},
      {"user media after responses stand in a content of their own", g25, messages(R"({"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://h/a.png"}}]})"),
       "/contents/3",
       R"({"role":"user","parts":[{"fileData":{"mimeType":"image/png","fileUri":"https://h/a.png"}}]})"},
  });
  struct Arguments {
    std::string given;
    std::string sent;
  };
  for (const Arguments& one : std::vector<Arguments>{
           {R"("")", "{}"},
           {R"("  ")", "{}"},
           {R"("null")", "{}"},
           {R"("[1]")", R"({"value":[1]})"},
           {R"("\"x\"")", R"({"value":"x"})"},
           {R"("3")", R"({"value":3})"},
           {R"("{\"a\":1,}")", R"({"a":1})"},
           {R"("{\"a\":")", R"({"_raw_arguments":"{\"a\":"})"},
           {R"("{\"n\":12345678901234567890}")", R"({"n":12345678901234567890})"},
       }) {
    run({{"arguments", g25,
          messages(
              R"({"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":)" +
              one.given + "}}]}"),
          "/contents/1/parts/0/functionCall/args", one.sent}});
  }
}

TEST_CASE("gemini request: tools and the choice among them (WIRE 6.1)") {
  const std::string g3 = "gemini-3-flash";
  const std::string mode = "/toolConfig/functionCallingConfig";
  run({
      {"all declarations in one tool, empty schemas left out", g3,
       with(
           R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"const":1}}}}},{"type":"function","function":{"name":"g","description":"d","parameters":{"type":"object","properties":{},"additionalProperties":false}}}])"),
       "/tools",
       R"([{"functionDeclarations":[{"name":"f","description":"","parametersJsonSchema":{"type":"object","properties":{"a":{"type":"integer","enum":[1]}}}},{"name":"g","description":"d"}]}])"},
      {"rule 112: custom tools take one string", g3,
       with(R"("tools":[{"type":"custom","custom":{"name":"h","description":"d"}}])"),
       "/tools/0/functionDeclarations/0/parametersJsonSchema",
       R"({"type":"object","properties":{"input":{"type":"string"}},"required":["input"]})"},
      {"rule 112: a call of a custom tool", g3,
       messages(
           R"({"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"custom","custom":{"name":"h","input":"{free"}}]})"),
       "/contents/1/parts/0/functionCall/args", R"({"input":"{free"})"},
      {"names that Gemini refuses", g3,
       with(R"("tools":[{"type":"function","function":{"name":"1-a b"}}])"),
       "/tools/0/functionDeclarations/0/name", R"("_1-a_b")"},
      {"auto", g3, with(kTool + R"(,"tool_choice":"auto")"), mode, R"({"mode":"AUTO"})"},
      {"none", g3, with(kTool + R"(,"tool_choice":"none")"), mode, R"({"mode":"NONE"})"},
      {"required", g3, with(kTool + R"(,"tool_choice":"required")"), mode, R"({"mode":"ANY"})"},
      {"unset", g3, with(kTool), "/toolConfig", ""},
      {"named", g3, with(kTool + R"(,"tool_choice":{"type":"function","function":{"name":"f"}})"),
       mode, R"({"mode":"ANY","allowedFunctionNames":["f"]})"},
      {"allowed", g3,
       with(
           kTool +
           R"(,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}})"),
       mode, R"({"mode":"VALIDATED","allowedFunctionNames":["f"]})"},
      {"allowed, required", g3,
       with(
           kTool +
           R"(,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}})"),
       mode, R"({"mode":"ANY","allowedFunctionNames":["f"]})"},
      {"rule 107: a choice without tools", g3,
       with(R"("tool_choice":"auto","parallel_tool_calls":true)"), "/toolConfig", ""},
      {"older models take the OpenAPI subset (rules 58, 59)", "gemini-1.5-pro",
       with(
           R"("tools":[{"type":"function","function":{"name":"f","parameters":{"$schema":"s","type":"object","additionalProperties":false,"properties":{"a":{"type":["string","null"],"default":"x"}}}}}])"),
       "/tools/0/functionDeclarations/0/parameters",
       R"({"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true}}})"},
  });
}

TEST_CASE("gemini request: generationConfig by model (WIRE 6.1, 6.5)") {
  const std::string config = "/generationConfig";
  const std::string thinking = "/generationConfig/thinkingConfig";
  const auto effort = [](const std::string& word) {
    return with(R"("reasoning_effort":")" + word + "\"");
  };
  run({
      {"limits and sampling", "gemini-2.0-flash",
       with(
           R"("max_tokens":9,"max_completion_tokens":7,"temperature":0.70,"top_p":0.5,"top_k":3,"n":2,"seed":5,"stop":["a","b","c","d","e","f"],"presence_penalty":0.1,"frequency_penalty":0.2,"logprobs":true,"top_logprobs":4)"),
       config,
       R"({"candidateCount":2,"maxOutputTokens":7,"temperature":0.70,"topP":0.5,"topK":3,"seed":5,"stopSequences":["a","b","c","d","e"],"presencePenalty":0.1,"frequencyPenalty":0.2,"responseLogprobs":true,"logprobs":4})"},
      {"no penalties on 2.5", "gemini-2.5-pro", with(R"("presence_penalty":0.1,"stop":"")"), config,
       ""},
      {"JSON", "gemini-2.5-pro", with(R"("response_format":{"type":"json_object"})"), config,
       R"({"responseMimeType":"application/json"})"},
      {"text", "gemini-2.5-pro", with(R"("response_format":{"type":"text"})"), config, ""},
      {"JSON by a schema, beside tools on Gemini 3", "gemini-3-pro",
       with(
           kTool +
           R"(,"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object","properties":{"a":{"const":"x"}},"additionalProperties":false}}})"),
       config,
       R"({"responseMimeType":"application/json","responseJsonSchema":{"type":"object","properties":{"a":{"type":"string","enum":["x"]}},"additionalProperties":false}})"},
      {"modalities", "gemini-2.5-flash-image", with(R"("modalities":["text","image"])"), config,
       R"({"responseModalities":["TEXT","IMAGE"]})"},
      {"text alone says nothing", "gemini-2.5-flash", with(R"("modalities":["text"])"), config, ""},
      {"2.5 none", "gemini-2.5-flash", effort("none"), thinking, R"({"thinkingBudget":0})"},
      {"rule 133: 2.5 pro none", "models/gemini-2.5-pro", effort("none"), thinking,
       R"({"thinkingBudget":128})"},
      {"2.5 minimal", "gemini-2.5-flash", effort("minimal"), thinking, R"({"thinkingBudget":512})"},
      {"2.5 low", "gemini-2.5-flash", effort("low"), thinking, R"({"thinkingBudget":1024})"},
      {"2.5 medium", "gemini-2.5-flash", effort("medium"), thinking, R"({"thinkingBudget":8192})"},
      {"2.5 high", "gemini-2.5-pro", effort("high"), thinking, R"({"thinkingBudget":24576})"},
      {"2.5 max", "gemini-2.5-pro", effort("max"), thinking, R"({"thinkingBudget":32768})"},
      {"2.5 flash xhigh", "gemini-2.5-flash", effort("xhigh"), thinking,
       R"({"thinkingBudget":24576})"},
      {"3 flash none", "gemini-3-flash", effort("none"), thinking,
       R"({"thinkingLevel":"MINIMAL"})"},
      {"3 pro none", "gemini-3-pro", effort("none"), thinking, R"({"thinkingLevel":"LOW"})"},
      {"3 pro minimal", "gemini-3.1-pro", effort("minimal"), thinking,
       R"({"thinkingLevel":"LOW"})"},
      {"3 medium", "gemini-3-pro", effort("medium"), thinking, R"({"thinkingLevel":"MEDIUM"})"},
      {"3 max", "gemini-3-flash", effort("max"), thinking, R"({"thinkingLevel":"HIGH"})"},
      {"4 hydrogen xhigh", "gemini-4-hydrogen", effort("xhigh"), thinking,
       R"({"thinkingLevel":"XHIGH"})"},
      {"2.0 does not think", "gemini-2.0-flash", effort("high"), config, ""},
      {"service tier", "gemini-2.5-pro", with(R"("service_tier":"default")"), "/serviceTier",
       R"("standard")"},
      {"service tier auto", "gemini-2.5-pro", with(R"("service_tier":"auto")"), "/serviceTier", ""},
  });
}

TEST_CASE("gemini request: what is dropped is reported, by the caller's names (WIRE 6.8)") {
  struct Dropped {
    std::string model;
    std::string body;
    std::vector<std::string> names;
  };
  for (const Dropped& one : std::vector<Dropped>{
           {"gemini-2.5-pro",
            with(R"("logit_bias":{"1":2},"user":"u","metadata":{"a":"b"},"store":true)"),
            {"user", "logit_bias", "metadata", "store"}},
           {"gemini-2.5-pro",
            with(R"("logit_bias":null,"store":false,"stream":false,"logprobs":false)"),
            {}},
           {"gemini-2.5-pro", with(R"("presence_penalty":1)"), {"presence_penalty"}},
           {"gemini-3-pro", with(R"("logprobs":true)"), {"logprobs"}},
           {"gemini-3-pro",
            with(R"("stream":true,"stream_options":{"include_usage":true,"x":1})"),
            {}},
           {"gemini-3-pro", with(R"("stop":["1","2","3","4","5","6"])"), {"stop"}},
           {"gemini-3-pro", with(R"("seed":99999999999)"), {"seed"}},
           {"gemini-3-pro",
            with(R"("tool_choice":"required","parallel_tool_calls":false)"),
            {"tool_choice", "parallel_tool_calls"}},
           {"gemini-3-pro",
            with(kTool + R"(,"parallel_tool_calls":false)"),
            {"parallel_tool_calls"}},
           {"gemini-2.0-flash", with(R"("reasoning_effort":"high")"), {"reasoning_effort"}},
           {"gemini-2.0-flash", with(R"("reasoning_effort":"none")"), {}},
           {"gemini-3-pro", with(R"("service_tier":"scale")"), {"service_tier"}},
           {"gemini-3-pro",
            R"({"model":"m","messages":[{"role":"user","name":"n","content":"q"}]})",
            {"messages.name"}},
           {"gemini-3-pro",
            messages(R"({"role":"assistant","content":"a","reasoning_content":"r"})"),
            {"messages.reasoning_content"}},
       }) {
    CAPTURE(one.body);
    const auto out = chat_to_gemini(one.body, one.model);
    REQUIRE_MESSAGE(out.has_value(), out.error().message());
    CHECK(out->dropped == one.names);
  }
}

TEST_CASE("gemini request: what cannot be said is refused, naming the caller's field (WIRE 6.8)") {
  struct Refused {
    std::string model;
    std::string body;
    Code code;
    std::string param;
  };
  const auto content = [](const std::string& part) {
    return R"({"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"t"},)" +
           part + "]}]}";
  };
  const std::string schema =
      R"(,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}})";
  for (
      const Refused& one : std::vector<Refused>{
          {"gemini-2.0-flash",
           content(R"({"type":"image_url","image_url":{"url":"https://h/a.png"}})"),
           Code::kUnsupported, "messages[1].content[1]"},
          {"gemini-3-pro", content(R"({"type":"image_url","image_url":{"url":"http://h/a.png"}})"),
           Code::kUnsupported, "messages[1].content[1]"},
          {"gemini-3-pro",
           content(
               R"({"type":"image_url","image_url":{"url":"data:image/svg+xml;base64,PHN2Zz4="}})"),
           Code::kUnsupported, "messages[1].content[1]"},
          {"gemini-3-pro",
           content(R"({"type":"image_url","image_url":{"url":"data:image/png;base64,!!"}})"),
           Code::kInvalidArgument, "messages[1].content[1]"},
          {"gemini-3-pro", content(R"({"type":"file","file":{"file_id":"file-1"}})"),
           Code::kUnsupported, "messages[1].content[1]"},
          {"gemini-3-pro", content(R"({"type":"video_url","video_url":{"url":"v"}})"),
           Code::kUnsupported, "messages[1].content[1]"},
          {"gemini-3-pro",
           R"({"model":"m","messages":[{"role":"assistant","content":"a"},{"role":"user","content":"b"}]})",
           Code::kUnsupported, "messages[0]"},
          {"gemini-3-pro", with(R"("reasoning_effort":"a lot")"), Code::kInvalidArgument,
           "reasoning_effort"},
          {"gemini-2.5-pro", with(kTool + schema), Code::kUnsupported, "response_format"},
          {"gemini-2.5-pro", with(kTool + R"(,"response_format":{"type":"json_object"})"),
           Code::kUnsupported, "response_format"},
          {"gemini-3-pro", with(R"("response_format":{"type":"grammar","grammar":"x"})"),
           Code::kUnsupported, "response_format"},
          {"gemini-3-pro", with(R"("tools":[{"type":"web_search","web_search":{}}])"),
           Code::kUnsupported, "tools[0]"},
      }) {
    CAPTURE(one.body);
    const auto out = chat_to_gemini(one.body, one.model);
    REQUIRE_FALSE(out.has_value());
    CHECK(code_name(out.error().code()) == code_name(one.code));
    CHECK(out.error().param() == one.param);
  }
}

TEST_CASE("gemini request: edits of the target") {
  RequestEdits edits;
  edits.model = "gemini-3-pro";
  edits.system_prompt = "first";
  edits.set = {{"safety_settings", "[]"}, {"generationConfig", R"({"temperature":0.10})"}};
  edits.remove = {"tools"};
  const auto out = testing::to_gemini(
      Format::kOpenAiChat,
      R"({"model":"m","messages":[{"role":"system","content":"second"},{"role":"user","content":"q"}],"temperature":1,)" +
          kTool + "}",
      edits);
  REQUIRE_MESSAGE(out.has_value(), out.error().message());
  CHECK(same_json(
      out->body.str(),
      R"({"systemInstruction":{"parts":[{"text":"first"},{"text":"second"}]},"contents":[{"role":"user","parts":[{"text":"q"}]}],"generationConfig":{"temperature":0.10},"safetySettings":[]})"));

  // What the configuration says of a model counts more than the table.
  struct Configured {
    Capabilities can;
    std::string body;
    std::string param;  // refused; "" not
    std::string pointer;
    std::string expected;
  };
  Capabilities no_tools, no_vision, no_schema, no_reasoning, no_sampling, short_answers;
  no_tools.tools = false;
  no_vision.vision = false;
  no_schema.structured_output = false;
  no_reasoning.reasoning = false;
  no_sampling.sampling = false;
  short_answers.max_output_tokens = 10;
  const std::string image =
      R"({"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://h/a.png"}}]}]})";
  const std::string schema =
      R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}})";
  for (const Configured& one : std::vector<Configured>{
           {no_tools, with(kTool), "tools", "", ""},
           {no_vision, image, "messages[0].content[0]", "", ""},
           {no_schema, with(schema), "response_format", "", ""},
           {no_reasoning, with(R"("reasoning_effort":"high")"), "", "/generationConfig", ""},
           {no_sampling, with(R"("temperature":1,"top_p":1,"seed":1)"), "", "/generationConfig",
            R"({"seed":1})"},
           {short_answers, with(R"("max_tokens":100)"), "", "/generationConfig",
            R"({"maxOutputTokens":10})"},
       }) {
    CAPTURE(one.body);
    RequestEdits configured;
    configured.model = "gemini-3-pro";
    configured.capabilities = one.can;
    const auto result = testing::to_gemini(Format::kOpenAiChat, one.body, configured);
    if (!one.param.empty()) {
      REQUIRE_FALSE(result.has_value());
      CHECK(result.error().param() == one.param);
      continue;
    }
    REQUIRE_MESSAGE(result.has_value(), result.error().message());
    const std::string got = value_at(result->body.str(), one.pointer);
    CHECK((one.expected.empty() ? got.empty() : same_json(got, one.expected)));
    CHECK(result->dropped.size() >= 1);
  }
}

TEST_CASE("gemini request: names and custom tools are told to the reader of the answer") {
  const auto out = chat_to_gemini(
      with(
          R"("tools":[{"type":"function","function":{"name":"-x"}},{"type":"function","function":{"name":"_-x"}},{"type":"custom","custom":{"name":"c"}}])"),
      "gemini-3-pro");
  REQUIRE(out.has_value());
  CHECK(out->hints.custom_tools == std::vector<std::string>{"c"});
  const std::vector<std::pair<std::string, std::string>> names = {{"_-x_2", "-x"}};
  CHECK(out->hints.tool_names == names);
}

// A request with one answered call whose proof is somebody's.
ChatRequest signed_call(std::optional<Format> origin, Format format) {
  ChatRequest out;
  out.format = format;
  out.model = "m";
  Message user, model, tool;
  user.parts.emplace_back();
  user.parts[0].text = "q";
  model.role = Message::Role::kAssistant;
  model.parts.resize(2);
  model.parts[0].kind = Part::Kind::kReasoning;
  model.parts[0].text = "t";
  model.parts[0].signature = "VA==";
  model.parts[0].origin = origin;
  model.parts[1].kind = Part::Kind::kToolCall;
  model.parts[1].tool_call_id = "i";
  model.parts[1].tool_name = "f";
  model.parts[1].signature = "Uw==";
  model.parts[1].origin = origin;
  tool.role = Message::Role::kTool;
  tool.parts.emplace_back();
  tool.parts[0].kind = Part::Kind::kToolResult;
  tool.parts[0].tool_call_id = "i";
  out.messages = {user, model, tool};
  return out;
}

TEST_CASE("gemini request: signatures of other vendors are never sent (rules 47, 48, 51; 6.6)") {
  RequestEdits edits;
  edits.model = "gemini-3-pro";
  const auto parts_of = [&](const ChatRequest& request) {
    const auto out = testing::gemini().encode(request, edits);
    REQUIRE_MESSAGE(out.has_value(), out.error().message());
    return value_at(out->body.str(), "/contents/1/parts");
  };
  const std::string ours =
      R"([{"text":"t","thought":true,"thoughtSignature":"VA=="},{"functionCall":{"name":"f","args":{}},"thoughtSignature":"Uw=="}])";
  const std::string others =
      R"([{"functionCall":{"name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"}])";
  CHECK(same_json(parts_of(signed_call(Format::kGemini, Format::kAnthropicMessages)), ours));
  CHECK(same_json(parts_of(signed_call(Format::kGemini, Format::kOpenAiChat)), ours));
  CHECK(same_json(parts_of(signed_call(std::nullopt, Format::kGemini)), ours));
  CHECK(same_json(parts_of(signed_call(Format::kAnthropicMessages, Format::kAnthropicMessages)),
                  others));
  CHECK(same_json(parts_of(signed_call(std::nullopt, Format::kAnthropicMessages)), others));
  CHECK(same_json(parts_of(signed_call(Format::kAnthropicMessages, Format::kGemini)), others));
  ChatRequest broken = signed_call(Format::kGemini, Format::kOpenAiChat);
  broken.messages[1].parts[0].text = broken.messages[1].parts[0].signature = "";
  broken.messages[1].parts[1].signature = "no base64!";
  CHECK(same_json(parts_of(broken), others));
  edits.model = "gemini-2.5-pro";  // needs none
  CHECK(same_json(parts_of(signed_call(std::nullopt, Format::kOpenAiChat)),
                  R"([{"functionCall":{"name":"f","args":{}}}])"));
}

TEST_CASE("gemini request: rules 61, 62 and 108") {
  RequestEdits edits;
  edits.model = "gemini-3-pro";
  ChatRequest request = signed_call(Format::kGemini, Format::kGemini);
  request.messages[0].parts[0].cache_control = R"({"type":"ephemeral"})";
  auto out = testing::gemini().encode(request, edits);
  REQUIRE(out.has_value());
  CHECK(value_at(out->body.str(), "/cachedContent") == "");

  request.extras.push_back({"/cachedContent", "\"c\""});
  edits.system_prompt = "s";
  out = testing::gemini().encode(request, edits);
  REQUIRE(out.has_value());
  CHECK(value_at(out->body.str(), "/cachedContent") == "\"c\"");
  CHECK(value_at(out->body.str(), "/systemInstruction") == "");
  CHECK(same_json(value_at(out->body.str(), "/contents/0/parts"),
                  R"([{"text":"<system>s</system>"},{"text":"q"}])"));

  request = signed_call(Format::kGemini, Format::kOpenAiChat);
  request.tools.emplace_back();
  out = testing::gemini().encode(request, edits);
  REQUIRE_FALSE(out.has_value());
  CHECK(out.error().http_status() == 400);
  CHECK(out.error().param() == "tools[0].function.name");
}

TEST_CASE("gemini request: the reference examples (WIRE 6.10)") {
  const auto root = testing::fixtures();
  if (root.empty()) return;
  const auto folder = root / "conversion-goldens" / "reference" / "requests";
  const auto openai = testing::read_file(folder / "01-tools.openai.json");
  const auto tools = chat_to_gemini(openai, "gemini-3-pro-preview");
  REQUIRE_MESSAGE(tools.has_value(), tools.error().message());
  CAPTURE(tools->body.str());
  CHECK(same_json(tools->body.str(), testing::read_file(folder / "01-tools.gemini.json")));
  const std::vector<std::string> dropped = {"messages.content.image_url.detail", "user",
                                            "parallel_tool_calls"};
  CHECK(tools->dropped == dropped);

  const auto schema =
      chat_to_gemini(testing::read_file(folder / "02-schema-effort.openai.json"), "gemini-3-pro");
  REQUIRE_MESSAGE(schema.has_value(), schema.error().message());
  CAPTURE(schema->body.str());
  CHECK(
      same_json(schema->body.str(), testing::read_file(folder / "02-schema-effort.gemini3.json")));

  // The same in the OpenAPI subset: the golden's schema, written for a 2.5 model, is what models
  // without JSON Schema get here; its budget is what 2.5 gets.
  const std::string old = testing::read_file(folder / "02-schema-effort.gemini25-openapi.json");
  const auto first =
      chat_to_gemini(testing::read_file(folder / "02-schema-effort.openai.json"), "gemini-1.5-pro");
  REQUIRE_MESSAGE(first.has_value(), first.error().message());
  CHECK(same_json(value_at(first->body.str(), "/generationConfig/responseSchema"),
                  value_at(old, "/generationConfig/responseSchema")));
  const auto second = chat_to_gemini(testing::read_file(folder / "02-schema-effort.openai.json"),
                                     "gemini-2.5-flash");
  REQUIRE_MESSAGE(second.has_value(), second.error().message());
  CHECK(value_at(second->body.str(), "/generationConfig/thinkingConfig/thinkingBudget") ==
        value_at(old, "/generationConfig/thinkingConfig/thinkingBudget"));
}

TEST_CASE("gemini request: Anthropic's dialect (WIRE 6.3, 6.10)") {
  const auto root = testing::fixtures();
  if (root.empty() || find_format(Format::kAnthropicMessages) == nullptr) return;
  const auto folder = root / "conversion-goldens" / "reference" / "requests";
  RequestEdits edits;
  edits.model = "gemini-3-pro-preview";
  const auto out =
      testing::to_gemini(Format::kAnthropicMessages,
                         testing::read_file(folder / "03-claude-code-like.anthropic.json"), edits);
  REQUIRE_MESSAGE(out.has_value(), out.error().message());
  CAPTURE(out->body.str());
  CHECK(
      same_json(out->body.str(), testing::read_file(folder / "03-claude-code-like.gemini3.json")));
}

}  // namespace
}  // namespace llmorch
