// The mock refuses what Gemini refuses (WIRE_FORMATS 3.1, 3.2, 3.3, 3.6), with Gemini's words.
#include "testing/mock_gemini.h"

#include <doctest/doctest.h>

#include <string>

#include "testing/mock_signature.h"

namespace llmorch::testing {
namespace {

const std::string kHi = R"({"role":"user","parts":[{"text":"hi"}]})";

std::string content(const std::string& role, const std::string& parts) {
  return "{\"role\":\"" + role + "\",\"parts\":[" + parts + "]}";
}
std::string call(const std::string& name, const std::string& signature = "",
                 const std::string& id = "") {
  return "{\"functionCall\":{" + (id.empty() ? "" : "\"id\":\"" + id + "\",") + "\"name\":\"" +
         name + "\",\"args\":{}}" +
         (signature.empty() ? "" : ",\"thoughtSignature\":\"" + signature + "\"") + "}";
}
std::string response(const std::string& name, const std::string& id = "") {
  return "{\"functionResponse\":{" + (id.empty() ? "" : "\"id\":\"" + id + "\",") + "\"name\":\"" +
         name + "\",\"response\":{\"output\":\"42\"}}}";
}
std::string config(const std::string& members) { return "\"generationConfig\":{" + members + "}"; }
std::string declared(const std::string& members, const std::string& name = "f") {
  return R"("tools":[{"functionDeclarations":[{"name":")" + name + "\"" +
         (members.empty() ? "" : ",") + members + "}]}]";
}

struct Row {
  std::string contents;
  std::string more;
  std::string message;  // a part of the refusal; "" when accepted
};

void check(const std::string& model, const Row& row, bool count_only = false) {
  CAPTURE(model);
  CAPTURE(row.contents);
  CAPTURE(row.more);
  MockAsk ask;
  const MockPage page = read_gemini(
      "{\"contents\":[" + row.contents + "]" + (row.more.empty() ? "" : ",") + row.more + "}",
      {model, false, false, count_only}, ask);
  if (row.message.empty()) {
    CHECK_MESSAGE(page.status == 0, page.body);
    return;
  }
  CHECK(page.status == 400);
  auto document = json::Document::parse(page.body);
  REQUIRE(document);
  const json::Value error = document->root()["error"];
  CHECK(error["code"].integer() == 400);
  CHECK(error["status"].string() == "INVALID_ARGUMENT");
  const std::string message = error["message"].string().value_or("");
  CHECK_MESSAGE(message.find(row.message) != std::string::npos, message);
}

TEST_CASE("unknown names at any level, all in one error (3.1)") {
  const auto unknown = [](const std::string& name, const std::string& at) {
    return "Invalid JSON payload received. Unknown name \"" + name + "\"" +
           (at.empty() ? "" : " at '" + at + "'") + ": Cannot find field.";
  };
  const Row rows[] = {
      {kHi, R"("messages":[])", unknown("messages", "")},
      {kHi, R"("labels":{})", unknown("labels", "")},
      {kHi, config(R"("max_tokens":5)"), unknown("max_tokens", "generation_config")},
      {R"({"role":"user","parts":[{"type":"text","text":"a"}]})", "",
       unknown("type", "contents[0].parts[0]")},
      {R"({"role":"user","content":"a","parts":[{"text":"a"}]})", "",
       unknown("content", "contents[0]")},
      {content("user", R"({"inlineData":{"mime_type":"image/png","url":"x"}})"), "",
       unknown("url", "contents[0].parts[0].inline_data")},
      {kHi, R"("toolConfig":{"functionCallingConfig":{"streamFunctionCallArguments":true}})",
       unknown("streamFunctionCallArguments", "tool_config.function_calling_config")},
      {kHi, declared(R"("strict":true)"), unknown("strict", "tools[0].function_declarations[0]")},
      {kHi, R"("tools":[{"type":"function"}])", unknown("type", "tools[0]")},
      {kHi, config(R"("thinkingConfig":{"effort":"low"})"),
       unknown("effort", "generation_config.thinking_config")},
      {kHi, R"("a":1,"b":2)", unknown("b", "")},
  };
  for (const Row& row : rows) check("gemini-2.5-flash", row);

  MockAsk ask;
  const MockPage page = read_gemini(R"({"a":1,"contents":[{"b":2,"parts":[{"c":3}]}]})",
                                    {"m", false, false, false}, ask);
  auto document = json::Document::parse(page.body);
  REQUIRE(document);
  const json::Value violations = document->root()["error"]["details"].at(0)["fieldViolations"];
  CHECK(violations.size() == 3);
  CHECK(violations.at(2)["field"].string() == "contents[0].parts[0]");
}

TEST_CASE("names in snake_case, numbers as strings; wrong types and bad base64 (3.1)") {
  const Row rows[] = {
      {kHi, R"("generation_config":{"max_output_tokens":"100","topP":0.5},"safety_settings":[])",
       ""},
      {content("user", R"({"inline_data":{"mime_type":"image/png","data":"-_8="}})"), "", ""},
      {kHi, config(R"("temperature":"hot")"), "Invalid value at 'generation_config.temperature'"},
      {kHi, config(R"("candidateCount":1.5)"), "(TYPE_INT32), 1.5"},
      {kHi, R"("systemInstruction":"be brief")", "Invalid value at 'system_instruction'"},
      {content("user", R"({"text":["a"]})"), "", "Proto field is not repeating"},
      {content("user", R"({"inlineData":{"mimeType":"image/png","data":"a b"}})"), "",
       "Base64 decoding failed"},
      {content("user", R"({"text":"a","thoughtSignature":"***"})"), "", "Base64 decoding failed"},
      {kHi, R"("tools":{})", "Invalid value at 'tools'"},
      {content("model", R"({"functionCall":{"name":"f","args":"{}"}})"), "",
       "Invalid value at 'contents[0].parts[0].function_call.args'"},
  };
  for (const Row& row : rows) check("gemini-2.5-flash", row);
}

TEST_CASE("contents and parts (3.2)") {
  const std::string png = R"({"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgo="}})";
  const Row rows[] = {
      {kHi, "", ""},
      {R"({"parts":[{"text":"no role is a user"}]})", "", ""},
      {kHi + "," + content("model", R"({"text":"a"})") + "," + kHi, "", ""},
      {content("user", png + R"(,{"text":"what is it?"})"), "", ""},
      {"", "", "contents is not specified"},
      {content("user", ""), "", "contents.parts must not be empty"},
      {R"({"role":"user"})", "", "contents.parts must not be empty"},
      {content("assistant", R"({"text":"a"})"), "", "Please use a valid role: user, model."},
      {content("system", R"({"text":"a"})"), "", "Please use a valid role: user, model."},
      {content("user", "{}"), "", "required oneof field 'data' must have one initialized field"},
      {content("user", R"({"text":"a","inlineData":{"mimeType":"image/png","data":"AAAA"}})"), "",
       "oneof field 'data' is already set"},
      {content("user", R"({"inlineData":{"data":"AAAA"}})"), "", "mime_type: must be specified"},
      {content("user", R"({"inlineData":{"mimeType":"image/png"}})"), "",
       "inline_data.data: must be specified"},
      {content("user", R"({"fileData":{"mimeType":"image/png"}})"), "", "file_uri: must be"},
      {content("user", R"({"fileData":{"fileUri":"https://a/b.png"}})"), "", ""},
      {content("user", R"({"inlineData":{"mimeType":"font/ttf","data":"AAAA"}})"), "",
       "Unsupported MIME type: font/ttf"},
      {kHi, R"("systemInstruction":{"parts":[{"text":"be brief"}]})", ""},
      {kHi, R"("systemInstruction":{"role":"system","parts":[{"text":"be brief"}]})", ""},
      {kHi, "\"systemInstruction\":{\"parts\":[" + png + "]}", "should only contain text"},
      {kHi, R"("systemInstruction":{"parts":[]})", "contents.parts must not be empty"},
  };
  for (const Row& row : rows) check("gemini-2.5-flash", row);
}

TEST_CASE("function calls and their responses (3.6)") {
  const std::string count =
      "number of function response parts is equal to the number of function "
      "call parts";
  const std::string order = "function call turn comes immediately after a user turn";
  const auto after = [](const std::string& contents) { return kHi + "," + contents; };
  const Row rows[] = {
      {after(content("model", call("f")) + "," + content("user", response("f"))), "", ""},
      {after(content("model", call("f") + "," + call("g")) + "," +
             content("user", response("f") + "," + response("g"))),
       "", ""},
      {after(content("model", R"({"text":"so"},)" + call("f")) + "," +
             content("function", response("f"))),
       "", ""},
      {after(content("model", call("f")) + "," + content("user", response("f")) + "," +
             content("model", call("g")) + "," + content("user", response("g"))),
       "", ""},
      {after(content("model", call("f"))), "", count},
      {after(content("model", call("f")) + "," + kHi), "", count},
      {after(content("model", call("f") + "," + call("g")) + "," + content("user", response("f"))),
       "", count},
      {after(content("model", call("f") + "," + call("g")) + "," + content("user", response("f")) +
             "," + content("user", response("g"))),
       "", count},
      {after(content("model", call("f") + "," + call("g")) + "," +
             content("user", response("f") + R"(,{"text":"and"},)" + response("g"))),
       "", count},
      {after(content("model", call("f")) + "," +
             content("user", response("f") + R"(,{"text":"go on"})")),
       "", ""},
      {after(content("model", call("f") + "," + call("g")) + "," +
             content("user", response("g") + "," + response("f"))),
       "", "match the function call parts"},
      {after(content("model", call("f", "", "1")) + "," + content("user", response("f", "1"))), "",
       ""},
      {after(content("model", call("f", "", "1")) + "," + content("user", response("f", "2"))), "",
       "match the function call parts"},
      {content("model", call("f")) + "," + content("user", response("f")), "", order},
      // As the vendor's SDK replays a stream.
      {after(content("model", R"({"text":"so"})") + "," + content("model", call("f")) + "," +
             content("model", R"({"text":""})") + "," + content("user", response("f"))),
       "", ""},
      {content("user", call("f")), "", order},
      {content("user", response("f")), "", "comes immediately after a function call turn"},
      {after(content("model", R"({"text":"a"})") + "," + content("user", response("f"))), "",
       "comes immediately after a function call turn"},
      {after(content("model", R"({"functionCall":{"args":{}}})")), "",
       "function_call.name: Name cannot be empty"},
      {after(content("model", call("f")) + "," +
             content("user", R"({"functionResponse":{"name":"f","response":"42"}})")),
       "", "Invalid value at 'contents[2].parts[0].function_response.response'"},
      {after(
           content("model", call("f")) + "," +
           content("user", R"({"functionResponse":{"name":"f","response":{"a":[{"$ref":"x"}]}}})")),
       "", "Invalid function response: $ref"},
      {after(content("model", call("f")) + "," +
             content("user", R"({"functionResponse":{"name":"f","response":{},"parts":)"
                             R"([{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}})")),
       "", "Multimodal function responses are not supported"},
  };
  for (const Row& row : rows) check("gemini-2.5-flash", row);
}

TEST_CASE("thought signatures must come back on generation 3, unaltered (3.6)") {
  const std::string nonce = "0123456789abcdef";
  const std::string good = sign(kGeminiTag, nonce, "call:f");
  std::string altered = good;
  altered.back() = altered.back() == '0' ? '1' : '0';
  const std::string missing = "missing a thought_signature";
  const std::string corrupted = "Corrupted thought signature.";
  const std::string sentinel = "skip_thought_signature_validator";
  const auto loop = [](const std::string& calls, const std::string& responses) {
    return kHi + "," + content("model", calls) + "," + content("user", responses);
  };
  const Row rows[] = {
      {loop(call("f", good), response("f")), "", ""},
      {loop(call("f", good) + "," + call("g"), response("f") + "," + response("g")), "", ""},
      {loop(call("f", sentinel), response("f")), "", ""},
      {loop(call("f", "context_engineering_is_the_way_to_go"), response("f")), "", ""},
      {loop(call("f"), response("f")), "", missing},
      {loop(call("g") + "," + call("f", good), response("g") + "," + response("f")), "", missing},
      {loop(call("f", altered), response("f")), "", corrupted},
      {loop(call("g", good), response("g")), "", corrupted},
      {loop(call("f", sign(kAnthropicTag, nonce, "call:f")), response("f")), "", corrupted},
      // Each step of the turn, but no turn before it.
      {loop(call("f", good), response("f")) + "," + content("model", call("f")) + "," +
           content("user", response("f")),
       "", missing},
      {loop(call("f"), response("f")) + "," + content("model", R"({"text":"done"})") + "," + kHi,
       "", ""},
      {kHi + "," +
           content("model", R"({"text":"a","thoughtSignature":")" +
                                sign(kGeminiTag, nonce, "text") + "\"}") +
           "," + kHi,
       "", ""},
      {kHi + "," + content("model", R"({"text":"a","thoughtSignature":"AAAA"})") + "," + kHi, "",
       corrupted},
  };
  for (const Row& row : rows) check("gemini-3-pro-preview", row);
  check("gemini-2.5-pro", {loop(call("f"), response("f")), "", ""});
  check("gemini-4-flash", {loop(call("f"), response("f")), "", missing});
}

TEST_CASE("configuration (3.2)") {
  const struct {
    const char* model;
    std::string more;
    std::string message;
  } rows[] = {
      {"gemini-2.5-flash", config(R"("temperature":2,"topP":1,"topK":40,"seed":7)"), ""},
      {"gemini-2.5-flash", config(R"("temperature":2.1)"), "temperature: out of range"},
      {"gemini-2.5-flash", config(R"("topP":1.5)"), "top_p: out of range"},
      {"gemini-2.5-flash", config(R"("maxOutputTokens":0)"), "max_output_tokens: out of range"},
      {"gemini-2.5-flash", config(R"("candidateCount":9)"), "candidate_count: out of range"},
      {"gemini-2.5-flash", config(R"("stopSequences":["a","b","c","d","e"])"), ""},
      {"gemini-2.5-flash", config(R"("stopSequences":["a","b","c","d","e","f"])"),
       "at most 5 stop sequences"},
      {"gemini-2.5-flash", config(R"("logprobs":3)"), "requires response_logprobs"},
      {"gemini-2.5-flash", config(R"("presencePenalty":0.5)"), "Penalty is not enabled"},
      {"gemini-3-flash", config(R"("presencePenalty":0.5)"), ""},
      {"gemini-3-flash", config(R"("thinkingConfig":{"thinkingBudget":5,"thinkingLevel":"LOW"})"),
       "only one of thinking budget and thinking level"},
      {"gemini-3-flash", config(R"("thinkingConfig":{"thinkingLevel":"low"})"), ""},
      {"gemini-3-flash", config(R"("thinkingConfig":{"thinkingLevel":"minimal"})"), ""},
      {"gemini-3-pro-preview", config(R"("thinkingConfig":{"thinkingLevel":"MINIMAL"})"),
       "is not supported for this model"},
      {"gemini-3-flash", config(R"("thinkingConfig":{"thinkingLevel":"xhigh"})"),
       "is not supported for this model"},
      {"gemini-4-hydrogen", config(R"("thinkingConfig":{"thinkingLevel":"xhigh"})"), ""},
      {"gemini-3-flash", config(R"("thinkingConfig":{"thinkingLevel":"huge"})"),
       "Invalid value at 'generation_config.thinking_config.thinking_level'"},
      {"gemini-2.5-flash", config(R"("thinkingConfig":{"thinkingLevel":"LOW"})"),
       "is not supported for this model"},
      {"gemini-2.5-flash", config(R"("thinkingConfig":{"thinkingBudget":0})"), ""},
      {"gemini-2.5-flash", config(R"("thinkingConfig":{"thinkingBudget":-1})"), ""},
      {"gemini-2.5-pro", config(R"("thinkingConfig":{"thinkingBudget":0})"), "Budget 0 is invalid"},
      {"gemini-2.5-pro", config(R"("thinkingConfig":{"thinkingBudget":100})"), "budget 100 is"},
      {"gemini-2.5-flash", config(R"("thinkingConfig":{"thinkingBudget":24577})"), "is invalid"},
      {"gemini-2.5-flash",
       R"("safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"OFF"}])", ""},
      {"gemini-2.5-flash", R"("safetySettings":[{"category":"RUDE","threshold":"OFF"}])",
       "Invalid value at 'safety_settings[0].category'"},
      {"gemini-2.5-flash",
       R"("safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"NEVER"}])",
       "Invalid value at 'safety_settings[0].threshold'"},
      {"gemini-2.5-flash", R"("cachedContent":"cachedContents/x")", ""},
      {"gemini-2.5-flash", R"("cachedContent":"cachedContents/x",)" + declared(""),
       "CachedContent can not be used with"},
      {"gemini-2.5-flash",
       R"("cachedContent":"cachedContents/x","systemInstruction":{"parts":[{"text":"a"}]})",
       "CachedContent can not be used with"},
      {"gemini-2.5-flash", R"("cachedContent":"cachedContents/x","toolConfig":{})",
       "CachedContent can not be used with"},
  };
  for (const auto& row : rows) check(row.model, {kHi, row.more, row.message});
  check("gemini-2.5-flash", {kHi, "", ""}, true);
  check("gemini-2.5-flash", {kHi, config(""), "Unknown name \"generationConfig\""}, true);
}

