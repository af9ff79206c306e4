#include "server/server.h"

#include <fcntl.h>
#include <fmt/format.h>
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
constexpr int kBadConfig = 78;  // EX_CONFIG of sysexits.h

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

Status no_client_key(const std::string& address, const std::string& config_path) {
  std::string message = address +
                        " can be reached from other machines, and there is no client key: whoever "
                        "connects could spend your vendors' money. Make one, and start again: ";
  if (config_path.empty()) {
    message += "export LLMORCH_CLIENT_KEY=\"$(llmorch key create --quiet)\"";
  } else if (config_path.ends_with(".json")) {
    message += "llmorch key create --quiet; it is the secret of an entry of \"client_keys\" in " +
               config_path;
  } else {
    message += "llmorch key create >> " + config_path;
  }
  return Status(Code::kInvalidArgument, std::move(message)).with_reason("invalid_config");
}

Result<Listening> listen_for(const std::string& address, const char* flag) {
  Result<Listening> out = listen_on(address, kBacklog);
  if (out) return out;
  return out.error().with_message(out.error().message() + " (" + flag + ")");
}

}  // namespace

Server::Server(LoadedConfig config, const ServeOptions& options)
    : config_(std::move(config)),
      settings_(effective_settings(options, config_, system_lookup(".").variable)),
      drain_timeout_(options.drain_timeout) {}

Result<std::unique_ptr<Server>> Server::open(LoadedConfig config, const ServeOptions& options) {
  std::unique_ptr<Server> server(new Server(std::move(config), options));
  if (Status started = server->start(); !started.ok()) return started;
  return server;
}

Status Server::start() {
  Result<Listening> data = listen_for(settings_.listen, "--listen");
  if (!data) return data.error();
  data_ = {data->address, data->host, data->loopback};
  if (!data_.loopback && config_.text.own.client_keys.empty())
    return no_client_key(data_.address, config_.path);
  std::optional<Listening> admin;
  if (!settings_.admin_listen.empty()) {
    Result<Listening> listening = listen_for(settings_.admin_listen, "--admin-listen");
    if (!listening) return listening.error();
    admin = std::move(*listening);
    admin_ = Door{admin->address, admin->host, admin->loopback};
  }

  const sigset_t set = our_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  if (Status opened = open_gateway(); !opened.ok()) return opened;
  return open_fronts(std::move(*data), std::move(admin));
}

Status Server::open_gateway() {
  Options options;
  options.loop_count = settings_.threads;
  options.on_record = gather_record;
  options.on_batch_end = write_gathered;
  options.on_log = [](std::string_view line) { write_log("llmorch: " + std::string(line)); };
  Result<std::unique_ptr<Gateway>> gateway = Gateway::open(config_.text.json, std::move(options));
  if (!gateway) return gateway.error();
  gateway_ = std::move(*gateway);
  config_.text.root = {};  // both hold vendors' keys
  config_.text.json = {};
  return {};
}

Status Server::open_fronts(Listening data, std::optional<Listening> admin) {
  pool_ = std::make_unique<WorkPool>(kPoolThreads, kPoolQueue);
  const std::size_t connections = std::max<std::size_t>(raise_descriptor_limit() / 2, 64);
  const std::vector<Route> all = make_routes(*gateway_, state_);
  const std::vector<Route> routes = admin ? routes_on(Plane::kData, all) : all;
  authenticators_.assign(gateway_->loops().size(),
                         std::make_shared<const Authenticator>(config_.text.own.client_keys));
  fronts_.resize(gateway_->loops().size());
  std::vector<Status> failures(fronts_.size());
  on_each_loop([&](std::size_t i) {
    Loop& loop = *gateway_->loops()[i];
    fronts_[i] = std::make_unique<HttpFront>(loop, routes, pool_.get(),
                                             front_options(i, data_, connections));
    failures[i] = fronts_[i]->listen(OwnedFd(::fcntl(data.fd.get(), F_DUPFD_CLOEXEC, 3)));
    if (i != 0 || !admin || !failures[i].ok()) return;
    admin_front_ = std::make_unique<HttpFront>(loop, routes_on(Plane::kAdmin, all), pool_.get(),
                                               front_options(i, *admin_, connections));
    failures[i] = admin_front_->listen(std::move(admin->fd));
  });
  for (const Status& failure : failures) {
    if (!failure.ok()) return failure;
  }
  return {};
}

FrontOptions Server::front_options(std::size_t loop, const Door& door, std::size_t connections) {
  FrontOptions out;
  out.totals = state_.totals;
  out.limits.connections = connections;
  out.admit = [this, loop, &door](const Route* route, Request& request) {
    return admit(loop, door, route, request);
  };
  return out;
}

// The one place that lets a request in, by its route. It runs on the loop.
Status Server::admit(std::size_t loop, const Door& door, const Route* route,
                     Request& request) const {
  const Authenticator& authenticator = *authenticators_[loop];
  if (door.loopback && authenticator.open()) {
    if (Status own = check_own_host(request.head, door.host); !own.ok()) return own;
  }
  if (route == nullptr || route->open) return {};
  Result<Principal> who = authenticator.identify(request.head, route->format);
  if (!who) return who.error();
  request.principal = std::move(*who);
  return {};
}

Server::~Server() {
  pool_.reset();
  if (fronts_.empty()) return;
  on_each_loop([this](std::size_t i) {
    if (i == 0) admin_front_.reset();
    fronts_[i].reset();
  });
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
  const std::string admin = admin_ ? "http://" + admin_->address : "same address";
  return fmt::format("llmorch {} ready on http://{} (admin: {}; config: {}; data: {}; loops: {})",
                     llmorch::version(), data_.address, admin,
                     config_.path.empty() ? "no file, the environment's keys" : config_.path,
                     settings_.data, settings_.threads);
}

void Server::run() {
  warn_if_open();
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

void Server::warn_if_open() const {
  if (!config_.text.own.client_keys.empty()) return;
  write_log(
      "llmorch: warning: there is no client key: every program on this machine can make calls with "
      "your vendors' keys (llmorch key create makes one)");
}

void Server::reload() {
  if (config_.path.empty())
    return write_log("llmorch: nothing to reload: the configuration is from the environment");
  LoadedConfig fresh = load_config_file(config_.path);
  for (const std::string& line : fresh.findings.lines) write_log(line);
  Status taken;
  if (fresh.usable() && !data_.loopback && fresh.text.own.client_keys.empty()) {
    taken = no_client_key(data_.address, config_.path);
  } else if (fresh.usable()) {
    taken = gateway_->reload(fresh.text.json);
  }
  if (!fresh.usable() || !taken.ok()) {
    if (!taken.ok()) write_log("llmorch: error: " + taken.message());
    return write_log("llmorch: reload failed, the old configuration stays in use");
  }
  const ServerKeys& then = config_.text.own;
  const ServerKeys& now = fresh.text.own;
  if (now.listen != then.listen || now.admin_listen != then.admin_listen ||
      now.threads != then.threads)
    write_log("llmorch: warning: listen, admin and threads change with a restart only");
  const auto authenticator = std::make_shared<const Authenticator>(now.client_keys);
  on_each_loop([&](std::size_t i) { authenticators_[i] = authenticator; });
  const bool was_open = then.client_keys.empty();
  config_.text.own.client_keys = now.client_keys;
  if (!was_open) warn_if_open();
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
  const auto last = std::chrono::steady_clock::now() + drain_timeout_;
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
