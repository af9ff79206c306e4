#include "testing/simulator.h"

#include <fmt/format.h>

#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/driver.h"
#include "testing/simulated_upstream.h"
#include "testing/virtual_loop.h"

namespace llmorch::testing {
namespace {

using std::chrono::milliseconds;

// Checks the sink's side of the contract, and now and then asks for a pause.
class CheckedSink final : public Sink {
 public:
  CheckedSink(Random& random, VirtualLoop& loop, unsigned full_percent)
      : random_(random), loop_(loop), full_percent_(full_percent), refill_([this] {
          if (call_ != nullptr) call_->drained();
        }) {}
  ~CheckedSink() override { loop_.disarm(refill_); }

  void bind(std::shared_ptr<LiveCall> call) { call_ = std::move(call); }
  void let_go() {
    loop_.disarm(refill_);
    call_ = nullptr;
  }

  void head(const AnswerHead& head) override {
    const Inside inside(*this);
    if (heads_++ > 0) violate("head() twice");
    if (ends_ > 0) violate("head() after end()");
    head_ = head;
  }
  Flow write(std::string_view bytes) override {
    const Inside inside(*this);
    if (heads_ == 0) violate("write() before head()");
    if (ends_ > 0) violate("write() after end()");
    body_.append(bytes);
    if (random_.below(100) >= full_percent_) return Flow::kMore;
    loop_.arm(refill_, loop_.now() + milliseconds(random_.below(3000)));
    return Flow::kFull;
  }
  void end(const Status& outcome) override {
    const Inside inside(*this);
    if (ends_++ > 0) violate("end() twice");
    outcome_ = outcome;
  }
  void violate(std::string what) {
    if (violation_.empty()) violation_ = std::move(what);
  }

  bool in_host_call_ = false;
  int heads_ = 0;
  int ends_ = 0;
  AnswerHead head_;
  std::string body_;
  Status outcome_;
  std::string violation_;

 private:
  struct Inside {
    explicit Inside(CheckedSink& sink) : sink(sink) {
      if (sink.depth_++ > 0) sink.violate("the sink was called from inside itself");
      if (sink.in_host_call_) sink.violate("the sink was called from inside start()");
      if (Loop::current() != &sink.loop_) sink.violate("the sink was called off its loop");
    }
    ~Inside() { --sink.depth_; }
    CheckedSink& sink;
  };
  Random& random_;
  VirtualLoop& loop_;
  const unsigned full_percent_;
  Timer refill_;
  std::shared_ptr<LiveCall> call_;
  int depth_ = 0;
};

// Lets everybody in, some of them late, and counts.
class CountingGate final : public Gate {
 public:
  CountingGate(Random& random, VirtualLoop& loop) : random_(random), loop_(loop) {}
  std::string_view name() const override { return "counting"; }
  std::optional<Status> admit(const View&, Decide decide) override {
    ++admitted_;
    if (random_.below(4) != 0) return Status();
    loop_.post([decide = std::move(decide)] { decide(Status()); });
    return std::nullopt;
  }
  void settle(const Record&) override { ++settled_; }
  int admitted_ = 0;
  int settled_ = 0;

 private:
  Random& random_;
  VirtualLoop& loop_;
};

// One seeded case: model, upstreams, caller.
class Case {
 public:
  explicit Case(std::uint64_t seed) : random_(seed) {
    stream_ = random_.below(3) != 0;
    usage_asked_ = random_.below(2) == 0;
    build_model();
    transport_ = new ScriptedTransport(loop_, [this](const TransferSpec&) { return author(); });
    context_.loop = &loop_;
    context_.transport.reset(transport_);
    context_.health = std::make_shared<HealthTable>();
    context_.snapshot = snapshot_;
    context_.records = std::make_shared<RecordQueue>(16, nullptr);
    gate_ = std::make_shared<CountingGate>(random_, loop_);
    context_.gates = {gate_};
  }

