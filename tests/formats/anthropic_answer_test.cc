// Anthropic's answers as Events (WIRE 2.3, 2.5, 6.7, 7.4), stream and whole, good and broken; and
// the watcher that passes the same answers on.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/anthropic_support.h"

namespace llmorch {
namespace {

using testing::as_events;
using testing::read_anthropic;
using testing::show;
using testing::watch_anthropic;

const std::string kStart =
    R"({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":4,"output_tokens":1}}})";
const std::string kStop = R"({"type":"message_stop"})";

std::string block(int index, const std::string& json) {
  return R"({"type":"content_block_start","index":)" + std::to_string(index) +
         R"(,"content_block":)" + json + "}";
}
std::string delta(int index, const std::string& json) {
  return R"({"type":"content_block_delta","index":)" + std::to_string(index) + R"(,"delta":)" +
         json + "}";
}
std::string stop(int index) {
  return R"({"type":"content_block_stop","index":)" + std::to_string(index) + "}";
}
std::string end(const std::string& reason, const std::string& usage = R"({"output_tokens":20})") {
  return R"({"type":"message_delta","delta":{"stop_reason":")" + reason +
         R"(","stop_sequence":null},"usage":)" + usage + "}";
}
std::string text(int index, const std::string& words) {
  return delta(index, R"({"type":"text_delta","text":")" + words + "\"}");
}
std::string input(int index, const std::string& quoted) {
  return delta(index, R"({"type":"input_json_delta","partial_json":)" + quoted + "}");
}
const std::string kText = R"({"type":"text","text":""})";

using Lines = std::vector<std::string>;

const std::string kBegin = "start msg_1 claude 0";
const std::string kUsage = "usage 10+4+3 1+0";
const std::string kUsageEnd = "usage 10+4+3 20+0";

