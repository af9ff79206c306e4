// Gemini's own callers: scanning, splicing and reading their requests, and what they are answered
// (WIRE_FORMATS 3.1, 3.2, 3.8, 6.3).
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/answers.h"
#include "formats/gemini_support.h"
#include "net/sse.h"

namespace llmorch {
namespace {

using testing::gemini;
using testing::gemini_call;
using testing::same_json;
using testing::value_at;

const std::string kHi = R"("contents":[{"parts":[{"text":"hi"}]}])";

TEST_CASE("gemini scan: model and verb stand in the path (WIRE 3.1, 6.11)") {
  struct Case {
    std::string path;
    std::string query;
    std::string model;
    bool stream;
    bool array;
  };
  for (const Case& one : std::vector<Case>{
           {"/v1beta/models/gemini-3-pro:generateContent", "", "gemini-3-pro", false, false},
           {"/v1/models/m:streamGenerateContent", "alt=sse", "m", true, false},
           {"/v1alpha/models/m:streamGenerateContent", "key=x&ALT=SSE", "m", true, false},
           {"/gemini/v1beta/models/m:streamGenerateContent", "alt=json", "m", true, true},
           {"/v1beta/models/m:streamGenerateContent", "", "m", true, true},
           {"/v1beta/models/openai%2Fgpt-5:generateContent", "", "openai/gpt-5", false, false},
           {"/v1beta/models/openai/gpt-5:generateContent", "", "openai/gpt-5", false, false},
           {"/v1beta/models/models%2Fm:generateContent", "", "m", false, false},
           {"/v1beta/models/ft:gpt-4:x:generateContent", "", "ft:gpt-4:x", false, false},
           {"/v1beta/tunedModels/t:generateContent", "", "tunedModels/t", false, false},
           {"/v1/projects/p/locations/l/publishers/google/models/m:generateContent", "", "m", false,
            false},
       }) {
    CAPTURE(one.path);
    CallSpec call = gemini_call("{" + kHi + "}", one.path);
    call.query = one.query;
    const auto scan = gemini().scan(call);
    REQUIRE_MESSAGE(scan.has_value(), scan.error().message());
    CHECK(scan->model == one.model);
    CHECK(scan->stream == one.stream);
    CHECK(scan->json_array == one.array);
    const auto request = gemini().decode(call);
    REQUIRE(request.has_value());
    CHECK(request->model == one.model);
    CHECK(request->stream == one.stream);
  }
}

TEST_CASE("gemini scan: what a request asks for, in both spellings") {
  struct Case {
    std::string fields;
    bool tools;
    bool structured;
    bool images;
  };
  for (const Case& one : std::vector<Case>{
           {kHi, false, false, false},
           {kHi + R"(,"tools":[{"function_declarations":[{"name":"f"}]}])", true, false, false},
           {kHi + R"(,"tools":{"googleSearch":{}})", true, false, false},
           {kHi + R"(,"tools":[])", false, false, false},
           {kHi + R"(,"generation_config":{"response_schema":{"type":"OBJECT"}})", false, true,
            false},
           {kHi + R"(,"generationConfig":{"responseJsonSchema":{}})", false, true, false},
           {kHi + R"(,"generationConfig":{"x":{"responseSchema":{}}})", false, false, false},
           {R"("contents":[{"parts":[{"inline_data":{"mime_type":"image/png","data":"A"}}]}])",
            false, false, true},
           {R"("contents":{"parts":{"fileData":{"mimeType":"image/png","fileUri":"u"}}})", false,
            false, true},
           {R"("contents":[{"parts":[{"inlineData":{"mimeType":"audio/wav","data":"A"}}]}])", false,
            false, false},
       }) {
    CAPTURE(one.fields);
    const auto scan = gemini().scan(gemini_call("{" + one.fields + "}"));
    REQUIRE_MESSAGE(scan.has_value(), scan.error().message());
    CHECK(scan->tools == one.tools);
    CHECK(scan->structured_output == one.structured);
    CHECK(scan->images == one.images);
  }
  for (const std::string wrong :
       {"[]", "{", "{}", R"({"contents":[]})", R"({"contents":"x"})", "3"}) {
    CAPTURE(wrong);
    const auto scan = gemini().scan(gemini_call(wrong));
    REQUIRE_FALSE(scan.has_value());
    CHECK(scan.error().http_status() == 400);
  }
  CHECK_FALSE(gemini().scan(gemini_call("{" + kHi + "}", "/v1beta/models")).has_value());
}

TEST_CASE("gemini splice: edits keep every other byte, in either spelling of a key") {
  struct Case {
    std::string body;
    RequestEdits edits;
    std::string wanted;
  };
  RequestEdits set, remove, system;
  set.set = {{"generationConfig", "1"}, {"new", "[2]"}};
  remove.remove = {"safetySettings", "labels"};
  system.system_prompt = "s";
  for (const Case& one : std::vector<Case>{
           {"{ " + kHi + R"(, "generation_config" : {"temperature": 0.70}, "x":1 })", set,
            "{ " + kHi + R"(, "generation_config" : 1, "x":1,"new":[2] })"},
           {R"({"safety_settings":[],)" + kHi + R"(,"labels":{}, "safetySettings":[1]})", remove,
            "{" + kHi + "}"},
           {"{" + kHi + "}", system,
            "{" + kHi + R"(,"systemInstruction":{"parts":[{"text":"s"}]}})"},
           {"{" + kHi + R"(,"system_instruction":{"role":"user","parts":{"text":"old"}}})", system,
            "{" + kHi +
                R"(,"system_instruction":{"role":"user","parts":[{"text":"s"},{"text":"old"}]}})"},
           {"{" + kHi + "}", {}, "{" + kHi + "}"},
       }) {
    CAPTURE(one.body);
    const CallSpec call = gemini_call(one.body);
    const auto scan = gemini().scan(call);
    REQUIRE(scan.has_value());
    const auto out = gemini().splice(call.body, *scan, one.edits);
    REQUIRE(out.has_value());
    CHECK(out->str() == one.wanted);
  }
  // Rule 62: a cached content is not combined with a system instruction.
  const CallSpec call = gemini_call("{" + kHi + R"(,"cachedContent":"c"})");
  const auto scan = gemini().scan(call);
  REQUIRE(scan.has_value());
  const auto out = gemini().splice(call.body, *scan, system);
  REQUIRE_FALSE(out.has_value());
  CHECK(out.error().param() == "cachedContent");
}

TEST_CASE("gemini decode: what was meant, in both spellings (WIRE 6.3)") {
  const auto request =
      gemini().decode(
          gemini_call(
              R"({"system_instruction":{"parts":{"text":"s"}},"contents":[{"parts":[{"text":"q"},{"inline_data":{"mime_type":"image/png","data":"AA"}},{"fileData":{"fileUri":"https://h/f.pdf"}}]},{"role":"model","parts":[{"text":"t","thought":true,"thoughtSignature":"S"},{"functionCall":{"name":"f","args":{"a": 1}},"thought_signature":"C"},{"functionCall":{"name":"f","id":"i"}}]},{"role":"function","parts":[{"functionResponse":{"name":"f","response":{"output":"r"}}},{"function_response":{"name":"f","id":"i","response":{"error":{"e":1}}}}]}],"tools":[{"function_declarations":[{"name":"f","description":"d","parameters":{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true}}}}]},{"googleSearch":{}}],"tool_config":{"function_calling_config":{"mode":"any","allowed_function_names":["f"]}},"generation_config":{"temperature":0.70,"topP":1,"top_k":4,"max_output_tokens":"100","candidateCount":2,"stop_sequences":["x"],"seed":3,"presencePenalty":0.1,"response_mime_type":"application/json","response_schema":{"type":"OBJECT"},"thinking_config":{"include_thoughts":true,"thinking_budget":1500}},"safety_settings":[{"category":"c"}],"serviceTier":"STANDARD"})"));
  REQUIRE_MESSAGE(request.has_value(), request.error().message());
  REQUIRE(request->messages.size() == 4);
  CHECK(request->format == Format::kGemini);
  CHECK(request->messages[0].role == Message::Role::kSystem);
  CHECK(request->messages[1].parts[1].media.mime_type == "image/png");
  CHECK(request->messages[1].parts[2].media.url == "https://h/f.pdf");
  const auto& model = request->messages[2].parts;
  CHECK(model[0].kind == Part::Kind::kReasoning);
  CHECK(model[0].signature == "S");
  CHECK(model[1].signature == "C");
  CHECK(model[1].origin == Format::kGemini);
  CHECK(model[1].tool_call_id == "call_0_f");
  CHECK(model[1].arguments == R"({"a": 1})");
  CHECK(model[2].tool_call_id == "i");
  const auto& results = request->messages[3];
  CHECK(results.role == Message::Role::kTool);
  CHECK(results.parts[0].tool_call_id == "call_0_f");
  CHECK(results.parts[0].content[0].text == "r");
  CHECK(results.parts[1].tool_call_id == "i");
  CHECK(results.parts[1].is_error);
  CHECK(results.parts[1].content[0].text == R"({"e":1})");
  REQUIRE(request->tools.size() == 2);
  CHECK(same_json(request->tools[0].parameters,
                  R"({"type":"object","properties":{"a":{"type":["string","null"]}}})"));
  CHECK(request->tools[1].type == "googleSearch");
  CHECK(request->tool_choice.kind == ToolChoice::Kind::kNamed);
  CHECK(request->tool_choice.name == "f");
  CHECK(request->temperature == "0.70");
  CHECK(request->top_k == "4");
  CHECK(request->max_tokens == 100);
  CHECK(request->n == 2);
  CHECK(request->stop == std::vector<std::string>{"x"});
  CHECK(request->seed == 3);
  CHECK(request->response_format.kind == ResponseFormat::Kind::kJsonSchema);
  CHECK(request->include_reasoning == true);
  CHECK(request->reasoning_budget == 1500);
  CHECK(request->service_tier == "default");
}

TEST_CASE("gemini decode: and back, nothing is lost") {
  const std::string path = "/v1beta/models/gemini-3.1-pro:generateContent";
  for (
      const std::string& body : std::vector<std::string>{
          "{" + kHi + "}",
          R"({"contents":[{"role":"user","parts":[{"text":"q","partMetadata":{"a":1}},{"inlineData":{"mimeType":"image/png","data":"AA==","displayName":"d"},"mediaResolution":{"level":"LOW"}},{"fileData":{"fileUri":"gs://b/f"},"videoMetadata":{"fps":1}},{"newThing":{"x":[1.50]}}]},{"role":"model","parts":[{"text":"t","thought":true,"thoughtSignature":"S"},{"toolCall":{"id":"i","toolType":"X"},"thoughtSignature":"V"},{"functionCall":{"id":"i","name":"f","args":{"a": 1.0}},"thoughtSignature":"C"},{"text":"","thoughtSignature":"E"}]},{"role":"user","parts":[{"functionResponse":{"id":"i","name":"f","response":{"result":1,"$ref":"x"},"willContinue":false,"parts":[{"inlineData":{"mimeType":"image/png","data":"BB"}}]}}]}]})",
          "{" + kHi +
              R"(,"systemInstruction":{"parts":[{"text":"s"}]},"tools":[{"functionDeclarations":[{"name":"f","description":"d","parameters":{"type":"OBJECT","properties":{"a":{"type":"STRING"}}},"behavior":"BLOCKING"},{"name":"g","description":"","parametersJsonSchema":{"type":"object","$comment":"c"}}]},{"googleSearch":{"x":1}}],"toolConfig":{"functionCallingConfig":{"mode":"VALIDATED","streamFunctionCallArguments":true},"includeServerSideToolInvocations":true},"generationConfig":{"temperature":0.70,"topK":40,"candidateCount":2,"responseMimeType":"application/json","responseSchema":{"type":"OBJECT"},"thinkingConfig":{"thinkingLevel":"HIGH","includeThoughts":true},"responseModalities":["TEXT"],"speechConfig":{"a":1}},"safetySettings":[{"category":"c","threshold":"OFF"}],"cachedContent":"c","labels":{"a":"b"},"store":true,"serviceTier":"flex","brandNew":[1.0]})",
          "{" + kHi +
              R"(,"generationConfig":{"thinkingConfig":{"thinkingBudget":-1},"responseMimeType":"text/x.enum","responseSchema":{"type":"STRING","enum":["a"]}}})",
      }) {
    CAPTURE(body);
    const auto request = gemini().decode(gemini_call(body, path));
    REQUIRE_MESSAGE(request.has_value(), request.error().message());
    const auto out = gemini().encode(*request, {});
    REQUIRE_MESSAGE(out.has_value(), out.error().message());
    std::string wanted = body;
    const std::string bare = R"([{"parts":[{"text":"hi"}]}])";  // the role is written out
    if (const auto at = wanted.find(bare); at != wanted.npos) {
      wanted.replace(at, bare.size(), R"([{"role":"user","parts":[{"text":"hi"}]}])");
    }
    // Tools of the vendor's own stand before the declarations, which are one object.
    CAPTURE(out->body.str());
    if (body.find("googleSearch") == body.npos) {
      CHECK(same_json(out->body.str(), wanted));
    } else {
      for (const std::string key : {"systemInstruction", "contents", "toolConfig",
                                    "generationConfig", "safetySettings", "labels", "brandNew"}) {
        CAPTURE(key);
        CHECK(same_json(value_at(out->body.str(), "/" + key), value_at(wanted, "/" + key)));
      }
      CHECK(same_json(value_at(out->body.str(), "/tools/0"), value_at(wanted, "/tools/1")));
      CHECK(same_json(value_at(out->body.str(), "/tools/1"), value_at(wanted, "/tools/0")));
    }
    CHECK(out->dropped.empty());
  }
}

TEST_CASE("gemini decode: wrong requests name the field") {
  struct Case {
    std::string body;
    std::string param;
  };
  for (const Case& one : std::vector<Case>{
           {"[]", "the body"},
           {R"({"contents":[]})", "contents"},
           {R"({"contents":[3]})", "contents[0]"},
           {R"({"contents":[{"role":"robot","parts":[{"text":"x"}]}]})", "contents[0].role"},
           {R"({"contents":[{"parts":[]}]})", "contents[0].parts"},
           {R"({"contents":[{"parts":["x"]}]})", "contents[0].parts[0]"},
           {R"({"contents":[{"parts":[{"functionCall":{}}]}]})",
            "contents[0].parts[0].functionCall.name"},
           {"{" + kHi + R"(,"tools":[{"functionDeclarations":[{}]}]})",
            "tools[0].functionDeclarations[0].name"},
           {"{" + kHi + R"(,"generationConfig":{"temperature":"x"}})",
            "generationConfig.temperature"},
           {"{" + kHi + R"(,"generationConfig":{"maxOutputTokens":1.5}})",
            "generationConfig.maxOutputTokens"},
       }) {
    CAPTURE(one.body);
    const auto request = gemini().decode(gemini_call(one.body));
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error().param() == one.param);
    CHECK(request.error().http_status() == 400);
  }
}

// An answer of another vendor with everything in it.
std::vector<Event> foreign_answer() {
  std::vector<Event> out;
  out.push_back(event::Start{"id", "model", 1});
  event::PartStart part;
  part.kind = PartKind::kReasoning;
  out.push_back(part);
  out.push_back(event::PartDelta{0, 0, "th\nought", "foreign"});
  out.push_back(event::PartEnd{0, 0});
  part.part = 1;
  part.kind = PartKind::kToolCall;
  part.id = "c1";
  part.name = "f";
  out.push_back(part);
  out.push_back(event::PartDelta{0, 1, "{\"a\":", ""});
  out.push_back(event::PartDelta{0, 1, "1.0}", ""});
  out.push_back(event::PartEnd{0, 1});
  event::PartStart text;
  text.part = 2;
  out.push_back(text);
  out.push_back(event::PartDelta{0, 2, "a€b", ""});
  event::Citation citation;
  citation.part = 2;
  citation.url = "u";
  citation.begin = 1;
  citation.end = 2;
  out.push_back(citation);
  out.push_back(event::PartEnd{0, 2});
  part.part = 3;
  part.id = "c2";
  out.push_back(part);
  out.push_back(event::PartEnd{0, 3});
  out.push_back(event::ExtraField{-1, {"/system_fingerprint", "\"x\""}});
  event::Finish finish;
  finish.reason = FinishReason::kToolCalls;
  finish.raw = "tool_use";
  out.push_back(finish);
  event::UsageUpdate usage;
  usage.usage.input = 1;
  usage.usage.input_cache_read = 2;
  usage.usage.output = 3;
  usage.usage.output_reasoning = 4;
  usage.raw = R"({"prompt_tokens":3})";
  out.push_back(usage);
  out.push_back(event::End{});
  return out;
}

TEST_CASE("gemini encode: a stream is what the official SDK needs (WIRE 3.8, 6.7)") {
  AnswerOptions options;
  options.stream = true;
  options.upstream = Format::kAnthropicMessages;
  const std::string text = testing::encode_gemini(foreign_answer(), options);
  CAPTURE(text);
  // 3.8.2: it ends with a blank line.
  CHECK(text.substr(text.size() - 4) == "\r\n\r\n");
  std::vector<std::string> chunks;
  SseFramer framer;
  REQUIRE(framer.feed(text).ok());
  for (Frame frame; framer.take(frame);) {
    // 3.8.1: a block is one line of data, and one JSON text.
    CHECK(frame.raw.rfind("data: {", 0) == 0);
    CHECK(frame.raw.find('\n') == frame.raw.size() - 3);
    chunks.emplace_back(frame.data);
  }
  REQUIRE(chunks.size() == 4);
  for (const std::string& chunk : chunks) {
    // 3.8.4: every chunk has a candidate of the model with a part.
    CHECK(value_at(chunk, "/candidates/0/content/parts/0").size() > 2);
    CHECK(value_at(chunk, "/candidates/0/content/role") == "\"model\"");
    CHECK(value_at(chunk, "/responseId") == "\"id\"");
    CHECK(value_at(chunk, "/system_fingerprint") == "");
  }
  CHECK(same_json(value_at(chunks[0], "/candidates/0/content/parts"),
                  R"([{"text":"th\nought","thought":true}])"));
  CHECK(same_json(value_at(chunks[1], "/candidates/0/content/parts"), R"([{"text":"a€b"}])"));
  CHECK(same_json(
      value_at(chunks[2], "/candidates/0/content/parts"),
      R"([{"functionCall":{"id":"c1","name":"f","args":{"a":1.0}}},{"functionCall":{"id":"c2","name":"f","args":{}}}])"));
  CHECK(same_json(value_at(chunks[3], "/candidates/0/content/parts"), R"([{"text":""}])"));
  CHECK(value_at(chunks[3], "/candidates/0/finishReason") == "\"STOP\"");
  CHECK(same_json(
      value_at(chunks[3], "/usageMetadata"),
      R"({"promptTokenCount":3,"cachedContentTokenCount":2,"candidatesTokenCount":3,"thoughtsTokenCount":4,"totalTokenCount":10})"));
  // The euro sign is one character and three bytes.
  CHECK(
      same_json(value_at(chunks[3], "/candidates/0/groundingMetadata/groundingSupports/0/segment"),
                R"({"startIndex":1,"endIndex":4,"text":"€"})"));

  // The same as a list: one JSON text.
  options.json_array = true;
  const std::string list = testing::encode_gemini(foreign_answer(), options);
  CHECK(value_at(list, "/3/candidates/0/finishReason") == "\"STOP\"");
  CHECK(value_at(list, "/4") == "");

  // And as a whole: parts in their order.
  options.stream = false;
  const std::string whole = testing::encode_gemini(foreign_answer(), options);
  CHECK(same_json(
      value_at(whole, "/candidates/0/content/parts"),
      R"([{"text":"th\nought","thought":true},{"functionCall":{"id":"c1","name":"f","args":{"a":1.0}}},{"text":"a€b"},{"functionCall":{"id":"c2","name":"f","args":{}}}])"));
}

TEST_CASE("gemini encode: finish reasons of others (WIRE 6.2)") {
  struct Case {
    FinishReason reason;
    std::string raw;
    std::string word;
  };
  for (const Case& one : std::vector<Case>{
           {FinishReason::kStop, "stop", "STOP"},
           {FinishReason::kToolCalls, "tool_calls", "STOP"},
           {FinishReason::kLength, "length", "MAX_TOKENS"},
           {FinishReason::kContentFilter, "content_filter", "SAFETY"},
           {FinishReason::kRefusal, "refusal", "SAFETY"},
           {FinishReason::kOther, "x", "OTHER"},
           {FinishReason::kNone, "", "STOP"},
       }) {
    AnswerOptions options;
    options.upstream = Format::kOpenAiChat;
    event::Finish finish;
    finish.reason = one.reason;
    finish.raw = one.raw;
    const std::string text =
        testing::encode_gemini({event::Start{}, finish, event::End{}}, options);
    CHECK(value_at(text, "/candidates/0/finishReason") == "\"" + one.word + "\"");
  }
}

TEST_CASE("gemini errors: integer codes, in every shape (WIRE 3.7, 3.8)") {
  struct Case {
    Status status;
    std::string code;
    std::string word;
  };
  for (const Case& one : std::vector<Case>{
           {Status(Code::kInvalidArgument, "m"), "400", "INVALID_ARGUMENT"},
           {Status(Code::kAuth, "m"), "401", "UNAUTHENTICATED"},
           {Status(Code::kPermission, "m"), "403", "PERMISSION_DENIED"},
           {Status(Code::kNotFound, "m"), "404", "NOT_FOUND"},
           {Status(Code::kRateLimited, "m"), "429", "RESOURCE_EXHAUSTED"},
           {Status(Code::kOverloaded, "m"), "503", "UNAVAILABLE"},
           {Status(Code::kTimeout, "m"), "504", "DEADLINE_EXCEEDED"},
           {Status(Code::kInternal, "m"), "500", "INTERNAL"},
       }) {
    const std::string body = gemini().error_body(one.status, "r");
    CHECK(value_at(body, "/error/code") == one.code);
    CHECK(value_at(body, "/error/status") == "\"" + one.word + "\"");
    const std::string frame = gemini().error_frame(one.status, "r");
    CHECK(frame == "data: " + body + "\r\n\r\n");
  }
  const std::string body =
      gemini().error_body(Status(Code::kRateLimited, "m")
                              .with_param("contents")
                              .with_retry_after(std::chrono::milliseconds(34400)),
                          "");
  CHECK(value_at(body, "/error/details/0/fieldViolations/0/field") == "\"contents\"");
  CHECK(value_at(body, "/error/details/1/retryDelay") == "\"34.4s\"");

  AnswerOptions options;
  options.stream = options.json_array = true;
  const std::vector<Event> events = {
      event::Start{}, event::PartStart{}, event::PartDelta{0, 0, "a", ""},
      event::Error{Verdict::kNetwork, Status(Code::kNetwork, "cut")}};
  CHECK(value_at(testing::encode_gemini(events, options), "/1/error/code") == "502");
}

TEST_CASE("gemini: heartbeat and list of models") {
  // A comment in a block of its own (3.8.1).
  CHECK(gemini().heartbeat() == ": heartbeat\r\n\r\n");
  const std::string list = gemini().model_list({"a", "b\"c"});
  CHECK(value_at(list, "/models/0/name") == "\"models/a\"");
  CHECK(value_at(list, "/models/1/displayName") == "\"b\\\"c\"");
}

}  // namespace
}  // namespace llmorch
