// One call from start to settle, as a table: what the upstreams do, what the caller gets.
// Rules: docs/DESIGN.md 4.3 to 4.7; WIRE_FORMATS 7.1 (classes), 7.4 (streams).
#include <doctest/doctest.h>

#include "engine/harness.h"

namespace llmorch::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kGood = kRole + text_chunk("Hello") + kStop + kUsageFrame + kDone;

struct Row {
  const char* name;
  std::string ask;
  std::vector<std::vector<Beats>> upstreams;
  int status;
  std::string body;  // the exact answer, or "" when `has` is enough
  std::string has;   // stands in the answer
  std::size_t attempts;
  std::string error_type;
  std::string header;  // "name: value" of the head, or ""
};

std::vector<Row> rows() {
  const Beats good = answer_stream({kGood});
  const Beats good_whole = answer_whole(200, whole_answer("Hello"));
  const auto status = [](int code, std::string_view why) {
    return answer_whole(code, error_body(why));
  };
  return {
      // ---- what works
      {"a whole answer passes unchanged",
       kAsk,
       {{good_whole}},
       200,
       whole_answer("Hello"),
       "",
       1,
       "",
       "content-type: application/json"},
      {"a stream passes unchanged but for the usage nobody asked for",
       kAskStream,
       {{good}},
       200,
       kRole + text_chunk("Hello") + kStop + kDone,
       "",
       1,
       "",
       "content-type: text/event-stream"},
      {"a usage frame that was asked for stays", kAskUsage, {{good}}, 200, kGood, "", 1, "", ""},
      {"frames cut anywhere are sent whole",
       kAskUsage,
       {{answer_stream({kGood.substr(0, 30), kGood.substr(30, 200), kGood.substr(230)})}},
       200,
       kGood,
       "",
       1,
       "",
       ""},
      {"comments pass between frames",
       kAskStream,
       {{answer_stream({": OPENROUTER PROCESSING\n\n" + kRole,
                        text_chunk("x") + ": ping\n\n" + kStop + kDone})}},
       200,
       ": OPENROUTER PROCESSING\n\n" + kRole + text_chunk("x") + ": ping\n\n" + kStop + kDone,
       "",
       1,
       "",
       ""},
      {"a stream without [DONE] is complete after its finish",
       kAskStream,
       {{answer_stream({kRole + text_chunk("x") + kStop})}},
       200,
       kRole + text_chunk("x") + kStop,
       "",
       1,
       "",
       ""},
      {"a connection dropped after the finish does no harm",
       kAskStream,
       {{then(answer_stream({kRole + text_chunk("x") + kStop}),
              {{{}, Beat::End{Status(Code::kNetwork, "reset")}}})}},
       200,
       kRole + text_chunk("x") + kStop,
       "",
       1,
       "",
       ""},
      {"an upstream that never closes after [DONE]",
       kAskStream,
       {{then(good, {{seconds(100), Beat::End{}}})}},
       200,
       kRole + text_chunk("Hello") + kStop + kDone,
       "",
       1,
       "",
       ""},
      {"a whole body where a stream was asked is replayed as one",
       kAskStream,
       {{good_whole}},
       200,
       "",
       "data: [DONE]\n\n",
       1,
       "",
       "content-type: text/event-stream"},
      // ---- failover before commit
      {"connection refused: the next one",
       kAsk,
       {{refuse_connection()}, {good_whole}},
       200,
       whole_answer("Hello"),
       "",
       2,
       "",
       "x-llmorch-attempts: 2"},
      {"500: the next one",
       kAsk,
       {{status(500, "boom")}, {good_whole}},
       200,
       whole_answer("Hello"),
       "",
       2,
       "",
       "x-llmorch-provider: p1"},
      {"our bad key: the next one",
       kAsk,
       {{status(401, "Incorrect API key provided")}, {good_whole}},
       200,
       whole_answer("Hello"),
       "",
       2,
       "",
       ""},
      {"429: the next one",
       kAsk,
       {{status(429, "slow down")}, {good_whole}},
       200,
       whole_answer("Hello"),
       "",
       2,
       "",
       ""},
      {"404 model: the next one",
       kAsk,
       {{answer_whole(404, error_body("no such model", "\"model_not_found\""))}, {good_whole}},
       200,
       whole_answer("Hello"),
       "",
       2,
       "",
       ""},
      {"connect hangs: the next one",
       kAsk,
       {{hang()}, {good_whole}},
       200,
       whole_answer("Hello"),
       "",
       2,
       "",
       ""},
      {"silence after the request: the next one",
       kAskStream,
       {{Beats{{{}, Beat::Connect{}}, {{}, Beat::Sent{}}}}, {good}},
       200,
       kRole + text_chunk("Hello") + kStop + kDone,
       "",
       2,
       "",
       ""},
      {"an error hidden in a 200 stream",
       kAskStream,
       {{answer_stream({"data: " + error_body("overloaded", "503") + "\n\n"})}, {good}},
       200,
       kRole + text_chunk("Hello") + kStop + kDone,
       "",
       2,
       "",
       ""},
      {"an error hidden in a 200 body",
       kAsk,
       {{answer_whole(200, error_body("overloaded", "503"))}, {good_whole}},
       200,
       whole_answer("Hello"),
       "",
       2,
       "",
       ""},
      {"the role chunk alone does not commit",
       kAskStream,
       {{then(answer_stream({kRole}), {{{}, Beat::End{Status(Code::kNetwork, "reset")}}})}, {good}},
       200,
       kRole + text_chunk("Hello") + kStop + kDone,
       "",
       2,
       "",
       ""},
      {"HTML with status 200",
       kAsk,
       {{answer_whole(200, "<html>busy</html>")}, {good_whole}},
       200,
       whole_answer("Hello"),
       "",
       2,
       "",
       ""},
      {"an empty stream",
       kAskStream,
       {{answer_stream({})}, {good}},
       200,
       kRole + text_chunk("Hello") + kStop + kDone,
       "",
       2,
       "",
       ""},
      {"only [DONE]",
       kAskStream,
       {{answer_stream({kDone})}, {good}},
       200,
       kRole + text_chunk("Hello") + kStop + kDone,
       "",
       2,
       "",
       ""},
      {"an empty body",
       kAsk,
       {{answer_whole(200, "")}, {good_whole}},
       200,
       whole_answer("Hello"),
       "",
       2,
       "",
       ""},
      {"a cut body",
       kAsk,
       {{then(answer_whole(200, whole_answer("Hel")),
              {{{}, Beat::End{Status(Code::kNetwork, "early close")}}})},
        {good_whole}},
       200,
       whole_answer("Hello"),
       "",
       2,
       "",
       ""},
      {"three attempts at most",
       kAsk,
       {{status(500, "a")}, {status(502, "b")}, {status(500, "c")}, {good_whole}},
       502,
       "",
       "\"error\"",
       3,
       "provider_server_error",
       "x-should-retry: false"},
      // ---- what is the caller's own
      {"the caller's bad request is not tried elsewhere",
       kAsk,
       {{status(400, "Unrecognized request argument supplied: foo")}, {good_whole}},
       400,
       "",
       "Unrecognized request argument supplied: foo",
       1,
       "caller_invalid_request",
       ""},
      {"context length is not tried elsewhere",
       kAsk,
       {{answer_whole(400,
                      error_body("maximum context length is 10", "\"context_length_exceeded\""))},
        {good_whole}},
       400,
       "",
       "context_length_exceeded",
       1,
       "caller_invalid_request",
       ""},
      {"an unknown model",
       R"({"model":"n","messages":[{"role":"user","content":"hi"}]})",
       {{good_whole}},
       404,
       "",
       "model_not_found",
       0,
       "caller_model_unknown",
       ""},
      {"an unknown model names the nearest and the place",
       R"({"model":"n","messages":[{"role":"user","content":"hi"}]})",
       {{good_whole}},
       404,
       "",
       "Did you mean \\\"m\\\"? Models are listed by GET /v1/models; add one under `models` in "
       "llmorch.yaml.",
       0,
       "caller_model_unknown",
       ""},
      {"broken JSON",
       "{\"model\":",
       {{good_whole}},
       400,
       "",
       "invalid_request_error",
       0,
       "caller_invalid_request",
       ""},
      {"messages of the wrong type",
       R"({"model":"m","messages":"hi"})",
       {{good_whole}},
       400,
       "",
       "messages",
       0,
       "caller_invalid_request",
       ""},
      // ---- all failed: typed, never our own 401
      {"our bad key is not the caller's 401",
       kAsk,
       {{status(401, "Incorrect API key provided: sk-abcdefghijkl")}},
       502,
       "",
       "upstream_auth",
       1,
       "provider_auth_failed",
       ""},
      {"nobody to connect to",
       kAsk,
       {{refuse_connection()}},
       502,
       "",
       "api_connection_error",
       2,
       "provider_connection_failed",
       ""},
      {"rate limited everywhere",
       kAsk,
       {{status(429, "slow down")}},
       429,
       "",
       "rate_limit_exceeded", 2,
       "provider_rate_limited",
       ""},
      // ---- after commit: in-band, never clean
      {"dies in mid-stream",
       kAskStream,
       {{then(answer_stream({kRole + text_chunk("Hel")}),
              {{{}, Beat::End{Status(Code::kNetwork, "reset by peer")}}})},
        {good}},
       200,
       "",
       kRole + text_chunk("Hel") + "data: {\"error\":",
       1,
       "provider_connection_failed",
       ""},
      {"falls silent in mid-stream",
       kAskStream,
       {{then(answer_stream({kRole + text_chunk("Hel")}), {{seconds(3600), Beat::End{}}})}, {good}},
       200,
       "",
       "data: {\"error\":",
       1,
       "provider_timeout",
       ""},
      {"closes in mid-stream without a finish",
       kAskStream,
       {{answer_stream({kRole + text_chunk("Hel")})}, {good}},
       200,
       "",
       "data: {\"error\":",
       1,
       "provider_connection_failed",
       ""},
      {"an error event in mid-stream",
       kAskStream,
       {{answer_stream({kRole, text_chunk("Hel"),
                        "data: " + error_body("overloaded", "503") + "\n\n" + kDone})},
        {good}},
       200,
       "",
       "overloaded",
       1,
       "provider_overloaded",
       ""},
      {"a half frame is never sent",
       kAskStream,
       {{then(answer_stream({kRole, text_chunk("Hel"), "data: {\"id\":\"half"}),
              {{{}, Beat::End{Status(Code::kNetwork, "reset")}}})}},
       200,
       "",
       "data: {\"error\":",
       1,
       "provider_connection_failed",
       ""},
  };
}