TEST_CASE("from Anthropic: streams") {
  struct Case {
    std::string rule;
    Lines chunks;
    Lines events;
    AnswerHints hints = {};
  };
  AnswerHints json_tool;
  json_tool.json_tool = "json_tool_call";
  AnswerHints custom;
  custom.custom_tools = {"patch.it"};
  custom.tool_names = {{"patch_it_1", "patch.it"}};
  const std::vector<Case> cases = {
      {"text; ping and unknown events are skipped (2.5)",
       {kStart, R"({"type":"ping"})", block(0, kText), R"({"type":"new_thing"})", text(0, "a"),
        delta(0, R"({"type":"new_delta","x":1})"), text(0, ""), text(0, "b"), stop(0),
        end("end_turn"), kStop},
       {kBegin, kUsage, "open 0.0 text", R"(delta 0.0 "a")", R"(delta 0.0 "b")", "close 0.0",
        kUsageEnd, "finish 0 stop (end_turn)", "end"}},
      {"thinking, signature, sealed thinking (rule 34)",
       {kStart, block(0, R"({"type":"thinking","thinking":"","signature":""})"),
        delta(0, R"({"type":"thinking_delta","thinking":"hm"})"),
        delta(0, R"({"type":"signature_delta","signature":"S"})"), stop(0),
        block(1, R"({"type":"redacted_thinking","data":"D"})"), stop(1), block(2, kText),
        text(2, "x"), stop(2), end("end_turn"), kStop},
       {kBegin, kUsage, "open 0.0 reasoning", R"(delta 0.0 "hm")", R"(delta 0.0 "" signed S)",
        "close 0.0", "open 0.1 reasoning", "close 0.1", "open 0.2 text", R"(delta 0.2 "x")",
        "close 0.2", kUsageEnd, "finish 0 stop (end_turn)", "end"}},
      {"parallel calls, one without arguments (rules 1, 85, 90)",
       {kStart, block(0, R"({"type":"tool_use","id":"a","name":"f","input":{}})"),
        input(0, R"("")"), input(0, R"("{\"x\":")"), input(0, R"("1}")"), stop(0),
        block(1, R"({"type":"tool_use","id":"b","name":"g","input":{}})"), input(1, R"("")"),
        stop(1), end("tool_use"), kStop},
       {kBegin, kUsage, "open 0.0 call a f", R"(delta 0.0 "{\"x\":")", R"(delta 0.0 "1}")",
        "close 0.0", "open 0.1 call b g", R"(delta 0.1 "{}")", "close 0.1", kUsageEnd,
        "finish 0 tool_calls (tool_use)", "end"}},
      {"input in the start, no deltas (6.7)",
       {kStart, block(0, R"({"type":"tool_use","id":"a","name":"f","input":{"x":1}})"), stop(0),
        end("tool_use"), kStop},
       {kBegin, kUsage, "open 0.0 call a f", R"(delta 0.0 "{\"x\":1}")", "close 0.0", kUsageEnd,
        "finish 0 tool_calls (tool_use)", "end"}},
      {"a call cut by max_tokens (rules 4, 5)",
       {kStart, block(0, R"({"type":"tool_use","id":"a","name":"f","input":{}})"),
        input(0, R"("{\"x\":")"), end("max_tokens"), kStop},
       {kBegin, kUsage, "open 0.0 call a f", R"(delta 0.0 "{\"x\":")", kUsageEnd, "close 0.0",
        "finish 0 length (max_tokens)", "end"}},
      {"end_turn with calls, tool_use without (6.2)",
       {kStart, block(0, R"({"type":"tool_use","id":"a","name":"f","input":{}})"), stop(0),
        end("end_turn"), kStop},
       {kBegin, kUsage, "open 0.0 call a f", R"(delta 0.0 "{}")", "close 0.0", kUsageEnd,
        "finish 0 tool_calls (end_turn)", "end"}},
      {"a tool of ours that stands for the answer (6.1)",
       {kStart, block(0, R"({"type":"tool_use","id":"a","name":"json_tool_call","input":{}})"),
        input(0, R"("{\"x\":1}")"), stop(0), end("tool_use"), kStop},
       {kBegin, kUsage, "open 0.0 text", R"(delta 0.0 "{\"x\":1}")", "close 0.0", kUsageEnd,
        "finish 0 stop (tool_use)", "end"},
       json_tool},
      {"a custom tool, under the name it was asked by (rule 112)",
       {kStart, block(0, R"({"type":"tool_use","id":"a","name":"patch_it_1","input":{}})"),
        input(0, R"("{\"input\":\"a")"), input(0, R"("\\nb\"}")"), stop(0), end("tool_use"), kStop},
       {kBegin, kUsage, "open 0.0 call a patch.it custom", R"(delta 0.0 "a\nb")", "close 0.0",
        kUsageEnd, "finish 0 tool_calls (tool_use)", "end"},
       custom},
      {"server tools are nobody else's",
       {kStart, block(0, R"({"type":"server_tool_use","id":"s","name":"web_search","input":{}})"),
        input(0, R"("{\"q\":1}")"), stop(0), end("pause_turn"), kStop},
       {kBegin, kUsage, "open 0.0 opaque",
        R"(delta 0.0 "{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"q\\\":1}\"}\n")",
        "close 0.0", kUsageEnd, "finish 0 other (pause_turn)", "end"}},
      {"citations span their text, in characters of all text (6.2)",
       {kStart, block(0, kText), text(0, "\xC3\xA4"), stop(0),
        block(1, R"({"type":"text","text":"","citations":[]})"),
        delta(
            1,
            R"({"type":"citations_delta","citation":{"type":"web_search_result_location","url":"u","title":"t","cited_text":"c"}})"),
        text(1, "bcd"), stop(1), end("end_turn"), kStop},
       {kBegin, kUsage, "open 0.0 text", "delta 0.0 \"\xC3\xA4\"", "close 0.0", "open 0.1 text",
        R"(delta 0.1 "bcd")", "citation 0.1 u 1-4", "close 0.1", kUsageEnd,
        "finish 0 stop (end_turn)", "end"}},
      {"usage: later values replace, null does not (2.5; rules 7, 8)",
       {kStart, block(0, kText), text(0, "x"), stop(0),
        end("end_turn",
            R"({"input_tokens":61,"cache_read_input_tokens":null,"output_tokens":9,"output_tokens_details":{"thinking_tokens":4}})"),
        kStop},
       {kBegin, kUsage, "open 0.0 text", R"(delta 0.0 "x")", "close 0.0", "usage 61+4+3 5+4",
        "finish 0 stop (end_turn)", "end"}},
      {"missing usage and delta do not hurt (rule 6)",
       {R"({"type":"message_start","message":{"id":"msg_1","model":"claude","content":[]}})",
        block(0, kText), R"({"type":"content_block_delta","index":0})", text(0, "x"), stop(0),
        R"({"type":"message_delta"})", kStop},
       {kBegin, "open 0.0 text", R"(delta 0.0 "x")", "close 0.0", "finish 0 stop ()", "end"}},
      {"fields without a neutral meaning are kept",
       {kStart,
        block(0,
              R"({"type":"tool_use","id":"a","name":"f","input":{},"caller":{"type":"direct"}})"),
        stop(0),
        R"({"type":"message_delta","delta":{"stop_reason":"tool_use","container":{"id":"c"}},"usage":{"output_tokens":20},"context_management":{"x":1}})",
        kStop},
       {kBegin, kUsage, R"(extra 0 /content/0/caller {"type":"direct"})", "open 0.0 call a f",
        R"(delta 0.0 "{}")", "close 0.0", R"(extra -1 /container {"id":"c"})", kUsageEnd,
        R"(extra -1 /context_management {"x":1})", "finish 0 tool_calls (tool_use)", "end"}},
      {"a duplicate message_start is harmless (rule 10)",
       {kStart, kStart, block(0, kText), text(0, "x"), stop(0), end("end_turn"), kStop},
       {kBegin, kUsage, "open 0.0 text", R"(delta 0.0 "x")", "close 0.0", kUsageEnd,
        "finish 0 stop (end_turn)", "end"}},
      {"nothing is read after the end",
       {kStart, block(0, kText), text(0, "x"), stop(0), end("end_turn"), kStop, kStart,
        block(0, kText)},
       {kBegin, kUsage, "open 0.0 text", R"(delta 0.0 "x")", "close 0.0", kUsageEnd,
        "finish 0 stop (end_turn)", "end"}},
      {"a stop reason is enough of an end (7.4.3)",
       {kStart, block(0, kText), text(0, "x"), stop(0), end("stop_sequence")},
       {kBegin, kUsage, "open 0.0 text", R"(delta 0.0 "x")", "close 0.0", kUsageEnd,
        "finish 0 stop (stop_sequence)", "end"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.rule);
    AnswerOptions options;
    options.hints = c.hints;
    const std::string stream = as_events(c.chunks);
    CHECK(show(read_anthropic(stream, true, options)) == c.events);
    for (std::size_t cut = 1; cut < stream.size(); ++cut) {
      const bool same = show(read_anthropic(stream, true, options, cut)) == c.events;
      CHECK_MESSAGE(same, "cut at ", cut);
      if (!same) break;
    }
    const auto seen = watch_anthropic(stream, true);
    CHECK(seen.verdict == Verdict::kOk);
    CHECK(seen.close.ok());
    CHECK(seen.content);
  }
}

TEST_CASE("from Anthropic: the event's name stands in for a missing type (WIRE 2.5)") {
  const std::string stream = "event: message_start\ndata: " + kStart +
                             "\n\nevent: content_block_start\ndata: " + block(0, kText) +
                             "\n\nevent: content_block_delta\ndata: " + text(0, "x") +
                             "\n\nevent: message_delta\ndata: " + end("end_turn") +
                             "\n\nevent: message_stop\ndata: {}\n\n";
  CHECK(show(read_anthropic(stream, true)).back() == "end");
  CHECK(watch_anthropic(stream, true).done);
}

TEST_CASE("from Anthropic: refusals say why (WIRE 2.3, 6.2)") {
  const std::string details =
      R"({"type":"message_delta","delta":{"stop_reason":"refusal","stop_sequence":null,"stop_details":{"type":"refusal","category":"bio","explanation":"because"}},"usage":{"output_tokens":5}})";
  const auto events = read_anthropic(as_events({kStart, details, kStop}), true);
  const auto* finish = std::get_if<event::Finish>(&events[events.size() - 2]);
  REQUIRE(finish != nullptr);
  CHECK(finish->reason == FinishReason::kRefusal);
  CHECK(finish->explanation == "because");
}

TEST_CASE("from Anthropic: broken streams are errors, never a clean end (WIRE 7.4)") {
  struct Case {
    std::string rule;
    std::string stream;
    Verdict verdict;
    Code code;
  };
  const std::string opened = as_events({kStart, block(0, kText), text(0, "x")});
  const auto error = [](const std::string& type, const std::string& message) {
    return "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"" + type +
           "\",\"message\":\"" + message + "\"}}\n\n";
  };
  std::string other = kStart;
  other.replace(other.find("msg_1"), 5, "msg_2");
  const std::vector<Case> cases = {
      {"nothing", "", Verdict::kNetwork, Code::kNetwork},
      {"only pings", "event: ping\ndata: {\"type\":\"ping\"}\n\n", Verdict::kNetwork,
       Code::kNetwork},
      {"cut in the middle (rule 74)", opened, Verdict::kNetwork, Code::kNetwork},
      {"overloaded (rule 77)", as_events({kStart}) + error("overloaded_error", "Overloaded"),
       Verdict::kOverloaded, Code::kOverloaded},
      {"first event is an error (rule 75)", error("rate_limit_error", "slow down"),
       Verdict::kRateLimit, Code::kRateLimited},
      {"api_error", opened + error("api_error", "Internal server error"), Verdict::kServerError,
       Code::kUpstream},
      {"timeout", error("timeout_error", "too slow"), Verdict::kTimeout, Code::kTimeout},
      {"invalid request", error("invalid_request_error", "max_tokens: Field required"),
       Verdict::kInvalidRequest, Code::kInvalidArgument},
      {"context length", error("invalid_request_error", "prompt is too long: 3 > 2"),
       Verdict::kContextLength, Code::kContextLength},
      {"billing as invalid request (2.7)",
       error("invalid_request_error", "Your credit balance is too low to access the Anthropic API"),
       Verdict::kBilling, Code::kBilling},
      {"our key is at fault: the caller is not told", error("authentication_error", "bad key"),
       Verdict::kAuth, Code::kUpstream},
      {"an error without a type", "data: {\"error\":{\"message\":\"no\"}}\n\n",
       Verdict::kServerError, Code::kUpstream},
      {"spliced: another message begins (rule 10)", opened + as_events({other}),
       Verdict::kMalformed, Code::kProtocol},
      {"not JSON", opened + "event: content_block_delta\ndata: {\"type\n\n", Verdict::kMalformed,
       Code::kProtocol},
      {"not an object", as_events({kStart}) + "data: 5\n\n", Verdict::kMalformed, Code::kProtocol},
      {"content before the start", as_events({block(0, kText)}), Verdict::kMalformed,
       Code::kProtocol},
      {"an answer of nothing (rule 99)",
       as_events({kStart, end("end_turn", R"({"output_tokens":0})"), kStop}), Verdict::kMalformed,
       Code::kProtocol},
  };
  for (const Case& c : cases) {
    CAPTURE(c.rule);
    const auto events = read_anthropic(c.stream, true);
    REQUIRE_FALSE(events.empty());
    const auto* failed = std::get_if<event::Error>(&events.back());
    REQUIRE(failed != nullptr);
    CHECK(failed->verdict == c.verdict);
    CHECK(failed->status.code() == c.code);
    CHECK_FALSE(failed->status.message().empty());
    const auto seen = watch_anthropic(c.stream, true);
    CHECK_FALSE(seen.close.ok());
    if (c.verdict != Verdict::kNetwork) CHECK(seen.verdict == c.verdict);
    // What was passed on holds nothing of the failure.
    CHECK(seen.out.find("error") == std::string::npos);
    CHECK(seen.out.find("msg_2") == std::string::npos);
  }
}

TEST_CASE("from Anthropic: whole answers") {
  const auto message = [](const std::string& content, const std::string& reason,
                          const std::string& more = "") {
    return R"({"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[)" +
           content + R"(],"stop_reason":")" + reason + R"(","stop_sequence":null)" + more +
           R"(,"usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":4,"output_tokens":20}})";
  };
  struct Case {
    std::string body;
    Lines events;
  };
  const std::vector<Case> cases = {
      {message(R"({"type":"text","text":"hi"})", "end_turn"),
       {kBegin, kUsageEnd, "open 0.0 text", R"(delta 0.0 "hi")", "close 0.0",
        "finish 0 stop (end_turn)", "end"}},
      {message(
           R"({"type":"thinking","thinking":"hm","signature":"S"},{"type":"tool_use","id":"a","name":"f","input":{"x": 1.50}},{"type":"tool_use","id":"b","name":"g","input":{}})",
           "tool_use"),
       {kBegin, kUsageEnd, "open 0.0 reasoning", R"(delta 0.0 "hm")", R"(delta 0.0 "" signed S)",
        "close 0.0", "open 0.1 call a f", R"(delta 0.1 "{\"x\": 1.50}")", "close 0.1",
        "open 0.2 call b g", R"(delta 0.2 "{}")", "close 0.2", "finish 0 tool_calls (tool_use)",
        "end"}},
      {message("", "max_tokens", R"(,"container":{"id":"c"})"),
       {kBegin, kUsageEnd, R"(extra -1 /container {"id":"c"})", "finish 0 length (max_tokens)",
        "end"}},
      {R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})",
       {"error overloaded: Overloaded"}},
      {R"([{"error":{"message":"no"}}])", {"error server_error: no"}},
      {R"({"type":"message","id":"m"})",
       {"error malformed: the upstream's answer is not a message"}},
      {R"({"choices":[]})", {"error malformed: the upstream's answer is not a message"}},
      {"[]", {"error malformed: the upstream's answer is not a message"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.body);
    CHECK(show(read_anthropic(c.body, false)) == c.events);
    const auto seen = watch_anthropic(c.body, false);
    CHECK(seen.close.ok() == (c.events.back() == "end"));
    if (seen.close.ok()) {
      CHECK(seen.done);
      CHECK(seen.content);
      CHECK(seen.model == "claude");
      CHECK(seen.usage.output == 20);
      CHECK(seen.out == c.body);
    }
  }
  for (const std::string body : {"", "<html>", "{"}) {
    CHECK(show(read_anthropic(body, false)).back().find("error malformed") == 0);
    CHECK(watch_anthropic(body, false).verdict == Verdict::kMalformed);
  }
}

TEST_CASE("watching Anthropic: what commits, what is hidden, what is counted (WIRE 7.4.1)") {
  const auto codec_watch = [](const Lines& chunks) {
    return watch_anthropic(as_events(chunks), true);
  };
  CHECK_FALSE(codec_watch({kStart, R"({"type":"ping"})", block(0, kText)}).content);
  CHECK(codec_watch({kStart, block(0, kText), text(0, "x")}).content);
  CHECK(codec_watch({kStart, block(0, R"({"type":"tool_use","id":"a","name":"f","input":{}})")})
            .content);
  const auto all = codec_watch(
      {kStart, kStart, block(0, kText), text(0, "x"), stop(0), end("max_tokens"), kStop, kStart});
  CHECK(all.out ==
        as_events({kStart, block(0, kText), text(0, "x"), stop(0), end("max_tokens"), kStop}));
  CHECK(all.finish == FinishReason::kLength);
  CHECK(all.usage.input == 10);
  CHECK(all.usage.input_cache_read == 4);
  CHECK(all.usage.input_cache_write == 3);
  CHECK(all.usage.output == 20);
  CHECK(all.model == "claude");
  CHECK(all.done);
  CHECK(testing::at_path(all.raw_usage, "output_tokens") == "20");
  CHECK(testing::at_path(all.raw_usage, "input_tokens") == "10");
}

}  // namespace
}  // namespace llmorch
