#include "providers/openai.h"

#include <algorithm>
#include <array>
#include <utility>

#include "providers/base_url.h"
#include "providers/model_list.h"
#include "providers/presets.h"
#include "providers/request_headers.h"
#include "providers/upstream.h"

namespace llmorch {
namespace {

constexpr KeyHeader kKey{"Authorization", "Bearer "};

// Takes a pasted endpoint off the end of a base URL; returns what it took, or "".
std::string cut_endpoint(std::vector<std::string>& segments) {
  const auto ends_with = [&](std::size_t back, std::string_view word) {
    return segments.size() >= back && segments[segments.size() - back] == word;
  };
  if (ends_with(2, "chat") && ends_with(1, "completions")) {
    segments.resize(segments.size() - 2);
    return "/chat/completions";
  }
  // A single word may well be part of a proxy's own path, unless an API version stands before it.
  static constexpr std::array<std::string_view, 4> kWords{"responses", "models", "completions",
                                                          "embeddings"};
  if (segments.size() < 2 || !is_version_segment(segments[segments.size() - 2])) return "";
  if (std::find(kWords.begin(), kWords.end(), segments.back()) == kWords.end()) return "";
  std::string cut = "/" + segments.back();
  segments.pop_back();
  return cut;
}

class OpenAi final : public ProviderType {
 public:
  std::string_view name() const override { return "openai"; }
  Format format() const override { return Format::kOpenAiChat; }
  std::string_view default_base_url() const override { return "https://api.openai.com/v1"; }

  Result<BaseUrl> normalise_base_url(std::string_view written) const override {
    Result<UrlParts> parsed = parse_base_url(written);
    if (!parsed) return parsed.error();
    BaseUrl out;
    const std::string cut = cut_endpoint(parsed->segments);
    if (!cut.empty()) out.warning = cut_warning(cut);
    // Whoever pasted the whole chat endpoint has said what stands before it, a version or none; and
    // some vendors have none.
    const bool complete = cut == "/chat/completions" || is_preset_base_url(parsed->str()) ||
                          std::any_of(parsed->segments.begin(), parsed->segments.end(),
                                      [](const std::string& s) { return is_version_segment(s); });
    if (!complete) parsed->segments.emplace_back("v1");
    out.url = parsed->str();
    return out;
  }

  Result<TransferSpec> request(const Target& target, const Credential& credential,
                               const CallSpec& spec, Body body, std::string_view /*path*/,
                               bool stream) const override {
    if (spec.operation != Operation::kGenerate)
      return Status(Code::kUnsupported, "this provider type can only generate");
    TransferSpec out = new_request(*target.provider, credential, kKey, "/chat/completions", stream);
    // Organisation and project headers are not passed on: they go with the key, and that is ours.
    Status added = add_request_headers(out.headers, target, spec, {"OpenAI-Beta"});
    if (!added.ok()) return added;
    out.body = std::move(body);
    return out;
  }

  Result<TransferSpec> list_request(const Provider& provider, const Credential& credential,
                                    std::string_view /*page: there is but one*/) const override {
    return new_list_request(provider, credential, kKey, "/models", "", "");
  }
  Result<ModelPage> read_list(std::string_view body) const override {
    Result<ModelPage> page = read_id_list(body);
    // A copy of OpenAI's that says has_more has no way to ask for more.
    if (page) page->next_page.clear();
    return page;
  }

  Outcome read_error(int status, const Headers& headers, std::string_view body) const override {
    return read_upstream_error(status, headers, body);
  }
};

}  // namespace

const ProviderType& openai_provider_type() {
  static const OpenAi type;
  return type;
}

}  // namespace llmorch
