// Server: a Gateway in threads mode, an HttpFront on each of its loops, and their life together. An
// admin listener of its own, if there is one, is served by the first loop.
//
// Ownership: owns all of it. Threads: made, run and destroyed on the program's first thread. It
// blocks SIGTERM, SIGINT and SIGHUP for every thread that is started from then on, and takes them
// in run().
#ifndef LLMORCH_SERVER_SERVER_H_
#define LLMORCH_SERVER_SERVER_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "llmorch/gateway.h"
#include "server/authenticator.h"
#include "server/http_front/http_front.h"
#include "server/load_config.h"
#include "server/routes.h"
#include "server/settings.h"

namespace llmorch::server {

// The whole of `llmorch serve`: returns the exit code.
int serve(const ServeOptions& options);

class Server {
 public:
  // Fails when the configuration or an address cannot be used; with the reason "invalid_config"
  // when only another configuration would help.
  static Result<std::unique_ptr<Server>> open(LoadedConfig config, const ServeOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::string ready_line() const;
  // Takes signals until one ends it.
  void run();

 private:
  // Where requests come in. Written before the loops see it.
  struct Door {
    std::string address;
    std::string host;
    bool loopback = true;
  };

  Server(LoadedConfig config, const ServeOptions& options);
  Status start();
  Status open_gateway();
  Status open_fronts(Listening data, std::optional<Listening> admin);
  FrontOptions front_options(std::size_t loop, const Door& door, std::size_t connections);
  Status admit(std::size_t loop, const Door& door, const Route* route, Request& request) const;
  void warn_if_open() const;
  void reload();
  void drain();
  void on_each_loop(const std::function<void(std::size_t index)>& work);

  LoadedConfig config_;
  const Settings settings_;
  const std::chrono::milliseconds drain_timeout_;
  Door data_;
  std::optional<Door> admin_;  // none: data_ has both
  std::unique_ptr<Gateway> gateway_;
  ServerState state_;
  std::vector<std::shared_ptr<const Authenticator>>
      authenticators_;                              // by loop, each the loop's own
  std::vector<std::unique_ptr<HttpFront>> fronts_;  // by loop
  std::unique_ptr<HttpFront> admin_front_;          // on the first loop
  std::unique_ptr<WorkPool> pool_;                  // before the loops end, its work must
};

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_SERVER_H_
