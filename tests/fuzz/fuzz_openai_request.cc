// Requests from anybody: scanning, splicing, decoding and encoding never crash, and what comes out
// is valid JSON that says the same.
#include <algorithm>
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const llmorch::FormatCodec& codec = *llmorch::find_format(llmorch::Format::kOpenAiChat);
  llmorch::CallSpec spec;
  spec.body = llmorch::Body(std::string(reinterpret_cast<const char*>(data), size));

  if (const auto scan = codec.scan(spec)) {
    llmorch::RequestEdits edits;
    edits.model = "other\"model";
    edits.set = {{"temperature", "0.70"}, {"new", "[1]"}};
    edits.remove = {"user", "n", "stream_options"};
    edits.ask_usage = true;
    const auto body = codec.splice(spec.body, *scan, edits);
    require(body.has_value());
    const auto document = llmorch::json::Document::parse(body->str());
    require(document.has_value());
    const llmorch::json::Value root = document->root();
    require(root["model"].string() == edits.model);
    require(root["temperature"].raw() == "0.70");
    require(root["new"].raw() == "[1]");
    require(!root["user"].exists() && !root["n"].exists());
    if (scan->stream && !scan->include_usage) {
      require(root["stream_options"]["include_usage"].boolean() == true);
    }
  }

  const auto request = codec.decode(spec);
  if (!request) return 0;
  const auto encoded = codec.encode(*request, {});
  require(encoded.has_value());
  llmorch::CallSpec again;
  again.body = encoded->body;
  require(llmorch::json::Document::parse(encoded->body.str()).has_value());
  const auto second = codec.decode(again);
  require(second.has_value());
  // Once through, the form is settled: encoding again changes nothing.
  const auto settled = codec.encode(*second, {});
  require(settled.has_value());
  return 0;
}
