// Gemini's answers as Events (WIRE_FORMATS 3.4, 3.5, 6.7).
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "formats/accumulator.h"
#include "formats/answers.h"
#include "formats/gemini_support.h"

namespace llmorch {
namespace {

using testing::gemini_stream;
using testing::gemini_whole;
using testing::shown;

// `parts` and what follows them in a candidate.
std::string chunk(const std::string& parts, const std::string& more = "") {
  return R"({"candidates":[{"content":{"role":"model","parts":[)" + parts + "]}" + more +
         R"(}],"modelVersion":"g","responseId":"r"})";
}
std::string sse(const std::vector<std::string>& chunks) {
  std::string out;
  for (const std::string& one : chunks) out.append("data: ").append(one).append("\r\n\r\n");
  return out;
}
const std::string kStop = R"(,"finishReason":"STOP")";
const std::string kEnd = chunk(R"({"text":""})", kStop);

struct Case {
  std::string rule;
  std::vector<std::string> chunks;
  std::vector<std::string> events;  // after the start
};

void run(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    CAPTURE(one.rule);
    std::vector<std::string> wanted = {"start r g 0"};
    wanted.insert(wanted.end(), one.events.begin(), one.events.end());
    CHECK(shown(gemini_stream(sse(one.chunks))) == wanted);
  }
}

TEST_CASE("gemini answer: streams") {
  run({
      {"text",
       {chunk(R"({"text":"a"})"), chunk(R"({"text":"b"})", kStop)},
       {"open 0.0 text", "delta 0.0 \"ab\"", "close 0.0", "finish 0 stop (STOP)", "end"}},
      {"rule 54: STOP in every chunk ends once, at the end; rule 55: nothing is swallowed",
       {chunk(R"({"text":"a"})", kStop), chunk(R"({"text":"b"})", kStop)},
       {"open 0.0 text", "delta 0.0 \"ab\"", "close 0.0", "finish 0 stop (STOP)", "end"}},
      {"rules 53 and 94: calls one per chunk, then a chunk with STOP alone",
       {chunk(R"({"functionCall":{"name":"f","args":{"a": 1.0}}})"),
        chunk(R"({"functionCall":{"name":"f","id":"i"},"thoughtSignature":"S"})"), kEnd},
       {"open 0.0 call <made> f", "delta 0.0 \"{\\\"a\\\":1.0}\"", "close 0.0", "open 0.1 call i f",
        "delta 0.1 \"{}\" signed S", "close 0.1", "finish 0 tool_calls (STOP)", "end"}},
      {"rule 57: MAX_TOKENS wins over calls",
       {chunk(R"({"functionCall":{"name":"f","args":{}}})", R"(,"finishReason":"MAX_TOKENS")")},
       {"open 0.0 call <made> f", "delta 0.0 \"{}\"", "close 0.0", "finish 0 length (MAX_TOKENS)",
        "end"}},
      {"thoughts, and a signature on an empty text (rule 47)",
       {chunk(R"({"text":"t","thought":true})"), chunk(R"({"text":"a"})"),
        chunk(R"({"text":"","thoughtSignature":"S"})", kStop)},
       {"open 0.0 reasoning", "delta 0.0 \"t\"", "close 0.0", "open 0.1 text",
        "delta 0.1 \"a\" signed S", "close 0.1", "finish 0 stop (STOP)", "end"}},
      {"a signature covers its own part only",
       {chunk(R"({"text":"a","thoughtSignature":"S"},{"text":"b"})", kStop)},
       {"open 0.0 text", "delta 0.0 \"a\" signed S", "close 0.0", "open 0.1 text",
        "delta 0.1 \"b\"", "close 0.1", "finish 0 stop (STOP)", "end"}},
      {"CONTINUATION is a length",
       {chunk(R"({"text":"a"})", R"(,"finishReason":"CONTINUATION")")},
       {"open 0.0 text", "delta 0.0 \"a\"", "close 0.0", "finish 0 length (CONTINUATION)", "end"}},
      {"partial arguments",
       {chunk(R"({"functionCall":{"name":"f","willContinue":true},"thoughtSignature":"S"})"),
        chunk(
            R"({"functionCall":{"partialArgs":[{"jsonPath":"$.a.b[0].c","stringValue":"x","willContinue":true}],"willContinue":true}})"),
        chunk(
            R"({"functionCall":{"partialArgs":[{"jsonPath":"$.a.b[0].c","stringValue":"y"},{"jsonPath":"$.n","numberValue":0.50},{"jsonPath":"$['k l']","boolValue":true},{"jsonPath":"$.z","nullValue":"NULL_VALUE"}],"willContinue":true}})"),
        chunk(R"({"functionCall":{}})"), kEnd},
       {"open 0.0 call <made> f",
        "delta 0.0 \"{\\\"a\\\":{\\\"b\\\":[{\\\"c\\\":\\\"xy\\\"}]},\\\"n\\\":0.50,\\\"k "
        "l\\\":true,\\\"z\\\":null}\" signed S",
        "close 0.0", "finish 0 tool_calls (STOP)", "end"}},
      {"partial arguments without an end, before another call",
       {chunk(R"({"functionCall":{"name":"f","willContinue":true}})"),
        chunk(
            R"({"functionCall":{"partialArgs":[{"jsonPath":"$.a","stringValue":"x"}],"willContinue":true}})"),
        chunk(R"({"functionCall":{"name":"g","willContinue":true}})"), kEnd},
       {"open 0.0 call <made> f", "delta 0.0 \"{\\\"a\\\":\\\"x\\\"}\"", "close 0.0",
        "open 0.1 call <made> g", "delta 0.1 \"{}\"", "close 0.1", "finish 0 tool_calls (STOP)",
        "end"}},
      {"several candidates; index 0 is left out",
       {R"({"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"},{"index":1,"content":{"parts":[{"text":"b"}]},"finishReason":"SAFETY"}],"modelVersion":"g","responseId":"r"})"},
       {"open 0.0 text", "delta 0.0 \"a\"", "open 1.0 text", "delta 1.0 \"b\"", "close 0.0",
        "finish 0 stop (STOP)", "close 1.0", "finish 1 content_filter (SAFETY)", "end"}},
      {"other parts are kept as they stand",
       {chunk(R"({"executableCode":{"language":"PYTHON","code":"1"}})", kStop)},
       {"open 0.0 opaque", "close 0.0", "finish 0 stop (STOP)", "end"}},
      {"pictures and sounds",
       {chunk(
           R"({"inlineData":{"mimeType":"image/png","data":"AAAA"}},{"inline_data":{"mime_type":"audio/wav","data":"BBBB"}})",
           kStop)},
       {"open 0.0 image", "delta 0.0 \"AAAA\"", "close 0.0", "open 0.1 audio", "delta 0.1 \"BBBB\"",
        "close 0.1", "finish 0 stop (STOP)", "end"}},
      {"an end marker of others is nothing",
       {chunk(R"({"text":"a"})", kStop), "[DONE]"},
       {"open 0.0 text", "delta 0.0 \"a\"", "close 0.0", "finish 0 stop (STOP)", "end"}},
      {"a blocked prompt",
       {R"({"promptFeedback":{"blockReason":"SAFETY"},"modelVersion":"g","responseId":"r"})"},
       {"extra -1 /promptFeedback {\"blockReason\":\"SAFETY\"}", "finish 0 content_filter (SAFETY)",
        "end"}},
      {"rule 57: nothing but MAX_TOKENS is an answer",
       {R"({"candidates":[{"content":{"role":"model"},"finishReason":"MAX_TOKENS"}],"modelVersion":"g","responseId":"r"})"},
       {"finish 0 length (MAX_TOKENS)", "end"}},
  });
}

TEST_CASE("gemini answer: finish reasons (WIRE 6.2; rules 56 and 136)") {
  struct Word {
    std::string word;
    FinishReason reason;
  };
  for (const Word& one : std::vector<Word>{
           {"STOP", FinishReason::kStop},
           {"MAX_TOKENS", FinishReason::kLength},
           {"CONTINUATION", FinishReason::kLength},
           {"SAFETY", FinishReason::kContentFilter},
           {"RECITATION", FinishReason::kContentFilter},
           {"LANGUAGE", FinishReason::kContentFilter},
           {"BLOCKLIST", FinishReason::kContentFilter},
           {"PROHIBITED_CONTENT", FinishReason::kContentFilter},
           {"SPII", FinishReason::kContentFilter},
           {"MODEL_ARMOR", FinishReason::kContentFilter},
           {"IMAGE_SAFETY", FinishReason::kContentFilter},
           {"IMAGE_RECITATION", FinishReason::kContentFilter},
           {"IMAGE_OTHER", FinishReason::kContentFilter},
           {"IMAGE_PROHIBITED_CONTENT", FinishReason::kContentFilter},
           {"NO_IMAGE", FinishReason::kOther},
           {"OTHER", FinishReason::kOther},
           {"MALFORMED_FUNCTION_CALL", FinishReason::kOther},
           {"UNEXPECTED_TOOL_CALL", FinishReason::kOther},
           {"TOO_MANY_TOOL_CALLS", FinishReason::kOther},
           {"MALFORMED_RESPONSE", FinishReason::kOther},
           {"SOMETHING_NEW", FinishReason::kOther},
       }) {
    CAPTURE(one.word);
    const auto events =
        gemini_whole(chunk(R"({"text":"a"})", ",\"finishReason\":\"" + one.word + "\""));
    Accumulator fold;
    for (const Event& event : events) fold.add(event);
    REQUIRE(fold.answer().complete);
    CHECK(finish_reason_name(fold.answer().choices.at(0).finish) == finish_reason_name(one.reason));
  }
}

TEST_CASE("gemini answer: failures are errors, never a clean end (WIRE 6.7, 7.4)") {
  struct Failure {
    std::string rule;
    std::string text;
    bool stream;
    Verdict verdict;
  };
  const std::string busy =
      R"({"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}})";
  for (
      const Failure& one : std::vector<Failure>{
          {"truncated", sse({chunk(R"({"text":"a"})")}), true, Verdict::kNetwork},
          {"nothing at all", "", true, Verdict::kNetwork},
          {"one candidate of two",
           sse({R"({"candidates":[{"finishReason":"STOP","content":{"parts":[{"text":"a"}]}},{"index":1,"content":{"parts":[{"text":"b"}]}}]})"}),
           true, Verdict::kNetwork},
          {"rule 95: an error in an event", sse({chunk(R"({"text":"a"})"), busy}), true,
           Verdict::kOverloaded},
          {"rule 96: an error without framing", sse({chunk(R"({"text":"a"})")}) + busy, true,
           Verdict::kOverloaded},
          {"rule 96: in a list, with blank lines",
           sse({chunk(R"({"text":"a"})")}) + "[{\n\n\"error\":{\n\n\"code\":429,\"message\":\"m\","
                                             "\"status\":\"RESOURCE_EXHAUSTED\"}}\n\n]\n",
           true, Verdict::kRateLimit},
          {"half an unframed error", sse({chunk(R"({"text":"a"})")}) + "{\"error\":{", true,
           Verdict::kMalformed},
          {"an error in a 200 body", busy, false, Verdict::kOverloaded},
          {"an error in a list", "[" + busy + "]", false, Verdict::kOverloaded},
          {"rule 95: an error later in a list", "[" + chunk(R"({"text":"a"})") + "," + busy + "]",
           false, Verdict::kOverloaded},
          {"a wrong key",
           R"({"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}})",
           false, Verdict::kAuth},
          {"no JSON", "<html>", false, Verdict::kMalformed},
          {"no object", "3", false, Verdict::kMalformed},
          {"no candidates", "{}", false, Verdict::kMalformed},
          {"a list that ends early", "[" + chunk(R"({"text":"a"})") + "]", false,
           Verdict::kNetwork},
          {"rule 99: ended well, with nothing",
           R"({"candidates":[{"content":{},"finishReason":"STOP"}]})", false,
           Verdict::kServerError},
          {"nothing but a malformed call",
           R"({"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL","finishMessage":"m"}]})",
           false, Verdict::kServerError},
          {"no such candidate", R"({"candidates":[{"index":999,"finishReason":"STOP"}]})", false,
           Verdict::kMalformed},
          {"a piece without a place",
           sse({chunk(
               R"({"functionCall":{"name":"f","willContinue":true,"partialArgs":[{"jsonPath":"a","stringValue":"x"}]}})")}),
           true, Verdict::kMalformed},
      }) {
    CAPTURE(one.rule);
    const auto events = one.stream ? gemini_stream(one.text) : gemini_whole(one.text);
    REQUIRE_FALSE(events.empty());
    const auto* error = std::get_if<event::Error>(&events.back());
    REQUIRE(error != nullptr);
    CHECK(verdict_name(error->verdict) == verdict_name(one.verdict));
    CHECK_FALSE(error->status.message().empty());
    const auto seen = testing::watch_gemini(one.text, one.stream);
    if (one.rule != "a piece without a place") {  // only who puts them together knows
      CHECK((seen.verdict != Verdict::kOk || !seen.close.ok()));
    }
  }
}