TEST_CASE("response formats (3.2, 3.3)") {
  const std::string json = R"("responseMimeType":"application/json")";
  const std::string schema = R"({"type":"OBJECT","properties":{"a":{"type":"STRING"}}})";
  const struct {
    const char* model;
    std::string more;
    std::string message;
  } rows[] = {
      {"gemini-2.5-flash", config(json), ""},
      {"gemini-2.5-flash", config(json + ",\"responseSchema\":" + schema), ""},
      {"gemini-2.5-flash", config(json + ",\"responseJsonSchema\":" + schema), ""},
      {"gemini-2.5-flash", config("\"responseSchema\":" + schema), "must be `application/json`"},
      {"gemini-2.5-flash", config("\"responseJsonSchema\":" + schema),
       "must be `application/json`"},
      {"gemini-2.5-flash", config(R"("responseMimeType":"text/xml")"), "allowed mimetypes are"},
      {"gemini-2.5-flash",
       config(json + ",\"responseSchema\":" + schema + ",\"responseJsonSchema\":" + schema),
       "must not be set together"},
      {"gemini-2.5-flash", config(json) + "," + declared(""),
       "Function calling with a response mime type: 'application/json' is unsupported"},
      {"gemini-3-flash", config(json) + "," + declared(""), ""},
      {"gemini-2.5-flash",
       config(json + R"(,"responseSchema":{"type":"OBJECT","additionalProperties":false})"),
       "Unknown name \"additionalProperties\" at 'generation_config.response_schema'"},
      {"gemini-2.5-flash",
       config(json + R"(,"responseJsonSchema":{"type":"object","additionalProperties":false})"),
       ""},
      {"gemini-2.5-flash", config(json + R"(,"responseJsonSchema":{"const":1})"),
       "const is not supported"},
  };
  for (const auto& row : rows) check(row.model, {kHi, row.more, row.message});
}

