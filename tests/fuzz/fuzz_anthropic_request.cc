// Requests from anybody to Anthropic's format, in its own words or in OpenAI's: scanning, splicing,
// decoding and encoding never crash, and what comes out is valid JSON that can be read again. The
// first byte chooses the dialect and the model.
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

void check_splice(const llmorch::FormatCodec& codec, const llmorch::CallSpec& spec) {
  const auto scan = codec.scan(spec);
  if (!scan) return;
  llmorch::RequestEdits edits;
  edits.model = "claude-opus-4-8";
  edits.set = {{"max_tokens", "70"}, {"new", "[1]"}};
  edits.remove = {"metadata", "stream"};
  edits.system_prompt = "say \"no\"";
  const auto body = codec.splice(spec.body, *scan, edits);
  require(body.has_value());
  const auto document = llmorch::json::Document::parse(body->str());
  require(document.has_value());
  const llmorch::json::Value root = document->root();
  require(root["model"].string() == edits.model);
  require(root["max_tokens"].raw() == "70");
  require(root["new"].raw() == "[1]");
  require(root["system"].exists());
  require(!root["metadata"].exists() && !root["stream"].exists() && !root["top_k"].exists());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const llmorch::FormatCodec& codec = *llmorch::find_format(llmorch::Format::kAnthropicMessages);
  const bool own = (data[0] & 1) != 0;
  llmorch::CallSpec spec;
  spec.body = llmorch::Body(std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  if (own) check_splice(codec, spec);
  const llmorch::FormatCodec& caller =
      own ? codec : *llmorch::find_format(llmorch::Format::kOpenAiChat);
  const auto request = caller.decode(spec);
  if (!request) return 0;
  static const std::array<std::string, 4> kModels{"claude-opus-4-8", "claude-sonnet-4-5",
                                                  "claude-3-haiku", "claude-opus-5-5"};
  llmorch::RequestEdits edits;
  edits.model = kModels[data[0] >> 1 & 3];
  const auto encoded = codec.encode(*request, edits);
  if (!encoded) {
    require(!encoded.error().param().empty());
    return 0;
  }
  llmorch::CallSpec again;
  again.body = encoded->body;
  require(llmorch::json::Document::parse(encoded->body.str()).has_value());
  require(codec.scan(again).has_value());
  require(codec.decode(again).has_value());
  return 0;
}
