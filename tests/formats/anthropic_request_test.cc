// OpenAI requests as Anthropic gets them (WIRE 6.1): one table of fields, one of refusals, one of
// what is dropped and reported, and the worked examples of 6.10.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/anthropic_requests.h"
#include "formats/fixtures.h"

namespace llmorch {
namespace {

using testing::at_path;
using testing::body_or_error;
using testing::call;
using testing::chat_to_anthropic;
using testing::check;
using testing::kHi;
using testing::kPng;
using testing::talk;
using testing::tool;
using testing::user;
using testing::with;

TEST_CASE("to Anthropic: fields (WIRE 6.1)") {
  const std::string opus46 = "claude-opus-4-6";
  const std::string opus48 = "claude-opus-4-8";
  const std::string haiku45 = "claude-haiku-4-5";
  check({
      {"model is the target's", with(""), opus46, "model", R"("claude-opus-4-6")"},
      {"max_tokens: the model's by default", with(""), opus46, "max_tokens", "128000"},
      {"max_tokens: 32k", with(""), "claude-opus-4-1-20250805", "max_tokens", "32000"},
      {"max_tokens: 64k", with(""), "claude-sonnet-4-5", "max_tokens", "64000"},
      {"max_tokens: unknown model", with(""), "claude-new", "max_tokens", "4096"},
      {"max_tokens: asked", with(R"("max_tokens":7)"), opus46, "max_tokens", "7"},
      {"max_tokens: the newer name wins", with(R"("max_tokens":7,"max_completion_tokens":8)"),
       opus46, "max_tokens", "8"},
      {"max_tokens: not over the model's", with(R"("max_tokens":70000)"), haiku45, "max_tokens",
       "64000"},
      {"stream", with(R"("stream":true,"stream_options":{"include_usage":true})"), opus46, "stream",
       "true"},
      {"stream_options has no word here", with(R"("stream":true,"stream_options":{})"), opus46,
       "stream_options", ""},
      {"stop: blank ones are refused", with(R"("stop":["END"," ",""])"), opus46, "stop_sequences",
       R"(["END"])"},
      {"stop: all blank", with(R"("stop":[" "])"), opus46, "stop_sequences", ""},
      {"stop: one string", with(R"("stop":"x")"), opus46, "stop_sequences", R"(["x"])"},
      {"temperature: as written", with(R"("temperature":0.70)"), opus46, "temperature", "0.70"},
      {"temperature: clamped", with(R"("temperature":1.4)"), opus46, "temperature", "1"},
      {"temperature: the model takes none (rule 109)", with(R"("temperature":0.5)"), opus48,
       "temperature", ""},
      {"temperature and top_p: one of them", with(R"("temperature":0.5,"top_p":0.9)"), opus46,
       "top_p", ""},
      {"top_p alone", with(R"("top_p":0.9)"), opus46, "top_p", "0.9"},
      {"top_p: older models take both", with(R"("temperature":0.5,"top_p":0.9)"),
       "claude-sonnet-4-20250514", "top_p", "0.9"},
      {"top_k", with(R"("top_k":40)"), opus46, "top_k", "40"},
      {"user", with(R"("user":"u-42")"), opus46, "metadata", R"({"user_id":"u-42"})"},
      {"safety_identifier", with(R"("safety_identifier":"s")"), opus46, "metadata.user_id",
       R"("s")"},
      {"service_tier auto", with(R"("service_tier":"auto")"), opus46, "service_tier", R"("auto")"},
      {"service_tier default", with(R"("service_tier":"default")"), opus46, "service_tier",
       R"("standard_only")"},
      {"service_tier flex", with(R"("service_tier":"flex")"), opus46, "service_tier", ""},
  });
}

TEST_CASE("to Anthropic: an address in `user` is not sent on (WIRE 6.1)") {
  for (const std::string name : {"a@example.com", "+49 170 1234567"}) {
    const std::string body =
        body_or_error(chat_to_anthropic(with(R"("user":")" + name + "\""), "claude-opus-4-6"));
    const std::string id = at_path(body, "metadata.user_id");
    CHECK(id.find("user_") == 1);
    CHECK(body.find(name) == std::string::npos);
    CHECK(body_or_error(chat_to_anthropic(with(R"("user":")" + name + "\""), "claude-opus-4-6")) ==
          body);
  }
}

