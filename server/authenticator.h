// Authenticator: who sent a request. The one place where client keys are looked at.
//
// Immutable; any thread. No secret ends up in a Status.
#ifndef LLMORCH_SERVER_AUTHENTICATOR_H_
#define LLMORCH_SERVER_AUTHENTICATOR_H_

#include <string>
#include <string_view>
#include <vector>

#include "llmorch/status.h"
#include "llmorch/types.h"
#include "server/http_front/head.h"
#include "server/server_keys.h"

namespace llmorch::server {

class Authenticator {
 public:
  explicit Authenticator(std::vector<ClientKey> keys) : keys_(std::move(keys)) {}

  // There are no client keys: whoever can connect may call.
  bool open() const noexcept { return keys_.empty(); }

  // The key is taken from "Authorization: Bearer", else x-api-key, else x-goog-api-key, else, for
  // Gemini's routes, from ?key=. Only the first that is there counts: a wrong one is not made good
  // by another. Where everybody may call, that is nobody in particular.
  Result<Principal> identify(const RequestHead& head, Format format) const;

 private:
  const std::vector<ClientKey> keys_;
};

// Keeps web pages away from a listener on loopback that asks for no key. A page of a foreign site
// reaches it by a name of its own that resolves to 127.0.0.1 (Host gives it away), or by a request
// that needs nobody's permission (Origin does). Own names are localhost, 127.0.0.1, [::1], and
// `listen_host`, with any port. Programs that send neither field pass.
Status check_own_host(const RequestHead& head, std::string_view listen_host);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_AUTHENTICATOR_H_
