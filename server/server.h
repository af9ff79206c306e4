// Server: a Gateway in threads mode, an HttpFront on each of its loops, and their life together.
//
// Ownership: owns all of it. Threads: made, run and destroyed on the program's first thread. It
// blocks SIGTERM, SIGINT and SIGHUP for every thread that is started from then on, and takes them
// in run().
#ifndef LLMORCH_SERVER_SERVER_H_
#define LLMORCH_SERVER_SERVER_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "llmorch/gateway.h"
#include "server/http_front/http_front.h"
#include "server/load_config.h"
#include "server/routes.h"

namespace llmorch::server {

struct ServeOptions {
  std::string config_path;  // "": find_config() looks
  std::string listen;       // "": as configured, else 127.0.0.1:8000
  int threads = 0;          // 0: as configured, else one per core
  std::chrono::milliseconds drain_timeout{30'000};
};

// The whole of `llmorch serve`: returns the exit code.
int serve(const ServeOptions& options);

class Server {
 public:
  // Fails when the configuration or the address cannot be used.
  static Result<std::unique_ptr<Server>> open(LoadedConfig config, const ServeOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const std::string& address() const noexcept { return address_; }
  std::string ready_line() const;
  // Takes signals until one ends it.
  void run();

 private:
  Server(LoadedConfig config, const ServeOptions& options);
  Status start();
  void reload();
  void drain();
  void on_each_loop(const std::function<void(std::size_t index)>& work);

  LoadedConfig config_;
  const ServeOptions options_;
  std::string address_;
  bool loopback_ = true;
  std::unique_ptr<Gateway> gateway_;
  ServerState state_;
  std::vector<std::unique_ptr<HttpFront>> fronts_;  // by loop
  std::unique_ptr<WorkPool> pool_;                  // before the loops end, its work must
};

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_SERVER_H_
