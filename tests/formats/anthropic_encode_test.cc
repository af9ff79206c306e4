// Events as Anthropic's clients get them (WIRE 2.8, 6.7): stream and whole, from any upstream.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/anthropic_support.h"

namespace llmorch {
namespace {

using testing::at_path;
using testing::broken_rule;
using testing::gist;
using testing::read_anthropic;
using testing::write_anthropic;

const event::Start kStart{"chatcmpl-1", "gpt", 0};
const event::UsageUpdate kUsage{{10, 4, 3, 7, 2}, ""};

event::PartStart part(int index, PartKind kind, const std::string& id = "",
                      const std::string& name = "") {
  event::PartStart out;
  out.part = index;
  out.kind = kind;
  out.id = id;
  out.name = name;
  return out;
}
event::PartDelta more(int index, const std::string& text) { return {0, index, text, ""}; }
event::Finish finish(FinishReason reason) { return {0, reason, "", "", ""}; }

AnswerOptions from(Format upstream) {
  AnswerOptions out;
  out.upstream = upstream;
  return out;
}

// The blocks of a stream, one word each: "text:ab", "thinking:hm/signature", "f{...}".
std::string blocks(const std::string& sse) {
  std::string out;
  for (const Event& event : read_anthropic(sse, true)) {
    if (const auto* start = std::get_if<event::PartStart>(&event)) {
      if (!out.empty()) out += " ";
      out += start->kind == PartKind::kToolCall ? start->name : "";
      out += start->kind == PartKind::kReasoning ? "thinking:" : "";
      out += start->kind == PartKind::kText ? "text:" : "";
      out += start->kind == PartKind::kOpaque ? "opaque:" : "";
    } else if (const auto* delta = std::get_if<event::PartDelta>(&event)) {
      out += delta->text + (delta->signature.empty() ? "" : "/signed");
    } else if (const auto* finish = std::get_if<event::Finish>(&event)) {
      out += " | " + finish->raw;
    }
  }
  return out;
}

TEST_CASE("to Anthropic's clients: blocks") {
  struct Case {
    std::string rule;
    std::vector<Event> events;
    std::string blocks;
  };
  const auto text = PartKind::kText;
  const auto thought = PartKind::kReasoning;
  const auto call = PartKind::kToolCall;
  const std::vector<Case> cases = {
      {"text",
       {kStart, part(0, text), more(0, "a"), more(0, "b"), event::PartEnd{0, 0},
        finish(FinishReason::kStop), event::End{}},
       "text:ab | end_turn"},
      {"nothing: no block (6.7)",
       {kStart, finish(FinishReason::kStop), kUsage, event::End{}},
       " | end_turn"},
      {"no start either (rule 11)",
       {part(0, text), more(0, "a"), event::End{}},
       "text:a | end_turn"},
      {"an empty text part is no block (rule 13)",
       {kStart, part(0, text), part(1, call, "i", "f"), more(1, "{}"), event::PartEnd{0, 0},
        event::PartEnd{0, 1}, finish(FinishReason::kToolCalls), event::End{}},
       "f{} | tool_use"},
      {"reasoning, then text (rules 14, 15)",
       {kStart, part(0, thought), more(0, "hm"), event::PartEnd{0, 0}, part(1, text), more(1, "a"),
        finish(FinishReason::kStop), event::End{}},
       "thinking:hm/signed text:a | end_turn"},
      {"reasoning, then a call (rule 19)",
       {kStart, part(0, thought), more(0, "hm"), part(1, call, "i", "f"), more(1, "{}"),
        finish(FinishReason::kToolCalls), event::End{}},
       "thinking:hm/signed f{} | tool_use"},
      {"a second stretch of reasoning gets its own block (rule 18)",
       {kStart, part(0, thought), more(0, "a"), part(1, text), more(1, "b"), more(0, "c"),
        finish(FinishReason::kStop), event::End{}},
       "thinking:a/signed text:b thinking:c/signed | end_turn"},
      {"parallel calls side by side (rules 20, 21, 87)",
       {kStart, part(0, call, "a", "f"), part(1, call, "b", "g"), more(0, "{\"x\":"),
        more(1, "{\"y\":"), more(0, "1}"), more(1, "2}"), event::PartEnd{0, 0},
        event::PartEnd{0, 1}, finish(FinishReason::kToolCalls), event::End{}},
       "f{\"x\":1} g{\"y\":2} | tool_use"},
      {"late reasoning does not tear a call (rule 24)",
       {kStart, part(0, call, "a", "f"), more(0, "{\"x\":"), part(1, thought), more(1, "hm"),
        more(0, "1}"), event::PartEnd{0, 0}, finish(FinishReason::kToolCalls), event::End{}},
       "f{\"x\":1} thinking:hm/signed | tool_use"},
      {"calls without arguments are closed with {} (rule 87)",
       {kStart, part(0, call, "a", "f"), part(1, call, "b", "g"), event::PartEnd{0, 0},
        event::PartEnd{0, 1}, finish(FinishReason::kToolCalls), event::End{}},
       "f{} g{} | tool_use"},
      {"bytes after the JSON are dropped (2.8.6)",
       {kStart, part(0, call, "a", "f"), more(0, "{\"a\":\"}\"}"), more(0, "}"),
        event::PartEnd{0, 0}, finish(FinishReason::kToolCalls), event::End{}},
       "f{\"a\":\"}\"} | tool_use"},
      {"cut off by the limit: as far as it came (rule 4)",
       {kStart, part(0, call, "a", "f"), more(0, "{\"a\":"), event::PartEnd{0, 0},
        finish(FinishReason::kLength), event::End{}},
       "f{\"a\": | max_tokens"},
      {"calls and no word about the end",
       {kStart, part(0, call, "a", "f"), event::End{}},
       "f{} | tool_use"},
      {"a refusal is text",
       {kStart, part(0, PartKind::kRefusal), more(0, "no"), finish(FinishReason::kStop),
        event::End{}},
       "text:no | refusal"},
      {"filtered", {kStart, finish(FinishReason::kContentFilter), event::End{}}, " | refusal"},
      {"pictures have no place",
       {kStart, part(0, PartKind::kImage), more(0, "AAAA"), event::PartEnd{0, 0}, part(1, text),
        more(1, "a"), finish(FinishReason::kStop), event::End{}},
       "text:a | end_turn"},
      {"only one answer",
       {kStart, part(0, text), more(0, "a"), event::PartStart{1, 0, text, "", "", "", "", "", ""},
        event::PartDelta{1, 0, "other", ""}, finish(FinishReason::kStop), event::End{}},
       "text:a | end_turn"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.rule);
    const std::string stream = write_anthropic(c.events, true, from(Format::kOpenAiChat));
    CAPTURE(stream);
    CHECK(broken_rule(stream) == "");
    CHECK(blocks(stream) == c.blocks);
    const std::string whole = write_anthropic(c.events, false, from(Format::kOpenAiChat));
    CAPTURE(whole);
    CHECK(at_path(whole, "type") == R"("message")");
    CHECK(at_path(whole, "stop_reason") == "\"" + c.blocks.substr(c.blocks.rfind(' ') + 1) + "\"");
  }
}

TEST_CASE("to Anthropic's clients: arguments are sent as they come (rule 90)") {
  const auto encoder = testing::anthropic().new_encoder([] {
    AnswerOptions options;
    options.stream = true;
    return options;
  }());
  std::string out;
  encoder->on_event(kStart, out);
  CHECK(out.empty());
  encoder->on_event(part(0, PartKind::kToolCall, "a", "f"), out);
  CHECK(out.find("content_block_start") != std::string::npos);
  out.clear();
  encoder->on_event(more(0, "{\"x\""), out);
  CHECK(out.find(R"("partial_json":"{\"x\"")") != std::string::npos);
}

TEST_CASE("to Anthropic's clients: usage (WIRE 2.8.2, 2.8.7, 8 rule 26)") {
  const std::vector<Event> late = {kStart,       part(0, PartKind::kText),
                                   more(0, "a"), finish(FinishReason::kStop),
                                   kUsage,       event::End{}};
  const std::string stream = write_anthropic(late, true);
  CHECK(broken_rule(stream) == "");
  const auto seen = testing::watch_anthropic(stream, true);
  CHECK(seen.usage == kUsage.usage);
  const std::string whole = write_anthropic(late, false);
  CHECK(testing::same_json(
      at_path(whole, "usage"),
      R"({"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":4,"output_tokens":9,"output_tokens_details":{"thinking_tokens":2}})"));
  // The vendor's own JSON is kept, another vendor's is not.
  std::vector<Event> own = late;
  own[4] = event::UsageUpdate{{1, 0, 0, 2, 0}, R"({"input_tokens":1,"output_tokens":2,"x":3})"};
  CHECK(at_path(write_anthropic(own, false), "usage.x") == "3");
  own[4] = event::UsageUpdate{{1, 0, 0, 2, 0}, R"({"prompt_tokens":1,"completion_tokens":2})"};
  CHECK(at_path(write_anthropic(own, false), "usage.prompt_tokens") == "");
}

TEST_CASE("to Anthropic's clients: what the vendor said comes back as it was") {
  const std::string body =
      R"({"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"thinking","thinking":"hm","signature":"S"},{"type":"redacted_thinking","data":"D"},{"type":"text","text":"a","citations":[{"type":"char_location","cited_text":"c"}]},{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":"x"}},{"type":"web_search_tool_result","tool_use_id":"s","content":[]},{"type":"tool_use","id":"t","name":"f","input":{"a":1.50},"caller":{"type":"direct"}}],"stop_reason":"tool_use","stop_sequence":null,"container":{"id":"c"},"usage":{"input_tokens":1,"output_tokens":2,"service_tier":"standard"}})";
  const auto events = read_anthropic(body, false);
  CHECK(testing::same_json(write_anthropic(events, false), body));
  const std::string stream = write_anthropic(events, true);
  CAPTURE(stream);
  CHECK(broken_rule(stream) == "");
  CHECK(testing::same_json(write_anthropic(read_anthropic(stream, true), false), body));
  // Another dialect's answer brings neither extra fields nor signatures of its own.
  const std::string foreign = write_anthropic(events, false, from(Format::kOpenAiChat));
  CHECK(at_path(foreign, "container") == "");
  CHECK(at_path(foreign, "content.0.signature").find("llmorch.v1.") == 1);
}

TEST_CASE("to Anthropic's clients: stop sequences and reasons of refusals") {
  std::vector<Event> events = {kStart, part(0, PartKind::kText), more(0, "a"),
                               event::Finish{0, FinishReason::kStop, "stop", "END", ""},
                               event::End{}};
  CHECK(at_path(write_anthropic(events, false), "stop_reason") == R"("stop_sequence")");
  CHECK(at_path(write_anthropic(events, false), "stop_sequence") == R"("END")");
  events[3] = event::Finish{0, FinishReason::kRefusal, "refusal", "", "because"};
  CHECK(at_path(write_anthropic(events, false), "stop_details.explanation") == R"("because")");
  CHECK(write_anthropic(events, true).find(R"("explanation":"because")") != std::string::npos);
}

TEST_CASE("to Anthropic's clients: an error is the last thing they see (WIRE 7.4.2)") {
  const std::vector<Event> events = {
      kStart, part(0, PartKind::kText), more(0, "a"),
      event::Error{Verdict::kOverloaded, Status(Code::kOverloaded, "busy")}, event::End{}};
  const std::string stream = write_anthropic(events, true);
  CHECK(stream.find("event: error") != std::string::npos);
  CHECK(stream.find("message_stop") == std::string::npos);
  CHECK(stream.find("message_delta") == std::string::npos);
  CHECK(write_anthropic(events, false).empty());
}

}  // namespace
}  // namespace llmorch
