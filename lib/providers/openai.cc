#include "providers/openai.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "formats/error_text.h"
#include "llmorch/version.h"
#include "providers/base_url.h"
#include "providers/request_headers.h"
#include "providers/wait_hint.h"

namespace llmorch {
namespace {

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
    if (!cut.empty()) out.warning = "\"" + cut + "\" was cut off; it is added to every request";
    // Whoever pasted the whole chat endpoint has said what stands before it, a version or none.
    const bool complete = cut == "/chat/completions" ||
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
    const Provider& provider = *target.provider;
    TransferSpec out;
    out.url = provider.base_url + "/chat/completions";
    if (!credential.secret.empty()) {
      out.headers.push_back(
          {"Authorization", std::string("Bearer ").append(credential.secret.reveal())});
    }
    out.headers.push_back({"Content-Type", "application/json"});
    out.headers.push_back({"Accept", stream ? "text/event-stream" : "application/json"});
    out.headers.push_back({"User-Agent", "llmorch/" LLMORCH_VERSION});
    // Organisation and project headers are not passed on: they go with the key, and that is ours.
    Status added = add_request_headers(out.headers, target, spec,
                                       {"OpenAI-Beta", "traceparent", "tracestate"});
    if (!added.ok()) return added;
    out.body = std::move(body);
    out.proxy = provider.proxy;
    out.no_proxy = provider.no_proxy;
    out.http2 = provider.http2;
    out.stream = stream;
    return out;
  }

  Outcome read_error(int status, const Headers& headers, std::string_view body) const override {
    const ErrorText error = read_error_text(body);
    const Verdict verdict = classify_error(status, error);
    // Where waiting cannot help, a wait would only mislead whoever obeys it.
    const bool worth_waiting = verdict == Verdict::kRateLimit || verdict == Verdict::kOverloaded;
    const auto wait =
        worth_waiting ? wait_hint(headers, body, std::chrono::system_clock::now()) : std::nullopt;
    return {verdict, error_status(verdict, error, body, wait)};
  }
};

}  // namespace

const ProviderType& openai_provider_type() {
  static const OpenAi type;
  return type;
}

}  // namespace llmorch
