// What routing learns from failures, seen from outside: keys that cool, breakers that probe. On
// virtual time. docs/DESIGN.md 4.7.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "llmorch/gateway.h"
#include "testing/scripted_transport.h"
#include "testing/virtual_loop.h"

namespace llmorch::testing {
namespace {

using namespace std::chrono_literals;

const std::string kBroken = R"({"error":{"message":"broken"}})";
const std::string kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"u","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","refusal":null},"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}})";

Beats limited(int seconds) {
  return {{{}, Beat::Connect{}},
          {{}, Beat::Sent{}},
          {{}, Beat::Head{429, {{"retry-after", std::to_string(seconds)}}}},
          {{}, Beat::Bytes{R"({"error":{"message":"slow down","code":"rate_limit_exceeded"}})"}},
          {{}, Beat::End{}}};
}

struct Quiet final : Sink {
  void head(const AnswerHead& head) override { status = head.http_status; }
  Flow write(std::string_view) override { return Flow::kMore; }
  void end(const Status&) override { ++ends; }
  int status = 0;
  int ends = 0;
};

class World {
 public:
  void open(const std::string& config) {
    Options options;
    options.mode = Mode::kDriven;
    options.loop = &loop;
    options.seed = 1;
    options.transport = std::make_shared<ScriptedFactory>([this](const TransferSpec& spec) {
      const std::size_t begin = spec.url.find("//") + 2;
      std::string who = spec.url.substr(begin, spec.url.find(".test") - begin) + "/";
      who += find_header(spec.headers, "authorization")->substr(7);
      asked.push_back(who);
      return answer(who);
    });
    Result<std::unique_ptr<Gateway>> opened = Gateway::open(config, std::move(options));
    REQUIRE_MESSAGE(opened, opened.error().message());
    gateway = std::move(*opened);
  }
  static CallSpec spec() {
    CallSpec spec;
    spec.body = Body(R"({"model":"m","messages":[{"role":"user","content":"hi"}]})");
    return spec;
  }
  Answer chat() {
    Result<Answer> answer = gateway->chat(spec());
    REQUIRE(answer);
    return std::move(*answer);
  }
  // Who was asked for one call, in order.
  std::vector<std::string> ask() {
    asked.clear();
    chat();
    return asked;
  }
  void pass(std::chrono::milliseconds time) {
    const TimePoint until = loop.now() + time;
    while (loop.now() < until) loop.drive(until - loop.now());
  }
  void settle() {
    for (int i = 0; i < 50; ++i) loop.drive(Duration::zero());
  }

  VirtualLoop loop;
  std::vector<std::string> asked;  // "provider/key"
  std::function<Beats(const std::string& who)> answer;
  std::unique_ptr<Gateway> gateway;  // goes first
};

const std::string kTwoKeys = R"({"version":1,
  "providers":[{"name":"p","type":"openai","base_url":"http://p.test",
                "credentials":[{"name":"a","secret":"ka"},{"name":"b","secret":"kb"}]}],
  "models":[{"name":"m","timeouts":{"total":"10s"},"targets":[{"provider":"p","model":"u"}]}]})";
const std::string kTwoTiers = R"({"version":1,
  "providers":[{"name":"p","type":"openai","base_url":"http://p.test","api_key":"k"},
               {"name":"q","type":"openai","base_url":"http://q.test","api_key":"k"}],
  "models":[{"name":"m","targets":[{"provider":"p","model":"u"},
                                   {"provider":"q","model":"u","tier":2}]}]})";

using Who = std::vector<std::string>;

TEST_CASE_FIXTURE(World, "a rate limit cools its own key, for as long as the upstream says") {
  bool limit = true;
  answer = [&](const std::string& who) {
    return limit && who == "p/ka" ? limited(20) : answer_whole(200, kAnswer);
  };
  open(kTwoKeys);
  // Both keys are drawn; the one that is limited is left at the first 429.
  Who seen;
  for (int i = 0; i < 30 && seen != Who{"p/ka", "p/kb"}; ++i) seen = ask();
  CHECK(seen == Who{"p/ka", "p/kb"});
  limit = false;
  for (int i = 0; i < 30; ++i) CHECK(ask() == Who{"p/kb"});
  pass(19s);
  for (int i = 0; i < 10; ++i) CHECK(ask() == Who{"p/kb"});
  pass(1s);
  int first = 0;
  for (int i = 0; i < 60; ++i) first += ask() == Who{"p/ka"} ? 1 : 0;
  CHECK(first > 10);
  CHECK(first < 50);
}

TEST_CASE_FIXTURE(World, "when every key is limited the caller is told the soonest wait") {
  answer = [](const std::string& who) { return limited(who == "p/ka" ? 20 : 50); };
  open(kTwoKeys);
  const Answer refused = chat();
  CHECK(refused.head.http_status == 429);
  const std::string* wait = find_header(refused.head.headers, "retry-after");
  REQUIRE(wait != nullptr);
  CHECK(*wait == "20");
  CHECK(asked.size() == 2);
  pass(12s);
  // Cooling ones are asked all the same, rather than nobody: first the one that is free soonest.
  answer = [](const std::string&) { return limited(100); };
  CHECK(ask() == Who{"p/ka", "p/kb"});
}

TEST_CASE_FIXTURE(World, "after a breaker's time one call at a time tries the target again") {
  answer = [](const std::string& who) {
    return who == "p/k" ? answer_whole(500, kBroken) : answer_whole(200, kAnswer);
  };
  open(kTwoTiers);
  for (int i = 0; i < 5; ++i) CHECK(ask() == Who{"p/k", "q/k"});
  CHECK(ask() == Who{"q/k"});
  pass(30s);

  // Ten callers come while the first of them waits for p.
  const auto crowd = [&](Beats of_p) {
    asked.clear();
    answer = [of_p](const std::string& who) {
      return who == "p/k" ? of_p : answer_whole(200, kAnswer);
    };
    std::vector<std::unique_ptr<Quiet>> sinks;
    std::vector<std::shared_ptr<LiveCall>> calls;
    for (int i = 0; i < 10; ++i) {
      sinks.push_back(std::make_unique<Quiet>());
      calls.push_back(gateway->start(spec(), *sinks.back()));
      settle();
    }
    const auto probes = std::count(asked.begin(), asked.end(), "p/k");
    const auto waiting =
        std::count_if(sinks.begin(), sinks.end(), [](const auto& sink) { return sink->ends == 0; });
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (sinks[i]->ends == 0) calls[i]->cancel();
    }
    settle();
    for (const auto& sink : sinks) CHECK(sink->ends == 1);
    return std::make_pair(static_cast<int>(probes), static_cast<int>(waiting));
  };
  // The one that probes is cancelled, which says nothing: the next crowd sends one again.
  CHECK(crowd(hang()) == std::make_pair(1, 1));
  CHECK(crowd(hang()) == std::make_pair(1, 1));
  // It fails: nobody follows, for twice the time, and its caller is answered by q.
  CHECK(crowd(answer_whole(500, kBroken)) == std::make_pair(1, 0));
  pass(59s);
  CHECK(ask() == Who{"q/k"});
  pass(1s);
  // It succeeds: everybody may come.
  CHECK(crowd(answer_whole(200, kAnswer)) == std::make_pair(10, 0));
}

}  // namespace
}  // namespace llmorch::testing
