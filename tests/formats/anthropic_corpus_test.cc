// Recorded answers of Anthropic: decoder and watcher agree, it does not matter where the bytes were
// cut, encoding into the same format loses nothing, and the worked examples agree.
#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "formats/anthropic_support.h"
#include "formats/fixtures.h"

namespace llmorch {
namespace {

using testing::gist;
using testing::read_anthropic;
using testing::write_anthropic;

const std::vector<std::string> kFolders = {
    "anthropic", "edge-cases/apisix/anthropic", "edge-cases/apisix/protocol-conversion",
    "errors",    "tool-choice-matrix",          "thinking-wire"};

struct Recorded {
  std::string name;
  std::string bytes;
  bool glued = false;  // several answers in one file
};

bool is_stream(const std::string& text) { return text.find("message_start") != std::string::npos; }

std::size_t starts(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find("\"type\":\"message_start\"", at)) != std::string::npos;
       ++at) {
    ++count;
  }
  return count;
}

std::vector<Recorded> streams() {
  std::vector<Recorded> out;
  for (const std::string ending : {".sse", "_response.txt", ".chunks.txt"}) {
    for (const auto& path : testing::fixture_files(kFolders, ending)) {
      std::string text = testing::read_file(path);
      if (!is_stream(text)) continue;
      const bool glued = starts(text) > 1;
      if (ending == ".chunks.txt") text = testing::as_events(testing::split_lines(text));
      out.push_back({path.string(), std::move(text), glued});
    }
  }
  return out;
}

std::vector<Recorded> bodies() {
  std::vector<Recorded> out;
  for (const auto& path : testing::fixture_files(kFolders, ".json")) {
    const std::string name = path.filename().string();
    if (name.find(".request.") != std::string::npos || name.find(".meta.") != std::string::npos) {
      continue;
    }
    std::string text = testing::read_file(path);
    const auto document = json::Document::parse(text);
    if (!document) continue;
    const json::Value root = document->root();
    if (root["type"].string() == "message" && root["content"].is_array()) {
      out.push_back({path.string(), std::move(text)});
    }
  }
  return out;
}

bool is_complete(const std::vector<Event>& events) {
  return !events.empty() && std::holds_alternative<event::End>(events.back());
}

void check_watcher(const std::string& text, bool stream, const std::vector<Event>& events) {
  const auto seen = testing::watch_anthropic(text, stream);
  CHECK(seen.close.ok() == is_complete(events));
  const event::UsageUpdate* usage = nullptr;
  const event::Finish* finish = nullptr;
  std::string model;
  for (const Event& event : events) {
    if (const auto* found = std::get_if<event::UsageUpdate>(&event)) usage = found;
    if (const auto* found = std::get_if<event::Finish>(&event)) finish = found;
    if (const auto* found = std::get_if<event::Start>(&event)) model = found->model;
  }
  CHECK(seen.has_usage == (usage != nullptr));
  if (usage != nullptr) CHECK(seen.usage == usage->usage);
  if (usage != nullptr) CHECK(seen.raw_usage == usage->raw);
  if (finish != nullptr && !finish->raw.empty()) CHECK(seen.finish == finish->reason);
  CHECK(seen.model == model);
}

void check_round_trips(const std::vector<Event>& events) {
  if (!is_complete(events)) return;
  const std::string whole = write_anthropic(events, false);
  const std::string stream = write_anthropic(events, true);
  CHECK(testing::broken_rule(stream) == "");
  CHECK(gist(read_anthropic(stream, true)) == gist(events));
  // Of a call that was cut off, a whole answer can only hold the raw text.
  if (gist(events).find("finish length") == std::string::npos) {
    CHECK(gist(read_anthropic(whole, false)) == gist(events));
  }
  const bool same = testing::same_json(write_anthropic(read_anthropic(stream, true), false), whole);
  CHECK_MESSAGE(same, whole, "\n", write_anthropic(read_anthropic(stream, true), false));
}

