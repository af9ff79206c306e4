#include "gateway/config_keys.h"

#include <unordered_map>

namespace llmorch::config {
namespace {

using Kind = Key::Kind;

// What stands before the last key of a path: the object that holds it.
std::string_view owner_of(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return dot == path.npos ? std::string_view() : path.substr(0, dot);
}

std::vector<Key> make_keys() {
  return {
      {"version", Kind::kVersion, 0, 0, "required", "version of these words"},
      {"providers", Kind::kObjects, 0, 1000, "required", "the endpoints"},
      {"providers[].name", Kind::kText, 1, 64, "required",
       "letters, digits, `.`, `-`, `_`; unique"},
      {"providers[].type", Kind::kType, 0, 0, "required", "what it speaks; see \"Types\""},
      {"providers[].base_url", Kind::kText, 0, 0, "the type's own", "see \"Base URLs\""},
      {"providers[].api_key", Kind::kText, 1, 16384, "none",
       "short for one credential named `default`; not beside `credentials`"},
      {"providers[].credentials", Kind::kObjects, 0, 64, "none",
       "the keys; none: an endpoint without a key"},
      {"providers[].credentials[].name", Kind::kText, 1, 64, "required",
       "as a provider's name; unique in its provider"},
      {"providers[].credentials[].secret", Kind::kText, 1, 16384, "required",
       "the key itself; never logged"},
      {"providers[].credentials[].weight", Kind::kInteger, 0, 1'000'000, "`1`",
       "share of this key; 0: not used"},
      {"providers[].discover", Kind::kFlag, 0, 0, "`false`",
       "ask the endpoint for its own list of models; see \"Models that are not configured\""},
      {"providers[].headers", Kind::kTextMap, 0, 64, "none",
       "sent with every request; replaces what llmorch or the caller would send"},
      {"providers[].pass_headers", Kind::kTexts, 0, 64, "none",
       "names of the caller's headers that are passed on too; none that authenticate or frame"},
      {"providers[].proxy", Kind::kText, 0, 2048, "none",
       "`http://`, `https://`, `socks4a://`, `socks5://` or `socks5h://`"},
      {"providers[].no_proxy", Kind::kText, 0, 2048, "none",
       "hosts that bypass the proxy, separated by commas"},
      {"providers[].http2", Kind::kFlag, 0, 0, "`false`", "may negotiate HTTP/2"},
      {"models", Kind::kObjects, 0, 10'000, "none", "the names that callers ask for"},
      {"models[].name", Kind::kText, 1, 256, "required",
       "unique among all names and aliases; upper and lower case differ"},
      {"models[].aliases", Kind::kTexts, 0, 64, "none", "further names"},
      {"models[].strategy", Kind::kStrategy, 0, 0, "`weighted`",
       "how targets of one tier share the calls"},
      {"models[].max_attempts", Kind::kInteger, 1, 10, "`3`", "attempts on upstreams for one call"},
      {"models[].failover", Kind::kFlag, 0, 0, "`true`", "false: one attempt, whatever happens"},
      {"models[].timeouts", Kind::kObject, 0, 0, "none", "how long to wait"},
      {"models[].timeouts.connect", Kind::kDuration, 0, 0, "`3s`", "DNS, TCP and TLS"},
      {"models[].timeouts.first_event", Kind::kDuration, 0, 0,
       "30s for a stream; for a whole answer, `total`",
       "from the request's last byte to the first content"},
      {"models[].timeouts.idle", Kind::kDuration, 0, 0, "`30s`",
       "between bytes, once content has begun"},
      {"models[].timeouts.total", Kind::kDuration, 0, 0, "`600s`",
       "the whole call, all attempts and waits"},
      {"models[].timeouts.early_head", Kind::kDuration, 0, 0, "`10s`",
       "a stream's head goes out after this, at the latest"},
      {"models[].timeouts.heartbeat", Kind::kDuration, 0, 0, "`15s`",
       "between heartbeats on an idle stream; `0s`: off"},
      {"models[].targets", Kind::kObjects, 1, 64, "required", "what can answer"},
      {"models[].targets[].provider", Kind::kText, 1, 64, "required", "name of a provider"},
      {"models[].targets[].model", Kind::kText, 1, 256, "required",
       "the provider's own name of the model"},
      {"models[].targets[].tier", Kind::kInteger, 1, 1000, "`1`", "lower is tried first"},
      {"models[].targets[].weight", Kind::kInteger, 0, 1'000'000, "`1`",
       "share within the tier; 0: drained, never picked"},
      {"models[].targets[].headers", Kind::kTextMap, 0, 64, "none",
       "like the provider's, and replaces those of the same name"},
      {"models[].targets[].set", Kind::kJsonMap, 0, 64, "none",
       "top-level request keys to set, any JSON; sent byte for byte as written"},
      {"models[].targets[].remove", Kind::kTexts, 0, 64, "none",
       "top-level request keys to take out"},
      {"models[].targets[].system_prompt", Kind::kText, 1, 65536, "none",
       "told to the model before everything that the caller says"},
      {"models[].targets[].capabilities", Kind::kObject, 0, 0, "none",
       "what the model can do; see \"Capabilities\""},
      {"models[].targets[].capabilities.tools", Kind::kFlag, 0, 0, "unknown", "calls tools"},
      {"models[].targets[].capabilities.vision", Kind::kFlag, 0, 0, "unknown", "reads images"},
      {"models[].targets[].capabilities.structured_output", Kind::kFlag, 0, 0, "unknown",
       "answers by a JSON schema"},
      {"models[].targets[].capabilities.reasoning", Kind::kFlag, 0, 0, "unknown",
       "takes an effort or a budget of reasoning"},
      {"models[].targets[].capabilities.sampling", Kind::kFlag, 0, 0, "unknown",
       "takes `temperature`, `top_p` and `top_k`"},
      {"models[].targets[].capabilities.max_output_tokens", Kind::kInteger, 1, 100'000'000,
       "unknown", "the most that it writes in one answer"},
      {"listen", Kind::kText, 1, 0, "`127.0.0.1:8000`", "address and port of the gateway", true},
      {"threads", Kind::kInteger, 1, 256, "one per core", "event loops", true},
      {"admin", Kind::kObject, 0, 0, "none", "the operator's side of the gateway", true},
      {"admin.listen", Kind::kText, 1, 0, "that of `listen`", "an address of its own for it", true},
      {"client_keys", Kind::kObjects, 0, 256, "none", "who may call; none: everybody", true},
      {"client_keys[].name", Kind::kText, 1, 64, "required",
       "who that is; letters, digits, `.`, `-`, `_`", true},
      {"client_keys[].secret", Kind::kText, 1, 0, "required",
       "what the client shows; `llmorch key create` makes one", true},
  };
}

}  // namespace

const std::vector<Key>& keys() {
  static const std::vector<Key> kKeys = make_keys();
  return kKeys;
}

const std::vector<std::string_view>& keys_in(std::string_view path) {
  using Table = std::unordered_map<std::string_view, std::vector<std::string_view>>;
  static const Table kByOwner = [] {
    Table out;
    for (const Key& key : keys()) {
      const std::string_view owner = owner_of(key.path);
      std::vector<std::string_view>& names = out[owner];  // of an owner that is the program's too
      if (!key.program) names.push_back(key.path.substr(owner.empty() ? 0 : owner.size() + 1));
    }
    return out;
  }();
  static const std::vector<std::string_view> kNone;
  const auto found = kByOwner.find(path);
  return found == kByOwner.end() ? kNone : found->second;
}

}  // namespace llmorch::config
