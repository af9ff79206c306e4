// The facade: modes, blocking and pulled calls, reload, drain, shutdown. docs/DESIGN.md 4.1, 4.3.
#include "llmorch/gateway.h"

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "testing/scripted_transport.h"

namespace llmorch::testing {
namespace {

using std::chrono::milliseconds;

const std::string kConfig = R"({"version":1,
  "providers":[{"name":"up","type":"openai","base_url":"http://127.0.0.1:1","api_key":"k"}],
  "models":[{"name":"m","aliases":["alias"],"targets":[{"provider":"up","model":"u"}]}]})";
const std::string kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"u","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","refusal":null},"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}})";

std::string frame(std::string_view content) {
  return "data: "
         "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"u\","
         "\"choices\":[{\"index\":0,"
         "\"delta\":{\"content\":\"" +
         std::string(content) + "\"},\"finish_reason\":null}]}\n\n";
}
const std::string kFinish =
    "data: "
    "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"u\",\"choices\":["
    "{\"index\":0,\"delta\":{},"
    "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

CallSpec ask(std::string_view model, bool stream) {
  CallSpec spec;
  spec.body = Body("{\"model\":\"" + std::string(model) +
                   "\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]" +
                   (stream ? ",\"stream\":true}" : "}"));
  return spec;
}

Options scripted(Beats whole, Beats stream) {
  Options options;
  options.transport = std::make_shared<ScriptedFactory>([whole, stream](const TransferSpec& spec) {
    return spec.body.str().find("\"stream\":true") == std::string::npos ? whole : stream;
  });
  options.seed = 1;
  return options;
}

std::size_t threads_of_this_process() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator("/proc/self/task"))
    ++count;
  return count;
}

TEST_CASE("threads mode: a blocking call, a pulled stream, exactly one record each") {
  std::mutex mutex;
  std::vector<Record> records;
  Options options =
      scripted(answer_whole(200, kAnswer), answer_stream({frame("a"), frame("b"), kFinish}));
  options.loop_count = 2;
  std::size_t told_at_batch_end = 0;
  options.on_record = [&](const Record& record) {
    const std::lock_guard lock(mutex);
    records.push_back(record);
  };
  options.on_batch_end = [&] { told_at_batch_end = records.size(); };  // same thread as on_record
  Result<std::unique_ptr<Gateway>> gateway = Gateway::open(kConfig, options);
  REQUIRE(gateway);
  const Result<Answer> answer = (*gateway)->chat(ask("alias", false));
  REQUIRE(answer);
  CHECK(answer->head.http_status == 200);
  CHECK(answer->body == kAnswer);
  CHECK(answer->outcome.ok());
  CHECK(answer->request_id.size() == 36);

  Result<std::unique_ptr<Stream>> stream = (*gateway)->stream(ask("m", true));
  REQUIRE(stream);
  std::string body;
  Stream::Next next;
  while ((next = (*stream)->next()) == Stream::Next::kData) body.append((*stream)->data());
  CHECK(next == Stream::Next::kEnd);
  CHECK(body == frame("a") + frame("b") + kFinish);
  REQUIRE((*stream)->head() != nullptr);
  CHECK((*stream)->head()->stream);
  CHECK((*stream)->next() == Stream::Next::kEnd);  // and stays there
  stream = Status(Code::kCancelled, "");
  *gateway = nullptr;  // delivers the last records
  CHECK(records.size() == 2);
  CHECK(told_at_batch_end == 2);
}

TEST_CASE("driven mode: no thread but the caller's own") {
  const std::size_t before = threads_of_this_process();
  int records = 0;
  Options options =
      scripted(answer_whole(200, kAnswer), answer_stream({frame("a"), kFinish}, milliseconds(1)));
  options.mode = Mode::kDriven;
  options.on_record = [&](const Record&) { ++records; };
  Result<std::unique_ptr<Gateway>> gateway = Gateway::open(kConfig, options);
  REQUIRE(gateway);
  CHECK((*gateway)->loops().size() == 1);
  const Result<Answer> answer = (*gateway)->chat(ask("m", false));
  REQUIRE(answer);
  CHECK(answer->body == kAnswer);
  Result<std::unique_ptr<Stream>> stream = (*gateway)->stream(ask("m", true));
  REQUIRE(stream);
  std::string body;
  while ((*stream)->next() == Stream::Next::kData) body.append((*stream)->data());
  CHECK(body == frame("a") + kFinish);
  CHECK(threads_of_this_process() == before);
  (*gateway)->loops().front()->drive(Duration::zero());
  CHECK(records == 2);
}

TEST_CASE("next() gives up at its deadline and goes on later") {
  for (const Mode mode : {Mode::kThreads, Mode::kDriven}) {
    Options options = scripted({}, answer_stream({frame("a"), kFinish}, milliseconds(30)));
    options.mode = mode;
    Result<std::unique_ptr<Gateway>> gateway = Gateway::open(kConfig, options);
    REQUIRE(gateway);
    Result<std::unique_ptr<Stream>> stream = (*gateway)->stream(ask("m", true));
    REQUIRE(stream);
    CHECK((*stream)->next(milliseconds(1)) == Stream::Next::kTimeout);
    std::string body;
    while ((*stream)->next() == Stream::Next::kData) body.append((*stream)->data());
    CHECK(body == frame("a") + kFinish);
  }
}