  SimulatedCall run() {
    CheckedSink sink(random_, loop_, random_.below(3) == 0 ? 30 : 0);
    CallSpec spec;
    spec.request_id = "sim";
    spec.body = Body(
        fmt::format(R"({{"model":"m","messages":[{{"role":"user","content":"hi"}}]{}{}}})",
                    stream_ ? R"(,"stream":true)" : "",
                    stream_ && usage_asked_ ? R"(,"stream_options":{"include_usage":true})" : ""));
    std::shared_ptr<LiveCall> call;
    Timer leave([&] { call->cancel(); });
    loop_.post([&] {
      auto driver = std::make_shared<Driver>(context_, std::move(spec), sink, random_.next(),
                                             std::chrono::system_clock::time_point{});
      call = driver;
      sink.bind(driver);
      sink.in_host_call_ = true;
      driver->start();
      sink.in_host_call_ = false;
      if (random_.below(6) == 0) loop_.arm(leave, loop_.now() + milliseconds(random_.below(5000)));
    });
    const TimePoint began = loop_.now();
    loop_.run_until([&] { return sink.ends_ > 0; });
    const Duration took = loop_.now() - began;
    loop_.disarm(leave);
    sink.let_go();
    for (int turn = 0; turn < 4; ++turn) loop_.drive(Duration::zero());
    return judge(sink, took);
  }

 private:
  void build_model() {
    auto model = std::make_shared<Model>();
    model->name = "m";
    model->max_attempts = 1 + static_cast<int>(random_.below(4));
    model->timeouts.connect = milliseconds(1000);
    model->timeouts.first_event = milliseconds(4000);
    model->timeouts.idle = milliseconds(2500);
    model->timeouts.total = milliseconds(20000);
    model->timeouts.early_head = milliseconds(random_.below(2) == 0 ? 500 : 10000);
    model->timeouts.heartbeat = milliseconds(300);
    const std::size_t targets = 1 + random_.below(4);
    for (std::size_t i = 0; i < targets; ++i) {
      auto provider = std::make_shared<Provider>();
      provider->name = fmt::format("p{}", i);
      provider->type = find_provider_type("openai");
      provider->base_url = fmt::format("http://p{}.test/v1", i);
      for (std::size_t k = 0; k <= random_.below(2); ++k) {
        provider->credentials.push_back({fmt::format("k{}", k), Secret(fmt::format("s{}", k)), 1});
      }
      Target target;
      target.provider = provider;
      target.model = fmt::format("m{}", i);
      target.tier = 1 + static_cast<int>(random_.below(2));
      target.weight = 1 + static_cast<unsigned>(random_.below(4));
      model->targets.push_back(std::move(target));
    }
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->models = {model};
    snapshot->by_name.emplace("m", model);
    snapshot_ = snapshot;
    model_ = model;
  }

  Beats author() {
    const auto fault =
        random_.below(3) == 0 ? UpstreamFault::kNone : static_cast<UpstreamFault>(random_.below(kFaultCount));
    answers_.push_back(simulate_answer(random_, fault, fmt::format("mark{}x", answers_.size()),
                                       stream_, usage_asked_));
    return answers_.back().script;
  }

  static std::string without_heartbeats(std::string text) {
    for (std::size_t at = 0; (at = text.find(": ", at)) != std::string::npos;) {
      const bool line_start = at == 0 || text[at - 1] == '\n';
      const std::size_t stop = text.find("\n\n", at);
      if (!line_start || stop == std::string::npos) {
        ++at;
      } else {
        text.erase(at, stop + 2 - at);
      }
    }
    return text;
  }

  SimulatedCall judge(CheckedSink& sink, Duration took) {
    std::vector<Record> records;
    context_.records->take(records);
    SimulatedCall out;
    out.stream = stream_;
    const auto broken = [&](std::string what) {
      if (out.violation.empty()) out.violation = std::move(what);
    };
    if (!sink.violation_.empty()) broken(sink.violation_);
    if (sink.ends_ != 1) broken("the sink saw no end()");
    if (records.size() != 1) broken(fmt::format("{} records instead of one", records.size()));
    if (!context_.live.empty()) broken("the call is still registered");
    if (transport_->live() != 0) broken("a transfer was left behind");
    if (!loop_.idle()) broken("a timer or posted work was left behind");
    if (gate_->admitted_ != gate_->settled_ && sink.outcome_.code() != Code::kCancelled) {
      broken("the gate was not settled once");
    }
    if (took > milliseconds(21000) + milliseconds(3000)) broken("the total time-out did not hold");
    if (!out.violation.empty()) return out;

    const Record& record = records.front();
    out.attempts = static_cast<int>(record.attempts.size());
    out.succeeded = sink.outcome_.ok();
    out.cancelled = sink.outcome_.code() == Code::kCancelled;
    if (out.attempts > model_->max_attempts) broken("more attempts than allowed");
    if (record.bytes_out != sink.body_.size()) broken("bytes_out is not what was written");
    const std::string body = without_heartbeats(sink.body_);
    judge_attempts(record, broken);
    if (out.succeeded) {
      judge_success(sink, record, body, broken);
    } else if (!out.cancelled) {
      judge_failure(sink, record, body, broken);
    } else if (record.http_status != 499) {
      broken("a cancelled call is not recorded as 499");
    }
    return out;
  }

