// OpenAI chat answers to Events and back: every oddity of compatible servers (WIRE_FORMATS 1.5,
// 6.7, 7.4, 8), and what the official SDKs demand of our own output (1.6).
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/answers.h"

namespace llmorch {
namespace {

using testing::as_sse;
using testing::decode_stream;
using testing::decode_whole;
using testing::encode;
using testing::same_json;
using testing::show;

using Lines = std::vector<std::string>;

std::string chunk(const std::string& choices, const std::string& more = "") {
  return R"({"id":"i","object":"chat.completion.chunk","created":7,"model":"m","choices":[)" +
         choices + "]" + more + "}";
}
std::string choice(const std::string& delta, const std::string& finish = "null") {
  return R"({"index":0,"delta":)" + delta + R"(,"finish_reason":)" + finish + "}";
}
std::string call(const std::string& json) { return R"({"tool_calls":[)" + json + "]}"; }

const std::string kStop = choice("{}", "\"stop\"");
const std::string kCalls = choice("{}", "\"tool_calls\"");

struct Case {
  std::string rule;
  std::string sse;
  Lines events;  // without "start i m 7" and "end" where `framed`
  bool framed = true;
};

TEST_CASE("stream: what each oddity means") {
  const std::vector<Case> cases = {
      {"text",
       as_sse({chunk(choice(R"({"role":"assistant","content":""})")),
               chunk(choice(R"({"content":"a"})")), chunk(choice(R"({"content":"b"})")),
               chunk(kStop)}),
       {"open 0.0 text", "delta 0.0 \"a\"", "delta 0.0 \"b\"", "close 0.0",
        "finish 0 stop (stop)"}},
      {"content and finish in one chunk",
       as_sse({chunk(choice(R"({"content":"a"})", "\"length\""))}),
       {"open 0.0 text", "delta 0.0 \"a\"", "close 0.0", "finish 0 length (length)"}},
      {"no role, no DONE",
       as_sse({chunk(choice(R"({"content":"a"})")), chunk(kStop)}, false),
       {"open 0.0 text", "delta 0.0 \"a\"", "close 0.0", "finish 0 stop (stop)"}},
      {"empty finish is none, DONE without finish ends",
       as_sse({chunk(choice(R"({"content":"a"})", "\"\""))}),
       {"open 0.0 text", "delta 0.0 \"a\"", "close 0.0", "finish 0  ()"}},
      {"second finish ignored, late content kept",
       as_sse({chunk(choice(R"({"content":"a"})", "\"stop\"")),
               chunk(choice(R"({"content":"b"})", "\"length\""))}),
       {"open 0.0 text", "delta 0.0 \"a\"", "delta 0.0 \"b\"", "close 0.0",
        "finish 0 stop (stop)"}},
      {"after DONE nothing counts",
       as_sse({chunk(kStop)}) + as_sse({chunk(choice(R"({"content":"late"})"))}),
       {"finish 0 stop (stop)"}},
      {"null delta, null content, missing delta",
       as_sse({chunk(R"({"index":0,"delta":null})"), chunk(choice(R"({"content":null})")),
               chunk(R"({"index":0})"), chunk(kStop)}),
       {"finish 0 stop (stop)"}},
      {"missing index is the position",
       as_sse({chunk(R"({"delta":{"content":"a"}})"), chunk(kStop)}),
       {"open 0.0 text", "delta 0.0 \"a\"", "close 0.0", "finish 0 stop (stop)"}},
      {"both kinds of reasoning, then text",
       as_sse({chunk(choice(R"({"reasoning_content":"r","content":""})")),
               chunk(choice(R"({"reasoning":"s","content":null})")),
               chunk(choice(R"({"content":"t","reasoning_content":""})")), chunk(kStop)}),
       {"open 0.0 reasoning", "delta 0.0 \"r\"", "delta 0.0 \"s\"", "close 0.0", "open 0.1 text",
        "delta 0.1 \"t\"", "close 0.1", "finish 0 stop (stop)"}},
      {"the same reasoning under both names counts once",
       as_sse({chunk(choice(R"({"reasoning_content":"r","reasoning":"r"})")), chunk(kStop)}),
       {"open 0.0 reasoning", "delta 0.0 \"r\"", "close 0.0", "finish 0 stop (stop)"}},
      {"content as a list (Mistral)",
       as_sse(
           {chunk(choice(
                R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"r"}]},{"type":"text","text":"t"}]})")),
            chunk(kStop)}),
       {"open 0.0 reasoning", "delta 0.0 \"r\"", "close 0.0", "open 0.1 text", "delta 0.1 \"t\"",
        "close 0.1", "finish 0 stop (stop)"}},
      {"refusal",
       as_sse({chunk(choice(R"({"refusal":"no"})")), chunk(kStop)}),
       {"open 0.0 refusal", "delta 0.0 \"no\"", "close 0.0", "finish 0 stop (stop)"}},
      {"tool call in fragments, null and empty repeats of its identity",
       as_sse(
           {chunk(choice(call(
                R"({"index":0,"id":"c","type":"function","function":{"name":"f","arguments":""}})"))),
            chunk(choice(call(
                R"({"index":0,"id":null,"type":null,"function":{"name":null,"arguments":"{"}})"))),
            chunk(choice(call(
                R"({"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"}"}})"))),
            chunk(kCalls)}),
       {"open 0.0 call c f", "delta 0.0 \"{\"", "delta 0.0 \"}\"", "close 0.0",
        "finish 0 tool_calls (tool_calls)"}},
      {"two calls in one delta, fragments interleaved",
       as_sse(
           {chunk(choice(call(R"({"index":0,"id":"a","function":{"name":"f","arguments":"1"}},)"
                              R"({"index":1,"id":"b","function":{"name":"g","arguments":"2"}})"))),
            chunk(choice(call(R"({"index":1,"function":{"arguments":"3"}})"))),
            chunk(choice(call(R"({"index":0,"function":{"arguments":"4"}})"))), chunk(kCalls)}),
       {"open 0.0 call a f", "delta 0.0 \"1\"", "open 0.1 call b g", "delta 0.1 \"2\"",
        "delta 0.1 \"3\"", "delta 0.0 \"4\"", "close 0.0", "close 0.1",
        "finish 0 tool_calls (tool_calls)"}},
      {"a new id on a known index is a new call",
       as_sse(
           {chunk(choice(call(R"({"index":0,"id":"a","function":{"name":"f","arguments":"1"}})"))),
            chunk(choice(call(R"({"index":0,"id":"b","function":{"name":"g","arguments":"2"}})"))),
            chunk(choice(call(R"({"index":0,"function":{"arguments":"3"}})"))), chunk(kCalls)}),
       {"open 0.0 call a f", "delta 0.0 \"1\"", "open 0.1 call b g", "delta 0.1 \"2\"",
        "delta 0.1 \"3\"", "close 0.0", "close 0.1", "finish 0 tool_calls (tool_calls)"}},
      {"no index: by id, else the last call",
       as_sse({chunk(choice(call(R"({"id":"a","function":{"name":"f","arguments":"1"}})"))),
               chunk(choice(call(R"({"id":"b","function":{"name":"g","arguments":"2"}})"))),
               chunk(choice(call(R"({"function":{"arguments":"3"}})"))),
               chunk(choice(call(R"({"id":"a","function":{"arguments":"4"}})"))), chunk(kCalls)}),
       {"open 0.0 call a f", "delta 0.0 \"1\"", "open 0.1 call b g", "delta 0.1 \"2\"",
        "delta 0.1 \"3\"", "delta 0.0 \"4\"", "close 0.0", "close 0.1",
        "finish 0 tool_calls (tool_calls)"}},
      {"id and name in different chunks, arguments as an object, null function",
       as_sse({chunk(choice(call(R"({"index":0,"id":"a","type":"function","function":null})"))),
               chunk(choice(call(R"({"index":0,"function":{"name":"f","arguments":{"x":1}}})"))),
               chunk(kCalls)}),
       {"open 0.0 call a f", "delta 0.0 \"{\\\"x\\\":1}\"", "close 0.0",
        "finish 0 tool_calls (tool_calls)"}},
      {"text before and after a call",
       as_sse({chunk(choice(R"({"content":"t"})")),
               chunk(choice(call(R"({"index":0,"id":"a","function":{"name":"f"}})"))),
               chunk(choice(R"({"content":"u"})")), chunk(kCalls)}),
       {"open 0.0 text", "delta 0.0 \"t\"", "close 0.0", "open 0.1 call a f", "open 0.2 text",
        "delta 0.2 \"u\"", "close 0.1", "close 0.2", "finish 0 tool_calls (tool_calls)"}},
      {"custom tool",
       as_sse({chunk(choice(call(
                   R"({"index":0,"id":"a","type":"custom","custom":{"name":"f","input":"x"}})"))),
               chunk(choice(call(R"({"index":0,"custom":{"input":"y"}})"))), chunk(kCalls)}),
       {"open 0.0 call a f custom", "delta 0.0 \"x\"", "delta 0.0 \"y\"", "close 0.0",
        "finish 0 tool_calls (tool_calls)"}},
      {"extra fields of a call",
       as_sse({chunk(choice(call(
                   R"({"index":0,"id":"a","function":{"name":"f"},"extra_content":{"s":1}})"))),
               chunk(kCalls)}),
       {"open 0.0 call a f", "extra 0 /message/tool_calls/0/extra_content {\"s\":1}", "close 0.0",
        "finish 0 tool_calls (tool_calls)"}},
      {"two choices",
       as_sse({chunk(R"({"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}})"),
               chunk(R"({"index":1,"delta":{},"finish_reason":"length"})"), chunk(kStop)}),
       {"open 0.0 text", "delta 0.0 \"a\"", "open 1.0 text", "delta 1.0 \"b\"", "close 0.0",
        "finish 0 stop (stop)", "close 1.0", "finish 1 length (length)"}},
      {"usage on several chunks",
       as_sse(
           {chunk(choice(R"({"content":"a"})"),
                  R"(,"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4})"),
            chunk(kStop, R"(,"usage":null)"),
            chunk("", R"(,"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5})")}),
       {"open 0.0 text", "delta 0.0 \"a\"", "usage 3+0+0 1+0", "usage 3+0+0 2+0", "close 0.0",
        "finish 0 stop (stop)"}},
      {"x_groq usage counts once",
       as_sse({chunk(kStop, R"(,"x_groq":{"usage":{"prompt_tokens":3,"completion_tokens":2}})")}),
       {"usage 3+0+0 2+0",
        "extra -1 /x_groq {\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}",
        "finish 0 stop (stop)"}},
      {"logprobs",
       as_sse(
           {chunk(
                R"({"index":0,"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-0.10}],"refusal":null}})"),
            chunk(kStop)}),
       {"open 0.0 text", "delta 0.0 \"a\"",
        "logprobs 0 content [{\"token\":\"a\",\"logprob\":-0.10}]", "close 0.0",
        "finish 0 stop (stop)"}},
      {"unknown fields once, obfuscation never, comments and empty data skipped",
       ": PROCESSING\n\ndata: \n\n" +
           as_sse(
               {chunk(choice(R"({"audio":{"id":"x"}})"),
                      R"(,"service_tier":"flex","obfuscation":"zz")"),
                chunk(
                    R"({"index":0,"delta":{},"finish_reason":"stop","content_filter_results":{}})",
                    R"(,"service_tier":"flex")")}),
       {"extra 0 /message/audio {\"id\":\"x\"}", "extra -1 /service_tier \"flex\"",
        "extra 0 /content_filter_results {}", "finish 0 stop (stop)"}},
      {"error:null is no error",
       as_sse({chunk(kStop, R"(,"error":null)")}),
       {"finish 0 stop (stop)"}},
      // Azure: the first chunk fixes nothing.
      {"Azure first chunk",
       as_sse(
           {R"({"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[1]})",
            chunk(kStop)}),
       {"extra -1 /prompt_filter_results [1]", "start i m 7", "finish 0 stop (stop)", "end"},
       false},
      // Failures.
      {"error in a 200",
       as_sse({R"({"error":{"message":"boom","code":429}})"}),
       {"error rate_limit: boom"},
       false},
      {"error as a string", as_sse({R"({"error":"boom"})"}), {"error server_error: boom"}, false},
      {"error beside choices",
       as_sse({chunk(choice("{}"), R"(,"error":{"code":502,"message":"x"})")}),
       {"error server_error: x"},
       false},
      {"event name error",
       "event: error\ndata: {\"message\":\"x\"}\n\n",
       {"error server_error: x"},
       false},
      {"finish_reason error",
       as_sse({chunk(choice("{}", "\"error\""))}),
       {"start i m 7", "error server_error: the upstream ended the answer with an error"},
       false},
      {"not JSON",
       as_sse({"<html>"}),
       {"error malformed: an event of the upstream is not JSON: invalid JSON at line 1, column 1: "
        "expected a JSON value"},
       false},
      {"truncated",
       as_sse({chunk(choice(R"({"content":"a"})"))}, false),
       {"start i m 7", "open 0.0 text", "delta 0.0 \"a\"",
        "error network: the upstream closed the stream before the answer was complete"},
       false},
      {"one choice unfinished",
       as_sse({chunk(kStop), chunk(R"({"index":1,"delta":{"content":"b"}})")}, false),
       {"start i m 7", "open 1.0 text", "delta 1.0 \"b\"",
        "error network: the upstream closed the stream before the answer was complete"},
       false},
      {"empty",
       "",
       {"error network: the upstream closed the stream before the answer was complete"},
       false},
      {"DONE only",
       "data: [DONE]\n\n",
       {"error malformed: the upstream's answer has no choices"},
       false},
      {"choice out of range",
       as_sse({chunk(R"({"index":128,"delta":{}})")}),
       {"start i m 7", "error malformed: the upstream numbered a choice out of range"},
       false},
      {"nothing after an error",
       as_sse({R"({"error":"boom"})", chunk(kStop)}),
       {"error server_error: boom"},
       false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.rule);
    Lines wanted = c.events;
    if (c.framed) {
      wanted.insert(wanted.begin(), "start i m 7");
      wanted.push_back("end");
    }
    CHECK(show(decode_stream(c.sse)) == wanted);
  }
}

