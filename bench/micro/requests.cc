// What a request costs before it leaves: scan and splice when formats are the same, decode and
// encode when they differ.
#include <benchmark/benchmark.h>

#include "llmorch/spi/format.h"
#include "texts.h"

namespace llmorch::bench {
namespace {

const FormatCodec& codec() { return *find_format(Format::kOpenAiChat); }

void count_bytes(benchmark::State& state, const CallSpec& spec) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(spec.body.size()));
}

void scan(benchmark::State& state) {
  const CallSpec spec = request(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    Result<RequestScan> scanned = codec().scan(spec);
    if (!scanned) return state.SkipWithError(scanned.error().message().c_str());
    benchmark::DoNotOptimize(scanned);
  }
  count_bytes(state, spec);
}
BENCHMARK(scan)->ArgsProduct({kSizes});

void splice(benchmark::State& state) {
  const CallSpec spec = request(static_cast<std::size_t>(state.range(0)));
  const Result<RequestScan> scanned = codec().scan(spec);
  if (!scanned) return state.SkipWithError(scanned.error().message().c_str());
  RequestEdits edits;
  edits.model = "up";
  edits.set = {{"temperature", "1"}};
  edits.ask_usage = true;
  for (auto _ : state) {
    Result<Body> spliced = codec().splice(spec.body, *scanned, edits);
    if (!spliced) return state.SkipWithError(spliced.error().message().c_str());
    benchmark::DoNotOptimize(spliced);
  }
  count_bytes(state, spec);
}
BENCHMARK(splice)->ArgsProduct({kSizes});

void decode_request(benchmark::State& state) {
  const CallSpec spec = request(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    Result<ChatRequest> decoded = codec().decode(spec);
    if (!decoded) return state.SkipWithError(decoded.error().message().c_str());
    benchmark::DoNotOptimize(decoded);
  }
  count_bytes(state, spec);
}
BENCHMARK(decode_request)->ArgsProduct({kSizes});

void encode_request(benchmark::State& state) {
  const CallSpec spec = request(static_cast<std::size_t>(state.range(0)));
  const Result<ChatRequest> decoded = codec().decode(spec);
  if (!decoded) return state.SkipWithError(decoded.error().message().c_str());
  RequestEdits options;
  options.model = "up";
  options.ask_usage = true;
  for (auto _ : state) {
    Result<EncodedRequest> encoded = codec().encode(*decoded, options);
    if (!encoded) return state.SkipWithError(encoded.error().message().c_str());
    benchmark::DoNotOptimize(encoded);
  }
  count_bytes(state, spec);
}
BENCHMARK(encode_request)->ArgsProduct({kSizes});

}  // namespace
}  // namespace llmorch::bench
