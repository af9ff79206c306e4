#include "server/server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <utility>

#include "server/call_log.h"

namespace llmorch::server {
namespace {

constexpr int kBacklog = 4096;
constexpr std::size_t kPoolThreads = 2;
constexpr std::size_t kPoolQueue = 256;
constexpr char kDefaultListen[] = "127.0.0.1:8000";
constexpr int kBadConfig = 78;  // EX_CONFIG of sysexits.h

int cores() {
  cpu_set_t mine;
  if (::sched_getaffinity(0, sizeof mine, &mine) == 0) return std::max(1, CPU_COUNT(&mine));
  return 1;
}

// Each call needs two descriptors. Returns how many there may be.
std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::getrlimit(RLIMIT_NOFILE, &limit);
  return std::min<rlim_t>(limit.rlim_cur, 10'000'000);
}

sigset_t our_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

// The next of our signals, or 0 when none came in time.
int next_signal(std::chrono::milliseconds wait) {
  const sigset_t set = our_signals();
  const timespec limit{wait.count() / 1000, (wait.count() % 1000) * 1'000'000};
  return std::max(0, ::sigtimedwait(&set, nullptr, &limit));
}

}  // namespace

Server::Server(LoadedConfig config, const ServeOptions& options)
    : config_(std::move(config)), options_(options) {}

Result<std::unique_ptr<Server>> Server::open(LoadedConfig config, const ServeOptions& options) {
  std::unique_ptr<Server> server(new Server(std::move(config), options));
  if (Status started = server->start(); !started.ok()) return started;
  return server;
}

Status Server::start() {
  const std::string& listen = !options_.listen.empty()       ? options_.listen
                              : !config_.text.listen.empty() ? config_.text.listen
                                                             : kDefaultListen;
  Result<Listening> listening = listen_on(listen, kBacklog);
  if (!listening) return listening.error();
  address_ = listening->address;
  loopback_ = listening->loopback;

  const sigset_t set = our_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  Options options;
  options.loop_count = options_.threads > 0       ? options_.threads
                       : config_.text.threads > 0 ? config_.text.threads
                                                  : cores();
  options.on_record = gather_record;
  options.on_batch_end = write_gathered;
  options.on_log = [](std::string_view line) { write_log("llmorch: " + std::string(line)); };
  Result<std::unique_ptr<Gateway>> gateway = Gateway::open(config_.text.json, std::move(options));
  if (!gateway) return gateway.error();
  gateway_ = std::move(*gateway);

  pool_ = std::make_unique<WorkPool>(kPoolThreads, kPoolQueue);
  FrontOptions front;
  front.totals = state_.totals;
  front.limits.connections = std::max<std::size_t>(raise_descriptor_limit() / 2, 64);
  const std::vector<Route> routes = make_routes(*gateway_, state_);
  fronts_.resize(gateway_->loops().size());
  std::vector<Status> failures(fronts_.size());
  on_each_loop([&](std::size_t i) {
    fronts_[i] = std::make_unique<HttpFront>(*gateway_->loops()[i], routes, pool_.get(), front);
    failures[i] = fronts_[i]->listen(OwnedFd(::fcntl(listening->fd.get(), F_DUPFD_CLOEXEC, 3)));
  });
  for (const Status& failure : failures) {
    if (!failure.ok()) return failure;
  }
  return {};
}

Server::~Server() {
  pool_.reset();
  if (!fronts_.empty()) on_each_loop([this](std::size_t i) { fronts_[i].reset(); });
}

// Runs `work` on every loop and waits for all of them.
void Server::on_each_loop(const std::function<void(std::size_t index)>& work) {
  std::vector<std::future<void>> done;
  for (std::size_t i = 0; i < fronts_.size(); ++i) {
    auto promise = std::make_shared<std::promise<void>>();
    done.push_back(promise->get_future());
    gateway_->loops()[i]->post([&work, i, promise] {
      work(i);
      promise->set_value();
    });
  }
  for (std::future<void>& future : done) future.wait();
}

std::string Server::ready_line() const {
  const std::string models = gateway_->list_models(Format::kOpenAiChat);
  std::size_t count = 0;
  for (std::size_t at = models.find(R"("object":"model")"); at != std::string::npos;
       at = models.find(R"("object":"model")", at + 1))
    ++count;
  const std::size_t loops = gateway_->loops().size();
  return fmt::format("llmorch {} ready on http://{} (config: {}, {} model{}, {} loop{})",
                     llmorch::version(), address_,
                     config_.path.empty() ? "environment" : config_.path, count,
                     count == 1 ? "" : "s", loops, loops == 1 ? "" : "s");
}

void Server::run() {
  if (!loopback_) {
    write_log("llmorch: warning: " + address_ +
              " can be reached from other machines, and there is no authentication yet: whoever "
              "can connect can spend your keys' money");
  }
  write_log(ready_line());
  while (true) {
    const int signal = next_signal(std::chrono::hours(1));
    if (signal == SIGHUP) {
      reload();
    } else if (signal != 0) {
      return drain();
    }
  }
}

void Server::reload() {
  if (config_.path.empty())
    return write_log("llmorch: nothing to reload: the configuration is from the environment");
  LoadedConfig fresh = load_config_file(config_.path);
  for (const std::string& line : fresh.findings.lines) write_log(line);
  Status taken;
  if (fresh.usable()) taken = gateway_->reload(fresh.text.json);
  if (!fresh.usable() || !taken.ok()) {
    if (!taken.ok()) write_log("llmorch: error: " + taken.message());
    return write_log("llmorch: reload failed, the old configuration stays in use");
  }
  if (fresh.text.listen != config_.text.listen || fresh.text.threads != config_.text.threads)
    write_log("llmorch: warning: listen and threads change with a restart only");
  write_log(fmt::format("llmorch: reloaded {} (configuration {})", config_.path,
                        gateway_->config_version()));
}

void Server::drain() {
  state_.draining = true;
  gateway_->drain();
  on_each_loop([this](std::size_t i) { fronts_[i]->drain(); });
  const auto busy = [this] {
    return std::max<std::size_t>(state_.totals->busy, gateway_->counters().calls_live);
  };
  write_log(fmt::format("llmorch: draining, {} under way", busy()));
  const auto last = std::chrono::steady_clock::now() + options_.drain_timeout;
  while (busy() > 0 && std::chrono::steady_clock::now() < last) {
    const int signal = next_signal(std::chrono::milliseconds(20));
    // Asked twice: whoever asks does not want to wait, not even for destructors.
    if (signal == SIGTERM || signal == SIGINT) ::_exit(1);
  }
  write_log(busy() == 0 ? "llmorch: stopped" : fmt::format("llmorch: stopped, {} cut off", busy()));
}

int serve(const ServeOptions& options) {
  LoadedConfig config = find_config(options.config_path);
  for (const std::string& line : config.findings.lines) write_log(line);
  if (!config.usable()) return kBadConfig;
  const Result<std::unique_ptr<Server>> server = Server::open(std::move(config), options);
  if (!server) {
    write_log("llmorch: error: " + server.error().message());
    return server.error().reason() == "invalid_config" ? kBadConfig : 1;
  }
  (*server)->run();
  return 0;
}

}  // namespace llmorch::server