TEST_CASE("calls without an id get one: the same for the same answer, another in the next turn") {
  const std::string old = choice(R"({"function_call":{"name":"f","arguments":""}})");
  const std::string more = choice(R"({"function_call":{"arguments":"{}"}})", "\"function_call\"");
  const auto id_of = [](const std::vector<Event>& events) {
    for (const Event& event : events) {
      if (const auto* part = std::get_if<event::PartStart>(&event)) return part->id;
    }
    return std::string();
  };
  const auto events = decode_stream(as_sse({chunk(old), chunk(more)}));
  const std::string id = id_of(events);
  CHECK(id.size() == 29);
  CHECK(id.rfind("call_", 0) == 0);
  CHECK(show(events) == Lines{"start i m 7", "open 0.0 call " + id + " f", "delta 0.0 \"{}\"",
                              "close 0.0", "finish 0 tool_calls (function_call)", "end"});
  CHECK(id_of(decode_stream(as_sse({chunk(old), chunk(more)}))) == id);
  std::string other = as_sse({chunk(old), chunk(more)});
  other.replace(other.find("\"id\":\"i\""), 8, "\"id\":\"j\"");
  CHECK(id_of(decode_stream(other)) != id);
  const std::string two =
      as_sse({chunk(choice(call(R"({"function":{"name":"f"}},{"function":{"name":"g"}})"))),
              chunk(kCalls)});
  const Lines seen = show(decode_stream(two));
  CHECK(seen[1] != seen[2]);
}

