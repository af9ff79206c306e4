// Recorded answers of OpenAI and compatible servers: decoder and watcher agree, it does not matter
// where the bytes were cut, and encoding loses nothing.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/accumulator.h"
#include "formats/answers.h"
#include "formats/fixtures.h"

namespace llmorch {
namespace {

using testing::Watched;

const std::vector<std::string> kFolders = {"openai-chat",
                                           "openai-compatible",
                                           "edge-cases/apisix/openai",
                                           "edge-cases/apisix/protocol-conversion",
                                           "edge-cases/stream-close",
                                           "errors/pydantic-ai",
                                           "recorded"};

struct Recorded {
  std::string name;
  std::string bytes;
};

bool is_chat(const std::string& text) { return text.find("chat.completion") != std::string::npos; }

std::vector<Recorded> streams() {
  std::vector<Recorded> out;
  for (const auto& path : testing::fixture_files(kFolders, ".sse")) {
    std::string text = testing::read_file(path);
    if (is_chat(text)) out.push_back({path.string(), std::move(text)});
  }
  for (const auto& path : testing::fixture_files(kFolders, ".chunks.txt")) {
    const std::string text = testing::read_file(path);
    if (is_chat(text)) {
      out.push_back({path.string(), testing::as_sse(testing::split_lines(text))});
    }
  }
  return out;
}

std::vector<Recorded> bodies() {
  std::vector<Recorded> out;
  for (const auto& path : testing::fixture_files(kFolders, ".json")) {
    std::string text = testing::read_file(path);
    const std::string name = path.filename().string();
    if (name.find(".request.") != std::string::npos || name.find(".meta.") != std::string::npos) {
      continue;
    }
    const auto document = json::Document::parse(text);
    if (document && document->root()["choices"].is_array()) {
      out.push_back({path.string(), std::move(text)});
    }
  }
  return out;
}

FoldedAnswer fold(const std::vector<Event>& events) {
  Accumulator accumulator;
  for (const Event& event : events) accumulator.add(event);
  return accumulator.answer();
}

// What was watched must be what was decoded.
void check_agreement(const Watched& seen, const std::vector<Event>& events) {
  REQUIRE_FALSE(events.empty());
  const FoldedAnswer answer = fold(events);
  bool content = false;
  for (const Event& event : events) {
    content = content || std::holds_alternative<event::PartStart>(event);
  }
  if (answer.error) {
    const bool at_close = seen.verdict == Verdict::kOk;
    const Status& told = at_close ? seen.close : seen.error;
    CHECK(told.message() == answer.error->status.message());
    if (!at_close) CHECK(verdict_name(seen.verdict) == verdict_name(answer.error->verdict));
    return;
  }
  CHECK(answer.complete);
  CHECK(seen.verdict == Verdict::kOk);
  CHECK(seen.close.ok());
  CHECK(seen.has_usage == answer.usage.has_value());
  if (answer.usage) CHECK(seen.usage == *answer.usage);
  CHECK(seen.raw_usage == answer.raw_usage);
  if (content) CHECK(seen.content);
  bool any = answer.choices.empty();
  for (const auto& [index, choice] : answer.choices) any = any || choice.finish == seen.finish;
  CHECK(any);
  if (!answer.start.model.empty()) CHECK(seen.model == answer.start.model);
}

// Text, reasoning and calls per choice: what must survive any way of encoding.
std::string gist(const std::vector<Event>& events) {
  std::string out;
  for (const auto& [index, choice] : fold(events).choices) {
    std::string text;
    std::string thought;
    std::string refusal;
    out += "choice " + std::to_string(index) + "\n";
    for (const AnswerPart& part : choice.parts) {
      if (part.start.kind == PartKind::kText) text += part.text;
      if (part.start.kind == PartKind::kReasoning) thought += part.text;
      if (part.start.kind == PartKind::kRefusal) refusal += part.text;
      if (part.start.kind != PartKind::kToolCall) continue;
      out += "call " + part.start.id + " " + part.start.name + " " +
             (part.text.empty() ? "{}" : part.text) + "\n";
    }
    out += "text " + text + "\nthought " + thought + "\nrefusal " + refusal + "\n";
    out += choice.content_logprobs + choice.refusal_logprobs;
  }
  return out;
}

void check_round_trips(const std::vector<Event>& events) {
  const FoldedAnswer answer = fold(events);
  if (answer.error) return;
  const auto by_stream = testing::decode_stream(testing::encode(events, true));
  const auto by_whole = testing::decode_whole(testing::encode(events, false));
  const auto folded_stream = testing::decode_whole(
      testing::encode(testing::decode_stream(testing::encode(by_whole, true)), false));
  for (const auto* again : {&by_stream, &by_whole, &folded_stream}) {
    const FoldedAnswer second = fold(*again);
    REQUIRE_MESSAGE(!second.error, second.error->status.message());
    CHECK(gist(*again) == gist(events));
    CHECK(second.usage == answer.usage);
    CHECK(second.start.model == answer.start.model);
    CHECK(second.extras.size() == answer.extras.size());
  }
}

TEST_CASE("corpus: recorded streams") {
  const auto all = streams();
  if (all.empty()) return;
  int complete = 0;
  for (const Recorded& stream : all) {
    CAPTURE(stream.name);
    const auto events = testing::decode_stream(stream.bytes);
    const Watched seen = testing::watch_stream(stream.bytes);
    check_agreement(seen, events);
    check_round_trips(events);
    if (fold(events).complete) ++complete;
    // Every cut gives the same events; long streams at fewer places, all within the first bytes.
    const std::size_t size = stream.bytes.size();
    const std::size_t step = size < 6000 ? 1 : size / 40;
    const auto wanted = testing::show(events);
    for (std::size_t cut = 1; cut < size; cut += step) {
      const bool same = testing::show(testing::decode_stream(stream.bytes, cut)) == wanted;
      CHECK_MESSAGE(same, "cut at ", cut);
      if (!same) break;
    }
  }
  MESSAGE(all.size(), " streams, ", complete, " complete");
  CHECK(all.size() > 60);
  CHECK(complete + 20 > static_cast<int>(all.size()));
}

TEST_CASE("corpus: recorded whole answers") {
  const auto all = bodies();
  if (all.empty()) return;
  for (const Recorded& body : all) {
    CAPTURE(body.name);
    const auto events = testing::decode_whole(body.bytes);
    check_agreement(testing::watch_whole(body.bytes), events);
    check_round_trips(events);
  }
  MESSAGE(all.size(), " bodies");
  CHECK(all.size() > 50);
}

}  // namespace
}  // namespace llmorch
