// Answers of other vendors in OpenAI's words: reasoning, proofs, citations, images, refusals, tools
// under other names (WIRE_FORMATS 1.6, 6.2, 6.4, 6.6, 6.9).
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/answers.h"
#include "formats/fixtures.h"

namespace llmorch {
namespace {

using testing::same_json;

const FormatCodec& codec() { return *find_format(Format::kOpenAiChat); }

std::string encode(const std::vector<Event>& events, AnswerOptions options, bool stream) {
  options.stream = stream;
  options.hide_usage = true;
  if (options.request_id.empty()) options.request_id = "test";
  const auto encoder = codec().new_encoder(options);
  std::string out;
  for (const Event& event : events) encoder->on_event(event, out);
  return out;
}

AnswerOptions from(Format upstream) {
  AnswerOptions out;
  out.upstream = upstream;
  return out;
}

event::PartStart open(int part, PartKind kind) {
  event::PartStart out;
  out.part = part;
  out.kind = kind;
  return out;
}
event::PartStart call(int part, const std::string& id, const std::string& name) {
  event::PartStart out = open(part, PartKind::kToolCall);
  out.id = id;
  out.name = name;
  return out;
}
event::PartDelta text(int part, const std::string& more) { return {0, part, more, ""}; }
event::PartDelta proof(int part, const std::string& signature) { return {0, part, "", signature}; }
event::Finish finish(FinishReason reason, const std::string& raw = "") {
  return {0, reason, raw, "", ""};
}

// The message of a whole answer.
std::string message_of(const std::string& whole) {
  const auto document = json::Document::parse(whole);
  REQUIRE(document.has_value());
  return std::string(document->root()["choices"].at(0)["message"].raw());
}

// The deltas of a stream as one JSON list, finish reasons as strings.
std::string deltas_of(const std::string& sse) {
  std::string out = "[";
  for (const std::string& line : testing::split_lines(sse)) {
    const auto document = json::Document::parse(line.substr(line.find(' ') + 1));
    if (!document) continue;  // [DONE]
    const auto choice = document->root()["choices"].at(0);
    if (out.size() > 1) out.push_back(',');
    const auto reason = choice["finish_reason"].string();
    out.append(reason ? "\"" + *reason + "\"" : std::string(choice["delta"].raw()));
  }
  return out + "]";
}

struct Case {
  std::string rule;
  AnswerOptions options;
  std::vector<Event> events;  // between Start and End
  std::string message;        // of the whole answer, without role
  std::string deltas;         // of the stream, without the first
};

TEST_CASE("foreign answers: whole and stream") {
  event::PartStart sealed = open(1, PartKind::kReasoning);
  sealed.redacted = "D";
  event::PartStart image = open(0, PartKind::kImage);
  image.mime_type = "image/webp";
  event::PartStart opaque = open(0, PartKind::kOpaque);
  opaque.json = R"({"type":"server_tool_use"})";
  event::Citation citation;
  citation.part = 1;
  citation.url = "https://a";
  citation.title = "A";
  citation.begin = 1;
  citation.end = 3;
  event::Citation unplaced = citation;
  unplaced.begin = unplaced.end = -1;
  event::Citation document = citation;
  document.url = "";
  event::Finish refused = finish(FinishReason::kRefusal, "refusal");
  refused.explanation = "not that";
  AnswerOptions custom;
  custom.hints.custom_tools = {"patch"};
  AnswerOptions renamed;
  renamed.hints.tool_names = {{"f_x", "f.x"}};
  event::PartStart free_text = call(0, "c", "patch");
  free_text.tool_type = "custom";

  const std::vector<Case>
      cases =
          {
              {"reasoning with Anthropic's proofs goes back in blocks (rule 34)",
               from(Format::kAnthropicMessages),
               {open(0, PartKind::kReasoning), text(0, "r"), proof(0, "S"), event::PartEnd{0, 0},
                sealed, event::PartEnd{0, 1}, open(2, PartKind::kText), text(2, "t"),
                finish(FinishReason::kStop, "end_turn")},
               R"("content":"t","refusal":null,"reasoning_content":"r","thinking_blocks":[{"type":"thinking","thinking":"r","signature":"S"},{"type":"redacted_thinking","data":"D"}])",
               R"({"reasoning_content":"r"},{"content":"t"},"stop")"},
              {"another vendor's proof of reasoning is not shown",
               from(Format::kGemini),
               {open(0, PartKind::kReasoning), text(0, "r"), proof(0, "S"),
                finish(FinishReason::kStop, "STOP")},
               R"("content":null,"refusal":null,"reasoning_content":"r")",
               R"({"reasoning_content":"r"},"stop")"},
              {"Google's proof of a call, once and never without its function (rules 47, 85, 86)",
               from(Format::kGemini),
               {open(0, PartKind::kText), text(0, "t"), event::PartEnd{0, 0}, call(1, "a", "f"),
                event::PartDelta{0, 1, "{\"x\":1}", "S"}, event::PartEnd{0, 1}, call(2, "b", "g"),
                event::PartEnd{0, 2}, finish(FinishReason::kStop, "STOP")},
               R"("content":"t","refusal":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"},"extra_content":{"google":{"thought_signature":"S"}}},{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}])",
               R"({"content":"t"},{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]},{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":1}"},"extra_content":{"google":{"thought_signature":"S"}}}]},{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}]},{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]},"tool_calls")"},
              {"a proof that comes late, or twice",
               from(Format::kGemini),
               {call(0, "a", "f"), text(0, "{}"), proof(0, "S"), event::PartEnd{0, 0},
                call(1, "b", "g"), proof(1, "T"), event::PartEnd{0, 1},
                finish(FinishReason::kStop, "STOP")},
               R"("content":null,"refusal":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"S"}}},{"id":"b","type":"function","function":{"name":"g","arguments":"{}"},"extra_content":{"google":{"thought_signature":"T"}}}])",
               R"({"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]},{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]},{"tool_calls":[{"index":0,"function":{"arguments":""},"extra_content":{"google":{"thought_signature":"S"}}}]},{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}]},{"tool_calls":[{"index":1,"function":{"arguments":"{}"},"extra_content":{"google":{"thought_signature":"T"}}}]},"tool_calls")"},
              {"parts only their vendor knows, and its extra fields, are skipped",
               from(Format::kAnthropicMessages),
               {opaque, text(0, "{}"), event::PartEnd{0, 0},
                event::ExtraField{-1, {"/container", "{}"}},
                event::ExtraField{0, {"/message/x", "1"}}, open(1, PartKind::kText), text(1, "t"),
                finish(FinishReason::kStop, "end_turn")},
               R"("content":"t","refusal":null)",
               R"({"content":"t"},"stop")"},
              {"citations: characters of the joined text; of their part where they do not say",
               {},
               {open(0, PartKind::kText), text(0, "\xc3\xa4\xc3\xb6"), event::PartEnd{0, 0},
                open(1, PartKind::kText), text(1, "xyz"), citation, unplaced, document,
                event::PartEnd{0, 1}, finish(FinishReason::kStop, "end_turn")},
               "\"content\":\"\xc3\xa4\xc3\xb6xyz\""
               R"(,"refusal":null,"annotations":[{"type":"url_citation","url_citation":{"start_index":1,"end_index":3,"title":"A","url":"https://a"}},{"type":"url_citation","url_citation":{"start_index":2,"end_index":5,"title":"A","url":"https://a"}}])",
               "{\"content\":\"\xc3\xa4\xc3\xb6\"}"
               R"(,{"content":"xyz"},{"annotations":[{"type":"url_citation","url_citation":{"start_index":1,"end_index":3,"title":"A","url":"https://a"}},{"type":"url_citation","url_citation":{"start_index":2,"end_index":5,"title":"A","url":"https://a"}}]},"stop")"},
              {"images: complete, and with an index in a stream (WIRE 1.6 no. 8)",
               {},
               {image, text(0, "AA"), text(0, "BB"), event::PartEnd{0, 0},
                finish(FinishReason::kStop, "STOP")},
               R"("content":null,"refusal":null,"images":[{"type":"image_url","image_url":{"url":"data:image/webp;base64,AABB"}}])",
               R"({"images":[{"index":0,"type":"image_url","image_url":{"url":"data:image/webp;base64,AABB"}}]},"stop")"},
              {"sound",
               {},
               {open(0, PartKind::kAudio), text(0, "AA"), text(0, "BB"), event::PartEnd{0, 0},
                finish(FinishReason::kStop, "STOP")},
               R"("content":null,"refusal":null,"audio":{"id":"audio_test_0","data":"AABB","expires_at":0,"transcript":""})",
               R"({"audio":{"id":"audio_test_0","data":"AA"}},{"audio":{"data":"BB"}},{"audio":{"transcript":"","expires_at":0}},"stop")"},
              {"a refusal keeps the text and says why",
               {},
               {open(0, PartKind::kText), text(0, "t"), refused},
               R"("content":"t","refusal":"not that")",
               R"({"content":"t"},{"refusal":"not that"},"content_filter")"},
              {"truncation and filtering win over calls (rules 4, 57)",
               {},
               {call(0, "a", "f"), text(0, "{\"x"), finish(FinishReason::kLength, "max_tokens")},
               R"("content":null,"refusal":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x"}}])",
               R"({"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]},{"tool_calls":[{"index":0,"function":{"arguments":"{\"x"}}]},"length")"},
              {"tool_use without calls is a stop",
               {},
               {open(0, PartKind::kText), text(0, "t"),
                finish(FinishReason::kToolCalls, "tool_use")},
               R"("content":"t","refusal":null)",
               R"({"content":"t"},"stop")"},
              {"a wrapped custom tool gives its text back (rule 112)",
               custom,
               {call(0, "c", "patch"), text(0, "{\"in"), text(0, "put\":\"*** a\\nb\"}"),
                event::PartEnd{0, 0}, finish(FinishReason::kToolCalls, "tool_use")},
               R"("content":null,"refusal":null,"tool_calls":[{"id":"c","type":"custom","custom":{"name":"patch","input":"*** a\nb"}}])",
               R"({"tool_calls":[{"index":0,"id":"c","type":"custom","custom":{"name":"patch","input":""}}]},{"tool_calls":[{"index":0,"custom":{"input":"*** a\nb"}}]},"tool_calls")"},
              {"one that the reader unwrapped stays as it is",
               custom,
               {free_text, text(0, "raw"), event::PartEnd{0, 0},
                finish(FinishReason::kToolCalls, "")},
               R"("content":null,"refusal":null,"tool_calls":[{"id":"c","type":"custom","custom":{"name":"patch","input":"raw"}}])",
               R"({"tool_calls":[{"index":0,"id":"c","type":"custom","custom":{"name":"patch","input":""}}]},{"tool_calls":[{"index":0,"custom":{"input":"raw"}}]},"tool_calls")"},
              {"renamed tools have the caller's name",
               renamed,
               {call(0, "c", "f_x"), text(0, "{}"), event::PartEnd{0, 0}},
               R"("content":null,"refusal":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f.x","arguments":"{}"}}])",
               R"({"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f.x","arguments":""}}]},{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]},"tool_calls")"},
          };
  for (const Case& c : cases) {
    CAPTURE(c.rule);
    std::vector<Event> events{event::Start{"i", "m", 7}};
    events.insert(events.end(), c.events.begin(), c.events.end());
    events.push_back(event::End{});
    const std::string whole = encode(events, c.options, false);
    CAPTURE(whole);
    CHECK(same_json(message_of(whole), R"({"role":"assistant",)" + c.message + "}"));
    const std::string deltas = deltas_of(encode(events, c.options, true));
    CAPTURE(deltas);
    CHECK(same_json(deltas,
                    R"([{"role":"assistant","content":"","refusal":null},)" + c.deltas + "]"));
  }
}