TEST_CASE("schemas of parameters: the OpenAPI subset (3.3)") {
  const auto nested = [](const std::string& schema) {
    return R"({"type":"OBJECT","properties":{"a":)" + schema + "}}";
  };
  const std::string at = "tools[0].function_declarations[0].parameters";
  const std::pair<std::string, std::string> rows[] = {
      {nested(R"({"type":"string","enum":["x"],"nullable":true,"format":"enum"})"), ""},
      {nested(R"({"type":"INTEGER","format":"int64","minimum":1,"maximum":"9"})"), ""},
      {nested(R"({"anyOf":[{"type":"STRING"},{"type":"NUMBER"}]})"), ""},
      {nested(R"({"type":"ARRAY","items":{"type":"STRING"},"minItems":"1"})"), ""},
      {nested(R"({"type":["string","null"]})"), "Proto field is not repeating"},
      {nested(R"({"type":"text"})"), "Invalid value at '" + at + ".properties[a].type'"},
      {nested(R"({"type":"ARRAY"})"), "items: missing field"},
      {nested(R"({"type":"INTEGER","enum":[1]})"), "enum[0]' (TYPE_STRING), 1"},
      {nested(R"({"type":"INTEGER","enum":["1"]})"), "only allowed for STRING type"},
      {nested(R"({"type":"STRING","format":"email"})"), "only 'enum' and 'date-time'"},
      {nested(R"({"type":"NUMBER","format":"decimal"})"), "'decimal' is not supported"},
      {R"({"type":"OBJECT","properties":{}})", ""},
      {R"({"type":"OBJECT","properties":{"a":{"type":"STRING"}},"required":["b"]})",
       "required[0]: property is not defined"},
      {nested(R"({"type":"OBJECT","properties":{"b":{"type":"OBJECT","oneOf":[]}}})"),
       "Unknown name \"oneOf\" at '" + at + ".properties[0].value.properties[0].value'"},
  };
  for (const auto& row : rows) {
    check("gemini-2.5-flash", {kHi, declared("\"parameters\":" + row.first), row.second});
  }
  for (const std::string keyword :
       {"$schema", "$ref", "$defs", "additionalProperties", "oneOf", "allOf", "const", "not", "if",
        "patternProperties", "exclusiveMinimum", "examples", "propertyNames"}) {
    check("gemini-3-flash",
          {kHi, declared("\"parameters\":" + nested("{\"" + keyword + "\":1}")),
           "Unknown name \"" + keyword + "\" at '" + at + ".properties[0].value'"});
  }
}

