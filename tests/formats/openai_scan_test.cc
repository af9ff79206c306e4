// OpenAI chat requests that are passed on: what is noticed, what is refused, and that a splice
// changes nothing but what it is told to.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "formats/answers.h"
#include "llmorch/spi/format.h"

namespace llmorch {
namespace {

const FormatCodec& codec() { return *find_format(Format::kOpenAiChat); }

CallSpec call(std::string body) {
  CallSpec spec;
  spec.body = Body(std::move(body));
  return spec;
}

TEST_CASE("scan: what a request asks for") {
  struct Case {
    std::string body;
    std::string seen;  // model, then one letter per feature
  };
  const std::string m = R"("messages":[{"role":"user","content":"hi"}])";
  const std::vector<Case> cases = {
      {R"({"model":"a",)" + m + "}", "a"},
      {R"({"stream":true,"model":"a",)" + m + "}", "a s"},
      {R"({"model":"a","stream":null,)" + m + "}", "a"},
      {R"({"model":"a","stream":true,"stream":false,)" + m + "}", "a"},
      {R"({"model":"a","model":"b",)" + m + "}", "b"},
      {R"({"mod\u0065l":"\u0061\"",)" + m + "}", "a\""},
      {R"({"model":"a","stream":true,"stream_options":{"include_usage":true},)" + m + "}", "a s u"},
      {R"({"model":"a","stream_options":{"include_usage":false},)" + m + "}", "a"},
      {R"({"model":"a","stream_options":null,)" + m + "}", "a"},
      {R"({"model":"a","stream_options":{"x":{"include_usage":true}},)" + m + "}", "a"},
      {R"({"model":"a","tools":[{"type":"function"}],)" + m + "}", "a t"},
      {R"({"model":"a","functions":[{"name":"f"}],)" + m + "}", "a t"},
      {R"({"model":"a","tools":[],)" + m + "}", "a"},
      {R"({"model":"a","tools":null,)" + m + "}", "a"},
      {R"({"model":"a","response_format":{"type":"json_schema","json_schema":{}},)" + m + "}",
       "a j"},
      {R"({"model":"a","response_format":{"type":"json_object"},)" + m + "}", "a"},
      {R"({"model":"a","messages":[{"role":"user","content":[{"type":"text","text":"image_url"},)"
       R"({"type":"image_url","image_url":{"url":"x"}}]}]})",
       "a i"},
      {R"({"model":"a","messages":[{"role":"user","content":"image_url","x":["image_url"]}]})",
       "a"},
      {R"({"model":"a","metadata":{"a":[{"b":[{"type":"image_url"}]}]},)" + m + "}", "a"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.body);
    const auto scan = codec().scan(call(c.body));
    REQUIRE_MESSAGE(scan.has_value(), scan.error().message());
    std::string seen = scan->model;
    if (scan->stream) seen += " s";
    if (scan->include_usage) seen += " u";
    if (scan->tools) seen += " t";
    if (scan->structured_output) seen += " j";
    if (scan->images) seen += " i";
    CHECK(seen == c.seen);
  }
}

