// ProviderType: what is particular to a kind of vendor: its URLs, its way to authenticate, its
// quirks and what its errors mean. A Provider is one configured endpoint of such a type, plain
// data.
//
// Provider types are stateless and may be used from any thread. They do no I/O.
#ifndef LLMORCH_SPI_PROVIDER_H_
#define LLMORCH_SPI_PROVIDER_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmorch/spi/format.h"
#include "llmorch/spi/secret.h"
#include "llmorch/spi/transport.h"
#include "llmorch/status.h"
#include "llmorch/types.h"

namespace llmorch {

class ProviderType;

struct Credential {
  std::string name;
  Secret secret;
  unsigned weight = 1;  // 0: not used
};

struct Provider {
  std::string name;
  const ProviderType* type = nullptr;
  std::string base_url;                 // normalised by the type; no trailing slash
  std::vector<Credential> credentials;  // at least one; an endpoint without a key has an empty one
  Headers headers;                      // sent with every request
  std::vector<std::string> pass_headers;  // of the caller's, beside those the type passes on
  std::string proxy;
  std::string no_proxy;
  bool http2 = false;
  bool discover = false;  // the endpoint is asked for its own list of models
};

// A model's binding to a provider's own model.
struct Target {
  std::shared_ptr<const Provider> provider;
  std::string model;
  int tier = 1;         // lower is tried first
  unsigned weight = 1;  // share within the tier; 0: drained, never picked
  Headers headers;      // sent in addition to the provider's; same name: replaces it
  // Top-level request keys to set, as (name, JSON text), and to take out.
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::string> remove;
  std::string system_prompt;  // said before everything else; "" none
  Capabilities capabilities;
};

// What an upstream's answer means.
struct Outcome {
  Verdict verdict = Verdict::kOk;
  // What the caller is told if this was the last attempt. Never says that our own key is bad; the
  // record and the log do.
  Status status;
};

class ProviderType {
 public:
  virtual ~ProviderType() = default;
  virtual std::string_view name() const = 0;
  virtual Format format() const = 0;
  virtual std::string_view default_base_url() const = 0;  // "" when there is none

  // Brings a base URL as people write it into the form the type works with: with or without /v1,
  // trailing slash, a whole endpoint pasted. `warning` says what was cut, if anything.
  struct BaseUrl {
    std::string url;
    std::string warning;
  };
  virtual Result<BaseUrl> normalise_base_url(std::string_view written) const = 0;

  // The request for one attempt: URL, authentication, configured and allow-listed headers, body.
  // `path` is the encoder's, where the format says something in it.
  virtual Result<TransferSpec> request(const Target& target, const Credential& credential,
                                       const CallSpec& spec, Body body, std::string_view path,
                                       bool stream) const = 0;

  // One page of the endpoint's own list of models; `page` is "" or the last answer's `next_page`.
  virtual Result<TransferSpec> list_request(const Provider& provider, const Credential& credential,
                                            std::string_view page) const = 0;
  struct ModelPage {
    std::vector<std::string> models;  // names as a Target's `model` wants them
    std::string next_page;            // "": that was all
  };
  virtual Result<ModelPage> read_list(std::string_view body) const = 0;

  // What a complete answer with a status other than 2xx means.
  virtual Outcome read_error(int status, const Headers& headers, std::string_view body) const = 0;
};

// The built-in type of that name ("openai"); null when there is none.
const ProviderType* find_provider_type(std::string_view name);
// All names, for messages that suggest one.
std::vector<std::string_view> provider_type_names();

}  // namespace llmorch

#endif  // LLMORCH_SPI_PROVIDER_H_