TEST_CASE("usage: disjoint classes whatever the vendor counts (WIRE_FORMATS 6.2)") {
  struct Row {
    std::string usage;
    std::string shown;
  };
  const std::vector<Row> rows = {
      {R"({"prompt_tokens":10,"completion_tokens":5,"total_tokens":15})", "usage 10+0+0 5+0"},
      {R"({"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":3},"completion_tokens_details":{"reasoning_tokens":2}})",
       "usage 3+4+3 3+2"},
      {R"({"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":null,"completion_tokens_details":{"reasoning_tokens":null}})",
       "usage 10+0+0 5+0"},
      {R"({"prompt_tokens":12,"completion_tokens":2,"total_tokens":354,"completion_tokens_details":{"reasoning_tokens":340}})",
       "usage 12+0+0 2+340"},
      {R"({"prompt_tokens":12,"completion_tokens":2,"total_tokens":14,"completion_tokens_details":{"reasoning_tokens":340}})",
       "usage 12+0+0 0+2"},
      {R"({"prompt_tokens":10,"completion_tokens":1,"prompt_cache_hit_tokens":8,"prompt_cache_miss_tokens":2})",
       "usage 2+8+0 1+0"},
      {R"({"prompt_tokens":10,"completion_tokens":1,"cached_tokens":6})", "usage 4+6+0 1+0"},
      {R"({"prompt_tokens":1,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":9}})",
       "usage 0+1+0 1+0"},
      {R"({"prompt_tokens":-5,"completion_tokens":1})", "usage 0+0+0 1+0"},
      {R"({"completion_tokens":1e3})", "usage 0+0+0 1000+0"},
      {R"({})", ""},
      {R"({"prompt_tokens":null})", ""},
      {R"({"prompt_tokens":"7"})", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.usage);
    const Lines seen = show(decode_stream(as_sse({chunk(kStop, ",\"usage\":" + row.usage)})));
    CHECK(seen[1] == (row.shown.empty() ? "finish 0 stop (stop)" : row.shown));
  }
}

