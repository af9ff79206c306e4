// Requests from anybody to Gemini's shape and back: scanning, splicing, decoding and encoding never
// crash, and what comes out is valid JSON that can be read again. The first byte chooses the model,
// and whose dialect the request is in.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "json/json.h"
#include "llmorch/spi/format.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::array<const char*, 4> kModels{"gemini-1.5-pro", "gemini-2.5-flash", "gemini-3-pro",
                                             "gemini-3.1-pro"};

void check_splice(const llmorch::FormatCodec& codec, const llmorch::CallSpec& spec) {
  const auto scan = codec.scan(spec);
  if (!scan) return;
  llmorch::RequestEdits edits;
  edits.set = {{"generationConfig", "{\"temperature\":0.70}"}, {"new", "[1]"}};
  edits.remove = {"safetySettings", "labels", "cachedContent"};
  const auto body = codec.splice(spec.body, *scan, edits);
  require(body.has_value());
  const auto document = llmorch::json::Document::parse(body->str());
  require(document.has_value());
  require(document->root()["new"].raw() == "[1]");
  require(!document->root()["labels"].exists());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const llmorch::FormatCodec& codec = *llmorch::find_format(llmorch::Format::kGemini);
  const bool own = (data[0] & 4) == 0;
  llmorch::RequestEdits edits;
  edits.model = kModels[data[0] & 3];
  if ((data[0] & 8) != 0) edits.system_prompt = "first";

  llmorch::CallSpec spec;
  spec.path = "/v1beta/models/m:generateContent";
  spec.body = llmorch::Body(std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  if (own) check_splice(codec, spec);
  const auto request =
      own ? codec.decode(spec) : llmorch::find_format(llmorch::Format::kOpenAiChat)->decode(spec);
  if (!request) return 0;
  const auto encoded = codec.encode(*request, edits);
  if (!encoded) {
    require(!encoded.error().message().empty());
    return 0;
  }
  llmorch::CallSpec again = spec;
  again.body = encoded->body;
  llmorch::json::Limits deep;  // arguments and schemas move down by some levels
  deep.max_depth = 256;
  require(llmorch::json::Document::parse(encoded->body.str(), deep).has_value());
  if (!llmorch::json::Document::parse(encoded->body.str())) return 0;
  const auto second = codec.decode(again);
  require(second.has_value());
  edits.system_prompt.clear();
  require(codec.encode(*second, edits).has_value());
  return 0;
}
