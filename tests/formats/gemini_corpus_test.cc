// Recorded answers of Gemini: all of them decode, decoder and watcher agree, it does not matter
// where the bytes were cut, and encoding loses nothing.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "formats/accumulator.h"
#include "formats/answers.h"
#include "formats/fixtures.h"
#include "formats/gemini_support.h"

namespace llmorch {
namespace {

const std::vector<std::string> kFolders = {"gemini", "edge-cases", "thinking-wire",
                                           "tool-choice-matrix", "errors/pydantic-ai"};

struct Recorded {
  std::string name;
  std::string text;
  bool stream = false;
};

bool is_gemini(const std::string& text) {
  return text.find("\"candidates\"") != std::string::npos ||
         text.find("\"promptFeedback\"") != std::string::npos;
}

std::string as_events(const std::string& lines) {
  std::string out;
  for (const std::string& line : testing::split_lines(lines)) {
    out.append("data: ").append(line).append("\r\n\r\n");
  }
  return out;
}

std::vector<Recorded> recorded() {
  std::vector<Recorded> out;
  for (const auto& path : testing::fixture_files(kFolders, ".sse")) {
    std::string text = testing::read_file(path);
    if (is_gemini(text)) out.push_back({path.string(), std::move(text), true});
  }
  for (const auto& path : testing::fixture_files(kFolders, ".chunks.txt")) {
    const std::string text = testing::read_file(path);
    if (is_gemini(text)) out.push_back({path.string(), as_events(text), true});
  }
  for (const auto& path : testing::fixture_files(kFolders, ".json")) {
    const std::string name = path.filename().string();
    if (name.find(".request.") != name.npos || name.find(".meta.") != name.npos) continue;
    std::string text = testing::read_file(path);
    const auto document = json::Document::parse(text);
    if (!document) continue;
    const json::Value root = document->root();
    const json::Value first = root.is_array() ? root.at(0) : root;
    if (first["candidates"].is_array() || first["promptFeedback"].is_object()) {
      out.push_back({path.string(), std::move(text), false});
    }
  }
  return out;
}

FoldedAnswer fold(const std::vector<Event>& events) {
  Accumulator accumulator;
  for (const Event& event : events) accumulator.add(event);
  return accumulator.answer();
}

// What a choice says, kind by kind.
struct Said {
  std::string text;
  std::string thoughts;
  std::vector<std::string> calls;
  std::vector<std::string> signatures;
  std::string files;
  std::string finish;
  bool operator==(const Said&) const = default;
};
Said said(const AnswerChoice& choice) {
  Said out;
  for (const AnswerPart& part : choice.parts) {
    if (!part.signature.empty()) out.signatures.push_back(part.signature);
    switch (part.start.kind) {
      case PartKind::kText:
      case PartKind::kRefusal:
        out.text.append(part.text);
        break;
      case PartKind::kReasoning:
        out.thoughts.append(part.text);
        break;
      case PartKind::kToolCall:
        out.calls.push_back(part.start.id + " " + part.start.name + " " + part.text);
        break;
      case PartKind::kAudio:
      case PartKind::kImage:
        out.files.append(part.start.mime_type).append(part.text);
        break;
      case PartKind::kOpaque:
        out.files.append(part.start.json);
        break;
    }
  }
  out.finish = choice.finish_raw;
  // Calls of a stream are sent after everything else, so only their own order is kept.
  std::sort(out.signatures.begin(), out.signatures.end());
  return out;
}

TEST_CASE("gemini corpus: every recorded answer decodes, and the watcher sees the same") {
  std::size_t streams = 0;
  std::size_t bodies = 0;
  for (const Recorded& one : recorded()) {
    CAPTURE(one.name);
    (one.stream ? streams : bodies) += 1;
    const auto events =
        one.stream ? testing::gemini_stream(one.text) : testing::gemini_whole(one.text);
    const FoldedAnswer answer = fold(events);
    CHECK_MESSAGE(answer.complete,
                  (answer.error ? answer.error->status.message() : std::string("no end")));
    const auto seen = testing::watch_gemini(one.text, one.stream);
    CHECK(verdict_name(seen.verdict) == "ok");
    CHECK_MESSAGE(seen.close.ok(), seen.close.message());
    CHECK(seen.has_usage == answer.usage.has_value());
    if (answer.usage) CHECK(seen.usage == *answer.usage);
    CHECK(seen.model == answer.start.model);
    CHECK(seen.out == one.text);
    if (!answer.choices.empty()) {
      CHECK(finish_reason_name(seen.finish) ==
            finish_reason_name(answer.choices.begin()->second.finish));
    }
  }
  if (testing::fixtures().empty()) return;
  MESSAGE(streams << " streams, " << bodies << " bodies");
  CHECK(streams >= 20);
  CHECK(bodies >= 60);
}

TEST_CASE("gemini corpus: where a stream is cut does not matter") {
  for (const Recorded& one : recorded()) {
    if (!one.stream) continue;
    CAPTURE(one.name);
    const auto wanted = testing::shown(testing::gemini_stream(one.text));
    const std::size_t step = std::max<std::size_t>(1, one.text.size() / 40);
    for (std::size_t cut = 1; cut < one.text.size(); cut += step) {
      CAPTURE(cut);
      CHECK(testing::shown(testing::gemini_stream(one.text, cut)) == wanted);
    }
  }
}

TEST_CASE("gemini corpus: encoded again, as a stream, a list and a whole answer, nothing is lost") {
  for (const Recorded& one : recorded()) {
    CAPTURE(one.name);
    const auto events =
        one.stream ? testing::gemini_stream(one.text) : testing::gemini_whole(one.text);
    const FoldedAnswer first = fold(events);
    for (const int shape : {0, 1, 2}) {
      CAPTURE(shape);
      AnswerOptions options;
      options.stream = shape < 2;
      options.json_array = shape == 1;
      const std::string text = testing::encode_gemini(events, options);
      const FoldedAnswer again =
          fold(shape == 0 ? testing::gemini_stream(text) : testing::gemini_whole(text));
      REQUIRE_MESSAGE(again.complete,
                      (again.error ? again.error->status.message() : std::string("no end")));
      CHECK(again.start.id == first.start.id);
      CHECK(again.start.model == first.start.model);
      CHECK(again.usage == first.usage);
      for (const auto& [index, choice] : first.choices) {
        REQUIRE(again.choices.count(index) == 1);
        const Said before = said(choice);
        Said after = said(again.choices.at(index));
        // A blocked prompt has no candidate whose reason could be kept.
        if (choice.parts.empty() && !before.finish.empty() && first.choices.size() == 1 &&
            after.finish == "SAFETY") {
          after.finish = before.finish;
        }
        CHECK(after == before);
      }
    }
  }
}

TEST_CASE("gemini corpus: the reference answers of recorded streams (WIRE 6.10)") {
  const auto root = testing::fixtures();
  if (root.empty()) return;
  std::size_t compared = 0;
  for (const auto& path :
       testing::fixture_files({"conversion-goldens/reference/streams"}, ".final.json")) {
    const std::string file = path.filename().string();
    if (file.rfind("google-", 0) != 0) continue;
    const std::string name = file.substr(0, file.size() - std::string(".final.json").size());
    CAPTURE(name);
    ++compared;
    const FoldedAnswer answer = fold(testing::gemini_stream(
        as_events(testing::read_file(root / "gemini" / (name + ".chunks.txt")))));
    const auto document = json::Document::parse(testing::read_file(path));
    REQUIRE(document.has_value());
    const json::Value golden = document->root();
    REQUIRE(answer.choices.count(0) == 1);
    const Said got = said(answer.choices.at(0));
    CHECK(got.text == golden["content"].string().value_or(""));
    std::string_view finish = finish_reason_name(answer.choices.at(0).finish);
    CHECK(std::string(finish) == golden["finish_reason"].string().value_or(""));
    const auto calls = golden["tool_calls"].items();
    std::vector<const AnswerPart*> parts;
    for (const AnswerPart& part : answer.choices.at(0).parts) {
      if (part.start.kind == PartKind::kToolCall) parts.push_back(&part);
    }
    REQUIRE(parts.size() == calls.size());
    for (std::size_t i = 0; i < calls.size(); ++i) {
      CHECK(parts[i]->start.name == calls[i]["function"]["name"].string().value_or(""));
      CHECK(testing::same_json(parts[i]->text,
                               calls[i]["function"]["arguments"].string().value_or("")));
    }
    const json::Value usage = golden["usage"];
    if (!usage.is_object()) continue;
    REQUIRE(answer.usage.has_value());
    CHECK(answer.usage->total_input() == usage["prompt_tokens"].integer().value_or(-1));
    CHECK(answer.usage->total_output() == usage["completion_tokens"].integer().value_or(-1));
  }
  CHECK(compared >= 8);
}

// Recorded requests: decoded and encoded again for the same vendor they say the same.
TEST_CASE("gemini corpus: every recorded request decodes and says the same again") {
  std::size_t count = 0;
  for (const auto& path : testing::fixture_files({"gemini"}, ".request.json")) {
    const std::string text = testing::read_file(path);
    const auto document = json::Document::parse(text);
    if (!document || !document->root()["contents"].exists()) continue;
    CAPTURE(path.string());
    ++count;
    const CallSpec call =
        testing::gemini_call(text, "/v1beta/models/gemini-3.1-pro:generateContent");
    REQUIRE(testing::gemini().scan(call).has_value());
    const auto request = testing::gemini().decode(call);
    REQUIRE_MESSAGE(request.has_value(), request.error().message());
    const auto encoded = testing::gemini().encode(*request, {});
    REQUIRE_MESSAGE(encoded.has_value(), encoded.error().message());
    const std::string sent = encoded->body.str();
    const auto again = testing::gemini().decode(
        testing::gemini_call(sent, "/v1beta/models/gemini-3.1-pro:generateContent"));
    REQUIRE_MESSAGE(again.has_value(), again.error().message());
    const auto settled = testing::gemini().encode(*again, {});
    REQUIRE(settled.has_value());
    CAPTURE(sent);
    CHECK(testing::same_json(settled->body.str(), sent));
    CHECK(encoded->dropped.empty());
  }
  if (!testing::fixtures().empty()) CHECK(count >= 60);
}

// Recorded requests to other vendors.
TEST_CASE("gemini corpus: every request of OpenAI's dialect is expressed, or refused by field") {
  std::size_t expressed = 0;
  std::size_t refused = 0;
  for (const auto& path : testing::fixture_files(
           {"openai-chat", "openai-compatible", "thinking-wire", "tool-choice-matrix"},
           ".request.json")) {
    const std::string text = testing::read_file(path);
    const auto document = json::Document::parse(text);
    if (!document || !document->root()["messages"].is_array()) continue;
    for (const std::string model : {"gemini-2.5-flash", "gemini-3.1-pro"}) {
      CAPTURE(path.string());
      CAPTURE(model);
      CallSpec call;
      call.body = Body(text);
      if (!find_format(Format::kOpenAiChat)->decode(call)) continue;
      const auto out = testing::chat_to_gemini(text, model);
      if (!out) {
        ++refused;
        CAPTURE(out.error().message());
        CHECK(out.error().http_status() == 400);
        CHECK_FALSE(out.error().param().empty());
        continue;
      }
      ++expressed;
      // What we send we can read ourselves.
      CHECK(testing::gemini().decode(testing::gemini_call(out->body.str())).has_value());
    }
  }
  if (testing::fixtures().empty()) return;
  MESSAGE(expressed << " expressed, " << refused << " refused");
  CHECK(expressed > refused * 5);
}

}  // namespace
}  // namespace llmorch
