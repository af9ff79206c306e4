#include "providers/request_headers.h"

#include <string>

#include "base/text.h"

namespace llmorch {

Status add_request_headers(Headers& headers, const Target& target, const CallSpec& spec,
                           std::initializer_list<std::string_view> allowed) {
  // Configuration is checked when it is compiled; a bad value here came from code, so it is not the
  // caller's fault.
  const auto ours = [](const Header& header) {
    return Status(Code::kInvalidArgument,
                  "header " + json_string(header.name) + " of the upstream request is malformed")
        .with_http_status(500);
  };
  for (const Header& header : headers) {
    if (!is_header_value(header.value)) return ours(header);
  }
  for (const std::string_view name : allowed) {
    const std::string* value = find_header(spec.headers, name);
    if (value == nullptr) continue;
    if (!is_header_value(*value)) {
      return Status(Code::kInvalidArgument,
                    "header \"" + std::string(name) + "\" holds a control character")
          .with_param(std::string(name));
    }
    set_header(headers, name, *value);
  }
  for (const Headers* configured : {&target.provider->headers, &target.headers}) {
    for (const Header& header : *configured) {
      if (!is_token(header.name) || !is_header_value(header.value)) return ours(header);
      set_header(headers, header.name, header.value);
    }
  }
  return Status();
}

}  // namespace llmorch
