#include "gateway/config_providers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/text.h"
#include "providers/presets.h"

namespace llmorch::config {
namespace {

constexpr std::size_t kMaxProviders = 1000;
constexpr std::size_t kMaxCredentials = 64;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxSecret = 16384;  // some vendors' tokens are that long
constexpr std::size_t kMaxProxy = 2048;
constexpr std::int64_t kMaxWeight = 1'000'000;

// The names of providers and credentials stand in logs, metrics and headers.
std::optional<std::string> read_plain_name(Reader& reader, const Place& place) {
  std::optional<std::string> name = reader.name(place, kMaxName);
  if (!name) return std::nullopt;
  const bool good = std::all_of(name->begin(), name->end(), [](char c) {
    return is_token(std::string_view(&c, 1)) &&
           std::string_view("!#$%&'*+^`|~").find(c) == std::string_view::npos;
  });
  if (good) return name;
  reader.error(place, "may hold only letters, digits, '.', '-' and '_'");
  return std::nullopt;
}

// What `type` says: a provider type, or a vendor's row that stands for one.
struct Type {
  const ProviderType* type = nullptr;  // null: nothing that is known
  std::string_view base_url;           // "" when there is no usual one
  bool wants_key = false;              // at that base URL
};

Type read_type(Reader& reader, const Place& place) {
  const std::optional<std::string> written = reader.string(place);
  if (!written) return {};
  if (const ProviderType* type = find_provider_type(*written))
    return {type, type->default_base_url(), true};
  if (const Preset* preset = find_preset(*written)) {
    return {find_provider_type(preset->type), preset->base_url, !preset->key_env.empty()};
  }
  std::vector<std::string> names;
  for (const std::string_view name : provider_type_names()) names.emplace_back(name);
  std::vector<std::string> all = names;
  for (const std::string_view name : preset_names()) all.emplace_back(name);
  std::string hint = suggestion(*written, all);
  if (hint.empty()) {
    hint = fmt::format("types: {}; vendors: {}", fmt::join(names, ", "),
                       fmt::join(preset_names(), ", "));
  }
  reader.error(place, fmt::format("unknown type {}", json_string(shorten(*written, 100))),
               std::move(hint));
  return {};
}

std::string read_base_url(Reader& reader, const Place& provider, const Type& type) {
  const Place place = member(provider, "base_url");
  const std::optional<std::string> written = reader.string(place);
  if (type.type == nullptr) return "";
  if (!place.value.exists()) {
    if (type.base_url.empty()) {
      reader.error(provider, fmt::format("\"base_url\" is missing; type {} has no default",
                                         type.type->name()));
    }
    return std::string(type.base_url);
  }
  if (!written) return "";
  const Result<ProviderType::BaseUrl> url = type.type->normalise_base_url(*written);
  if (!url) {
    reader.error(place, "not a base URL: " + url.error().message(),
                 type.base_url.empty() ? "such as https://host/v1"
                                       : fmt::format("such as {}", type.base_url));
    return "";
  }
  if (!url->warning.empty())
    reader.warning(place, url->warning, fmt::format("write {}", json_string(url->url)));
  return url->url;
}

Secret read_secret(Reader& reader, const Place& place) {
  std::optional<std::string> text = reader.name(place, kMaxSecret);
  if (!text) return Secret();
  if (text->find("${") != text->npos) {
    reader.warning(place, "looks like a reference that was not resolved",
                   "the library reads no environment; whoever calls it fills references in");
  }
  return Secret(std::move(*text));
}

std::vector<Credential> read_credentials(Reader& reader, const Place& list) {
  std::vector<Credential> out;
  std::set<std::string> seen;
  for (const Place& place : reader.array(list, kMaxCredentials)) {
    if (!reader.object(place, "providers[].credentials[]")) continue;
    Credential credential;
    const Place name = member(place, "name");
    reader.required(place, name);
    if (auto text = read_plain_name(reader, name)) credential.name = std::move(*text);
    if (!credential.name.empty() && !seen.insert(credential.name).second) {
      reader.error(name, fmt::format("another credential of this provider is named {}",
                                     json_string(credential.name)));
    }
    const Place secret = member(place, "secret");
    reader.required(place, secret, "an endpoint without a key needs no credentials at all");
    credential.secret = read_secret(reader, secret);
    if (const auto weight = reader.integer(member(place, "weight"), 0, kMaxWeight))
      credential.weight = static_cast<unsigned>(*weight);
    out.push_back(std::move(credential));
  }
  const auto drained = [](const Credential& credential) { return credential.weight == 0; };
  if (!out.empty() && std::all_of(out.begin(), out.end(), drained))
    reader.warning(list, "every credential has weight 0, so this provider is never used");
  return out;
}

// "scheme://host[:port]" of a URL.
std::string_view origin_of(std::string_view url) {
  const std::size_t mark = url.find("://");
  if (mark == url.npos) return url;
  return url.substr(0, url.find('/', mark + 3));
}

void read_keys(Reader& reader, const Place& place, const Type& type, Provider& provider) {
  const Place key = member(place, "api_key");
  const Place list = member(place, "credentials");
  if (key.value.exists() && list.value.exists()) {
    reader.error(key, "api_key and credentials are both given",
                 "api_key is short for one credential named \"default\"; keep one of them");
  }
  provider.credentials = read_credentials(reader, list);
  if (key.value.exists()) provider.credentials.push_back({"default", read_secret(reader, key), 1});
  if (!provider.credentials.empty()) return;
  provider.credentials.push_back({"default", Secret(), 1});
  if (type.wants_key && !type.base_url.empty() &&
      origin_of(provider.base_url) == origin_of(type.base_url)) {
    reader.warning(place,
                   fmt::format("{} wants a key, and none is given", origin_of(provider.base_url)),
                   "add api_key");
  }
}

std::string read_proxy(Reader& reader, const Place& place) {
  std::optional<std::string> written = reader.string(place);
  if (!written || written->empty()) return "";
  static constexpr std::array<std::string_view, 5> kSchemes{"http", "https", "socks4a", "socks5",
                                                            "socks5h"};
  static constexpr const char* kHint = "such as http://proxy.example:3128 or socks5h://host:1080";
  const std::size_t mark = written->find("://");
  const std::string scheme = to_lower(std::string_view(*written).substr(0, mark));
  // The URL may hold a password, so nothing of it but the scheme is ever shown.
  if (mark == written->npos) {
    reader.error(place, "the proxy's URL has no scheme", kHint);
  } else if (std::find(kSchemes.begin(), kSchemes.end(), scheme) == kSchemes.end()) {
    reader.error(place, fmt::format("a proxy's scheme is one of {}", fmt::join(kSchemes, ", ")),
                 kHint);
  } else if (written->size() > kMaxProxy ||
             std::any_of(written->begin(), written->end(),
                         [](char c) { return c <= 0x20 || c == 0x7F; })) {
    reader.error(place, "the proxy's URL is too long, or holds a space or a control character");
  } else {
    const std::string_view rest = std::string_view(*written).substr(mark + 3);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    const std::size_t at = authority.rfind('@');
    const std::string_view host = at == authority.npos ? authority : authority.substr(at + 1);
    if (!host.empty() && host.front() != ':') return *written;
    reader.error(place, "the proxy's host is missing", kHint);
  }
  return "";
}

std::shared_ptr<Provider> read_provider(Reader& reader, const Place& place) {
  auto provider = std::make_shared<Provider>();
  if (!reader.object(place, "providers[]")) return provider;
  const Place name = member(place, "name");
  reader.required(place, name);
  if (auto text = read_plain_name(reader, name)) provider->name = std::move(*text);
  const Place written = member(place, "type");
  reader.required(place, written,
                  "\"openai\" fits every endpoint that speaks its chat completions");
  const Type type = read_type(reader, written);
  provider->type = type.type;
  provider->base_url = read_base_url(reader, place, type);
  read_keys(reader, place, type, *provider);
  provider->headers = reader.headers(member(place, "headers"));
  const Place pass_headers = member(place, "pass_headers");
  provider->pass_headers = reader.header_names(pass_headers);
  provider->proxy = read_proxy(reader, member(place, "proxy"));
  const Place no_proxy = member(place, "no_proxy");
  if (no_proxy.value.string() != "")
    provider->no_proxy = reader.name(no_proxy, kMaxProxy).value_or("");
  provider->http2 = reader.boolean(member(place, "http2")).value_or(false);
  provider->discover = reader.boolean(member(place, "discover")).value_or(false);
  return provider;
}

}  // namespace

ProviderTable read_providers(Reader& reader, const Place& list) {
  ProviderTable out;
  for (const Place& place : reader.array(list, kMaxProviders)) {
    const std::shared_ptr<const Provider> provider = read_provider(reader, place);
    out.list.push_back(provider);
    if (provider->name.empty()) continue;
    if (!out.by_name.emplace(provider->name, provider).second) {
      reader.error(member(place, "name"),
                   fmt::format("another provider is named {}", json_string(provider->name)));
      continue;
    }
    out.names.push_back(provider->name);
  }
  return out;
}

}  // namespace llmorch::config
