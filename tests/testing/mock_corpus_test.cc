// Recorded requests: what the vendor accepted, the mock accepts, and what it refused with 400 the
// mock refuses with the same words. A judge that is wrong would teach llmorch the wrong rules.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "json/json.h"
#include "testing/mock_anthropic.h"
#include "testing/mock_gemini.h"
#include "testing/mock_openai.h"

namespace llmorch::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnd = ".request.json";

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Recorded {
  std::string name;
  std::string url;
  std::string headers;  // as JSON
  std::string body;
  std::string refusal;  // the vendor's message; "" when it accepted
};

// Of an error body.
std::string message_of(const std::string& body) {
  auto document = json::Document::parse(body);
  return document ? document->root()["error"]["message"].string().value_or("") : "";
}

// Those that were answered with 200 or 400, of any folder.
std::vector<Recorded> recorded_requests(const fs::path& root) {
  std::vector<Recorded> out;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string path = entry.path().string();
    if (!path.ends_with(kEnd)) continue;
    const std::string stem = path.substr(0, path.size() - kEnd.size());
    auto meta = json::Document::parse(read_file(stem + ".meta.json"));
    if (!meta) continue;
    const auto status = meta->root()["status"].integer();
    if (status != 200 && status != 400) continue;
    std::string refusal;
    if (status == 400) refusal = message_of(read_file(stem + ".response.json"));
    out.push_back(
        {fs::relative(entry.path(), root).string(), meta->root()["url"].string().value_or(""),
         std::string(meta->root()["request_headers"].raw()), read_file(entry.path()), refusal});
  }
  std::sort(out.begin(), out.end(),
            [](const Recorded& a, const Recorded& b) { return a.name < b.name; });
  return out;
}

std::string refusal_of_anthropic(const Recorded& recorded) {
  AnthropicRequest request;
  request.version = "2023-06-01";
  request.beta = recorded.url.find("beta=true") != std::string::npos ||
                 recorded.headers.find("anthropic-beta") != std::string::npos;
  request.count_only = recorded.url.find("/count_tokens") != std::string::npos;
  MockAsk ask;
  return read_anthropic(recorded.body, request, ask).value_or("");
}

std::string refusal_of_gemini(const Recorded& recorded) {
  const std::size_t begin = recorded.url.find("/models/") + 8;
  const std::size_t colon = recorded.url.find(':', begin);
  GeminiRequest request;
  request.model = recorded.url.substr(begin, colon - begin);
  request.count_only = recorded.url.find(":countTokens") != std::string::npos;
  MockAsk ask;
  return message_of(read_gemini(recorded.body, request, ask).body);
}

std::string refusal_of_openai(const Recorded& recorded) {
  const auto reading = read_openai_chat(recorded.body, {});
  const auto* page = std::get_if<MockPage>(&reading);
  return page == nullptr ? "" : message_of(page->body);
}

TEST_CASE("recorded requests are judged as the vendors judged them") {
  const char* root = std::getenv("LLMORCH_FIXTURES");
  if (root == nullptr) {
    MESSAGE("skipped: LLMORCH_FIXTURES does not name a folder of recorded traffic");
    return;
  }
  struct Side {
    const char* host;
    const char* path;
    std::string (*refusal)(const Recorded&);
    int seen = 0;
    int refused = 0;
    int foreign = 0;  // refused for a signature that this mock did not make
  } sides[] = {
      {"https://api.anthropic.com/", "/v1/messages", &refusal_of_anthropic},
      {"https://generativelanguage.googleapis.com/", "enerateContent", &refusal_of_gemini},
      {"https://api.openai.com/", "/v1/chat/completions", &refusal_of_openai},
  };
  for (const Recorded& recorded : recorded_requests(root)) {
    for (Side& side : sides) {
      if (!recorded.url.starts_with(side.host) ||
          recorded.url.find(side.path) == std::string::npos) {
        continue;
      }
      ++side.seen;
      const std::string refusal = side.refusal(recorded);
      const bool foreign = refusal.find("Invalid `signature`") != std::string::npos ||
                           refusal.find("Invalid `data`") != std::string::npos ||
                           refusal.find("Corrupted thought signature") != std::string::npos;
      side.foreign += foreign ? 1 : 0;
      side.refused += recorded.refusal.empty() ? 0 : 1;
      CHECK_MESSAGE((refusal == recorded.refusal || foreign), recorded.name << ": " << refusal);
    }
  }
  for (const Side& side : sides) {
    MESSAGE(std::string(side.path)
            << ": " << side.seen << " requests, " << side.refused << " refused, " << side.foreign
            << " with signatures of the vendor's own");
    CHECK(side.seen > 0);
  }
}

}  // namespace
}  // namespace llmorch::testing