TEST_CASE("whole: one body is a stream that arrived at once") {
  const std::vector<Case> cases = {
      {"text, refusal null",
       R"({"id":"i","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3},"system_fingerprint":"f"})",
       {"open 0.0 text", "delta 0.0 \"a\"", "usage 1+0+0 2+0", "extra -1 /system_fingerprint \"f\"",
        "close 0.0", "finish 0 stop (stop)"}},
      {"empty content is content, null is none",
       R"({"id":"i","created":7,"model":"m","choices":[{"message":{"content":""},"finish_reason":"stop"},{"message":{"content":null},"finish_reason":"stop"},{"message":null,"finish_reason":null}]})",
       {"open 0.0 text", "close 0.0", "finish 0 stop (stop)", "finish 1 stop (stop)",
        "finish 2  ()"}},
      {"calls, one without arguments, without index",
       R"({"id":"i","created":7,"model":"m","choices":[{"message":{"content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"g"}},{"id":"b","function":null}]},"finish_reason":"tool_calls"}]})",
       {"open 0.0 call a f", "delta 0.0 \"{}\"", "open 0.1 call b g", "open 0.2 call b ",
        "close 0.0", "close 0.1", "close 0.2", "finish 0 tool_calls (tool_calls)"}},
      {"no choices",
       R"({"id":"c","choices":[]})",
       {"error malformed: the upstream's answer has no choices"},
       false},
      {"no choices key",
       R"({"id":"c"})",
       {"error malformed: the upstream's answer has no choices"},
       false},
      {"error",
       R"({"error":{"message":"m","type":"invalid_request_error"}})",
       {"error invalid_request: m"},
       false},
      {"error in a list",
       R"([{"error":{"message":"m","code":503}}])",
       {"error overloaded: m"},
       false},
      {"error null",
       R"({"id":"i","created":7,"model":"m","error":null,"choices":[{"message":{},"finish_reason":"stop"}]})",
       {"finish 0 stop (stop)"}},
      {"a list", "[1]", {"error malformed: the upstream's answer has no choices"}, false},
      {"web page",
       "<html></html>",
       {"error malformed: the upstream's answer is not JSON: invalid JSON at line 1, column 1: "
        "expected a JSON value"},
       false},
      {"nothing",
       "",
       {"error malformed: the upstream's answer is not JSON: invalid JSON at line 1, column 1: the "
        "text is empty"},
       false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.rule);
    Lines wanted = c.events;
    if (c.framed) {
      wanted.insert(wanted.begin(), "start i m 7");
      wanted.push_back("end");
    }
    CHECK(show(decode_whole(c.sse)) == wanted);
  }
}

