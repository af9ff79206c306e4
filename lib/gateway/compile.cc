#include "gateway/compile.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "gateway/config_models.h"
#include "gateway/config_providers.h"
#include "gateway/config_reader.h"
#include "json/json.h"

namespace llmorch {
namespace {

using config::member;
using config::Place;
using config::Reader;

constexpr std::size_t kMaxText = 64 * 1024 * 1024;
constexpr json::Limits kLimits{.max_depth = 64, .max_values = 8'000'000};

void read_root(Reader& reader, const Place& root, Snapshot& out) {
  reader.check_duplicates(root);
  if (!reader.object(root, "")) return;
  const Place version = member(root, "version");
  if (reader.required(root, version, "write \"version\": 1") && version.value.integer() != 1)
    reader.error(version, "must be 1", "this is the version of the configuration's words");
  const Place providers = member(root, "providers");
  reader.required(root, providers);
  const config::ProviderTable table = config::read_providers(reader, providers);
  out.providers = table.list;
  config::read_models(reader, member(root, "models"), table, out);
  if (providers.value.is_array() && providers.value.size() == 0)
    reader.warning(providers, "there are no providers, so every call is refused");
}

}  // namespace

Compiled compile_config(std::string_view text, std::uint64_t version) {
  Compiled out;
  const auto refuse = [&](std::string message) {
    out.issues.push_back({ConfigIssue::Severity::kError, "", std::move(message), ""});
    return out;
  };
  if (text.size() > kMaxText)
    return refuse(fmt::format("the configuration is larger than {} bytes", kMaxText));
  const Result<json::Document> document = json::Document::parse(std::string(text), kLimits);
  if (!document) return refuse(document.error().message());

  auto snapshot = std::make_shared<Snapshot>();
  snapshot->version = version;
  Reader reader;
  read_root(reader, {.value = document->root()}, *snapshot);
  out.issues = reader.take_issues();
  if (reader.has_errors()) return out;
  snapshot->warnings = out.issues;
  out.snapshot = std::move(snapshot);
  return out;
}

}  // namespace llmorch
