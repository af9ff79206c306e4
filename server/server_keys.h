// The keys of a configuration that are the server's own: listen, threads, admin, client_keys. The
// library never sees them.
//
// Pure. What is wrong is reported with its line; a secret is never part of a message.
#ifndef LLMORCH_SERVER_SERVER_KEYS_H_
#define LLMORCH_SERVER_SERVER_KEYS_H_

#include <string>
#include <string_view>
#include <vector>

#include "llmorch/spi/secret.h"
#include "server/yaml_tree.h"

namespace llmorch::server {

// What a client shows to be let in.
struct ClientKey {
  std::string name;
  Secret secret;
};

struct ServerKeys {
  std::string listen;        // "": not said
  std::string admin_listen;  // "": on the same listener
  int threads = 0;           // 0: not said
  std::vector<ClientKey> client_keys;
};

constexpr std::size_t kMaxClientKeys = 256;

bool is_server_key(std::string_view root_key);

// Reads the server's keys at the root of a configuration whose references are resolved.
ServerKeys read_server_keys(const YamlNode& root, std::vector<FileIssue>& issues);

// "did you mean ...", for a root key that nobody knows; "" when it is none of the server's.
std::string server_key_hint(std::string_view root_key);

// What is wrong with the name of a client key; "" when nothing is.
std::string client_key_name_issue(std::string_view name);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_SERVER_KEYS_H_