TEST_CASE("what upstreams do and what the caller gets") {
  for (const Row& row : rows()) {
    CAPTURE(row.name);
    Bench bench(row.upstreams);
    bench.model->timeouts.first_event = seconds(5);
    KeepingSink sink;
    bench.start(row.ask, sink);
    const Record record = bench.run(sink);
    CHECK(sink.ends == 1);
    CHECK(sink.heads.size() == 1);
    CHECK(sink.status() == row.status);
    if (!row.body.empty()) CHECK(sink.body == row.body);
    if (!row.has.empty()) {
      INFO("answer: ", sink.body);
      CHECK(sink.body.find(row.has) != std::string::npos);
    }
    CHECK(record.attempts.size() == row.attempts);
    CHECK(record.error_type == row.error_type);
    CHECK(record.http_status == row.status);
    CHECK(sink.outcome.ok() == row.error_type.empty());
    if (!row.error_type.empty()) {
      CHECK(sink.body.find("[DONE]") == std::string::npos);
      CHECK(sink.body.find("half") == std::string::npos);
      CHECK(sink.body.find("sk-") == sink.body.find("sk-***"));
    }
    if (!row.header.empty()) {
      const std::size_t colon = row.header.find(": ");
      const std::string* value = sink.header(row.header.substr(0, colon));
      REQUIRE(value != nullptr);
      CHECK(*value == row.header.substr(colon + 2));
    }
    CHECK(record.bytes_out == sink.body.size());
    CHECK(bench.nothing_left());
  }
}