TEST_CASE("gemini answer: usage in disjoint classes, the last counter wins (WIRE 3.5, 6.2)") {
  const auto usage_of = [](const std::vector<Event>& events) {
    Accumulator fold;
    for (const Event& event : events) fold.add(event);
    return fold.answer().usage;
  };
  const auto usage = usage_of(gemini_stream(sse({
      R"({"candidates":[{"content":{"parts":[{"text":"a"}]}}],"usageMetadata":{"trafficType":"ON_DEMAND"}})",
      R"({"candidates":[{"content":{"parts":[{"text":"a"}]}}],"usageMetadata":{"promptTokenCount":5,"thoughtsTokenCount":9}})",
      R"({"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":"40","candidatesTokenCount":7,"toolUsePromptTokenCount":20}})",
  })));
  REQUIRE(usage.has_value());
  CHECK(usage->input == 80);
  CHECK(usage->input_cache_read == 40);
  CHECK(usage->input_cache_write == 0);
  CHECK(usage->output == 7);
  CHECK(usage->output_reasoning == 9);
  CHECK_FALSE(
      usage_of(
          gemini_whole(
              R"({"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"usageMetadata":{"trafficType":"X"}})"))
          .has_value());
}

TEST_CASE("gemini answer: made ids differ between calls and between answers (WIRE 6.4.2)") {
  std::set<std::string> ids;
  const std::string call = R"({"functionCall":{"name":"f","args":{}}})";
  for (int i = 0; i < 50; ++i) {
    for (const Event& event : gemini_whole(chunk(call + "," + call, kStop))) {
      const auto* start = std::get_if<event::PartStart>(&event);
      if (start == nullptr) continue;
      CHECK(start->id.size() == 29);
      CHECK(start->id.rfind("call_", 0) == 0);
      ids.insert(start->id);
    }
  }
  CHECK(ids.size() == 100);
  // The same id twice in one answer (6.4.3).
  ids.clear();
  const std::string same = R"({"functionCall":{"name":"f","id":"x","args":{}}})";
  for (const Event& event : gemini_whole(chunk(same + "," + same, kStop))) {
    if (const auto* start = std::get_if<event::PartStart>(&event)) ids.insert(start->id);
  }
  CHECK(ids.size() == 2);
}

