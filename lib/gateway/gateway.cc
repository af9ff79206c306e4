#include "llmorch/gateway.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/random.h"
#include "base/uuid.h"
#include "engine/driver.h"
#include "gateway/compile.h"
#include "gateway/discovered.h"
#include "gateway/drain_gate.h"
#include "gateway/model_lists.h"
#include "gateway/pull_stream.h"
#include "gateway/record_writer.h"
#include "gateway/remote_call.h"
#include "llmorch/version.h"
#include "net/loop_threads.h"
#include "routing/resolve.h"

namespace llmorch {
namespace {

Status config_error(const std::vector<ConfigIssue>& issues) {
  std::string text = "the configuration has errors:";
  for (const ConfigIssue& issue : issues) {
    if (issue.severity != ConfigIssue::Severity::kError) continue;
    text.append(" ").append(issue.json_pointer.empty() ? "/" : issue.json_pointer);
    text.append(": ").append(issue.message);
    if (!issue.hint.empty()) text.append(" (").append(issue.hint).append(")");
    text.push_back(';');
  }
  text.pop_back();
  return Status(Code::kInvalidArgument, std::move(text)).with_reason("invalid_config");
}

class GatewayImpl final : public Gateway {
 public:
  explicit GatewayImpl(Options options)
      : options_(std::move(options)),
        pid_(getpid()),
        writer_(options_.on_record, options_.on_batch_end, options_.on_log),
        health_(std::make_shared<HealthTable>()),
        drain_(std::make_shared<DrainGate>()) {}

  Status init(std::shared_ptr<const Snapshot> snapshot);
  ~GatewayImpl() override;

  std::shared_ptr<LiveCall> start(CallSpec spec, Sink& sink) override;
  Result<Answer> chat(CallSpec spec) override;
  Result<std::unique_ptr<Stream>> stream(CallSpec spec) override;
  std::string list_models(Format format) const override;
  Status reload(std::string_view config_json) override;
  std::uint64_t config_version() const override { return snapshot()->version; }
  std::vector<ConfigIssue> config_warnings() const override { return snapshot()->warnings; }
  const std::vector<Loop*>& loops() const override { return loops_; }
  void drain() override { drain_->drain(); }
  Counters counters() const override;

 private:
  // One loop's part: what its calls share, and the seed of their choices.
  struct Shard {
    LoopContext context;
    Random random{0};
  };

  std::shared_ptr<const Snapshot> snapshot() const {
    const std::lock_guard lock(mutex_);
    return snapshot_;
  }
  Shard* current_shard();
  Status may_block() const;
  Loop* driven_loop() const { return options_.mode == Mode::kDriven ? loops_.front() : nullptr; }
  void run_on(Loop& loop, const std::function<void()>& work);
  void use(std::shared_ptr<const Snapshot> snapshot);
  void take_news(const Discovered::List& news);
  void log(std::string line);