  template <class Broken>
  void judge_attempts(const Record& record, Broken broken) {
    std::set<int> tried;
    for (const AttemptRecord& attempt : record.attempts) tried.insert(attempt.candidate);
    if (record.attempts.size() > tried.size() + 1)
      broken("more than one attempt on a pair tried before");
    if (record.attempts.size() != answers_.size())
      broken("attempts and transfers differ in number");
  }

  template <class Broken>
  void judge_success(const CheckedSink& sink, const Record& record, const std::string& body,
                     Broken broken) {
    if (sink.head_.http_status != 200) broken("a success with another status than 200");
    const SimulatedAnswer& last = answers_.back();
    if (body != last.full)
      broken(fmt::format("the answer is not the upstream's: got\n{}\nwanted\n{}", body, last.full));
    if (record.attempts.back().verdict != Verdict::kOk) broken("a success without a good attempt");
    if (record.usage_source != UsageSource::kUpstream || record.usage.total_output() != 5) broken("the usage was lost");
    if (!record.error_type.empty()) broken("a success with an error type");
  }

  template <class Broken>
  void judge_failure(const CheckedSink& sink, const Record& record, const std::string& body,
                     Broken broken) {
    if (record.error_type.empty()) broken("a failure without an error type");
    if (body.find("[DONE]") != std::string::npos) broken("a failure that ends clean");
    if (body.find("\"error\"") == std::string::npos) broken("a failure that says nothing");
    const bool committed = record.first_event_us >= 0;
    if (sink.head_.http_status == 200) {
      if (!stream_) broken("a whole answer that failed with status 200");
      if (body.size() < 2 || body.substr(body.size() - 2) != "\n\n")
        broken("an error event that is not whole");
    } else if (sink.head_.http_status < 400) {
      broken("a failure with a good status");
    }
    for (std::size_t i = 0; i < answers_.size(); ++i) {
      const bool shown = body.find("\"content\":\"" + answers_[i].mark) != std::string::npos;
      if (shown && !(committed && i + 1 == answers_.size()))
        broken("bytes of a failed attempt leaked");
    }
    if (committed || record.attempts.empty()) return;
    // Nothing was committed: then everything that could be tried was tried.
    const AttemptRecord& last = record.attempts.back();
    const VerdictRule& rule = verdict_rule(last.verdict);
    const bool time_left = record.duration_us < 19'000'000;
    std::set<std::string> tried;
    for (const AttemptRecord& attempt : record.attempts) tried.insert(attempt.provider);
    if (rule.other_target && time_left &&
        static_cast<int>(record.attempts.size()) < model_->max_attempts &&
        tried.size() < model_->targets.size()) {
      broken(fmt::format("gave up after {} attempts with a target untried (last: {})",
                         record.attempts.size(), verdict_name(last.verdict)));
    }
  }

  Random random_;
  VirtualLoop loop_;
  bool stream_ = false;
  bool usage_asked_ = false;
  std::shared_ptr<const Model> model_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::vector<SimulatedAnswer> answers_;
  LoopContext context_;
  ScriptedTransport* transport_ = nullptr;
  std::shared_ptr<CountingGate> gate_;
};

}  // namespace

SimulatedCall simulate_call(std::uint64_t seed) { return Case(seed).run(); }

SimulationReport simulate(std::uint64_t first, std::uint64_t count) {
  SimulationReport report;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const SimulatedCall call = simulate_call(seed);
    ++report.calls;
    report.succeeded += call.succeeded ? 1 : 0;
    report.cancelled += call.cancelled ? 1 : 0;
    report.failed += !call.succeeded && !call.cancelled ? 1 : 0;
    report.failovers += call.attempts > 1 ? 1 : 0;
    if (!call.violation.empty()) {
      report.bad_seed = seed;
      report.violation = call.violation;
      break;
    }
  }
  return report;
}

}  // namespace llmorch::testing