TEST_CASE("gemini answer: what was renamed or wrapped comes back as it was asked (rule 112)") {
  AnswerHints hints;
  hints.custom_tools = {"my tool"};
  hints.tool_names = {{"my_tool", "my tool"}};
  const auto events = gemini_whole(
      chunk(R"({"functionCall":{"name":"my_tool","args":{"input":"{free\n"}}})", kStop), hints);
  REQUIRE(events.size() > 3);
  const auto* start = std::get_if<event::PartStart>(&events[1]);
  const auto* delta = std::get_if<event::PartDelta>(&events[2]);
  REQUIRE(start != nullptr);
  REQUIRE(delta != nullptr);
  CHECK(start->name == "my tool");
  CHECK(start->tool_type == "custom");
  CHECK(delta->text == "{free\n");
}

TEST_CASE("gemini answer: citations count characters, not bytes (WIRE 6.2)") {
  const std::string grounding =
      R"(,"groundingMetadata":{"groundingChunks":[{"web":{"uri":"u0","title":"t0"}},{"web":{"uri":"u1"}}],"groundingSupports":[{"segment":{"startIndex":3,"endIndex":6,"text":"b€"},"groundingChunkIndices":[0,1]},{"segment":{"partIndex":1,"endIndex":1,"text":"c"},"groundingChunkIndices":[1]}]})";
  // "€" is three bytes and one character; "b€" is four bytes, so the index that fits is another.
  const auto events = gemini_whole(chunk(R"({"text":"a€b€"},{"text":"c"})", kStop + grounding));
  std::vector<std::string> got;
  for (const Event& event : events) {
    if (std::holds_alternative<event::Citation>(event)) got.push_back(testing::show(event));
  }
  const std::vector<std::string> wanted = {"citation 0.0 u0 2-4", "citation 0.0 u1 2-4",
                                           "citation 0.0 u1 4-5"};
  CHECK(got == wanted);
}

TEST_CASE("gemini answer: log probabilities in the neutral shape") {
  const auto events = gemini_whole(chunk(
      R"({"text":"é"})",
      kStop +
          R"(,"logprobsResult":{"chosenCandidates":[{"token":"é","tokenId":1,"logProbability":-0.10}],"topCandidates":[{"candidates":[{"token":"e","logProbability":-2}]}]})"));
  bool any = false;
  for (const Event& event : events) {
    const auto* logprobs = std::get_if<event::Logprobs>(&event);
    if (logprobs == nullptr) continue;
    any = true;
    CHECK(testing::same_json(
        logprobs->json,
        R"([{"token":"é","logprob":-0.10,"bytes":[195,169],"top_logprobs":[{"token":"e","logprob":-2,"bytes":[101]}]}])"));
  }
  CHECK(any);
}

TEST_CASE("gemini answer: the start tells when the answer was made") {
  const auto events = gemini_whole(
      R"({"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"createTime":"2026-04-02T17:03:50.399550Z"})");
  const auto* start = std::get_if<event::Start>(&events.front());
  REQUIRE(start != nullptr);
  CHECK(start->created == 1775149430);
}

}  // namespace
}  // namespace llmorch
