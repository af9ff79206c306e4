#include "server/authenticator.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace llmorch::server {
namespace {

std::optional<std::string> bearer(std::string_view field) {
  constexpr std::string_view kScheme = "Bearer ";
  if (field.size() < kScheme.size() || !same_word(field.substr(0, kScheme.size()), kScheme))
    return std::nullopt;
  field.remove_prefix(kScheme.size());
  while (field.starts_with(' ')) field.remove_prefix(1);
  return std::string(field);
}

std::optional<std::string> key_of_query(std::string_view query) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    if (pair.starts_with("key=")) return percent_decoded(pair.substr(4));
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
  }
  return std::nullopt;
}

std::optional<std::string> shown_secret(const RequestHead& head, Format format) {
  if (const std::string_view* field = head.find("authorization")) {
    if (auto secret = bearer(*field)) return secret;
  }
  for (const char* name : {"x-api-key", "x-goog-api-key"}) {
    if (const std::string_view* field = head.find(name)) return std::string(*field);
  }
  return format == Format::kGemini ? key_of_query(head.query) : std::nullopt;
}

// "host" of "host:port", "[v6]" of "[v6]:port"; "" when it is neither.
std::string_view host_of(std::string_view authority) {
  const std::size_t end = authority.starts_with('[')
                              ? authority.find(']') + 1
                              : std::min(authority.find(':'), authority.size());
  if (end == 0) return {};
  std::string_view port = authority.substr(end);
  if (port.starts_with(':')) port.remove_prefix(1);
  const bool digits =
      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits ? authority.substr(0, end) : std::string_view();
}

bool is_own(std::string_view authority, std::string_view listen_host) {
  const std::string_view host = host_of(authority);
  if (host.empty()) return false;
  for (const std::string_view own : {std::string_view("localhost"), std::string_view("127.0.0.1"),
                                     std::string_view("[::1]"), listen_host}) {
    if (same_word(host, own)) return true;
  }
  return false;
}

bool is_own_origin(std::string_view origin, std::string_view listen_host) {
  for (const std::string_view scheme :
       {std::string_view("http://"), std::string_view("https://")}) {
    if (origin.size() > scheme.size() && same_word(origin.substr(0, scheme.size()), scheme))
      return is_own(origin.substr(scheme.size()), listen_host);
  }
  return false;
}

Status foreign(std::string_view field, std::string_view value) {
  return Status(Code::kPermission,
                "without client keys only this machine's own programs are served, and the " +
                    std::string(field) + " \"" + std::string(value.substr(0, 100)) +
                    "\" is foreign; own are localhost, 127.0.0.1 and [::1]");
}

}  // namespace

Result<Principal> Authenticator::identify(const RequestHead& head, Format format) const {
  if (open()) return Principal();
  const std::optional<std::string> secret = shown_secret(head, format);
  if (!secret) {
    return Status(Code::kAuth,
                  "no client key: send one of this gateway's as \"Authorization: Bearer KEY\", "
                  "x-api-key or x-goog-api-key");
  }
  const ClientKey* known = nullptr;
  for (const ClientKey& key : keys_) {  // all of them, so that the time tells nothing
    if (key.secret.equals(*secret)) known = &key;
  }
  if (known == nullptr)
    return Status(Code::kAuth, "this client key is not known here; a vendor's own key is none");
  Principal principal;
  principal.id = known->name;
  return principal;
}

Status check_own_host(const RequestHead& head, std::string_view listen_host) {
  for (const HeadField& field : head.fields) {
    if (same_word(field.name, "host") && !is_own(field.value, listen_host))
      return foreign("Host", field.value);
    if (same_word(field.name, "origin") && !is_own_origin(field.value, listen_host))
      return foreign("Origin", field.value);
  }
  return {};
}

}  // namespace llmorch::server