TEST_CASE("schemas of parameters: JSON Schema (3.3)") {
  const std::string defs = R"("$defs":{"N":{"type":"object","properties":{"next":)"
                           R"({"$ref":"#/$defs/N"}}}},"type":"object","properties":)";
  const std::string circle = R"("$defs":{"N":{"type":"object","required":["next"],"properties":)"
                             R"({"next":{"$ref":"#/$defs/N"}}}},"type":"object",)"
                             R"("required":["a"],"properties":)";
  const std::pair<std::string, std::string> rows[] = {
      {R"({"type":"object","properties":{"a":{"type":["string","null"]}},"$schema":"x"})", ""},
      {R"({"type":"object","properties":{},"additionalProperties":false})", ""},
      {R"({"type":"object","patternProperties":{}})", ""},  // ignored
      {R"({"type":"object","properties":{"a":{"const":"x"}}})", "const is not supported"},
      {R"({"type":"object","properties":{"a":{"anyOf":[{"const":1}]}}})", "const is not supported"},
      {"{" + defs + R"({"a":{"$ref":"#/$defs/N"}}})", ""},
      {"{" + defs + R"({"a":{"$ref":"#/$defs/N","description":"d"}}})",
       "$ref cannot stand beside 'description'"},
      {"{" + defs + R"({"a":{"$ref":"#/$defs/N","title":"t"}}})", ""},
      {"{" + defs + R"({"a":{"$ref":"#/$defs/M"}}})", "cannot resolve $ref"},
      {"{" + circle + R"({"a":{"$ref":"#/$defs/N"}}})", "cyclic $ref '#/$defs/N'"},
      {"true", "a JSON Schema must be an object"},
  };
  for (const auto& row : rows) {
    check("gemini-3-flash", {kHi, declared("\"parametersJsonSchema\":" + row.first), row.second});
  }
  check("gemini-3-flash",
        {kHi,
         declared(R"("parametersJsonSchema":{"type":"object"},"parameters":{"type":"OBJECT",)"
                  R"("properties":{"a":{"type":"STRING"}}})"),
         "must not be set together with parameters"});
}

TEST_CASE("tools and the choice among them (3.2)") {
  const auto choose = [](const std::string& members) {
    return declared("") + R"(,"toolConfig":{"functionCallingConfig":{)" + members + "}}";
  };
  const std::string both =
      R"("tools":[{"functionDeclarations":[{"name":"f"}]},{"googleSearch":{}}])";
  const struct {
    const char* model;
    std::string more;
    std::string message;
  } rows[] = {
      {"gemini-2.5-flash", declared("", "_a.b:c-d"), ""},
      {"gemini-2.5-flash", declared("", "1a"), "Invalid function name"},
      {"gemini-2.5-flash", declared("", "a b"), "Invalid function name"},
      {"gemini-2.5-flash", declared("", std::string(129, 'a')), "Invalid function name"},
      {"gemini-2.5-flash", R"("tools":[{"functionDeclarations":[{"name":"f"},{"name":"f"}]}])",
       "Duplicate function declaration found: f"},
      {"gemini-2.5-flash", R"("tools":[{"googleSearch":{}}])", ""},
      {"gemini-2.5-flash", both, "Tool use with function calling is unsupported"},
      {"gemini-3-flash", both, "include_server_side_tool_invocations"},
      {"gemini-3-flash", both + R"(,"toolConfig":{"includeServerSideToolInvocations":true})", ""},
      {"gemini-2.5-flash", choose(R"("mode":"ANY","allowedFunctionNames":["f"])"), ""},
      {"gemini-2.5-flash", choose(R"("mode":"VALIDATED")"), ""},
      {"gemini-2.5-flash", choose(R"("mode":"required")"),
       "Invalid value at 'tool_config.function_calling_config.mode'"},
      {"gemini-2.5-flash", choose(R"("mode":"AUTO","allowedFunctionNames":["f"])"),
       "should only be set when the mode is ANY or VALIDATED"},
      {"gemini-2.5-flash", choose(R"("mode":"ANY","allowedFunctionNames":["g"])"),
       "g is not a declared function"},
  };
  for (const auto& row : rows) check(row.model, {kHi, row.more, row.message});
}

}  // namespace
}  // namespace llmorch::testing