std::vector<Event> sample() {
  event::PartStart tool;
  tool.part = 1;
  tool.kind = PartKind::kToolCall;
  tool.id = "c";
  tool.name = "f";
  return {event::Start{"i", "m", 7},
          event::PartStart{},
          event::PartDelta{0, 0, "a\"", ""},
          event::Logprobs{0, "content", "[1]"},
          event::PartEnd{0, 0},
          tool,
          event::PartDelta{0, 1, "", ""},
          event::PartEnd{0, 1},
          event::ExtraField{-1, {"/service_tier", "\"flex\""}},
          event::UsageUpdate{{10, 2, 0, 3, 1}, ""},
          event::Finish{0, FinishReason::kToolCalls, "tool_use", "", ""},
          event::End{}};
}

TEST_CASE("encoder: chunks are exactly what the SDKs demand") {
  const std::string head =
      R"({"id":"i","object":"chat.completion.chunk","created":7,"model":"m","choices":[)";
  const Lines wanted = {
      R"({"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}])",
      R"({"index":0,"delta":{"content":"a\""},"finish_reason":null}])",
      R"({"index":0,"delta":{},"logprobs":{"content":[1],"refusal":null},"finish_reason":null}])",
      R"({"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":""}}]},"finish_reason":null}])",
      R"({"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]},"finish_reason":null}])",
      R"({"index":0,"delta":{},"finish_reason":"tool_calls"}])",
  };
  for (const bool hide : {false, true}) {
    CAPTURE(hide);
    std::string expected;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      expected += "data: " + head + wanted[i] + (hide ? "" : R"(,"usage":null)");
      if (i + 1 == wanted.size()) expected += R"(,"service_tier":"flex")";
      expected += "}\n\n";
    }
    if (!hide) {
      expected += "data: " + head +
                  R"(],"usage":{"prompt_tokens":12,"completion_tokens":4,"total_tokens":16,)"
                  R"("prompt_tokens_details":{"cached_tokens":2},)"
                  R"("completion_tokens_details":{"reasoning_tokens":1}}})"
                  "\n\n";
    }
    expected += "data: [DONE]\n\n";
    CHECK(encode(sample(), true, hide) == expected);
  }
}