TEST_CASE("to Anthropic: system messages (WIRE 6.1, 2.2)") {
  const std::string system = R"({"role":"system","content":"S"})";
  const std::string developer = R"({"role":"developer","content":"D"})";
  const std::string hi = R"({"role":"user","content":"hi"})";
  const std::string yes = R"({"role":"assistant","content":"yes"})";
  const std::string go = R"({"role":"user","content":"go"})";
  const std::string text_hi = R"([{"type":"text","text":"hi"}])";
  const std::string mid = talk(hi + "," + yes + "," + system + "," + go);
  const std::string between = talk(hi + R"(,{"role":"assistant","content":null,"tool_calls":[)" +
                                   call("c", "f", R"("{}")") + "]}," + system +
                                   R"(,{"role":"tool","tool_call_id":"c","content":"r"})");
  check({
      {"one plain: a string", talk(system + "," + hi), "claude-opus-4-6", "system", R"("S")"},
      {"a run: one block each", talk(system + "," + developer + "," + hi), "claude-opus-4-6",
       "system", R"([{"type":"text","text":"S"},{"type":"text","text":"D"}])"},
      {"blank ones are left out", talk(R"({"role":"system","content":" "},)" + hi),
       "claude-opus-4-6", "system", ""},
      {"only system: the last one speaks as the user", talk(system + "," + developer),
       "claude-opus-4-6", "messages",
       R"([{"role":"user","content":[{"type":"text","text":"D"}]}])"},
      {"only system: the others stay", talk(system + "," + developer), "claude-opus-4-6", "system",
       R"("S")"},
      {"later, where the model knows it: after the user's turn", mid, "claude-opus-4-8", "messages",
       R"([{"role":"user","content":)" + text_hi +
           R"(},{"role":"assistant","content":[{"type":"text","text":"yes"}]},{"role":"user","content":[{"type":"text","text":"go"}]},{"role":"system","content":[{"type":"text","text":"S"}]}])"},
      {"later, elsewhere: marked, in the user's turn", mid, "claude-sonnet-4-6", "messages.2",
       R"({"role":"user","content":[{"type":"text","text":"<system>S</system>"},{"type":"text","text":"go"}]})"},
      {"silently ignored by claude-sonnet-5: marked too", mid, "claude-sonnet-5", "messages.2",
       R"({"role":"user","content":[{"type":"text","text":"<system>S</system>"},{"type":"text","text":"go"}]})"},
      {"at the end, after the assistant's: marked", talk(hi + "," + yes + "," + system),
       "claude-opus-4-8", "messages.2",
       R"({"role":"user","content":[{"type":"text","text":"<system>S</system>"}]})"},
      {"never between call and result (rule 31)", between, "claude-opus-4-8", "messages.2",
       R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"r"}]})"},
      {"but after it", between, "claude-opus-4-8", "messages.3",
       R"({"role":"system","content":[{"type":"text","text":"S"}]})"},
      {"wrapped: after the result too", between, "claude-opus-4-6", "messages.2.content",
       R"([{"type":"tool_result","tool_use_id":"c","content":"r"},{"type":"text","text":"<system>S</system>"}])"},
  });
  RequestEdits edits;
  edits.system_prompt = "FIRST";
  CHECK(testing::same_json(
      at_path(body_or_error(chat_to_anthropic(talk(system + "," + hi), "m", edits)), "system"),
      R"([{"type":"text","text":"FIRST"},{"type":"text","text":"S"}])"));
  CHECK(at_path(body_or_error(chat_to_anthropic(talk(hi), "m", edits)), "system") == R"("FIRST")");
}

