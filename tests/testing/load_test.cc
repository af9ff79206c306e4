// The load generator against the mock and the fault proxy, in one thread on one loop.
#include "testing/load_generator.h"

#include <doctest/doctest.h>

#include <string>

#include "base/text.h"
#include "json/json.h"
#include "rig.h"
#include "testing/fault_proxy.h"

namespace llmorch::testing {
namespace {

using std::chrono::milliseconds;

LoadResult run_load(Rig& rig, LoadOptions options, const std::string& base) {
  options.url = base + "/v1/chat/completions";
  if (options.request.key.empty()) options.request.key = "k";
  auto load = LoadGenerator::start(*rig.loop, options);
  REQUIRE_MESSAGE(load, load.error().message());
  REQUIRE(rig.drive_until([&] { return (*load)->done(); }, std::chrono::seconds(60)));
  CHECK((*load)->live() == 0);
  return (*load)->result();
}

TEST_CASE("closed loop: so many requests, each checked, whole and streamed") {
  for (const bool stream : {false, true}) {
    for (const std::size_t size : {0U, 600U, 100'000U}) {
      CAPTURE(stream);
      CAPTURE(size);
      Rig rig;
      const auto mock = rig.mock();
      LoadOptions options;
      options.requests = size > 1000 ? 20 : 300;
      options.connections = 10;
      options.request.stream = stream;
      options.request.size = size;
      const LoadResult result = run_load(rig, options, mock->url());
      CHECK(result.ok() == options.requests);
      CHECK(result.failed() == 0);
      CHECK(result.checked == options.requests);
      CHECK(result.started == options.requests);
      CHECK(result.connections == 10);
      CHECK(result.peak_live == 10);
      CHECK(result.latency.count() == options.requests);
      CHECK(mock->stats().requests == options.requests);
      CHECK(mock->stats().connections == 10);
      CHECK((result.events > 0) == stream);
      CHECK(result.first_event.count() == (stream ? options.requests : 0));
      if (size > 0) CHECK(mock->last_requests(1).front().body.size() == size);
    }
  }
}

TEST_CASE("stamped frames tell how long each was under way, and are still checked") {
  for (const bool stamp : {false, true}) {
    CAPTURE(stamp);
    Rig rig;
    const auto mock = rig.mock(stamp ? R"({"stamp":true,"chunks":5})" : R"({"chunks":5})");
    LoadOptions options;
    options.requests = 8;
    options.connections = 4;
    options.request.stream = true;
    const LoadResult result = run_load(rig, options, mock->url());
    CHECK(result.ok() == 8);
    CHECK(result.checked == 8);
    // Of each stream: the role, five pieces, the finish. Usage was not asked for.
    CHECK(result.events == 8 * 7);
    CHECK(result.delivery.count() == (stamp ? 8 * 7 : 0));
    CHECK(result.delivery.max() < std::chrono::seconds(60));
  }
}

TEST_CASE("what happened before a run settled is not in its steady figures") {
  for (const int settle_ms : {0, 300}) {
    CAPTURE(settle_ms);
    Rig rig;
    const auto mock = rig.mock(R"({"stamp":true,"chunks":100000,"chunk_delay_ms":10})");
    LoadOptions options;
    options.duration = milliseconds(600);
    options.connections = 3;
    options.request.stream = true;
    options.cut_at_end = true;
    options.settle = milliseconds(settle_ms);
    const LoadResult result = run_load(rig, options, mock->url());
    CHECK(result.count(LoadOutcome::kCut) == 3);
    CHECK(result.delivery.count() == result.steady_events);
    if (settle_ms == 0) {
      CHECK(result.steady_events == result.events);
      CHECK(result.steady_seconds == result.seconds);
    } else {
      CHECK(result.steady_events > 0);
      CHECK(result.steady_events < result.events);
      CHECK(result.steady_seconds <= result.seconds - 0.3);
    }
  }
}

TEST_CASE("every kind of failure has its own count") {
  const struct {
    std::string script;
    bool stream;
    LoadOutcome outcome;
  } rows[] = {
      {R"({"status":500})", false, LoadOutcome::kBadStatus},
      {R"({"status":429})", true, LoadOutcome::kBadStatus},
      {R"({"drop_request":true})", false, LoadOutcome::kReset},
      {R"({"reset_after_bytes":0})", false, LoadOutcome::kReset},
      {R"({"cut_after_bytes":400})", true, LoadOutcome::kEarlyClose},
      {R"({"reset_after_bytes":400})", true, LoadOutcome::kEarlyClose},
      {R"({"cut_after_chunks":1})", true, LoadOutcome::kEarlyClose},
      {R"({"stall_after_bytes":400})", true, LoadOutcome::kTimeout},
      {R"({"delay_ms":100000})", false, LoadOutcome::kTimeout},
      {R"({"raw":"nonsense\r\n\r\n"})", false, LoadOutcome::kProtocol},
      {R"({"no_done":true})", true, LoadOutcome::kUnfinished},
      {R"({"error_in_band":1})", true, LoadOutcome::kInBand},
      {R"({"body":{"choices":[{"message":{"content":"echo:0123456789abcdef:wrong"}}]}})", false,
       LoadOutcome::kMismatch},
      {R"({"garbage":100})", false, LoadOutcome::kMismatch},
      {R"({"body":""})", false, LoadOutcome::kMismatch},
      {R"({"chunk_bytes":1})", true, LoadOutcome::kOk},
      {R"({"close_after":true})", true, LoadOutcome::kOk},
      {R"({"http10":true})", true, LoadOutcome::kOk},
      {R"({"http10":true})", false, LoadOutcome::kOk},
      {R"({"chunks":50,"chunk_size":300})", true, LoadOutcome::kOk},
      {R"({"chunks":50,"chunk_size":300})", false, LoadOutcome::kOk},
  };
  for (const auto& row : rows) {
    CAPTURE(row.script);
    CAPTURE(row.stream);
    Rig rig;
    const auto mock = rig.mock(row.script);
    LoadOptions options;
    options.requests = 6;
    options.connections = 2;
    options.request.stream = row.stream;
    options.request_timeout = milliseconds(100);
    if (row.outcome == LoadOutcome::kOk) options.request_timeout = std::chrono::seconds(20);
    const LoadResult result = run_load(rig, options, mock->url());
    CHECK(result.count(row.outcome) == 6);
    CHECK(result.started == 6);
    CHECK(result.failed() == (row.outcome == LoadOutcome::kOk ? 0 : 6));
  }
}

TEST_CASE("nobody there: connect failures, bounded") {
  Rig rig;
  int port = 0;
  {
    auto gone = Listener::listen(*rig.loop, "127.0.0.1:0", [](int) {});
    REQUIRE(gone);
    port = (*gone)->port();
  }
  LoadOptions options;
  options.requests = 5;
  options.connections = 2;
  const LoadResult result = run_load(rig, options, "http://127.0.0.1:" + std::to_string(port));
  CHECK(result.count(LoadOutcome::kConnect) >= 5);
  CHECK(result.ok() == 0);
}

TEST_CASE("a changed byte on the way is a mismatch or a protocol error, never ok") {
  Rig rig;
  const auto mock = rig.mock();
  std::uint64_t not_ok = 0;
  for (std::size_t at = 420; at < 450; ++at) {  // inside the text of a 600-byte question's answer
    auto proxy =
        FaultProxy::start(*rig.loop, "127.0.0.1:0", mock->url().substr(7),
                          "{\"kind\":\"corrupt\",\"after\":" + std::to_string(at) + "}", 1);
    REQUIRE(proxy);
    LoadOptions options;
    options.requests = 1;
    options.connections = 1;
    options.request.size = 600;
    const LoadResult result = run_load(rig, options, "http://" + (*proxy)->address());
    REQUIRE((*proxy)->stats().faults == 1);
    not_ok += result.failed();
  }
  CHECK(not_ok == 30);
}

TEST_CASE("open loop: requests have intended times, and waiting counts") {
  Rig rig;
  const auto mock = rig.mock(R"({"delay_ms":20})");
  LoadOptions options;
  options.requests = 20;
  options.rate = 1000;      // 20 ms of intentions
  options.connections = 1;  // 400 ms of work
  const LoadResult result = run_load(rig, options, mock->url());
  CHECK(result.ok() == 20);
  CHECK(result.peak_live == 1);
  // The last one was intended at 19 ms and answered at 400 ms at the earliest.
  CHECK(result.latency.max() >= milliseconds(380));
  CHECK(result.latency.quantile(0.5) >= milliseconds(150));
}

TEST_CASE("open loop: the rate is kept") {
  Rig rig;
  const auto mock = rig.mock();
  LoadOptions options;
  options.duration = milliseconds(300);
  options.rate = 500;
  options.connections = 4;
  const LoadResult result = run_load(rig, options, mock->url());
  CHECK(result.failed() == 0);
  CHECK(result.ok() >= 145);  // 150 intended in 300 ms, and no more than the time allows
  CHECK(static_cast<double>(result.ok()) <= result.seconds * 500 + 1);
}

TEST_CASE("streams are held, and cut when the time is over; the mock sees each client leave") {
  Rig rig;
  const auto mock = rig.mock(R"({"chunks":100000,"chunk_size":20,"chunk_delay_ms":20})");
  LoadOptions options;
  options.connections = 300;
  options.request.stream = true;
  options.duration = milliseconds(400);
  options.cut_at_end = true;
  const LoadResult result = run_load(rig, options, mock->url());
  CHECK(result.peak_live == 300);
  CHECK(result.count(LoadOutcome::kCut) == 300);
  CHECK(result.checked == 300);  // as far as they came
  CHECK(result.failed() == 0);
  CHECK(result.events > 600);
  CHECK(result.gap.count() > 300);
  CHECK(rig.drive_until([&] { return mock->stats().aborted_by_client == 300; }));
  CHECK(mock->stats().live == 0);
}

TEST_CASE("a stream that is cut at the end was still checked as far as it came") {
  Rig rig;
  const std::string bytes =
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
      "data: {\"content\":\"echo:0123456789abcdef:no\"}\n\n";
  const auto mock = rig.mock("{\"raw\":" + json_string(bytes) +
                             ",\"stall_after_bytes\":" + std::to_string(bytes.size()) + "}");
  LoadOptions options;
  options.connections = 2;
  options.request.stream = true;
  options.duration = milliseconds(50);
  options.cut_at_end = true;
  CHECK(run_load(rig, options, mock->url()).count(LoadOutcome::kMismatch) == 2);
}

TEST_CASE("max_time ends everything, whatever happens") {
  Rig rig;
  const auto mock = rig.mock(R"({"delay_ms":100000})");
  LoadOptions options;
  options.requests = 3;
  options.connections = 3;
  options.max_time = milliseconds(100);
  CHECK(run_load(rig, options, mock->url()).count(LoadOutcome::kTimeout) == 3);
}

TEST_CASE("a body of one's own, with nonces in it, in several shapes") {
  const struct {
    std::string body;
    std::uint64_t checked;  // of 4
  } rows[] = {
      {R"({"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"q \"{{nonce}}\" é\n"}]})",
       4},
      {R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"{{nonce}}"},{"type":"text","text":"b"}]}]})",
       4},
      {R"({"model":"m","messages":[{"role":"user","content":"always the same"}]})", 4},
      {R"({"model":"m","messages":[{"role":"system","content":"s"}]})", 0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.body);
    Rig rig;
    const auto mock = rig.mock();
    LoadOptions options;
    options.requests = 4;
    options.connections = 1;
    options.request.body = row.body;
    const LoadResult result = run_load(rig, options, mock->url());
    CHECK(result.ok() == 4);
    CHECK(result.checked == row.checked);
    const auto sent = mock->last_requests(2);
    const bool has_nonce = std::string_view(row.body).find("{{") != std::string_view::npos;
    CHECK((sent.at(0).body != sent.at(1).body) == has_nonce);
  }
}