TEST_CASE("encoder: a whole completion has both content and refusal, and nothing twice") {
  CHECK(same_json(
      encode(sample(), false),
      R"({"id":"i","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a\"","refusal":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},"logprobs":{"content":[1],"refusal":null},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":12,"completion_tokens":4,"total_tokens":16,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":1}},"service_tier":"flex"})"));
  CHECK(same_json(
      encode({event::Start{}, event::End{}}, false),
      R"({"id":"chatcmpl-test","object":"chat.completion","created":0,"model":"","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null},"logprobs":null,"finish_reason":"stop"}]})"));
}

TEST_CASE("encoder: edges of a stream") {
  SUBCASE("an error is the last thing, without DONE") {
    const std::string out = encode(
        {event::Start{"i", "m", 7},
         event::Error{Verdict::kOverloaded, Status(Code::kOverloaded, "busy")}, event::End{}},
        true);
    CHECK(out ==
          "data: {\"error\":{\"message\":\"busy\",\"type\":\"server_error\",\"param\":null,"
          "\"code\":\"overloaded\"}}\n\n");
  }
  SUBCASE("choice 0 comes first even if choice 1 begins") {
    event::PartStart second;
    second.choice = 1;
    const std::string out = encode({event::Start{"i", "m", 7}, second, event::End{}}, true, true);
    CHECK(out.find("\"index\":0") < out.find("\"index\":1"));
    CHECK(out.find(R"("index":1,"delta":{},"finish_reason":"stop")") != std::string::npos);
  }
  SUBCASE("every choice gets a finish reason, calls the right one") {
    event::PartStart tool;
    tool.kind = PartKind::kToolCall;
    const std::string out = encode({event::Start{"i", "m", 7}, tool, event::End{}}, true, true);
    CHECK(out.find(R"("finish_reason":"tool_calls")") != std::string::npos);
  }
  SUBCASE("extras: never an error key; messages' own go into the delta") {
    const std::string out =
        encode({event::Start{"i", "m", 7}, event::ExtraField{-1, {"/error", "null"}},
                event::ExtraField{0, {"/message/audio", "{\"id\":1}"}},
                event::ExtraField{0, {"/native_finish_reason", "\"x\""}},
                event::ExtraField{0, {"/message/tool_calls/0/x", "1"}},
                event::Finish{0, FinishReason::kStop, "stop", "", ""}, event::End{}},
               true, true);
    CHECK(out.find("\"error\"") == std::string::npos);
    CHECK(out.find(R"("delta":{"audio":{"id":1}})") != std::string::npos);
    CHECK(out.find(R"("delta":{},"native_finish_reason":"x")") != std::string::npos);
    CHECK(out.find(R"({"tool_calls":[{"index":0,"x":1}]})") != std::string::npos);
  }
  SUBCASE("JSON that came in several lines leaves in one") {
    const std::string out =
        encode({event::Start{"i", "m", 7}, event::Logprobs{0, "content", "[\n1\r\n]"},
                event::ExtraField{-1, {"/x", "{\n\"a\":\r1}"}},
                event::UsageUpdate{
                    {}, "{\n\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2}"},
                event::End{}},
               true);
    for (const Event& event : decode_stream(out)) {
      CHECK_FALSE(std::holds_alternative<event::Error>(event));
    }
    CHECK(out.find('\r') == std::string::npos);
  }
  SUBCASE("finish words: the unknown is never length or content_filter") {
    for (const auto& [reason, word] : std::vector<std::pair<FinishReason, std::string>>{
             {FinishReason::kNone, "stop"},
             {FinishReason::kStop, "stop"},
             {FinishReason::kLength, "length"},
             {FinishReason::kContentFilter, "content_filter"},
             {FinishReason::kRefusal, "content_filter"},
             {FinishReason::kOther, "stop"}}) {
      const std::string out =
          encode({event::Finish{0, reason, "", "", ""}, event::End{}}, true, true);
      CHECK(out.find("\"finish_reason\":\"" + word + "\"") != std::string::npos);
    }
  }
}

