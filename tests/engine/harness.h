// One call on virtual time against scripted upstreams: what the engine's tests share.
#ifndef LLMORCH_TESTS_ENGINE_HARNESS_H_
#define LLMORCH_TESTS_ENGINE_HARNESS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/driver.h"
#include "testing/scripted_transport.h"
#include "testing/virtual_loop.h"

namespace llmorch::testing {

// Keeps what it is told; says kFull when `full` is set.
struct KeepingSink final : Sink {
  void head(const AnswerHead& head) override { heads.push_back(head); }
  Flow write(std::string_view bytes) override {
    body.append(bytes);
    ++writes;
    return full ? Flow::kFull : Flow::kMore;
  }
  void end(const Status& status) override {
    ++ends;
    outcome = status;
  }
  int status() const { return heads.empty() ? 0 : heads.front().http_status; }
  const std::string* header(std::string_view name) const {
    return heads.empty() ? nullptr : find_header(heads.front().headers, name);
  }
  std::vector<AnswerHead> heads;
  std::string body;
  int writes = 0;
  int ends = 0;
  bool full = false;
  Status outcome;
};

// A model "m" with the providers p0, p1, … in tiers 1, 2, …, so that the order of trying is known.
// Each provider plays its scripts one after the other, the last one again and again. `types` names
// their types; those beyond it are of type openai.
class Bench {
 public:
  explicit Bench(std::vector<std::vector<Beats>> scripts, std::vector<std::string> types = {})
      : scripts_(std::move(scripts)) {
    model = std::make_shared<Model>();
    model->name = "m";
    for (std::size_t i = 0; i < scripts_.size(); ++i) {
      auto provider = std::make_shared<Provider>();
      provider->name = "p" + std::to_string(i);
      const std::string type = i < types.size() ? types[i] : "openai";
      provider->type = find_provider_type(type);
      provider->base_url =
          provider->type->normalise_base_url("http://" + provider->name + ".test")->url;
      provider->credentials.push_back({"main", Secret("sk-secret-" + provider->name), 1});
      Target target;
      target.provider = provider;
      target.model = "up" + std::to_string(i);
      target.tier = static_cast<int>(i) + 1;
      model->targets.push_back(target);
    }
    auto own = std::make_unique<ScriptedTransport>(loop, [this](const TransferSpec& spec) {
      requests.push_back(spec);
      const std::size_t at =
          static_cast<std::size_t>(std::stoul(spec.url.substr(spec.url.find("//p") + 3)));
      std::vector<Beats>& left = scripts_.at(at);
      Beats script = left.front();
      if (left.size() > 1) left.erase(left.begin());
      return script;
    });
    transport = own.get();
    context.loop = &loop;
    context.transport = std::move(own);
    context.health = std::make_shared<HealthTable>();
    context.records = std::make_shared<RecordQueue>(64, nullptr);
  }

  // Starts a call with this body; run() then plays it to its end.
  void start(std::string body, Sink& sink,
             std::optional<std::chrono::milliseconds> timeout = std::nullopt) {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->models = {model};
    snapshot->by_name.emplace(model->name, model);
    snapshot->source = "llmorch.yaml";
    context.snapshot = snapshot;
    CallSpec spec;
    spec.request_id = "req-1";
    spec.body = Body(std::move(body));
    spec.timeout = timeout;
    loop.post([this, spec = std::move(spec), &sink]() mutable {
      auto driver = std::make_shared<Driver>(context, std::move(spec), sink, 7,
                                             std::chrono::system_clock::time_point{});
      call = driver;
      driver->start();
    });
    loop.drive(Duration::zero());
  }
  void advance(std::chrono::milliseconds time) {
    const TimePoint until = loop.now() + time;
    while (loop.now() < until) loop.drive(until - loop.now());
    loop.drive(Duration::zero());
  }
  // To the end of the call; returns its record.
  Record run(const KeepingSink& sink) {
    loop.run_until([&] { return sink.ends > 0; });
    for (int turn = 0; turn < 4; ++turn) loop.drive(Duration::zero());
    std::vector<Record> records;
    context.records->take(records);
    return records.size() == 1 ? records.front() : Record{};
  }
  bool nothing_left() { return transport->live() == 0 && context.live.empty() && loop.idle(); }

  VirtualLoop loop;
  LoopContext context;
  std::shared_ptr<Model> model;
  ScriptedTransport* transport = nullptr;
  std::vector<TransferSpec> requests;
  std::shared_ptr<LiveCall> call;

 private:
  std::vector<std::vector<Beats>> scripts_;
};

inline std::string chunk(std::string_view delta, std::string_view finish = "null") {
  return "data: "
         "{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-up\","
         "\"choices\":[{\"index\":0,\"delta\":" +
         std::string(delta) + ",\"finish_reason\":" + std::string(finish) + "}]}\n\n";
}
inline std::string text_chunk(std::string_view text) {
  return chunk("{\"content\":\"" + std::string(text) + "\"}");
}
inline const std::string kRole = chunk(R"({"role":"assistant","content":""})");
inline const std::string kStop = chunk("{}", "\"stop\"");
inline const std::string kUsageFrame =
    "data: "
    "{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-up\","
    "\"choices\":[],"
    "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":4,\"total_tokens\":14,"
    "\"prompt_tokens_details\":{\"cached_tokens\":3},\"completion_tokens_details\":{\"reasoning_"
    "tokens\":1}}}\n\n";
inline const std::string kDone = "data: [DONE]\n\n";
inline std::string whole_answer(std::string_view text) {
  return "{\"id\":\"c1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"gpt-up\","
         "\"choices\":[{\"index\":0,"
         "\"message\":{\"role\":\"assistant\",\"content\":\"" +
         std::string(text) +
         "\",\"refusal\":null},\"finish_reason\":\"stop\",\"logprobs\":null}],\"usage\":{\"prompt_"
         "tokens\":10,"
         "\"completion_tokens\":4,\"total_tokens\":14}}";
}
inline std::string error_body(std::string_view message, std::string_view code = "null") {
  return "{\"error\":{\"message\":\"" + std::string(message) +
         "\",\"type\":\"t\",\"param\":null,\"code\":" + std::string(code) + "}}";
}

inline const std::string kAsk = R"({"model":"m","messages":[{"role":"user","content":"hi"}]})";
inline const std::string kAskStream =
    R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true})";
inline const std::string kAskUsage =
    R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}})";

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTS_ENGINE_HARNESS_H_