TEST_CASE("a stream that is dropped or cancelled ends its call; the gateway may go at any time") {
  Options options =
      scripted(hang(), then(answer_stream({frame("a")}), {{std::chrono::hours(1), Beat::End{}}}));
  std::atomic<int> cancelled{0};
  options.on_record = [&](const Record& record) { cancelled += record.http_status == 499 ? 1 : 0; };
  Result<std::unique_ptr<Gateway>> gateway = Gateway::open(kConfig, options);
  REQUIRE(gateway);
  {
    Result<std::unique_ptr<Stream>> dropped = (*gateway)->stream(ask("m", true));
    REQUIRE(dropped);
    CHECK((*dropped)->next() == Stream::Next::kData);
  }
  Result<std::unique_ptr<Stream>> stream = (*gateway)->stream(ask("m", true));
  REQUIRE(stream);
  CHECK((*stream)->next() == Stream::Next::kData);
  (*stream)->cancel();
  CHECK((*stream)->next() == Stream::Next::kError);
  CHECK((*stream)->status().code() == Code::kCancelled);
  std::vector<std::unique_ptr<Stream>> live;
  for (int i = 0; i < 20; ++i) live.push_back(std::move(*(*gateway)->stream(ask("m", true))));
  for (const auto& one : live) CHECK(one->next() == Stream::Next::kData);
  live.clear();
  *gateway = nullptr;
  CHECK(cancelled == 22);
}

TEST_CASE("a full pull buffer pauses the upstream instead of growing") {
  std::vector<std::string> pieces;
  for (int i = 0; i < 64; ++i) pieces.push_back(frame(std::string(16000, 'x')));
  pieces.push_back(kFinish);
  Options options = scripted({}, answer_stream(pieces));
  Result<std::unique_ptr<Gateway>> gateway = Gateway::open(kConfig, options);
  REQUIRE(gateway);
  Result<std::unique_ptr<Stream>> stream = (*gateway)->stream(ask("m", true));
  REQUIRE(stream);
  std::size_t total = 0;
  std::size_t most = 0;
  while ((*stream)->next() == Stream::Next::kData) {
    total += (*stream)->data().size();
    most = std::max(most, (*stream)->data().size());
  }
  std::size_t wanted = 0;
  for (const std::string& piece : pieces) wanted += piece.size();
  CHECK(total == wanted);
  CHECK(most < (256u << 10) + 40000);
}

TEST_CASE("blocking on a loop thread is an error, not a deadlock") {
  Options options = scripted(answer_whole(200, kAnswer), {});
  Result<std::unique_ptr<Gateway>> gateway = Gateway::open(kConfig, options);
  REQUIRE(gateway);
  std::mutex mutex;
  std::condition_variable changed;
  Status seen;
  bool done = false;
  (*gateway)->loops().front()->post([&] {
    const Status status = (*gateway)->chat(ask("m", false)).error();
    const std::lock_guard lock(mutex);
    seen = status;
    done = true;
    changed.notify_one();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done; });
  CHECK(seen.code() == Code::kInvalidArgument);
}

TEST_CASE("many threads, one gateway: every call gets its own answer and one record") {
  std::atomic<int> records{0};
  Options options = scripted(answer_whole(200, kAnswer), answer_stream({frame("a"), kFinish}));
  options.loop_count = 2;
  options.on_record = [&](const Record&) { ++records; };
  Result<std::unique_ptr<Gateway>> gateway = Gateway::open(kConfig, options);
  REQUIRE(gateway);
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const Result<Answer> answer = (*gateway)->chat(ask("m", i % 2 == 0));
        if (answer && answer->outcome.ok() && answer->head.http_status == 200) ++good;
        if (i == 25) CHECK((*gateway)->reload(kConfig).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 200);
  CHECK((*gateway)->config_version() == 5);
  *gateway = nullptr;
  CHECK(records == 200);
}

TEST_CASE("reload: a good one counts, a bad one changes nothing") {
  Options options = scripted(answer_whole(200, kAnswer), {});
  options.mode = Mode::kDriven;
  Result<std::unique_ptr<Gateway>> gateway = Gateway::open(kConfig, options);
  REQUIRE(gateway);
  CHECK((*gateway)->config_version() == 1);
  const Status bad = (*gateway)->reload(R"({"version":1,"providers":3})");
  CHECK(bad.code() == Code::kInvalidArgument);
  CHECK((*gateway)->config_version() == 1);
  std::string renamed = kConfig;
  renamed.replace(renamed.find("\"name\":\"m\""), 10, "\"name\":\"n\"");
  REQUIRE((*gateway)->reload(renamed).ok());
  CHECK((*gateway)->config_version() == 2);
  CHECK((*gateway)->chat(ask("n", false))->head.http_status == 200);
  CHECK((*gateway)->chat(ask("m", false))->head.http_status == 404);
  CHECK((*gateway)->list_models(Format::kOpenAiChat).find("\"id\":\"n\"") != std::string::npos);
}

TEST_CASE("drain refuses new calls with 503 and a wait") {
  Options options = scripted(answer_whole(200, kAnswer), {});
  options.mode = Mode::kDriven;
  Result<std::unique_ptr<Gateway>> gateway = Gateway::open(kConfig, options);
  REQUIRE(gateway);
  (*gateway)->drain();
  const Result<Answer> answer = (*gateway)->chat(ask("m", false));
  REQUIRE(answer);
  CHECK(answer->head.http_status == 503);
  CHECK(find_header(answer->head.headers, "retry-after") != nullptr);
}

TEST_CASE("opening says everything that is wrong at once") {
  const Status status = Gateway::open(R"({"version":2,"models":[{"name":"a"}]})").error();
  CHECK(status.code() == Code::kInvalidArgument);
  CHECK(status.message().find("/version") != std::string::npos);
  CHECK(status.message().find("/models/0") != std::string::npos);
}

}  // namespace
}  // namespace llmorch::testing