TEST_CASE("scan: what is refused names the field, as OpenAI does") {
  struct Case {
    std::string body;
    std::string param;
    std::string reason;
    std::string message;  // its beginning
  };
  std::string deep = R"({"model":"a","messages":[{"role":"user","content":"x"}],"x":)";
  for (int i = 0; i < 70; ++i) deep += "[";
  const std::vector<Case> cases = {
      {"", "", "invalid_request", "We could not parse the JSON body of your request: invalid JSON"},
      {"{", "", "invalid_request",
       "We could not parse the JSON body of your request: invalid JSON at line 1, column 2"},
      {deep, "", "request_too_large", "We could not parse the JSON body of your request"},
      {"{\"model\":\"\xff\"}", "", "invalid_request",
       "We could not parse the JSON body of your request: invalid JSON at line 1, column 11: "
       "malformed UTF-8"},
      {"[]", "", "invalid_request", "The body of the request must be a JSON object."},
      {"\"x\"", "", "invalid_request", "The body of the request must be a JSON object."},
      {R"({"messages":[1]})", "model", "missing_required_parameter",
       "Missing required parameter: 'model'."},
      {R"({"model":"a"})", "messages", "missing_required_parameter",
       "Missing required parameter: 'messages'."},
      {R"({"model":3,"messages":[1]})", "model", "invalid_type",
       "Invalid type for 'model': expected a string, but got a number instead."},
      {R"({"model":null,"messages":[1]})", "model", "invalid_type", "Invalid type for 'model'"},
      {R"({"model":["a"],"messages":[1]})", "model", "invalid_type", "Invalid type for 'model'"},
      {R"({"model":"a","messages":"hi"})", "messages", "invalid_type",
       "Invalid type for 'messages': expected an array of objects, but got a string instead."},
      {R"({"model":"a","messages":{"role":"user"}})", "messages", "invalid_type",
       "Invalid type for 'messages'"},
      {R"({"model":"a","messages":[]})", "messages", "empty_array", "Invalid 'messages': empty"},
      {R"({"model":"a","messages":[1],"messages":[]})", "messages", "empty_array", "Invalid"},
      {R"({"model":"a","messages":[1],"stream":"yes"})", "stream", "invalid_type",
       "Invalid type for 'stream': expected a boolean, but got a string instead."},
      {R"({"model":"a","messages":[1],"stream":1})", "stream", "invalid_type", "Invalid type"},
      {R"({"model":"a","messages":[1],"stream_options":true})", "stream_options", "invalid_type",
       "Invalid type"},
      {R"({"model":"a","messages":[1],"tools":{}})", "tools", "invalid_type", "Invalid type"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.body);
    const Status error = codec().scan(call(c.body)).error();
    CHECK(error.http_status() == 400);
    CHECK(error.param() == c.param);
    CHECK(error.reason() == c.reason);
    CHECK(error.message().substr(0, c.message.size()) == c.message);
  }
}

