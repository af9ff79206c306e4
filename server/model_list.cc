#include "server/model_list.h"

#include "server/json_text.h"

namespace llmorch::server {

// The list is the library's own writing, flat objects that begin with their id, so looking for text
// does: it may hold ten thousand entries, of which one is wanted.
std::optional<std::string> model_in_list(std::string_view list, std::string_view id) {
  std::string start = R"({"id":)";
  append_json_string(start, id);
  const std::size_t at = list.find(start + ",");
  if (at == std::string_view::npos) return std::nullopt;
  return start + std::string(list.substr(
                     at + start.size(), list.find('}', at + start.size()) + 1 - at - start.size()));
}

}  // namespace llmorch::server
