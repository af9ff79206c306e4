// What an answer costs on its way back, for streams of so many bytes in chunks of 300: items are
// chunks, so items per second is the figure per chunk.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "llmorch/spi/format.h"
#include "net/sse.h"
#include "texts.h"

namespace llmorch::bench {
namespace {

const FormatCodec& codec() { return *find_format(Format::kOpenAiChat); }

void count(benchmark::State& state, std::size_t chunks) {
  const auto all = state.iterations() * static_cast<std::int64_t>(chunks);
  state.SetItemsProcessed(all);
  state.SetBytesProcessed(all * static_cast<std::int64_t>(kChunkBytes));
}

// Frames as the framer would hand them out; they view `texts`.
std::vector<Frame> frames(const std::vector<std::string>& texts) {
  constexpr std::size_t kPrefix = 6;  // "data: "
  std::vector<Frame> out;
  for (const std::string& text : texts) {
    const std::string_view raw = text;
    out.push_back({raw, {}, raw.substr(kPrefix, raw.size() - kPrefix - 2), true});
  }
  return out;
}

AnswerOptions options() {
  AnswerOptions options;
  options.stream = true;
  options.hide_usage = true;
  return options;
}

void sse_framer(benchmark::State& state) {
  const auto texts = chunks(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    SseFramer framer;
    std::size_t taken = 0;
    Frame frame;
    for (const std::string& text : texts) {  // one read per chunk, as a live stream comes
      if (!framer.feed(text).ok()) return state.SkipWithError("the framer refused a chunk");
      while (framer.take(frame)) ++taken;
    }
    if (taken != texts.size()) return state.SkipWithError("frames got lost");
  }
  count(state, texts.size());
}
BENCHMARK(sse_framer)->ArgsProduct({kSizes});

// The same bytes in reads that end anywhere.
void sse_framer_cut(benchmark::State& state) {
  const std::string text = stream_text(static_cast<std::size_t>(state.range(0)));
  constexpr std::size_t kRead = 1009;
  for (auto _ : state) {
    SseFramer framer;
    std::size_t taken = 0;
    Frame frame;
    for (std::size_t at = 0; at < text.size(); at += kRead) {
      if (!framer.feed(std::string_view(text).substr(at, kRead)).ok())
        return state.SkipWithError("the framer refused a read");
      while (framer.take(frame)) ++taken;
    }
    if (taken != text.size() / kChunkBytes) return state.SkipWithError("frames got lost");
  }
  count(state, text.size() / kChunkBytes);
}
BENCHMARK(sse_framer_cut)->ArgsProduct({kSizes});

void watch_chunks(benchmark::State& state) {
  const auto texts = chunks(static_cast<std::size_t>(state.range(0)));
  const auto all = frames(texts);
  for (auto _ : state) {
    const std::unique_ptr<AnswerWatcher> watcher = codec().new_watcher(options());
    for (const Frame& frame : all) {
      const FrameNote note = watcher->on_frame(frame);
      if (!note.content) return state.SkipWithError("the watcher saw no content");
    }
  }
  count(state, all.size());
}
BENCHMARK(watch_chunks)->ArgsProduct({kSizes});

void decode_chunks(benchmark::State& state) {
  const auto texts = chunks(static_cast<std::size_t>(state.range(0)));
  const auto all = frames(texts);
  std::vector<Event> events;
  for (auto _ : state) {
    const std::unique_ptr<AnswerDecoder> decoder = codec().new_decoder(options());
    for (const Frame& frame : all) {
      events.clear();
      decoder->on_frame(frame, events);
      if (events.empty()) return state.SkipWithError("the decoder found no event");
    }
  }
  count(state, all.size());
}
BENCHMARK(decode_chunks)->ArgsProduct({kSizes});

}  // namespace
}  // namespace llmorch::bench