TEST_CASE("what cannot be run is refused") {
  Rig rig;
  const auto refused = [&](auto change) {
    LoadOptions options;
    options.url = "http://127.0.0.1:1/x";
    options.requests = 1;
    change(options);
    return !LoadGenerator::start(*rig.loop, options).has_value();
  };
  CHECK(refused([](LoadOptions& options) { options.url = "https://127.0.0.1:1/"; }));
  CHECK(refused([](LoadOptions& options) { options.url = "http://example.com/"; }));
  CHECK(refused([](LoadOptions& options) { options.requests = 0; }));
  CHECK(refused([](LoadOptions& options) { options.connections = 0; }));
  CHECK(refused([](LoadOptions& options) { options.request.headers.emplace_back("a", "b\r\nc"); }));
  CHECK_FALSE(refused([](LoadOptions&) {}));
}

TEST_CASE("the result is JSON, with every outcome in it") {
  LoadResult result;
  result.statuses = {{200, 3}, {500, 1}};
  auto document = json::Document::parse(result.json());
  REQUIRE_MESSAGE(document, result.json());
  CHECK(document->root()["outcomes"].size() == kLoadOutcomes);
  CHECK(document->root()["statuses"]["500"].integer() == 1);
  CHECK(document->root()["latency_us"]["p99"].number().has_value());
}