  const Options options_;
  const pid_t pid_;
  RecordWriter writer_;
  std::shared_ptr<HealthTable> health_;
  std::shared_ptr<DrainGate> drain_;
  std::unique_ptr<Loop> own_loop_;        // driven mode without a host's loop
  std::unique_ptr<LoopThreads> threads_;  // threads mode
  std::vector<Loop*> loops_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::atomic<std::size_t> next_shard_{0};
  std::unique_ptr<ModelLists> lists_;  // on the first loop, and touched there only
  std::mutex reload_mutex_;            // one reload at a time; compiling does not hold mutex_ up
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_;
};

Status GatewayImpl::init(std::shared_ptr<const Snapshot> snapshot) {
  snapshot_ = with_lists(std::move(snapshot), nullptr);
  if (options_.mode == Mode::kThreads) {
    const int count = std::max(1, options_.loop_count);
    Result<std::unique_ptr<LoopThreads>> threads =
        LoopThreads::make(static_cast<std::size_t>(count));
    if (!threads) return threads.error();
    threads_ = std::move(*threads);
    loops_ = threads_->loops();
    if (Status started = threads_->start(); !started.ok()) return started;
  } else if (options_.loop != nullptr) {
    loops_ = {options_.loop};
  } else {
    Result<std::unique_ptr<Loop>> loop = new_loop();
    if (!loop) return loop.error();
    own_loop_ = std::move(*loop);
    loops_ = {own_loop_.get()};
  }
  const std::shared_ptr<TransportFactory> transports =
      options_.transport != nullptr ? options_.transport : curl_transport_factory();
  Random seeds(options_.seed != 0 ? options_.seed : system_seed());
  for (Loop* loop : loops_) {
    auto shard = std::make_unique<Shard>();
    shard->context.loop = loop;
    shard->context.health = health_;
    shard->context.gates = options_.gates;
    shard->context.gates.insert(shard->context.gates.begin(), drain_);
    shard->context.snapshot = snapshot_;
    shard->random = Random(seeds.next());
    if (options_.mode == Mode::kThreads) {
      shard->context.records = writer_.new_queue([this] { writer_.wake(); });
    } else {
      shard->context.records =
          writer_.new_queue([this, loop] { loop->post([this] { writer_.flush(); }); });
    }
    shards_.push_back(std::move(shard));
  }
  // A transport belongs to its loop's thread from birth to death.
  Status made;
  for (const std::unique_ptr<Shard>& shard : shards_) {
    run_on(*shard->context.loop, [&] {
      Result<std::unique_ptr<Transport>> transport = transports->make(*shard->context.loop);
      if (transport) {
        shard->context.transport = std::move(*transport);
      } else {
        made = transport.error();
      }
    });
    if (!made.ok()) return made;
  }
  run_on(*loops_.front(), [&] {
    LoopContext& first = shards_.front()->context;
    lists_ = std::make_unique<ModelLists>(
        *first.loop, *first.transport, [this](const Discovered::List& news) { take_news(news); },
        [this](std::string line) { log(std::move(line)); });
    lists_->follow(first.snapshot->providers);
  });
  if (options_.mode == Mode::kThreads) writer_.start();
  return Status();
}

GatewayImpl::~GatewayImpl() {
  if (getpid() != pid_) {
    // A forked child has none of the threads: joining them would hang. Leave everything to exit.
    for (auto& shard : shards_) static_cast<void>(shard.release());
    static_cast<void>(threads_.release());
    static_cast<void>(lists_.release());
    return;
  }
  drain_->drain();
  if (!shards_.empty()) run_on(*loops_.front(), [&] { lists_.reset(); });
  for (const std::unique_ptr<Shard>& shard : shards_) {
    LoopContext& context = shard->context;
    run_on(*context.loop, [&] {
      for (const std::shared_ptr<Driver>& call : context.live) call->cancel();
    });
    bool quiet = false;
    while (!quiet) run_on(*context.loop, [&] { quiet = context.live.empty(); });
    run_on(*context.loop, [&] { context.transport.reset(); });
  }
  threads_.reset();
  writer_.stop();
}

// Runs `work` on a loop and waits for it; the caller is no loop thread.
void GatewayImpl::run_on(Loop& loop, const std::function<void()>& work) {
  if (options_.mode == Mode::kDriven) {
    bool done = false;
    loop.post([&] {
      work();
      done = true;
    });
    while (!done) loop.drive(Duration(-1));
    return;
  }
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  loop.post([&] {
    work();
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_one();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done; });
}

GatewayImpl::Shard* GatewayImpl::current_shard() {
  Loop* const current = Loop::current();
  if (current == nullptr) return nullptr;
  for (const std::unique_ptr<Shard>& shard : shards_) {
    if (shard->context.loop == current) return shard.get();
  }
  return nullptr;
}

std::shared_ptr<LiveCall> GatewayImpl::start(CallSpec spec, Sink& sink) {
  Shard* shard = current_shard();
  const bool here = shard != nullptr;
  if (!here)
    shard = shards_[next_shard_.fetch_add(1, std::memory_order_relaxed) % shards_.size()].get();
  const auto wall = std::chrono::system_clock::now();
  if (!here) {
    // Off the loop nothing of the shard may be touched: the rest happens there.
    if (spec.request_id.empty()) {
      thread_local Random ids(system_seed());
      spec.request_id = uuid_v7(wall, ids.next(), ids.next());
    }
    auto call = std::make_shared<RemoteCall>(*shard->context.loop, spec.request_id);
    shard->context.loop->post([shard, call, spec = std::move(spec), &sink, wall]() mutable {
      auto driver = std::make_shared<Driver>(shard->context, std::move(spec), sink,
                                             shard->random.next(), wall);
      call->bind(driver);
      driver->start();
    });
    return call;
  }
  if (spec.request_id.empty())
    spec.request_id = uuid_v7(wall, shard->random.next(), shard->random.next());
  auto driver =
      std::make_shared<Driver>(shard->context, std::move(spec), sink, shard->random.next(), wall);
  driver->start();
  return driver;
}

Status GatewayImpl::may_block() const {
  if (getpid() != pid_) {
    return Status(Code::kUnavailable,
                  "this Gateway was opened before a fork(); open another one in the child");
  }
  if (Loop::current() != nullptr) {
    return Status(Code::kInvalidArgument,
                  "a blocking call must not be made on a loop thread; use start()");
  }
  return Status();
}

Result<Answer> GatewayImpl::chat(CallSpec spec) {
  if (Status allowed = may_block(); !allowed.ok()) return allowed;
  const std::shared_ptr<PullBuffer> buffer = PullBuffer::make();
  const std::shared_ptr<LiveCall> call = start(std::move(spec), *buffer);
  Answer answer;
  answer.request_id = call->request_id();
  std::string piece;
  for (bool ended = false; !ended;) {
    const PullBuffer::Taken taken = buffer->take(piece, nullptr, driven_loop());
    answer.body.append(piece);
    ended = taken.ended;
    if (taken.was_full && !ended) buffer->resume(call);
  }
  buffer->has_head(answer.head);
  answer.outcome = buffer->outcome();
  return answer;
}

Result<std::unique_ptr<Stream>> GatewayImpl::stream(CallSpec spec) {
  if (Status allowed = may_block(); !allowed.ok()) return allowed;
  std::shared_ptr<PullBuffer> buffer = PullBuffer::make();
  std::shared_ptr<LiveCall> call = start(std::move(spec), *buffer);
  return std::unique_ptr<Stream>(
      std::make_unique<PullStream>(std::move(buffer), std::move(call), driven_loop()));
}

std::string GatewayImpl::list_models(Format format) const {
  const FormatCodec* codec = find_format(format);
  if (codec == nullptr) codec = find_format(Format::kOpenAiChat);
  return codec->model_list(model_names(*snapshot()));
}

Status GatewayImpl::reload(std::string_view config_json) {
  const std::lock_guard reloading(reload_mutex_);
  Compiled compiled = compile_config(config_json, config_version() + 1);
  if (compiled.snapshot == nullptr) return config_error(compiled.issues);
  const std::lock_guard lock(mutex_);
  use(with_lists(std::move(compiled.snapshot), snapshot_->discovered.get()));
  loops_.front()->post([this, snapshot = snapshot_] { lists_->follow(snapshot->providers); });
  return Status();
}

// With mutex_ held, so that every loop sees the same order.
void GatewayImpl::use(std::shared_ptr<const Snapshot> snapshot) {
  snapshot_ = std::move(snapshot);
  for (const std::unique_ptr<Shard>& shard : shards_) {
    LoopContext* context = &shard->context;
    context->loop->post([context, snapshot = snapshot_] { context->snapshot = snapshot; });
  }
}

void GatewayImpl::take_news(const Discovered::List& news) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const Snapshot> snapshot = with_news(snapshot_, news);
  if (snapshot != snapshot_) use(std::move(snapshot));
}

void GatewayImpl::log(std::string line) {
  writer_.log(std::move(line));
  if (options_.mode == Mode::kDriven) loops_.front()->post([this] { writer_.flush(); });
}

Gateway::Counters GatewayImpl::counters() const {
  Counters out;
  std::uint64_t finished = 0;
  for (const std::unique_ptr<Shard>& shard : shards_) {
    finished += shard->context.finished.load(std::memory_order_relaxed);
    out.calls_started += shard->context.started.load(std::memory_order_relaxed);
  }
  out.calls_live = out.calls_started - std::min(finished, out.calls_started);
  out.records_delivered = writer_.delivered();
  out.records_dropped = writer_.dropped();
  return out;
}

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::open(std::string_view config_json, Options options) {
  if (options.mode == Mode::kDriven && Loop::current() != nullptr) {
    return Status(Code::kInvalidArgument, "a Gateway must not be opened from inside Loop::drive()");
  }
  Compiled compiled = compile_config(config_json, 1);
  if (compiled.snapshot == nullptr) return config_error(compiled.issues);
  auto gateway = std::make_unique<GatewayImpl>(std::move(options));
  if (Status ready = gateway->init(std::move(compiled.snapshot)); !ready.ok()) return ready;
  return std::unique_ptr<Gateway>(std::move(gateway));
}

std::string render_error(Format format, const Status& status, std::string_view request_id) {
  const FormatCodec* codec = find_format(format);
  if (codec == nullptr) codec = find_format(Format::kOpenAiChat);
  return codec->error_body(status, request_id);
}

std::string_view version() { return LLMORCH_VERSION; }

}  // namespace llmorch