TEST_CASE("stream and whole are converted into each other") {
  const std::string sse = as_sse(
      {chunk(choice(R"({"role":"assistant","content":"a"})"), R"(,"service_tier":"flex")"),
       chunk(choice(R"({"content":"b","audio":{"id":"x","data":"AA"}})")),
       chunk(choice(R"({"audio":{"data":"BB","expires_at":9}})")),
       chunk(choice(call(
           R"({"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{"},"extra":{"k":1}})"))),
       chunk(choice(call(R"({"index":0,"function":{"arguments":"}"}})"))), chunk(kCalls),
       chunk(
           "",
           R"(,"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"cost":0.10})")});
  const std::string whole =
      R"({"id":"i","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"ab","refusal":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"},"extra":{"k":1}}],"audio":{"id":"x","data":"AABB","expires_at":9}},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"cost":0.10},"service_tier":"flex"})";
  const std::string folded = encode(decode_stream(sse), false);
  CAPTURE(folded);
  CHECK(same_json(folded, whole));
  const std::string again = encode(decode_stream(encode(decode_whole(whole), true)), false);
  CAPTURE(again);
  CHECK(same_json(again, whole));
}

TEST_CASE("errors, heartbeat and models in OpenAI's shape") {
  const FormatCodec& codec = *find_format(Format::kOpenAiChat);
  struct Row {
    Status status;
    std::string body;
  };
  const std::vector<Row> rows = {
      {Status(Code::kInvalidArgument, "bad \"x\""),
       R"({"error":{"message":"bad \"x\"","type":"invalid_request_error","param":null,"code":null}})"},
      {Status(Code::kInvalidArgument, "bad").with_reason("invalid_type").with_param("model"),
       R"({"error":{"message":"bad","type":"invalid_request_error","param":"model","code":"invalid_type"}})"},
      {Status(Code::kNotFound, "m").with_reason("model_not_found"),
       R"({"error":{"message":"m","type":"invalid_request_error","param":null,"code":"model_not_found"}})"},
      {Status(Code::kAuth, "m"),
       R"({"error":{"message":"m","type":"authentication_error","param":null,"code":"invalid_api_key"}})"},
      {Status(Code::kRateLimited, "m"),
       R"({"error":{"message":"m","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}})"},
      {Status(Code::kBilling, "m"),
       R"({"error":{"message":"m","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})"},
      {Status(Code::kTimeout, "m"),
       R"({"error":{"message":"m","type":"server_error","param":null,"code":"timeout"}})"},
  };
  for (const Row& row : rows) {
    CHECK(codec.error_body(row.status, "id") == row.body);
    CHECK(codec.error_frame(row.status, "id") == "data: " + row.body + "\n\n");
  }
  CHECK(codec.heartbeat() == ": heartbeat\n\n");
  CHECK(codec.content_type(true) == "text/event-stream");
  CHECK(codec.content_type(false) == "application/json");
  CHECK(codec.model_list({}) == R"({"object":"list","data":[]})");
  CHECK(
      codec.model_list({"a\"", "b"}) ==
      R"({"object":"list","data":[{"id":"a\"","object":"model","created":0,"owned_by":"llmorch"},{"id":"b","object":"model","created":0,"owned_by":"llmorch"}]})");
  CHECK(find_format(Format::kBedrockConverse) == nullptr);
}

}  // namespace
}  // namespace llmorch