TEST_CASE("foreign answers: a vendor's own word for stopping, where there is none here") {
  const std::vector<Event> events = {event::Start{"i", "m", 7}, open(0, PartKind::kText),
                                     text(0, "t"), finish(FinishReason::kOther, "pause_turn"),
                                     event::End{}};
  for (const bool stream : {false, true}) {
    const std::string out = encode(events, {}, stream);
    CAPTURE(out);
    CHECK(out.find(R"("finish_reason":"stop")") != std::string::npos);
    CHECK(out.find(R"("native_finish_reason":"pause_turn")") != std::string::npos);
  }
}

TEST_CASE("foreign answers: what the upstream does not name comes from the call") {
  AnswerOptions options;
  options.request_id = "r";
  options.model = "target";
  options.created = 1700000000;
  for (const bool stream : {false, true}) {
    const std::string out = encode(
        {event::Start{"", "", 0}, finish(FinishReason::kStop), event::End{}}, options, stream);
    CAPTURE(out);
    CHECK(out.find(R"("id":"chatcmpl-r")") != std::string::npos);
    CHECK(out.find(R"("model":"target")") != std::string::npos);
    CHECK(out.find(R"("created":1700000000)") != std::string::npos);
  }
}

TEST_CASE("proofs in answers of compatible servers (WIRE 6.4, 6.6)") {
  const auto chunk = [](const std::string& delta, const std::string& finish = "null") {
    return R"({"id":"i","created":7,"model":"m","choices":[{"index":0,"delta":)" + delta +
           R"(,"finish_reason":)" + finish + "}]}";
  };
  using Lines = std::vector<std::string>;
  const auto decode = [&](const Lines& deltas) {
    Lines chunks;
    for (const std::string& delta : deltas) chunks.push_back(chunk(delta));
    chunks.push_back(chunk("{}", "\"stop\""));
    Lines out;
    for (const std::string& line : testing::show(testing::decode_stream(testing::as_sse(chunks)))) {
      if (line.rfind("extra", 0) != 0) out.push_back(line);
    }
    return Lines(out.begin() + 1, out.end() - 2);
  };
  CHECK(
      decode(
          {R"({"reasoning":"r","reasoning_details":[{"type":"reasoning.text","text":"r","format":"anthropic-claude-v1","index":0}]})",
           R"({"content":"","reasoning":null,"reasoning_details":[{"type":"reasoning.text","text":"","signature":"S","format":"anthropic-claude-v1","index":0}]})",
           R"({"reasoning_details":[{"type":"reasoning.encrypted","data":"D","format":"anthropic-claude-v1","index":1}]})",
           R"({"content":"t"})"}) ==
      Lines{"open 0.0 reasoning", "delta 0.0 \"r\"", "delta 0.0 \"\" signed S", "close 0.0",
            "open 0.1 reasoning", "close 0.1", "open 0.2 text", "delta 0.2 \"t\"", "close 0.2"});
  CHECK(decode({R"({"reasoning_details":[{"type":"reasoning.summary","summary":"s"}]})",
                R"({"content":"t"})"}) == Lines{"open 0.0 reasoning", "delta 0.0 \"s\"",
                                                "close 0.0", "open 0.1 text", "delta 0.1 \"t\"",
                                                "close 0.1"});
  CHECK(
      decode(
          {R"({"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"S"}}}]})"}) ==
      Lines{"open 0.0 call c f", "delta 0.0 \"{}\" signed S", "close 0.0"});
  CHECK(
      decode(
          {R"({"tool_calls":[{"index":0,"id":"c","extra_content":{"google":{"thought_signature":"S"}}}]})",
           R"({"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}}]})"}) ==
      Lines{"open 0.0 call c f", "delta 0.0 \"{}\" signed S", "close 0.0"});
}

}  // namespace
}  // namespace llmorch
