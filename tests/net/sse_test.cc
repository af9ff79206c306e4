// SseFramer: every stream of the table is cut at every place; the frames must not notice.
#include "net/sse.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

namespace llmorch {
namespace {

struct Seen {
  std::string raw, event, data;
  bool has_data;
};

// As text, so that a failed comparison can be read.
std::string text(const std::vector<Seen>& frames) {
  std::string out;
  for (const Seen& seen : frames) {
    out += '[' + seen.raw + '|' + seen.event + '|' + seen.data + (seen.has_data ? "]" : "-]");
  }
  return out;
}

struct Row {
  std::string name;
  std::string input;
  std::vector<Seen> frames;
};

const std::string kBom = "\xEF\xBB\xBF";

const Row kRows[] = {
    {"nothing", "", {}},
    {"white space only is no frame at the end", "  ", {}},
    {"LF",
     "data: a\n\ndata: b\n\n",
     {{"data: a\n\n", "", "a", true}, {"data: b\n\n", "", "b", true}}},
    {"CRLF",
     "event: x\r\ndata: a\r\n\r\ndata: b\r\n\r\n",
     {{"event: x\r\ndata: a\r\n\r\n", "x", "a", true}, {"data: b\r\n\r\n", "", "b", true}}},
    {"CR",
     "event: x\rdata: a\r\rdata: b\r\r",
     {{"event: x\rdata: a\r\r", "x", "a", true}, {"data: b\r\r", "", "b", true}}},
    {"an LF after two CR belongs to the second and ends nothing",
     "data: a\r\r\ndata: b\r\r",
     {{"data: a\r\r", "", "a", true}, {"\ndata: b\r\r", "", "b", true}}},
    {"line ends mixed",
     "data: a\n\r\ndata: b\r\n\ndata: c\r\n\rdata: d\n\n",
     {{"data: a\n\r\n", "", "a", true},
      {"data: b\r\n\n", "", "b", true},
      {"data: c\r\n\r", "", "c", true},
      {"data: d\n\n", "", "d", true}}},
    {"no space after the colon; only one space is taken",
     "event:x\ndata:{\"a\":1}\n\ndata:  b\n\n",
     {{"event:x\ndata:{\"a\":1}\n\n", "x", "{\"a\":1}", true}, {"data:  b\n\n", "", " b", true}}},
    {"several data lines are joined by LF",
     "data: a\ndata\ndata:\ndata: b\n\n",
     {{"data: a\ndata\ndata:\ndata: b\n\n", "", "a\n\n\nb", true}}},
    {"comments only", ": ping\n\n:\n\n", {{": ping\n\n", "", "", false}, {":\n\n", "", "", false}}},
    {"comments inside", ":x\ndata: a\n: y\n\n", {{":x\ndata: a\n: y\n\n", "", "a", true}}},
    {"an event without data", "event: ping\n\n", {{"event: ping\n\n", "ping", "", false}}},
    {"empty data is data", "data:\n\n", {{"data:\n\n", "", "", true}}},
    {"the last event name counts; id, retry and unknown fields do not",
     "event: a\nid: 7\nretry: 5\nfoo: bar\nevent: b\ndatax: z\ndata: d\n\n",
     {{"event: a\nid: 7\nretry: 5\nfoo: bar\nevent: b\ndatax: z\ndata: d\n\n", "b", "d", true}}},
    {"extra blank lines are frames of their own",
     "\ndata: a\n\n\n\ndata: b\n\n",
     {{"\n", "", "", false},
      {"data: a\n\n", "", "a", true},
      {"\n", "", "", false},
      {"\n", "", "", false},
      {"data: b\n\n", "", "b", true}}},
    {"a BOM at the start is skipped, later it is text",
     kBom + "data: a\n\n" + kBom + "data: b\n\n",
     {{kBom + "data: a\n\n", "", "a", true}, {kBom + "data: b\n\n", "", "", false}}},
    {"missing blank line",
     "data: a\n\ndata: b\n",
     {{"data: a\n\n", "", "a", true}, {"data: b\n", "", "b", true}}},
    {"missing line end", "data: a\r\ndata: b", {{"data: a\r\ndata: b", "", "a\nb", true}}},
    {"cut inside the last CRLF", "data: a\r\n\r", {{"data: a\r\n\r", "", "a", true}}},
    {"NUL and other bytes pass",
     std::string("data: \0\x80\n\n", 10),
     {{std::string("data: \0\x80\n\n", 10), "", std::string("\0\x80", 2), true}}},
};

void drain(SseFramer& framer, std::vector<Seen>& out) {
  Frame frame;
  while (framer.take(frame)) {
    out.push_back({std::string(frame.raw), std::string(frame.event), std::string(frame.data),
                   frame.has_data});
  }
}

std::vector<Seen> frames_of(const std::vector<std::string_view>& parts) {
  SseFramer framer;
  std::vector<Seen> out;
  for (std::string_view part : parts) {
    // A copy that goes away at once: nothing may be borrowed beyond take() saying false.
    const std::string fed(part);
    REQUIRE(framer.feed(fed).ok());
    drain(framer, out);
  }
  Frame frame;
  if (framer.finish(frame)) {
    out.push_back({std::string(frame.raw), std::string(frame.event), std::string(frame.data),
                   frame.has_data});
  }
  CHECK_FALSE(framer.finish(frame));
  return out;
}

std::string raw_of(const std::vector<Seen>& frames) {
  std::string raw;
  for (const Seen& seen : frames) raw += seen.raw;
  return raw;
}

TEST_CASE("the frames of every stream, cut at every one and every two places") {
  for (const Row& row : kRows) {
    CAPTURE(row.name);
    const std::string_view input = row.input;
    CHECK(text(frames_of({input})) == text(row.frames));
    if (!row.frames.empty()) CHECK(raw_of(frames_of({input})) == input);
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < input.size(); ++i) bytes.push_back(input.substr(i, 1));
    CHECK(text(frames_of(bytes)) == text(row.frames));
    for (std::size_t i = 0; i <= input.size(); ++i) {
      for (std::size_t j = i; j <= input.size(); ++j) {
        CAPTURE(i);
        CAPTURE(j);
        REQUIRE(text(frames_of({input.substr(0, i), input.substr(i, j - i), input.substr(j)})) ==
                text(row.frames));
      }
    }
  }
}

TEST_CASE("a frame is yielded at its last byte, not at the next one's first") {
  for (const char* input : {"data: a\n\n", "data: a\r\n\r\n", "data: a\r\r"}) {
    CAPTURE(input);
    SseFramer framer;
    std::vector<Seen> out;
    const std::string_view all = input;
    REQUIRE(framer.feed(all.substr(0, all.size() - 1)).ok());
    drain(framer, out);
    CHECK(out.empty());
    REQUIRE(framer.feed(all.substr(all.size() - 1)).ok());
    drain(framer, out);
    CHECK(out.size() == 1);
  }
}

TEST_CASE("a frame that lies whole in one feed is not copied") {
  SseFramer framer;
  const std::string input = "data: a\n\ndata: b\n\n";
  REQUIRE(framer.feed(input).ok());
  Frame frame;
  REQUIRE(framer.take(frame));
  CHECK(frame.raw.data() == input.data());
  CHECK(frame.data.data() == input.data() + 6);
  REQUIRE(framer.take(frame));
  CHECK(frame.raw.data() == input.data() + 9);
  CHECK_FALSE(framer.take(frame));
}

TEST_CASE("a frame over the bound is refused wherever it is cut; one at the bound passes") {
  const std::string fits = "data: 12345678\n\n";  // 16 bytes
  const std::string over = "data: 123456789\n\n";
  for (std::size_t cut = 0; cut <= fits.size(); ++cut) {
    CAPTURE(cut);
    for (const std::string& input : {fits, over}) {
      SseFramer framer(16);
      std::vector<Seen> out;
      Status status = framer.feed("data: ok\n\n");
      drain(framer, out);
      if (status.ok()) status = framer.feed(std::string_view(input).substr(0, cut));
      drain(framer, out);
      if (status.ok()) status = framer.feed(std::string_view(input).substr(cut));
      drain(framer, out);
      if (input == fits) {
        CHECK(status.ok());
        CHECK(out.size() == 2);
      } else {
        CHECK(status.code() == Code::kTooLarge);
        CHECK(framer.feed("data: a\n\n").code() == Code::kTooLarge);  // spent
        Frame frame;
        CHECK_FALSE(framer.take(frame));
        CHECK_FALSE(framer.finish(frame));
      }
    }
  }
}

TEST_CASE("an endless line without a line end is refused at the bound") {
  SseFramer framer(1000);
  Status status;
  std::size_t fed = 0;
  Frame frame;
  while (status.ok() && fed < 5000) {
    status = framer.feed("aaaaaaaaaa");
    CHECK_FALSE(framer.take(frame));
    fed += 10;
  }
  CHECK(status.code() == Code::kTooLarge);
  CHECK(fed == 1010);
}

TEST_CASE("cost is linear: many short lines, one kind of line end, fed whole and byte by byte") {
  // Quadratic searching would need 10^11 steps here; the test's time-out is the judge.
  for (const char* line : {"data: x\n", "data: x\r", "data: x\r\n"}) {
    std::string input;
    while (input.size() < (4u << 20)) input += line;
    SseFramer framer;
    Frame frame;
    REQUIRE(framer.feed(input).ok());
    CHECK_FALSE(framer.take(frame));
    REQUIRE(framer.finish(frame));
    CHECK(frame.raw == input);
    CHECK(frame.data.size() > 900000);
    SseFramer slow;
    bool all_held_back = true;
    for (std::size_t i = 0; i < (1u << 20); ++i) {
      all_held_back &= slow.feed(std::string_view(input).substr(i, 1)).ok() && !slow.take(frame);
    }
    CHECK(all_held_back);
  }
}

}  // namespace
}  // namespace llmorch