TEST_CASE("corpus: recorded streams of Anthropic") {
  const auto all = streams();
  if (all.empty()) return;
  int complete = 0;
  for (const Recorded& stream : all) {
    CAPTURE(stream.name);
    const auto events = read_anthropic(stream.bytes, true);
    REQUIRE_FALSE(events.empty());
    check_watcher(stream.bytes, true, events);
    check_round_trips(events);
    if (is_complete(events)) ++complete;
    const bool broken = stream.name.find("spliced-message-start") != std::string::npos;
    CHECK(is_complete(events) == !broken);
    // Every cut gives the same events; long streams at fewer places.
    const auto wanted = testing::show(events);
    const std::size_t size = stream.bytes.size();
    const std::size_t step = size < 4096 ? 1 : size / 100;
    for (std::size_t cut = 1; cut < size; cut += step) {
      const bool same = testing::show(read_anthropic(stream.bytes, true, {}, cut)) == wanted;
      CHECK_MESSAGE(same, "cut at ", cut);
      if (!same) break;
    }
    // And so does every end of line.
    std::string crlf;
    for (const char c : stream.bytes) crlf.append(c == '\n' ? "\r\n" : std::string(1, c));
    CHECK(testing::show(read_anthropic(crlf, true)) == wanted);
  }
  MESSAGE(all.size(), " streams, ", complete, " complete");
  CHECK(all.size() > 60);
}

TEST_CASE("corpus: recorded whole answers of Anthropic") {
  const auto all = bodies();
  if (all.empty()) return;
  int equal = 0;
  for (const Recorded& body : all) {
    CAPTURE(body.name);
    const auto events = read_anthropic(body.bytes, false);
    CHECK(is_complete(events));
    check_watcher(body.bytes, false, events);
    check_round_trips(events);
    // Null fields, and citations that are null or an empty list, are the only things that may go.
    if (testing::same_json(write_anthropic(events, false), body.bytes)) ++equal;
  }
  MESSAGE(all.size(), " bodies, ", equal, " of them equal as JSON");
  CHECK(all.size() > 80);
}

TEST_CASE("corpus: the worked streams (WIRE 6.10)") {
  int checked = 0;
  for (const auto& path :
       testing::fixture_files({"conversion-goldens/reference/streams"}, ".to-anthropic.sse")) {
    CAPTURE(path.string());
    const auto events = read_anthropic(testing::read_file(path), true);
    CHECK(is_complete(events));
    check_round_trips(events);
    ++checked;
  }
  if (!testing::fixtures().empty()) CHECK(checked > 15);
}

// Signatures are placeholders there.
std::string gist_without_signatures(const std::string& sse) {
  std::vector<Event> events = read_anthropic(sse, true);
  for (Event& event : events) {
    if (auto* delta = std::get_if<event::PartDelta>(&event)) delta->signature.clear();
  }
  return gist(events);
}

TEST_CASE("corpus: OpenAI's streams for Anthropic's clients (WIRE 6.7, 6.10)") {
  const auto root = testing::fixtures();
  if (root.empty()) return;
  std::map<std::string, bool> equal;  // some recordings share a name; one of them is the original
  for (const auto& path :
       testing::fixture_files({"openai-chat", "openai-compatible"}, ".chunks.txt")) {
    const std::string name = path.filename().string();
    const auto golden = root / "conversion-goldens" / "reference" / "streams" /
                        (name.substr(0, name.size() - 11) + ".to-anthropic.sse");
    if (!std::filesystem::exists(golden)) continue;
    CAPTURE(name);
    const auto events =
        testing::decode_stream(testing::as_sse(testing::split_lines(testing::read_file(path))));
    AnswerOptions options;
    options.upstream = Format::kOpenAiChat;
    const std::string ours = write_anthropic(events, true, options);
    CHECK(testing::broken_rule(ours) == "");
    equal[name] = equal[name] || gist_without_signatures(ours) ==
                                     gist_without_signatures(testing::read_file(golden));
  }
  for (const auto& entry : equal) CHECK_MESSAGE(entry.second, entry.first);
  CHECK(equal.size() > 5);
}

}  // namespace
}  // namespace llmorch
