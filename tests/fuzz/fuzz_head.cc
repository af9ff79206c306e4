// The head checks on arbitrary bytes: cuts change nothing, and what passes keeps its promises.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/http_front/head.h"

using llmorch::server::HeadScan;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const llmorch::server::FrontLimits limits;
  llmorch::server::HeadProgress at_once;
  const HeadScan whole = scan_head(input, at_once, limits);
  llmorch::server::HeadProgress progress;
  HeadScan cut;
  for (std::size_t end = 0; cut.state == HeadScan::State::kMore && end < size;) {
    end = std::min(size, end + 1 + data[end] % 16u);
    cut = scan_head(input.substr(0, end), progress, limits);
  }
  if (size > 0 && (cut.state != whole.state || cut.size != whole.size ||
                   cut.error.status != whole.error.status))
    std::abort();
  if (whole.state != HeadScan::State::kComplete) return 0;

  llmorch::server::RequestHead head;
  if (parse_head(input.substr(0, whole.size), head)) return 0;
  if (head.path.empty() || (head.path.front() != '/' && head.path != "*")) std::abort();
  if (head.fields.size() > limits.fields) std::abort();
  if (head.chunked && head.content_length != 0) std::abort();
  for (const llmorch::server::HeadField& field : head.fields) {
    if (field.name.empty() || field.name.find_first_of(" \t:\r\n") != std::string_view::npos)
      std::abort();
    if (field.value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
      std::abort();
  }
  return 0;
}