TEST_CASE("to Anthropic: turns (WIRE 6.1, 8 rules 28, 30, 31, 104)") {
  const std::string ask = R"({"role":"user","content":"q"})";
  const std::string two = R"({"role":"assistant","content":"","tool_calls":[)" +
                          call("a", "f", R"("{\"x\": 1}")") + "," + call("b", "g", R"("")") + "]}";
  const auto result = [](const std::string& id, const std::string& content) {
    return R"({"role":"tool","tool_call_id":")" + id + R"(","content":)" + content + "}";
  };
  const std::string calls_block =
      R"([{"type":"tool_use","id":"a","name":"f","input":{"x":1}},{"type":"tool_use","id":"b","name":"g","input":{}}])";
  check({
      {"same roles are merged", talk(ask + "," + ask), "m", "messages",
       R"([{"role":"user","content":[{"type":"text","text":"q"},{"type":"text","text":"q"}]}])"},
      {"empty text is left out (rule 28)",
       talk(R"({"role":"user","content":[{"type":"text","text":""},{"type":"text","text":"q"}]})"),
       "m", "messages.0.content", R"([{"type":"text","text":"q"}])"},
      {"an empty assistant message is left out",
       talk(ask + R"(,{"role":"assistant","content":""},)" + ask), "m", "messages.0.content",
       R"([{"type":"text","text":"q"},{"type":"text","text":"q"}])"},
      {"an assistant's message may be the first (recorded)",
       talk(R"({"role":"assistant","content":"hello"},)" + ask), "m", "messages.0",
       R"({"role":"assistant","content":[{"type":"text","text":"hello"}]})"},
      {"a refusal is text",
       talk(ask + R"(,{"role":"assistant","content":null,"refusal":"no"},)" + ask), "m",
       "messages.1.content", R"([{"type":"text","text":"no"}])"},
      {"parallel calls, empty arguments (rule 2)",
       talk(ask + "," + two + "," + result("a", R"("1")") + "," + result("b", R"("2")")), "m",
       "messages.1.content", calls_block},
      {"all results in one message, in the order of the calls (rule 30)",
       talk(ask + "," + two + "," + result("b", R"("2")") + "," + result("a", R"("1")") + "," +
            ask),
       "m", "messages.2.content",
       R"([{"type":"tool_result","tool_use_id":"a","content":"1"},{"type":"tool_result","tool_use_id":"b","content":"2"},{"type":"text","text":"q"}])"},
      {"the last of two results counts",
       talk(ask + "," + two + "," + result("a", R"("old")") + "," + result("a", R"("new")") + "," +
            result("b", R"("2")")),
       "m", "messages.2.content.0.content", R"("new")"},
      {"an empty result has no content (rule 29)",
       talk(ask + "," + two + "," + result("a", R"("")") + "," + result("b", R"("2")")), "m",
       "messages.2.content.0", R"({"type":"tool_result","tool_use_id":"a"})"},
      {"a missing result says so", talk(ask + "," + two + "," + result("a", R"("1")")), "m",
       "messages.2.content.1",
       R"({"type":"tool_result","tool_use_id":"b","content":"missing result","is_error":true})"},
      {"even at the end", talk(ask + "," + two), "m", "messages.2.content.0.is_error", "true"},
      {"a result that comes after other words",
       talk(ask + "," + two + "," + ask + "," + result("b", R"("2")") + "," +
            result("a", R"("1")")),
       "m", "messages.2.content.0.content", R"("1")"},
      {"a result for no call is the user's text", talk(ask + "," + result("zz", R"("r")")), "m",
       "messages.0.content.1", R"({"type":"text","text":"[tool result zz] r"})"},
      {"result of parts",
       talk(
           ask + "," + two + "," +
           result(
               "a",
               R"([{"type":"text","text":"1"},{"type":"image_url","image_url":{"url":"data:image/png;base64,)" +
                   kPng + R"("}}])") +
           "," + result("b", R"("2")")),
       "m", "messages.2.content.0.content",
       R"([{"type":"text","text":"1"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":")" +
           kPng + "\"}}]"},
  });
}

