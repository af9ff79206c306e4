// An OpenAI caller and another vendor's upstream: every recorded answer keeps its text, its tool
// calls, its finish and its counts on the way through (WIRE_FORMATS 6.2, 6.7), and the worked
// examples agree (6.10).
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "formats/accumulator.h"
#include "formats/answers.h"
#include "formats/fixtures.h"
#include "formats/upstream_bodies.h"

namespace llmorch {
namespace {

struct Recorded {
  std::string name;
  std::string path;
  Format format = Format::kOpenAiChat;
  std::string sse;
};

std::string frames_of(const std::string& lines, Format format) {
  std::string out;
  for (const std::string& line : testing::split_lines(lines)) {
    if (format == Format::kAnthropicMessages) {
      const auto document = json::Document::parse(line);
      const auto type = document ? document->root()["type"].string() : std::nullopt;
      out.append("event: ").append(type.value_or("unknown")).append("\n");
    }
    out.append("data: ").append(line).append("\n\n");
  }
  return format == Format::kOpenAiChat ? out + "data: [DONE]\n\n" : out;
}

std::vector<Recorded> recorded(const std::vector<std::string>& folders, Format format) {
  std::vector<Recorded> out;
  for (const std::string ending : {".chunks.txt", ".sse", "_response.txt"}) {
    for (const auto& path : testing::fixture_files(folders, ending)) {
      const std::string text = testing::read_file(path);
      const bool lines = ending == ".chunks.txt";
      std::string name = path.filename().string();
      name.erase(name.find(lines ? ".chunks.txt" : ending == ".sse" ? ".sse" : ".txt"));
      out.push_back({name, path.string(), format, lines ? frames_of(text, format) : text});
    }
  }
  return out;
}

std::vector<Recorded> foreign_streams() {
  auto out = recorded({"anthropic"}, Format::kAnthropicMessages);
  auto more = recorded({"gemini"}, Format::kGemini);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

FoldedAnswer fold(const std::vector<Event>& events) {
  Accumulator accumulator;
  for (const Event& event : events) accumulator.add(event);
  return accumulator.answer();
}

std::string joined(const AnswerChoice& choice, PartKind kind) {
  std::string out;
  for (const AnswerPart& part : choice.parts) {
    if (part.start.kind == kind) out += part.text;
  }
  return out;
}

std::vector<const AnswerPart*> calls_of(const AnswerChoice& choice) {
  std::vector<const AnswerPart*> out;
  for (const AnswerPart& part : choice.parts) {
    if (part.start.kind == PartKind::kToolCall) out.push_back(&part);
  }
  return out;
}

// Arguments that are complete are compared by meaning, others byte for byte.
bool same_arguments(const std::string& a, const std::string& b) {
  return a == b || testing::same_json(a.empty() ? "{}" : a, b.empty() ? "{}" : b);
}

FinishReason told(const AnswerChoice& choice) {
  switch (choice.finish) {
    case FinishReason::kLength:
      return FinishReason::kLength;
    case FinishReason::kContentFilter:
    case FinishReason::kRefusal:
      return FinishReason::kContentFilter;
    default:
      return calls_of(choice).empty() ? FinishReason::kStop : FinishReason::kToolCalls;
  }
}

std::string encode(const std::vector<Event>& events, Format upstream, bool stream) {
  AnswerOptions options;
  options.stream = stream;
  options.request_id = "test";
  options.upstream = upstream;
  const auto encoder = find_format(Format::kOpenAiChat)->new_encoder(options);
  std::string out;
  for (const Event& event : events) encoder->on_event(event, out);
  return out;
}

void check_same(const FoldedAnswer& before, const FoldedAnswer& after) {
  REQUIRE_MESSAGE(!after.error, after.error->status.message());
  CHECK(after.complete);
  CHECK(after.start.model == before.start.model);
  if (!before.start.id.empty()) CHECK(after.start.id == before.start.id);
  CHECK(after.usage == before.usage);
  REQUIRE(after.choices.size() == std::max<std::size_t>(before.choices.size(), 1));
  for (const auto& [index, choice] : before.choices) {
    const AnswerChoice& other = after.choices.at(index);
    CHECK(joined(other, PartKind::kText) == joined(choice, PartKind::kText));
    CHECK(joined(other, PartKind::kReasoning) == joined(choice, PartKind::kReasoning));
    CHECK(other.finish == told(choice));
    const auto wanted = calls_of(choice);
    const auto calls = calls_of(other);
    REQUIRE(calls.size() == wanted.size());
    for (std::size_t i = 0; i < calls.size(); ++i) {
      CHECK(calls[i]->start.id == wanted[i]->start.id);
      CHECK(calls[i]->start.name == wanted[i]->start.name);
      CHECK(calls[i]->signature == wanted[i]->signature);
      CHECK_MESSAGE(same_arguments(calls[i]->text, wanted[i]->text), calls[i]->text);
    }
  }
}

TEST_CASE("conversion: recorded answers of Anthropic and Gemini for an OpenAI caller") {
  if (testing::fixtures().empty()) return;
  REQUIRE(find_format(Format::kAnthropicMessages) != nullptr);
  REQUIRE(find_format(Format::kGemini) != nullptr);
  int checked = 0;
  int failed = 0;
  for (const Recorded& stream : foreign_streams()) {
    CAPTURE(stream.path);
    const auto events = testing::decode_stream(stream.sse, 0, stream.format);
    const FoldedAnswer before = fold(events);
    const std::string sse = encode(events, stream.format, true);
    if (before.error) {
      ++failed;
      CHECK(sse.find("data: {\"error\":") != std::string::npos);
      CHECK(sse.find("[DONE]") == std::string::npos);
      continue;
    }
    ++checked;
    check_same(before, fold(testing::decode_stream(sse)));
    check_same(before, fold(testing::decode_whole(encode(events, stream.format, false))));
  }
  MESSAGE(checked, " streams converted, ", failed, " of failed upstreams");
  CHECK(checked > 60);
}

// ---- the worked examples ----

std::int64_t number(const json::Value& object, std::string_view key) {
  return object[key].integer().value_or(0);
}

// `wanted` is what a client had in hand at the end of the worked stream `sse`. Not every client
// kept the reasoning, so that comes from the stream.
void check_final_openai(const json::Value& wanted, const std::string& sse,
                        const std::string& body) {
  const auto document = json::Document::parse(body);
  REQUIRE(document.has_value());
  const json::Value choice = document->root()["choices"].at(0);
  const json::Value message = choice["message"];
  CHECK(message["content"].string().value_or("") == wanted["content"].string().value_or(""));
  const FoldedAnswer streamed = fold(testing::decode_stream(sse));
  REQUIRE(streamed.complete);
  CHECK(message["reasoning_content"].string().value_or("") ==
        joined(streamed.choices.at(0), PartKind::kReasoning));
  CHECK(choice["finish_reason"].string() == wanted["finish_reason"].string());
  const auto calls = message["tool_calls"].items();
  const auto wanted_calls = wanted["tool_calls"].items();
  REQUIRE(calls.size() == wanted_calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const json::Value call = wanted_calls[i]["function"];
    CHECK(calls[i]["function"]["name"].string() == call["name"].string());
    CHECK(same_arguments(calls[i]["function"]["arguments"].string().value_or(""),
                         call["arguments"].string().value_or("")));
  }
  const json::Value usage = document->root()["usage"];
  for (const std::string_view key : {"prompt_tokens", "completion_tokens", "total_tokens"}) {
    CHECK(number(usage, key) == number(wanted["usage"], key));
  }
}

// Final answers of OpenAI's and compatible servers are written in Anthropic's shape there.
void check_final_anthropic(const json::Value& wanted, const FoldedAnswer& answer) {
  std::string text;
  std::string thought;
  std::vector<json::Value> calls;
  for (const json::Value& block : wanted["content"].items()) {
    const std::string type = block["type"].string().value_or("");
    if (type == "text") text += block["text"].string().value_or("");
    if (type == "thinking") thought += block["thinking"].string().value_or("");
    if (type == "tool_use") calls.push_back(block);
  }
  const AnswerChoice& choice = answer.choices.at(0);
  CHECK(joined(choice, PartKind::kText) == text);
  CHECK(joined(choice, PartKind::kReasoning) == thought);
  const auto seen = calls_of(choice);
  REQUIRE(seen.size() == calls.size());
  for (std::size_t i = 0; i < seen.size(); ++i) {
    CHECK(seen[i]->start.id == calls[i]["id"].string());
    CHECK(seen[i]->start.name == calls[i]["name"].string());
    CHECK(same_arguments(seen[i]->text, std::string(calls[i]["input"].raw())));
  }
  const json::Value usage = wanted["usage"];
  REQUIRE(answer.usage.has_value());
  CHECK(answer.usage->input == number(usage, "input_tokens"));
  CHECK(answer.usage->input_cache_read == number(usage, "cache_read_input_tokens"));
  CHECK(answer.usage->total_output() >= number(usage, "output_tokens"));
}

TEST_CASE("conversion: the worked streams end in the same answers (WIRE 6.10)") {
  const auto finals =
      testing::fixture_files({"conversion-goldens/reference/streams"}, ".final.json");
  if (finals.empty()) return;
  std::vector<Recorded> streams = foreign_streams();
  auto own = recorded({"openai-chat", "openai-compatible"}, Format::kOpenAiChat);
  streams.insert(streams.end(), own.begin(), own.end());
  int checked = 0;
  for (const auto& path : finals) {
    std::string name = path.filename().string();
    name.erase(name.find(".final.json"));
    CAPTURE(name);
    const auto found = std::find_if(streams.begin(), streams.end(),
                                    [&](const Recorded& stream) { return stream.name == name; });
    REQUIRE(found != streams.end());
    const auto final = json::Document::parse(testing::read_file(path));
    REQUIRE(final.has_value());
    const auto events = testing::decode_stream(found->sse, 0, found->format);
    const json::Value wanted = final->root();
    if (found->format == Format::kOpenAiChat) {
      check_final_anthropic(wanted, fold(events));
    } else {
      auto sse = path;
      sse.replace_filename(name + ".to-openai.sse");
      check_final_openai(wanted, testing::read_file(sse), encode(events, found->format, false));
    }
    ++checked;
  }
  CHECK(checked > 25);
}

TEST_CASE("conversion: the worked request of an Anthropic agent (WIRE 6.10, 03)") {
  const std::string folder = "conversion-goldens/reference/requests/";
  const auto root = testing::fixtures();
  if (root.empty()) return;
  CallSpec spec;
  spec.format = Format::kAnthropicMessages;
  spec.path = "/v1/messages";
  spec.body = Body(testing::read_file(root / (folder + "03-claude-code-like.anthropic.json")));
  const auto request = find_format(Format::kAnthropicMessages)->decode(spec);
  REQUIRE_MESSAGE(request.has_value(), request.error().message());
  RequestEdits edits;
  edits.model = "gpt-5.4";
  edits.ask_usage = true;
  auto out = find_format(Format::kOpenAiChat)->encode(*request, edits);
  REQUIRE_MESSAGE(out.has_value(), out.error().message());
  const std::string body = out->body.str();
  CAPTURE(body);
  testing::keep_upstream_body("openai", body);
  // The example keeps the stop sequence, which reasoning models refuse (WIRE 1.2): so it is dropped
  // and reported here.
  auto wanted = json::Document::parse(
      testing::read_file(root / (folder + "03-claude-code-like.openai.json")));
  REQUIRE(wanted.has_value());
  const auto got = json::Document::parse(body);
  REQUIRE(got.has_value());
  for (const json::Value::Member& member : wanted->root().members()) {
    CAPTURE(member.key);
    if (member.key == "stop") {
      CHECK_FALSE(got->root()["stop"].exists());
    } else {
      CHECK(testing::same_json(member.value, got->root()[member.key]));
    }
  }
  CHECK(got->root().size() + 1 == wanted->root().size());
  const auto& dropped = out->dropped;
  CHECK(std::find(dropped.begin(), dropped.end(), "stop") != dropped.end());
}

}  // namespace
}  // namespace llmorch
