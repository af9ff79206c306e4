#include "providers/model_list.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/text.h"
#include "json/json.h"

namespace llmorch {
namespace {

using ModelPage = ProviderType::ModelPage;

constexpr std::size_t kLargestBody = 8u << 20;
constexpr std::size_t kMostNames = 10'000;
constexpr std::size_t kLongestName = 256;

Result<json::Document> parse(std::string_view body) {
  if (body.size() > kLargestBody)
    return Status(Code::kTooLarge, "the upstream's list of models is larger than 8 MB");
  Result<json::Document> document = json::Document::parse(std::string(body));
  if (!document) return Status(Code::kProtocol, "the upstream's list of models is not JSON");
  return document;
}

Status no_list() {
  return Status(Code::kProtocol, "the upstream's answer is not a list of models");
}

// Adds a name if it can be one. Fails when there are too many.
Status add(ModelPage& page, std::string name) {
  const bool good = !name.empty() && name.size() <= kLongestName && is_utf8(name) &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      const auto byte = static_cast<unsigned char>(c);
                      return byte > 0x20 && byte != 0x7F;
                    });
  if (!good) return Status();
  if (page.models.size() == kMostNames)
    return Status(Code::kTooLarge, "the upstream's list of models holds more than 10,000 names");
  page.models.push_back(std::move(name));
  return Status();
}

}  // namespace

Result<ModelPage> read_id_list(std::string_view body) {
  const Result<json::Document> document = parse(body);
  if (!document) return document.error();
  const json::Value root = document->root();
  const json::Value list = root.is_array() ? root : root["data"];
  // Ollama says null when it has no model.
  if (!list.is_array() && !list.is_null()) return no_list();
  ModelPage page;
  for (const json::Value& item : list.items()) {
    if (item["lifecycle"].string() == "retired") continue;
    if (Status bad = add(page, item["id"].string().value_or("")); !bad.ok()) return bad;
  }
  if (root["has_more"].boolean().value_or(false))
    page.next_page = root["last_id"].string().value_or("");
  return page;
}

Result<ModelPage> read_gemini_list(std::string_view body) {
  const Result<json::Document> document = parse(body);
  if (!document) return document.error();
  const json::Value root = document->root();
  // Proto-JSON leaves empty lists out, so the object may lack "models".
  if (!root.is_object() || root["error"].exists()) return no_list();
  const json::Value list = root["models"];
  if (list.exists() && !list.is_array()) return no_list();
  ModelPage page;
  for (const json::Value& item : list.items()) {
    const std::vector<json::Value> methods = item["supportedGenerationMethods"].items();
    if (std::none_of(methods.begin(), methods.end(), [](const json::Value& method) {
          return method.string() == "generateContent";
        })) {
      continue;
    }
    std::string name = item["name"].string().value_or("");
    static constexpr std::string_view kFolder = "models/";
    if (name.rfind(kFolder, 0) == 0) name.erase(0, kFolder.size());
    if (Status bad = add(page, std::move(name)); !bad.ok()) return bad;
  }
  page.next_page = root["nextPageToken"].string().value_or("");
  return page;
}

}  // namespace llmorch