TEST_CASE("to Anthropic: arguments as the history has them (WIRE 6.1)") {
  struct Case {
    std::string arguments;
    std::string input;
  };
  const std::vector<Case> cases = {
      {R"("")", "{}"},
      {R"("  ")", "{}"},
      {R"("null")", "{}"},
      {R"("{\"a\":1.50}")", R"({"a":1.50})"},
      {R"(" {\"a\":[1,2,],} ")", R"({"a":[1,2]})"},
      {R"("{\"a\":\",}\",}")", R"({"a":",}"})"},
      {R"("[1]")", R"({"value":[1]})"},
      {R"("3")", R"({"value":3})"},
      {R"("{\"a\":")", R"({"_raw_arguments":"{\"a\":"})"},
      {R"("no")", R"({"_raw_arguments":"no"})"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.arguments);
    const std::string body = body_or_error(chat_to_anthropic(
        talk(R"({"role":"user","content":"q"},{"role":"assistant","tool_calls":[)" +
             call("a", "f", c.arguments) + "]}"),
        "m"));
    CHECK(testing::same_json(at_path(body, "messages.1.content.0.input"), c.input));
  }
}

TEST_CASE("to Anthropic: ids are legal, different, and match (WIRE 6.1, 6.4)") {
  const std::string long_id(80, 'x');
  const std::string history =
      R"({"role":"user","content":"q"},{"role":"assistant","tool_calls":[)" +
      call("call|1:a", "f", R"("{}")") + "," + call(long_id, "f", R"("{}")") +
      R"(]},{"role":"tool","tool_call_id":"call|1:a","content":"1"},{"role":"tool","tool_call_id":")" +
      long_id + R"(","content":"2"},{"role":"assistant","tool_calls":[)" +
      call("call|1:a", "f", R"("{}")") +
      R"(]},{"role":"tool","tool_call_id":"call|1:a","content":"3"})";
  const std::string body = body_or_error(chat_to_anthropic(talk(history), "m"));
  CAPTURE(body);
  std::vector<std::string> ids;
  for (const std::string path :
       {"messages.1.content.0.id", "messages.1.content.1.id", "messages.3.content.0.id"}) {
    ids.push_back(at_path(body, path));
    CHECK(ids.back().size() <= 66);
    CHECK(ids.back().find_first_of("|:") == std::string::npos);
  }
  CHECK(ids[0] != ids[1]);
  CHECK(ids[0] != ids[2]);
  CHECK(at_path(body, "messages.2.content.0.tool_use_id") == ids[0]);
  CHECK(at_path(body, "messages.2.content.1.tool_use_id") == ids[1]);
  CHECK(at_path(body, "messages.4.content.0.tool_use_id") == ids[2]);
  CHECK(at_path(body, "messages.4.content.0.content") == R"("3")");
}

TEST_CASE("to Anthropic: images and documents (WIRE 6.1, 8 rule 42)") {
  const auto image = [](const std::string& url) {
    return user(R"({"type":"image_url","image_url":{"url":")" + url + "\"}}");
  };
  const auto file = [](const std::string& data, const std::string& more = "") {
    return user(R"({"type":"file","file":{"file_data":")" + data + "\"" + more + "}}");
  };
  const std::string block = "messages.0.content.0";
  const std::string png =
      R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":")" + kPng +
      "\"}}";
  check({
      {"data URL", image("data:image/png;base64," + kPng), "m", block, png},
      {"the bytes decide over the declared type", image("data:image/jpeg;base64," + kPng), "m",
       block, png},
      {"an unusual name of a type", image("data:image/jpg;base64,AAAA"), "m",
       block + ".source.media_type", R"("image/jpeg")"},
      {"https", image("https://x/y.png"), "m", block,
       R"({"type":"image","source":{"type":"url","url":"https://x/y.png"}})"},
      {"PDF", file("data:application/pdf;base64,JVBERi0xLjcK", R"(,"filename":"f.pdf")"), "m",
       block,
       R"({"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjcK"},"title":"f.pdf"})"},
      {"PDF without a data URL", file("JVBERi0xLjcK"), "m", block + ".source.media_type",
       R"("application/pdf")"},
      {"text", file("data:text/markdown;base64,aGVsbG8="), "m", block,
       R"({"type":"document","source":{"type":"text","media_type":"text/plain","data":"hello"}})"},
      {"a picture sent as a file", file("data:application/octet-stream;base64," + kPng), "m", block,
       png},
  });
}

TEST_CASE("to Anthropic: what cannot be said is refused, naming the field (WIRE 6.8)") {
  struct Case {
    std::string body;
    std::string model;
    std::string param;
  };
  const std::string two = R"({"role":"user","content":"q"},)";
  const std::vector<Case> cases = {
      {with(R"("n":2)"), "m", "n"},
      {with(R"("max_tokens":0)"), "m", "max_tokens"},
      {with(R"("modalities":["text","audio"])"), "m", "modalities"},
      {with(R"("response_format":{"type":"grammar"})"), "m", "response_format"},
      {with(R"("tools":[{"type":"web_search","web_search":{}}])"), "m", "tools[0]"},
      {with(
           R"("tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"g"}})"),
       "m", "tool_choice"},
      {user(
           R"({"type":"text","text":"t"},{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}})"),
       "m", "messages[0].content[1]"},
      {user(R"({"type":"file","file":{"file_id":"file-1"}})"), "m", "messages[0].content[0]"},
      {user(R"({"type":"image_url","image_url":{"url":"ftp://x"}})"), "m",
       "messages[0].content[0]"},
      {user(R"({"type":"image_url","image_url":{"url":"data:image/bmp;base64,Qk0xMjM0"}})"), "m",
       "messages[0].content[0]"},
      {user(R"({"type":"image_url","image_url":{"url":"data:image/png;base64,!!!"}})"), "m",
       "messages[0].content[0]"},
      {user(R"({"type":"file","file":{"file_data":"data:application/zip;base64,UEsDBA=="}})"), "m",
       "messages[0].content[0]"},
      {user(R"({"type":"video_url","video_url":{"url":"v"}})"), "m", "messages[0].content[0]"},
      {talk(R"({"role":"user","content":""})"), "m", "messages"},
      {talk(two + R"({"role":"assistant","content":"So"})"), "claude-opus-4-6", "messages[1]"},
      {talk(two + R"({"role":"assistant","content":"So"})", R"("reasoning_effort":"low")"),
       "claude-sonnet-4-5", "messages[1]"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.body);
    const auto out = chat_to_anthropic(c.body, c.model);
    REQUIRE_FALSE(out.has_value());
    CHECK(out.error().code() == Code::kUnsupported);
    CHECK(out.error().http_status() == 400);
    CHECK(out.error().param() == c.param);
  }
  ChatRequest request;
  request.messages.emplace_back();
  request.messages[0].parts.emplace_back();
  request.messages[0].parts[0].text = "hi";
  request.reasoning_effort = "huge";  // rule 40
  CHECK(testing::to_anthropic(request, {}).error().param() == "reasoning_effort");
  // Rule 108: already the reader of the caller's dialect refuses it.
  CHECK_FALSE(chat_to_anthropic(with(R"("tools":[)" + tool("") + "]"), "m").has_value());
}

