// guard_calls: a fixed number of calls through the whole library, in one process, on virtual time,
// against a scripted transport: the same instructions in every run. guard.sh counts them.
//
//   guard_calls engine whole CALLS      600 bytes asked, 600 bytes answered
//   guard_calls engine stream CALLS N   600 bytes asked, N chunks of 300 bytes answered
//   guard_calls bare …                  the same scripts without llmorch: what the script itself
//   costs guard_calls --build                 how this program was built
//
// Exits with 1 when a call does not bring exactly the bytes that its caller should see.
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "llmorch/gateway.h"
#include "testing/scripted_transport.h"
#include "testing/virtual_loop.h"

namespace llmorch::testing {
namespace {

constexpr std::size_t kRequestBytes = 600;
constexpr std::size_t kAnswerBytes = 600;
constexpr std::size_t kChunkBytes = 300;

constexpr const char* kConfig = R"({"version":1,
  "providers":[{"name":"one","type":"openai","base_url":"http://one.test/v1","api_key":"sk-one"},
               {"name":"two","type":"openai","base_url":"http://two.test/v1","api_key":"sk-two"}],
  "models":[{"name":"m","targets":[{"provider":"one","model":"up-1","weight":3},
                                   {"provider":"two","model":"up-2","weight":1}]}]})";

// `before` + as much text as it takes + `after`, `size` bytes in all.
std::string padded(std::string_view before, std::string_view after, std::size_t size) {
  constexpr std::string_view kText = "The quick brown fox jumps over the lazy dog. ";
  std::string text(before);
  while (text.size() + after.size() < size) {
    text.append(kText.substr(0, size - after.size() - text.size()));
  }
  return text.append(after);
}

constexpr std::string_view kFrameBegin =
    R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"up",)"
    R"("system_fingerprint":"fp_1","choices":)";
constexpr std::string_view kChoice = R"([{"index":0,"delta":)";
constexpr std::string_view kUsage =
    R"("usage":{"prompt_tokens":120,"completion_tokens":40,"total_tokens":160})";

std::string join(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

std::string request(std::string_view first_keys) {
  return padded(join({"{", first_keys, R"("model":"m","temperature":0.70,"max_tokens":256,)",
                      R"("messages":[{"role":"system","content":"You are terse."},)",
                      R"({"role":"user","content":")"}),
                R"("}]})", kRequestBytes);
}

// What an upstream plays, and what the caller should get of it.
struct Scene {
  std::string request;
  Beats script;
  std::string expected;
};

Scene whole_scene() {
  const std::string answer =
      padded(R"({"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"up",)"
             R"("choices":[{"index":0,"message":{"role":"assistant","content":")",
             join({R"(","refusal":null},"logprobs":null,"finish_reason":"stop"}],)", kUsage, "}"}),
             kAnswerBytes);
  return {request(""), answer_whole(200, answer), answer};
}

Scene stream_scene(std::size_t chunks) {
  const std::string chunk =
      padded(join({kFrameBegin, kChoice, R"({"content":")"}),
             "\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n", kChunkBytes);
  std::vector<std::string> pieces(chunks, chunk);
  pieces.insert(pieces.begin(), join({kFrameBegin, kChoice, R"({"role":"assistant","content":""},)",
                                      "\"logprobs\":null,\"finish_reason\":null}]}\n\n"}));
  pieces.push_back(
      join({kFrameBegin, kChoice, "{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n"}));
  std::string expected;
  for (const std::string& piece : pieces) expected += piece;
  // Nobody asked for the usage frame, so the caller must not see it.
  pieces.push_back(join({kFrameBegin, "[],", kUsage, "}\n\n"}));
  pieces.push_back("data: [DONE]\n\n");
  expected += pieces.back();
  return {request(R"("stream":true,)"), answer_stream(pieces), expected};
}

// Compares as it goes, so that it costs the same small thing for every chunk.
struct CheckingSink final : Sink {
  void head(const AnswerHead& head) override { good = head.http_status == 200; }
  Flow write(std::string_view bytes) override {
    good = good && expected.substr(at).starts_with(bytes);
    at += bytes.size();
    return Flow::kMore;
  }
  void end(const Status& outcome) override {
    good = good && outcome.ok() && at == expected.size();
    ended = true;
  }
  std::string_view expected;
  std::size_t at = 0;
  bool good = false;
  bool ended = false;
};

bool run_engine(const Scene& scene, std::size_t calls) {
  VirtualLoop loop;
  std::size_t record_bytes = 0;
  Options options;
  options.mode = Mode::kDriven;
  options.loop = &loop;
  options.seed = 7;
  options.transport =
      std::make_shared<ScriptedFactory>([&](const TransferSpec&) { return scene.script; });
  // As the server does: each record becomes a line.
  options.on_record = [&](const Record& record) { record_bytes += record_json(record).size(); };
  auto gateway = Gateway::open(kConfig, std::move(options));
  if (!gateway) {
    std::fprintf(stderr, "guard_calls: %s\n", gateway.error().message().c_str());
    return false;
  }
  for (std::size_t i = 0; i < calls; ++i) {
    CheckingSink sink;
    sink.expected = scene.expected;
    loop.post([&] {
      CallSpec spec;
      spec.body = Body(scene.request);
      (void)(*gateway)->start(std::move(spec), sink);
    });
    if (!loop.run_until([&] { return sink.ended; }) || !sink.good) {
      std::fprintf(stderr, "guard_calls: call %zu brought something else\n", i);
      return false;
    }
  }
  while (!loop.idle()) loop.drive(Duration::zero());
  return (*gateway)->counters().records_delivered == calls && record_bytes > 0;
}

struct Deaf final : TransferListener {
  void on_connected() override {}
  void on_request_sent() override {}
  void on_head(int, const Headers&) override {}
  void on_body(std::string_view) override {}
  void on_end(const TransferEnd&) override { ended = true; }
  bool ended = false;
};

bool run_bare(const Scene& scene, std::size_t calls) {
  VirtualLoop loop;
  ScriptedTransport transport(loop, [&](const TransferSpec&) { return scene.script; });
  for (std::size_t i = 0; i < calls; ++i) {
    Deaf listener;
    loop.post([&] {
      TransferSpec spec;
      spec.body = Body(scene.request);
      transport.start(std::move(spec), &listener);
    });
    if (!loop.run_until([&] { return listener.ended; })) return false;
  }
  return true;
}

bool number(std::string_view text, std::size_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

int main_(const std::vector<std::string_view>& words) {
  if (words.size() == 1 && words[0] == "--build") {
    std::puts(LLMORCH_GUARD_BUILD);
    return 0;
  }
  const bool stream = words.size() == 4 && words[1] == "stream";
  const bool whole = words.size() == 3 && words[1] == "whole";
  std::size_t calls = 0;
  std::size_t chunks = 0;
  if ((!stream && !whole) || (words[0] != "engine" && words[0] != "bare") ||
      !number(words[2], calls) || (stream && !number(words[3], chunks))) {
    std::fputs("usage: guard_calls engine|bare whole CALLS | stream CALLS CHUNKS; or --build\n",
               stderr);
    return 2;
  }
  const Scene scene = stream ? stream_scene(chunks) : whole_scene();
  const bool good = words[0] == "engine" ? run_engine(scene, calls) : run_bare(scene, calls);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace llmorch::testing

int main(int count, char** words) { return llmorch::testing::main_({words + 1, words + count}); }