TEST_CASE("splice: only the named keys change, byte for byte") {
  struct Case {
    std::string name;
    std::string before;
    RequestEdits edits;
    std::string after;
  };
  const std::string m = R"("messages":[1])";
  const auto model = [](std::string to) {
    RequestEdits edits;
    edits.model = std::move(to);
    return edits;
  };
  const auto with = [&](std::vector<std::pair<std::string, std::string>> set,
                        std::vector<std::string> remove = {}, bool usage = false) {
    RequestEdits edits = model("m");
    edits.set = std::move(set);
    edits.remove = std::move(remove);
    edits.ask_usage = usage;
    return edits;
  };
  const auto with_prompt = [&](std::string prompt,
                               std::vector<std::pair<std::string, std::string>> set = {},
                               std::vector<std::string> remove = {}) {
    RequestEdits edits = with(std::move(set), std::move(remove));
    edits.system_prompt = std::move(prompt);
    return edits;
  };
  const auto limited = [&](std::vector<std::pair<std::string, std::string>> set = {}) {
    RequestEdits edits = with(std::move(set));
    edits.capabilities.sampling = edits.capabilities.reasoning = false;
    edits.capabilities.max_output_tokens = 50;
    return edits;
  };
  const std::vector<Case> cases = {
      {"model", "{ \"model\" :\t\"a\" ,\n" + m + ",\"t\":0.70,\"n\":12345678901234567890 }",
       model("x/y"), "{ \"model\" :\t\"x/y\" ,\n" + m + ",\"t\":0.70,\"n\":12345678901234567890 }"},
      {"escaped", R"({"mod\u0065l":"a\"\\",)" + m + "}", model("q\"\\"),
       R"({"mod\u0065l":"q\"\\",)" + m + "}"},
      {"duplicate models",
       R"({"model":"a","model":"b",)" + m + R"(,"x":{"model":"c"},"model":"d"})", model("m"),
       R"({"model":"m","model":"m",)" + m + R"(,"x":{"model":"c"},"model":"m"})"},
      {"set replaces every occurrence", R"({"model":"m","k":1,)" + m + R"(,"k":[2,{"k":3}]})",
       with({{"k", "null"}}), R"({"model":"m","k":null,)" + m + R"(,"k":null})"},
      {"set appends", R"({"model":"m",)" + m + " \n}", with({{"a", "1"}, {"b\"", "{}"}}),
       R"({"model":"m",)" + m + R"(,"a":1,"b\"":{})" + " \n}"},
      {"remove first", R"({"k": 1 , "model":"m",)" + m + "}", with({}, {"k"}),
       R"({"model":"m",)" + m + "}"},
      {"remove middle", R"({"model":"m", "k": [1,2] ,)" + m + "}", with({}, {"k"}),
       R"({"model":"m", )" + m + "}"},
      {"remove last", R"({"model":"m",)" + m + R"( , "k":"}" })", with({}, {"k"}),
       R"({"model":"m",)" + m + " }"},
      {"remove neighbours and duplicates",
       R"({"k":0,"j":0,"model":"m","k":1,"j":2,)" + m + R"(,"j":3,"k":4})", with({}, {"k", "j"}),
       R"({"model":"m",)" + m + "}"},
      {"remove last and append", R"({"model":"m",)" + m + R"(,"k":1})", with({{"a", "2"}}, {"k"}),
       R"({"model":"m",)" + m + R"(,"a":2})"},
      {"the model stays", R"({"model":"m",)" + m + "}", with({}, {"model", "absent"}),
       R"({"model":"m",)" + m + "}"},
      {"set wins over remove", R"({"model":"m",)" + m + R"(,"k":1})", with({{"k", "2"}}, {"k"}),
       R"({"model":"m",)" + m + R"(,"k":2})"},
      {"usage appended", R"({"model":"m","stream":true,)" + m + "}", with({}, {}, true),
       R"({"model":"m","stream":true,)" + m + R"(,"stream_options":{"include_usage":true}})"},
      {"usage not asked without stream", R"({"model":"m",)" + m + "}", with({}, {}, true),
       R"({"model":"m",)" + m + "}"},
      {"usage merged",
       R"({"model":"m","stream":true,"stream_options":{ "include_obfuscation" : false },)" + m +
           "}",
       with({}, {}, true),
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true, "include_obfuscation" : false },)" +
           m + "}"},
      {"usage turned on",
       R"({"model":"m","stream":true,"stream_options":{"a":1,"include_usage":false},)" + m + "}",
       with({}, {}, true),
       R"({"model":"m","stream":true,"stream_options":{"a":1,"include_usage":true},)" + m + "}"},
      {"usage for null", R"({"model":"m","stream":true,"stream_options":null,)" + m + "}",
       with({}, {}, true),
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true},)" + m + "}"},
      {"usage for an empty object", R"({"model":"m","stream":true,"stream_options":{},)" + m + "}",
       with({}, {}, true),
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true},)" + m + "}"},
      {"usage already asked",
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true},)" + m + "}",
       with({}, {}, true),
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true},)" + m + "}"},
      {"prompt in front of the messages", "{\"model\":\"m\", \"messages\" : [ 1 ,2]}",
       with_prompt("say \"hi\""),
       "{\"model\":\"m\", \"messages\" : [{\"role\":\"system\",\"content\":\"say \\\"hi\\\"\"}, 1 "
       ",2]}"},
      {"prompt, model, removal and addition together",
       R"({"k":1,"messages":[1],"model":"m","messages":[{"a":[]}],"stream":true})",
       with_prompt("p", {{"t", "2"}}, {"k"}),
       R"({"messages":[{"role":"system","content":"p"},1],"model":"m","messages":[{"role":"system","content":"p"},{"a":[]}],"stream":true,"t":2})"},
      {"prompt: messages that are set stay as set", R"({"model":"m",)" + m + "}",
       with_prompt("p", {{"messages", "[7]"}}), R"({"model":"m","messages":[7]})"},
      {"capabilities: what the model cannot take, and a limit it can",
       R"({"temperature":1,"model":"m","top_p":1,"top_k":2,)" + m +
           R"(,"max_tokens":90,"max_completion_tokens":40,"reasoning":{"effort":"low"},"reasoning_effort":"low"})",
       limited(), R"({"model":"m",)" + m + R"(,"max_tokens":50,"max_completion_tokens":40})"},
      {"capabilities: what is set is set", R"({"model":"m",)" + m + R"(,"temperature":1})",
       limited({{"temperature", "0.5"}, {"max_tokens", "90"}}),
       R"({"model":"m",)" + m + R"(,"temperature":0.5,"max_tokens":90})"},
      {"usage and set together", R"({"model":"m","stream":true,)" + m + "}",
       with({{"stream_options", "{\"x\":1}"}}, {}, true),
       R"({"model":"m","stream":true,)" + m + R"(,"stream_options":{"include_usage":true,"x":1}})"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const CallSpec spec = call(c.before);
    const auto scan = codec().scan(spec);
    REQUIRE_MESSAGE(scan.has_value(), scan.error().message());
    const auto body = codec().splice(spec.body, *scan, c.edits);
    REQUIRE(body.has_value());
    CHECK(body->str() == c.after);
    CHECK(json::Document::parse(body->str()).has_value());
  }
}

