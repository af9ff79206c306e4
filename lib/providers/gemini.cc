#include "providers/gemini.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "providers/base_url.h"
#include "providers/model_list.h"
#include "providers/request_headers.h"
#include "providers/upstream.h"

namespace llmorch {
namespace {

// Never as ?key=, which ends in everybody's logs.
constexpr KeyHeader kKey{"x-goog-api-key", ""};
constexpr std::size_t kLongestModel = 512;

bool is_folder(std::string_view segment) { return segment == "models" || segment == "tunedModels"; }

// Takes a pasted endpoint off the end of a base URL; returns what it took, or "".
std::string cut_endpoint(std::vector<std::string>& segments) {
  const std::size_t size = segments.size();
  std::size_t keep = size;
  if (size >= 2 && is_folder(segments[size - 2])) keep = size - 2;  // models/x, models/x:generate…
  if (size >= 1 && is_folder(segments[size - 1])) keep = size - 1;
  // The part for clients of OpenAI speaks another dialect.
  if (size >= 2 && segments[size - 1] == "openai" && is_version_segment(segments[size - 2]))
    keep = size - 1;
  std::string out;
  for (std::size_t i = keep; i < size; ++i) out.append("/").append(segments[i]);
  segments.resize(keep);
  return out;
}

// "models/x", "tunedModels/x" or "x" as a path. The name may be a caller's ("provider/model"), so
// nothing in it may lead elsewhere on the host.
Result<std::string> model_path(std::string_view model) {
  std::string_view folder = "models";
  for (const std::string_view other : {"models", "tunedModels"}) {
    if (model.substr(0, other.size()) != other || model.substr(other.size(), 1) != "/") continue;
    folder = other;
    model.remove_prefix(other.size() + 1);
    break;
  }
  bool good = !model.empty() && model.size() <= kLongestModel &&
              std::all_of(model.begin(), model.end(),
                          [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7F; });
  for (std::string_view rest = model; good;) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view segment = rest.substr(0, end);
    good = !segment.empty() && segment != "." && segment != "..";
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  if (!good) {
    return Status(Code::kInvalidArgument,
                  json_string(shorten(model, 100)) + " is not a name of a Gemini model")
        .with_param("model");
  }
  return "/" + std::string(folder) + "/" + percent_encode(model);
}

class Gemini final : public ProviderType {
 public:
  std::string_view name() const override { return "gemini"; }
  Format format() const override { return Format::kGemini; }
  std::string_view default_base_url() const override {
    return "https://generativelanguage.googleapis.com/v1beta";
  }

  Result<BaseUrl> normalise_base_url(std::string_view written) const override {
    Result<UrlParts> parsed = parse_base_url(written);
    if (!parsed) return parsed.error();
    BaseUrl out;
    std::vector<std::string>& segments = parsed->segments;
    const std::string cut = cut_endpoint(segments);
    if (cut == "/openai") {
      out.warning = "\"/openai\" was cut off; this type speaks Gemini's own dialect";
    } else if (!cut.empty()) {
      out.warning = cut_warning(cut);
    }
    // Vertex AI: …/v1/projects/p/locations/l/publishers/google
    const bool vertex = std::find(segments.begin(), segments.end(), "publishers") != segments.end();
    if (!vertex && (segments.empty() || !is_version_segment(segments.back())))
      segments.emplace_back("v1beta");
    out.url = parsed->str();
    return out;
  }

  Result<TransferSpec> request(const Target& target, const Credential& credential,
                               const CallSpec& spec, Body body, std::string_view /*path*/,
                               bool stream) const override {
    Result<std::string> path = model_path(target.model);
    if (!path) return path.error();
    if (spec.operation == Operation::kCountTokens) {
      path->append(":countTokens");
      stream = false;
    } else if (spec.operation != Operation::kGenerate) {
      return Status(Code::kUnsupported, "this provider type can only generate and count tokens");
    } else {
      // Without alt=sse the stream is one JSON array.
      path->append(stream ? ":streamGenerateContent?alt=sse" : ":generateContent");
    }
    TransferSpec out = new_request(*target.provider, credential, kKey, *path, stream);
    Status added = add_request_headers(out.headers, target, spec, {});
    if (!added.ok()) return added;
    out.body = std::move(body);
    return out;
  }

  Result<TransferSpec> list_request(const Provider& provider, const Credential& credential,
                                    std::string_view page) const override {
    return new_list_request(provider, credential, kKey, "/models",
                            page.empty() ? "?pageSize=1000" : "?pageSize=1000&pageToken=", page);
  }
  Result<ModelPage> read_list(std::string_view body) const override {
    return read_gemini_list(body);
  }

  Outcome read_error(int status, const Headers& headers, std::string_view body) const override {
    return read_upstream_error(status, headers, body);
  }
};

}  // namespace

const ProviderType& gemini_provider_type() {
  static const Gemini type;
  return type;
}

}  // namespace llmorch
