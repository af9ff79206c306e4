#include "providers/anthropic.h"

#include <utility>

#include "providers/base_url.h"
#include "providers/model_list.h"
#include "providers/request_headers.h"
#include "providers/upstream.h"

namespace llmorch {
namespace {

constexpr KeyHeader kKey{"x-api-key", ""};
// What all models take; newer ones refuse sampling parameters whatever the version says.
constexpr std::string_view kVersionName = "anthropic-version";
constexpr std::string_view kVersion = "2023-06-01";

Header version() { return {std::string(kVersionName), std::string(kVersion)}; }

// Takes a pasted endpoint off the end of a base URL; returns what it took, or "".
std::string cut_endpoint(std::vector<std::string>& segments) {
  const std::size_t size = segments.size();
  const auto stands = [&](std::size_t back, std::string_view word) {
    return size > back && segments[size - back] == word &&
           is_version_segment(segments[size - back - 1]);
  };
  std::size_t cut = 0;
  if (stands(1, "messages") || stands(1, "models")) cut = 1;
  if (stands(2, "messages") && (segments.back() == "count_tokens" || segments.back() == "batches"))
    cut = 2;
  std::string out;
  for (std::size_t i = size - cut; i < size; ++i) out.append("/").append(segments[i]);
  segments.resize(size - cut);
  return out;
}

class Anthropic final : public ProviderType {
 public:
  std::string_view name() const override { return "anthropic"; }
  Format format() const override { return Format::kAnthropicMessages; }
  std::string_view default_base_url() const override { return "https://api.anthropic.com/v1"; }

  Result<BaseUrl> normalise_base_url(std::string_view written) const override {
    Result<UrlParts> parsed = parse_base_url(written);
    if (!parsed) return parsed.error();
    BaseUrl out;
    const std::string cut = cut_endpoint(parsed->segments);
    if (!cut.empty()) out.warning = cut_warning(cut);
    // A version further up is another one: proxies have /v1/<account>/anthropic, and then /v1
    // again.
    if (parsed->segments.empty() || !is_version_segment(parsed->segments.back()))
      parsed->segments.emplace_back("v1");
    out.url = parsed->str();
    return out;
  }

  Result<TransferSpec> request(const Target& target, const Credential& credential,
                               const CallSpec& spec, Body body, std::string_view /*path*/,
                               bool stream) const override {
    std::string_view path = "/messages";
    if (spec.operation == Operation::kCountTokens) {
      path = "/messages/count_tokens";
      stream = false;
    } else if (spec.operation != Operation::kGenerate) {
      return Status(Code::kUnsupported, "this provider type can only generate and count tokens");
    }
    TransferSpec out = new_request(*target.provider, credential, kKey, path, stream);
    out.headers.push_back(version());
    // The version says how the body is meant, so a caller's belongs only to a caller's own body.
    Status added =
        spec.format == Format::kAnthropicMessages
            ? add_request_headers(out.headers, target, spec, {"anthropic-beta", kVersionName})
            : add_request_headers(out.headers, target, spec, {"anthropic-beta"});
    if (!added.ok()) return added;
    out.body = std::move(body);
    return out;
  }

  Result<TransferSpec> list_request(const Provider& provider, const Credential& credential,
                                    std::string_view page) const override {
    Result<TransferSpec> out =
        new_list_request(provider, credential, kKey, "/models",
                         page.empty() ? "?limit=1000" : "?limit=1000&after_id=", page);
    if (out && find_header(out->headers, kVersionName) == nullptr)
      out->headers.push_back(version());
    return out;
  }
  Result<ModelPage> read_list(std::string_view body) const override { return read_id_list(body); }

  Outcome read_error(int status, const Headers& headers, std::string_view body) const override {
    return read_upstream_error(status, headers, body);
  }
};

}  // namespace

const ProviderType& anthropic_provider_type() {
  static const Anthropic type;
  return type;
}

}  // namespace llmorch