TEST_CASE("to Anthropic: capabilities of the configuration win over the table") {
  RequestEdits edits;
  const std::string image = user(R"({"type":"image_url","image_url":{"url":"https://x/y.png"}})");
  edits.capabilities.vision = false;
  CHECK(chat_to_anthropic(image, "m", edits).error().param() == "messages[0].content[0]");
  edits.capabilities.tools = false;
  CHECK(chat_to_anthropic(with(R"("tools":[)" + tool("f") + "]"), "m", edits).error().param() ==
        "tools");
  RequestEdits more;
  more.capabilities.sampling = true;
  more.capabilities.max_output_tokens = 99;
  more.capabilities.reasoning = true;
  const std::string body = body_or_error(
      chat_to_anthropic(with(R"("temperature":0.5,"max_tokens":100)"), "claude-opus-4-8", more));
  CHECK(at_path(body, "temperature") == "0.5");
  CHECK(at_path(body, "max_tokens") == "99");
  const std::string thinking =
      body_or_error(chat_to_anthropic(with(R"("reasoning_effort":"low")"), "claude-next", more));
  CHECK(at_path(thinking, "thinking.type") == R"("adaptive")");
}

TEST_CASE("to Anthropic: what is dropped is reported (WIRE 6.8)") {
  struct Case {
    std::string body;
    std::string model;
    std::string dropped;
  };
  const std::string hi = R"({"role":"user","content":"hi"})";
  const std::vector<Case> cases = {
      {with(""), "m", ""},
      {with(
           R"("temperature":null,"stop":null,"tools":null,"store":false,"metadata":{},"stream":false,"n":1,"modalities":["text"])"),
       "m", ""},
      {with(R"("seed":1,"presence_penalty":0.1,"frequency_penalty":0.2)"), "m",
       "presence_penalty frequency_penalty seed"},
      {with(
           R"("logit_bias":{"1":2},"logprobs":true,"store":true,"verbosity":"low","prediction":{"type":"content","content":"x"},"web_search_options":{"a":1})"),
       "m", "logit_bias logprobs store verbosity prediction web_search_options"},
      {with(R"("temperature":0.5,"top_k":3)"), "claude-opus-4-8", "temperature top_k"},
      {with(R"("temperature":1)"), "claude-opus-4-8", ""},
      {with(R"("stop":["a"," "])"), "m", "stop"},
      {with(R"("service_tier":"flex")"), "m", "service_tier"},
      {with(R"("max_completion_tokens":200000)"), "claude-opus-4-6", "max_completion_tokens"},
      {with(R"("tool_choice":"required","parallel_tool_calls":true)"), "m",
       "tool_choice parallel_tool_calls"},
      {with(R"("tools":[)" + tool("f") + R"(],"tool_choice":"required")"), "claude-opus-5-5",
       "tool_choice"},
      {with(R"("reasoning_effort":"high")"), "claude-3-haiku-20240307", "reasoning_effort"},
      {talk(R"({"role":"user","content":"hi","name":"n"})"), "m", "messages.name"},
      {user(R"({"type":"image_url","image_url":{"url":"https://x/y.png","detail":"high"}})"), "m",
       "messages.content.image_url.detail"},
      {talk(hi +
            R"(,{"role":"assistant","content":"a","reasoning_content":"hm","audio":{"id":"x"}},)" +
            hi),
       "m", "messages.audio messages.reasoning_content"},
      {user(
           R"({"type":"text","text":"1","cache_control":{"type":"ephemeral"}},{"type":"text","text":"2","cache_control":{"type":"ephemeral","ttl":"1h"}})"),
       "m", "cache_control.ttl"},
      {with(
           R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"array"}}})"),
       "m", "response_format"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.body);
    const auto out = chat_to_anthropic(c.body, c.model);
    REQUIRE_MESSAGE(out.has_value(), out.error().message());
    CHECK(testing::joined(out->dropped) == c.dropped);
  }
}

