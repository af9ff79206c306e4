#include "providers/request_headers.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"

namespace llmorch {
namespace {

constexpr std::size_t kLongestList = 4096;

bool is_list(std::string_view name) { return equals_ignore_case(name, "anthropic-beta"); }

// Calls `use` with every word of a comma-separated list.
template <class Use>
void each_word(std::string_view list, Use use) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view word = trim(list.substr(0, comma));
    if (!word.empty()) use(word);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

std::string joined(std::string_view list, std::string_view more) {
  std::string out;
  const auto add = [&](std::string_view word) {
    bool known = false;
    each_word(out, [&](std::string_view other) { known = known || other == word; });
    if (known || out.size() + word.size() > kLongestList) return;
    if (!out.empty()) out.push_back(',');
    out.append(word);
  };
  each_word(list, add);
  each_word(more, add);
  return out;
}

// Sets a header, or joins it to the one that is there.
void put(Headers& headers, std::string_view name, std::string_view value) {
  const std::string* there = is_list(name) ? find_header(headers, name) : nullptr;
  set_header(headers, name, there == nullptr ? std::string(value) : joined(*there, value));
}

// Configuration is checked when it is compiled; a bad value here came from code, so it is not the
// caller's fault.
Status ours(const Header& header) {
  return Status(Code::kInvalidArgument,
                "header " + json_string(header.name) + " of the upstream request is malformed")
      .with_http_status(500);
}

Status add_configured(Headers& headers, const Headers& configured) {
  for (const Header& header : configured) {
    if (!is_token(header.name) || !is_header_value(header.value)) return ours(header);
    put(headers, header.name, header.value);
  }
  return Status();
}

Status check_own(const Headers& headers) {
  for (const Header& header : headers) {
    if (!is_header_value(header.value)) return ours(header);
  }
  return Status();
}

Status pass(Headers& headers, const CallSpec& spec, std::string_view name) {
  bool first = true;
  for (const Header& header : spec.headers) {
    if (!equals_ignore_case(header.name, name)) continue;
    if (!is_header_value(header.value)) {
      return Status(Code::kInvalidArgument,
                    "header \"" + std::string(name) + "\" holds a control character")
          .with_param(std::string(name));
    }
    // Of what is no list, the first counts, as everywhere.
    if (!first && !is_list(name)) break;
    put(headers, name, header.value);
    first = false;
  }
  return Status();
}

}  // namespace

bool may_pass_header(std::string_view name) {
  static constexpr std::array<std::string_view, 20> kNever{"accept",
                                                           "accept-encoding",
                                                           "api-key",
                                                           "authorization",
                                                           "connection",
                                                           "content-encoding",
                                                           "content-length",
                                                           "content-type",
                                                           "cookie",
                                                           "expect",
                                                           "host",
                                                           "keep-alive",
                                                           "proxy-authorization",
                                                           "proxy-connection",
                                                           "te",
                                                           "trailer",
                                                           "transfer-encoding",
                                                           "upgrade",
                                                           "x-api-key",
                                                           "x-goog-api-key"};
  if (!is_token(name)) return false;
  return std::none_of(kNever.begin(), kNever.end(),
                      [&](std::string_view never) { return equals_ignore_case(name, never); });
}

Status add_request_headers(Headers& headers, const Target& target, const CallSpec& spec,
                           std::initializer_list<std::string_view> allowed) {
  if (Status bad = check_own(headers); !bad.ok()) return bad;
  for (const std::string_view name : {"traceparent", "tracestate"}) {
    if (Status bad = pass(headers, spec, name); !bad.ok()) return bad;
  }
  for (const std::string_view name : allowed) {
    if (Status bad = pass(headers, spec, name); !bad.ok()) return bad;
  }
  for (const std::string& name : target.provider->pass_headers) {
    if (!may_pass_header(name)) continue;
    if (Status bad = pass(headers, spec, name); !bad.ok()) return bad;
  }
  if (Status bad = add_configured(headers, target.provider->headers); !bad.ok()) return bad;
  return add_configured(headers, target.headers);
}

Status add_own_headers(Headers& headers, const Provider& provider) {
  if (Status bad = check_own(headers); !bad.ok()) return bad;
  return add_configured(headers, provider.headers);
}

void merge_header(Headers& headers, std::string_view name, std::string_view value) {
  if (is_token(name) && is_header_value(value)) put(headers, name, value);
}

}  // namespace llmorch