TEST_CASE("what goes upstream: only the spliced keys change, and our key goes with it") {
  Bench bench({{answer_stream({kGood})}});
  bench.model->targets[0].set = {{"temperature", "0.70"}};
  KeepingSink sink;
  bench.start(
      R"({ "model" : "m","stream":true, "messages":[{"role":"user","content":"hi é 12345678901234567890"}], "x": 0.70})",
      sink);
  bench.run(sink);
  REQUIRE(bench.requests.size() == 1);
  const std::string body = bench.requests[0].body.str();
  CHECK(
      body.find(
          R"({ "model" : "up0","stream":true, "messages":[{"role":"user","content":"hi é 12345678901234567890"}], "x": 0.70)") ==
      0);
  CHECK(body.find(R"("temperature":0.70)") != std::string::npos);
  CHECK(body.find(R"("include_usage":true)") != std::string::npos);
  CHECK(bench.requests[0].url == "http://p0.test/v1/chat/completions");
  const std::string* auth = find_header(bench.requests[0].headers, "authorization");
  REQUIRE(auth != nullptr);
  CHECK(*auth == "Bearer sk-secret-p0");
}

TEST_CASE("the record holds usage in disjoint classes, times and the model that answered") {
  Bench bench({{refuse_connection(milliseconds(20))}, {answer_stream({kGood}, milliseconds(100))}});
  KeepingSink sink;
  bench.start(kAskStream, sink);
  const Record record = bench.run(sink);
  CHECK(record.usage_source == UsageSource::kUpstream);
  CHECK(record.usage == Usage{7, 3, 0, 3, 1});
  CHECK(record.raw_usage.find("\"cached_tokens\":3") != std::string::npos);
  CHECK(record.model_answered == "gpt-up");
  CHECK(record.model_asked == "m");
  CHECK(record.finish == FinishReason::kStop);
  CHECK(record.stream);
  REQUIRE(record.attempts.size() == 2);
  CHECK(record.attempts[0].verdict == Verdict::kNetwork);
  CHECK(record.attempts[0].end_us == 20'000);
  CHECK(record.attempts[1].verdict == Verdict::kOk);
  CHECK(record.first_event_us == 220'000);
  CHECK(record.plan.size() == 2);
}

TEST_CASE("a caller that leaves: upstream cancelled, end once, one record, whatever the phase") {
  struct Phase {
    const char* name;
    Beats script;
    CancelPhase phase;
  };
  const std::vector<Phase> phases = {
      {"connecting", hang(), CancelPhase::kBeforeFirstByte},
      {"waiting for the head", Beats{{{}, Beat::Connect{}}, {{}, Beat::Sent{}}},
       CancelPhase::kBeforeFirstByte},
      {"head there, no content", then(answer_stream({kRole}), {{seconds(99), Beat::End{}}}),
       CancelPhase::kBeforeCommit},
      {"streaming", then(answer_stream({kRole, text_chunk("a")}), {{seconds(99), Beat::End{}}}),
       CancelPhase::kStreaming},
  };
  for (const Phase& phase : phases) {
    CAPTURE(phase.name);
    Bench bench({{phase.script}, {answer_stream({kGood})}});
    KeepingSink sink;
    bench.start(kAskStream, sink);
    bench.advance(milliseconds(100));
    REQUIRE(bench.transport->live() == 1);
    const TimePoint before = bench.loop.now();
    bench.call->cancel();
    bench.call->cancel();
    const Record record = bench.run(sink);
    CHECK(sink.ends == 1);
    CHECK(sink.outcome.code() == Code::kCancelled);
    CHECK(record.cancel_phase == phase.phase);
    CHECK(record.http_status == 499);
    CHECK(record.error_type == "caller_cancelled");
    CHECK(record.attempts.size() == 1);
    CHECK(record.attempts[0].verdict == Verdict::kClientCancel);
    CHECK(bench.transport->cancelled() == 1);
    CHECK(bench.loop.now() == before);
    CHECK(bench.nothing_left());
  }
}

TEST_CASE("a slow reader pauses the upstream, and its own slowness is nobody's time-out") {
  Bench bench({{then(answer_stream({kRole, text_chunk("a"), text_chunk("b")}, milliseconds(10)),
                     {{milliseconds(10), Beat::Bytes{kStop + kDone}}, {{}, Beat::End{}}})}});
  KeepingSink sink;
  sink.full = true;
  bench.start(kAskStream, sink);
  bench.advance(milliseconds(25));
  bench.advance(seconds(120));  // past idle and first_event
  CHECK(sink.ends == 0);
  CHECK(sink.body == kRole + text_chunk("a"));
  sink.full = false;
  bench.loop.post([&] { bench.call->drained(); });
  const Record record = bench.run(sink);
  CHECK(sink.outcome.ok());
  CHECK(sink.body == kRole + text_chunk("a") + text_chunk("b") + kStop + kDone);
  CHECK(record.error_type == "");
}

TEST_CASE(
    "early head: a slow stream gets status, headers and heartbeats, and may still fail over") {
  Bench bench({{Beats{{{}, Beat::Connect{}}, {{}, Beat::Sent{}}}}, {answer_stream({kGood})}});
  KeepingSink sink;
  bench.start(kAskStream, sink);
  bench.advance(milliseconds(9900));
  CHECK(sink.heads.empty());
  bench.advance(milliseconds(200));
  REQUIRE(sink.heads.size() == 1);
  CHECK(sink.heads[0].http_status == 200);
  CHECK(sink.body.substr(0, 1) == ":");  // a comment
  bench.advance(seconds(16));
  const std::string beats = sink.body;
  CHECK(sink.writes == 2);
  const Record record = bench.run(sink);
  CHECK(sink.outcome.ok());
  CHECK(record.attempts.size() == 2);
  CHECK(sink.body == beats + kRole + text_chunk("Hello") + kStop + kDone);
}

TEST_CASE("after an early head a failure is in-band") {
  Bench bench({{Beats{{{}, Beat::Connect{}}, {{}, Beat::Sent{}}}}});
  bench.model->max_attempts = 1;
  KeepingSink sink;
  bench.start(kAskStream, sink);
  const Record record = bench.run(sink);
  CHECK(sink.status() == 200);
  CHECK(sink.body.find("data: {\"error\":") != std::string::npos);
  CHECK(sink.body.find("[DONE]") == std::string::npos);
  CHECK(record.error_type == "provider_timeout");
}

TEST_CASE("each deadline is its own, and the total bounds them all") {
  struct Limit {
    const char* name;
    Beats script;
    milliseconds takes;
    const char* says;
  };
  const Beats silent{{{}, Beat::Connect{}}, {{}, Beat::Sent{}}};
  for (const Limit& limit : std::vector<Limit>{
           {"connect", hang(), milliseconds(3000), "did not accept a connection within 3000 ms"},
           {"first event of a stream", silent, milliseconds(5000),
            "sent nothing of an answer within 5000 ms"},
           {"idle", then(answer_stream({kRole + text_chunk("a")}), {{seconds(99), Beat::End{}}}),
            milliseconds(7000), "fell silent in mid-answer within 7000 ms"},
       }) {
    CAPTURE(limit.name);
    Bench bench({{limit.script}});
    bench.model->max_attempts = 1;
    bench.model->timeouts.first_event = milliseconds(5000);
    bench.model->timeouts.idle = milliseconds(7000);
    KeepingSink sink;
    bench.start(kAskStream, sink);
    const TimePoint began = bench.loop.now();
    bench.run(sink);
    CHECK(bench.loop.now() - began == limit.takes);
    CHECK(sink.body.find(limit.says) != std::string::npos);
    CHECK(bench.nothing_left());
  }
  Bench bench({{hang()}, {hang()}, {hang()}});
  KeepingSink sink;
  bench.start(kAsk, sink, milliseconds(4000));  // the caller's own time-out
  const TimePoint began = bench.loop.now();
  const Record record = bench.run(sink);
  CHECK(bench.loop.now() - began == milliseconds(4000));
  CHECK(sink.status() == 504);
  CHECK(record.attempts.size() == 2);
}

TEST_CASE("failover off: one attempt, whatever happens") {
  Bench bench({{refuse_connection()}, {answer_whole(200, whole_answer("Hello"))}});
  bench.model->failover = false;
  KeepingSink sink;
  bench.start(kAsk, sink);
  const Record record = bench.run(sink);
  CHECK(sink.status() == 502);
  CHECK(record.attempts.size() == 1);
}

struct RefusingGate final : Gate {
  std::string_view name() const override { return "refusing"; }
  std::optional<Status> admit(const View&, Decide) override {
    return Status(Code::kRateLimited, "too fast").with_retry_after(milliseconds(1500));
  }
  void settle(const Record&) override { ++settled; }
  int settled = 0;
};

struct PendingGate final : Gate {
  std::string_view name() const override { return "pending"; }
  std::optional<Status> admit(const View& view, Decide decide) override {
    model = view.model;
    waiting = std::move(decide);
    return std::nullopt;
  }
  void settle(const Record& record) override { settled_status = record.http_status; }
  Decide waiting;
  std::string model;
  int settled_status = 0;
};

TEST_CASE("a gate may refuse, with its own wait; it is settled only if it let the call in") {
  Bench bench({{answer_whole(200, whole_answer("Hello"))}});
  auto gate = std::make_shared<RefusingGate>();
  bench.context.gates = {gate};
  KeepingSink sink;
  bench.start(kAsk, sink);
  const Record record = bench.run(sink);
  CHECK(sink.status() == 429);
  REQUIRE(sink.header("retry-after") != nullptr);
  CHECK(*sink.header("retry-after") == "2");
  CHECK(*sink.header("retry-after-ms") == "1500");
  CHECK(record.error_type == "policy_rate_limited");
  CHECK(record.attempts.empty());
  CHECK(gate->settled == 0);
}

TEST_CASE("a gate may keep a call waiting") {
  Bench bench({{answer_whole(200, whole_answer("Hello"))}});
  auto gate = std::make_shared<PendingGate>();
  bench.context.gates = {gate};
  KeepingSink sink;
  bench.start(kAsk, sink);
  bench.advance(seconds(1));
  CHECK(sink.heads.empty());
  CHECK(gate->model == "m");
  gate->waiting(Status());
  bench.run(sink);
  CHECK(sink.status() == 200);
  CHECK(gate->settled_status == 200);

  KeepingSink gone;
  bench.start(kAsk, gone);
  bench.call->cancel();
  const Record record = bench.run(gone);
  CHECK(gone.ends == 1);
  CHECK(record.cancel_phase == CancelPhase::kBeforeAttempt);
  gate->waiting(Status());  // too late, and harmless
  gate->waiting = nullptr;
  for (int turn = 0; turn < 4; ++turn) bench.loop.drive(Duration::zero());
  CHECK(bench.nothing_left());
}

}  // namespace
}  // namespace llmorch::testing
