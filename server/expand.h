// References in configuration values: ${NAME}, ${NAME:-default}, ${file:path}, and $$ for "$".
//
// What a reference stands for is looked up by functions, so that tests bring their own. It is not
// expanded again, and never ends up in a message. Any thread, if the functions allow it.
#ifndef LLMORCH_SERVER_EXPAND_H_
#define LLMORCH_SERVER_EXPAND_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "llmorch/status.h"

namespace llmorch::server {

struct Lookup {
  std::function<std::optional<std::string>(const std::string& name)> variable;
  std::function<Result<std::string>(const std::string& path)> file;
};

// The process's environment, and files relative to `directory`, of at most 64 KB, with the line
// ends at their end left out.
Lookup system_lookup(std::string directory);

struct Expanded {
  std::string text;
  bool changed = false;  // there was something to expand
  std::string from;      // "environment NAME", "file PATH", joined by ", "; no defaults
};
Result<Expanded> expand(std::string_view text, const Lookup& lookup);

// A whole file of at most `most` bytes.
Result<std::string> read_file(const std::string& path, std::size_t most);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_EXPAND_H_