TEST_CASE("the histogram's quantiles are within a bucket of the truth") {
  Histogram histogram;
  CHECK(histogram.quantile(0.5).count() == 0);
  for (int i = 1; i <= 100'000; ++i) histogram.add(std::chrono::nanoseconds(i * 1000));
  for (const double fraction : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    CAPTURE(fraction);
    const double truth = fraction * 100'000'000;
    const auto got = static_cast<double>(histogram.quantile(fraction).count());
    CHECK(got >= truth);
    CHECK(got <= truth * 1.04);
  }
  CHECK(histogram.max() == milliseconds(100));
  CHECK(histogram.quantile(1.0) == milliseconds(100));
  Histogram other;
  other.add(std::chrono::seconds(5));
  other.add(std::chrono::nanoseconds(-3));
  other.add(std::chrono::hours(100'000));
  histogram.merge(other);
  CHECK(histogram.count() == 100'003);
  CHECK(histogram.max() == std::chrono::hours(100'000));
}

TEST_CASE("the echo check accepts the one right text, in any pieces") {
  const std::string good = "echo:0123456789abcdef:hello";
  const struct {
    std::string text;
    bool good;
  } rows[] = {
      {good, true},
      {good + "...", true},
      {good + "!", false},
      {good.substr(0, good.size() - 1), false},
      {"", false},
      {"echo:0123456789abcdeX:hello", false},
      {"echo:0123456789abcdef:hellp", false},
      {"ecno:0123456789abcdef:hello", false},
      {good + good, false},
  };
  for (const auto& row : rows) {
    for (const std::size_t step : {1U, 4U, 100U}) {
      CAPTURE(row.text);
      CAPTURE(step);
      EchoCheck check;
      check.start("hello");
      for (std::size_t at = 0; at < row.text.size(); at += step) {
        check.feed(std::string_view(row.text).substr(at, step));
      }
      CHECK(check.matches() == row.good);
    }
  }
}

TEST_CASE("strings are found by their key, decoded; broken ones are noticed") {
  const struct {
    std::string json;
    const char* text;
    bool good;
  } rows[] = {
      {R"({"content":"a","x":{"content": "b"}})", "ab", true},
      {R"({"content":null,"content":[],"contents":"no"})", "", true},
      {R"({"content":"q\"\u00e9\n"})", "q\"é\n", true},
      {R"({"text":"\"content\":\"no\"","content":"yes"})", "yes", true},
      {R"({"content":"open)", "", false},
      {R"({"content":"bad \x"})", "", false},
      {R"({"content":"end\)", "", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.json);
    std::string text;
    CHECK(append_strings_of(row.json, "content", text) == row.good);
    if (row.good) CHECK(text == row.text);
  }
}

}  // namespace
}  // namespace llmorch::testing