TEST_CASE("splice: a 1 MB body with odd bytes keeps them, shared and not copied") {
  std::string odd;
  while (odd.size() < 1'000'000) {
    odd += R"({"\u0041\"\\\/":[0.70,1E+2,-0.0,123456789012345678901234567890,"\ud83d\ude00)"
           "\xf0\x9f\x98\x80\"],  \"a\":1,\"a\":2},\n";
  }
  const std::string before = R"({"model":"a","messages":[{"role":"user","content":"x"},)";
  const std::string after = R"({}],"stream":true})";
  const std::string text = before + odd + after;
  CallSpec spec = call(text);
  const auto scan = codec().scan(spec);
  REQUIRE_MESSAGE(scan.has_value(), scan.error().message());
  RequestEdits edits;
  edits.model = "other";
  edits.ask_usage = true;
  const auto body = codec().splice(spec.body, *scan, edits);
  REQUIRE(body.has_value());
  std::string expected = text;
  expected.replace(expected.find("\"a\""), 3, "\"other\"");
  expected.insert(expected.size() - 1, R"(,"stream_options":{"include_usage":true})");
  CHECK(std::hash<std::string>()(body->str()) == std::hash<std::string>()(expected));
  CHECK(body->str() == expected);
  std::size_t copied = 0;
  for (const Body::Segment& segment : body->segments()) {
    const char* begin = spec.body.contiguous().data();
    const bool shared = segment.bytes.data() >= begin && segment.bytes.data() < begin + text.size();
    if (!shared) copied += segment.bytes.size();
  }
  CHECK(copied < 100);
}

TEST_CASE("splice: a body in several pieces works too, and a foreign scan is refused") {
  Body body(std::string(R"({"model":"a",)"));
  body.append(std::string(R"("messages":[1]})"));
  CallSpec spec;
  spec.body = body;
  const auto scan = codec().scan(spec);
  REQUIRE(scan.has_value());
  RequestEdits edits;
  edits.model = "b";
  CHECK(codec().splice(body, *scan, edits)->str() == R"({"model":"b","messages":[1]})");
  CHECK(codec().splice(Body(std::string("{}")), *scan, edits).error().code() == Code::kInternal);
}

}  // namespace
}  // namespace llmorch