TEST_CASE("to Anthropic: the operator's edits apply to the encoded body") {
  RequestEdits edits;
  edits.set = {{"temperature", "0.25"}, {"speed", R"("fast")"}};
  edits.remove = {"stop_sequences", "metadata"};
  edits.system_prompt = "P";
  const std::string body = body_or_error(chat_to_anthropic(
      with(R"("stop":"x","user":"u","temperature":1)"), "claude-opus-4-8", edits));
  CHECK(testing::same_json(
      body,
      R"({"model":"claude-opus-4-8","max_tokens":128000,"system":"P","messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"temperature":0.25,"speed":"fast"})"));
}

TEST_CASE("to Anthropic: a prefill keeps no white space at its end (WIRE 6.1)") {
  const std::string body = body_or_error(chat_to_anthropic(
      talk(R"({"role":"user","content":"q"},{"role":"assistant","content":"So \n"})"),
      "claude-sonnet-4-5"));
  CHECK(at_path(body, "messages.1.content.0.text") == R"("So")");
}

// The JSON without white space; a text block alone as the bare string that says the same.
std::string compact(const json::Value& value) {
  if (value.is_object()) {
    std::string out = "{";
    for (const auto& member : value.members()) {
      if (out.size() > 1) out.push_back(',');
      const json::Value alone = member.value.at(0);
      const bool bare = member.key == "content" && member.value.size() == 1 && alone.size() == 2 &&
                        alone["text"].is_string();
      out.append("\"" + member.key + "\":" + compact(bare ? alone["text"] : member.value));
    }
    return out + "}";
  }
  if (value.is_array()) {
    std::string out = "[";
    for (const auto& item : value.items()) {
      if (out.size() > 1) out.push_back(',');
      out.append(compact(item));
    }
    return out + "]";
  }
  return std::string(value.raw());
}

TEST_CASE("corpus: the worked examples (WIRE 6.10)") {
  const auto root = testing::fixtures();
  if (root.empty()) return;
  struct Example {
    std::string name;
    std::string wanted;
    std::string model;
  };
  for (const Example& example :
       {Example{"01-tools.openai.json", "01-tools.anthropic.json", "claude-opus-4-6"},
        Example{"02-schema-effort.openai.json", "02-schema-effort.anthropic-adaptive.json",
                "claude-opus-4-8"},
        Example{"04-codex-like.chat.json", "04-codex-like.anthropic.json", "claude-opus-4-8"}}) {
    CAPTURE(example.name);
    const auto folder = root / "conversion-goldens" / "reference" / "requests";
    const auto wanted = json::Document::parse(testing::read_file(folder / example.wanted));
    const std::string chat = testing::read_file(folder / example.name);
    const auto got = json::Document::parse(body_or_error(chat_to_anthropic(chat, example.model)));
    REQUIRE(wanted);
    REQUIRE(got);
    std::string left = compact(wanted->root());
    std::string right = compact(got->root());
    // Newer models show their thoughts only when they are asked to, and callers of OpenAI's dialect
    // cannot ask: 6.5 leaves the display open.
    const std::string display = R"(,"display":"summarized")";
    if (const auto at = right.find(display); at != std::string::npos) {
      right.erase(at, display.size());
    }
    CAPTURE(left);
    CAPTURE(right);
    CHECK(testing::same_json(left, right));
  }
}

}  // namespace
}  // namespace llmorch
