// Configuration files of arbitrary bytes: they end in JSON the library can read, or in an issue.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "server/config_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  llmorch::server::Lookup lookup;
  lookup.variable = [](const std::string& name) -> std::optional<std::string> {
    if (name == "A") return std::string("value\"\n");
    return std::nullopt;
  };
  lookup.file = [](const std::string&) -> llmorch::Result<std::string> {
    return llmorch::Status(llmorch::Code::kNotFound, "no files here");
  };
  const llmorch::server::ConfigText text = llmorch::server::parse_config(
      std::string_view(reinterpret_cast<const char*>(data), size), lookup);
  if (!text.readable && text.issues.empty()) std::abort();
  if (text.readable) {
    for (const llmorch::ConfigIssue& issue : llmorch::check_config(text.json)) {
      // Whatever the file says, what is written is JSON.
      if (issue.json_pointer.empty() && issue.message.find("JSON") != std::string::npos)
        std::abort();
    }
  }
  return 0;
}
