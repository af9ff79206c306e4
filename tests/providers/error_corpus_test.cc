// Recorded and written-down errors of vendors: the right one is blamed, and the caller is told so
// (WIRE_FORMATS 7.1, 7.2). The recordings are not part of the project; LLMORCH_FIXTURES names them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "json/json.h"
#include "llmorch/spi/provider.h"

namespace llmorch {
namespace {

namespace fs = std::filesystem;

fs::path errors_folder() {
  const char* folder = std::getenv("LLMORCH_FIXTURES");
  if (folder != nullptr && fs::is_directory(fs::path(folder) / "errors"))
    return fs::path(folder) / "errors";
  MESSAGE("skipped: LLMORCH_FIXTURES does not name a folder of recorded traffic");
  return {};
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

json::Document parsed(const std::string& text) {
  auto document = json::Document::parse(text);
  REQUIRE(document.has_value());
  return std::move(*document);
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream in(path);
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) out.push_back(line);
  }
  return out;
}

Headers headers_of(const json::Value& object) {
  Headers out;
  for (const json::Value::Member& member : object.members())
    out.push_back({member.key, member.value.string().value_or("")});
  return out;
}

// Azure's and Bedrock's errors may come through any endpoint that copies OpenAI.
const ProviderType& type_for(const std::string& vendor) {
  const ProviderType* type = find_provider_type(vendor);
  return type == nullptr ? *find_provider_type("openai") : *type;
}

std::string body_of(const json::Value& value) {
  return value.is_string() ? value.string().value_or("") : std::string(value.raw());
}

// What must hold for every error, whatever it says.
void check_outcome(const Outcome& got) {
  CHECK(got.verdict != Verdict::kOk);
  CHECK_FALSE(got.status.ok());
  CHECK_FALSE(got.status.message().empty());
  CHECK(got.status.message().find("without a message") == std::string::npos);
  CHECK(got.status.message().find('\n') == std::string::npos);
  CHECK(got.status.http_status() >= 400);
  if (got.verdict == Verdict::kAuth) CHECK(got.status.http_status() == 502);
  const auto wait = got.status.retry_after();
  if (wait) CHECK(wait->count() >= 0);
  if (wait) CHECK(wait->count() <= 24 * 3'600'000);
}

using Counts = std::map<std::string, int>;

std::string shown(const Counts& counts) {
  std::string out;
  for (const auto& count : counts) {
    out.append(out.empty() ? "" : ", ").append(count.first).append(" ");
    out.append(std::to_string(count.second));
  }
  return out;
}

TEST_CASE("errors written down with their class") {
  const fs::path folder = errors_folder();
  if (folder.empty()) return;
  Counts counts;
  int waits = 0;
  for (const std::string& line : lines_of(folder / "synthetic/classification-cases.jsonl")) {
    const json::Document document = parsed(line);
    const json::Value root = document.root();
    const json::Value expect = root["expect"];
    std::string wanted = expect["class"].string().value_or("");
    // Answers that are no errors, or lack choices, are the decoders' business.
    if (wanted == "ok" || wanted == "malformed") continue;
    if (wanted == "not_found_model") wanted = "model_not_found";
    CAPTURE(line);
    const Outcome got = type_for(root["provider"].string().value_or(""))
                            .read_error(static_cast<int>(root["status"].integer().value_or(0)),
                                        headers_of(root["headers"]), body_of(root["body"]));
    check_outcome(got);
    CHECK(verdict_name(got.verdict) == wanted);
    CHECK(got.status.http_status() == expect["client_status"].integer().value_or(0));
    if (const auto code = expect["client_code"].string()) CHECK(got.status.reason() == *code);
    const auto cooldown = expect["cooldown_s"].number();
    // Where the upstream names no time, the policy's own holds.
    if (cooldown && got.verdict == Verdict::kRateLimit && got.status.retry_after()) {
      CHECK(got.status.retry_after()->count() == std::lround(*cooldown * 1000));
      ++waits;
    }
    ++counts[wanted];
  }
  int sum = 0;
  for (const auto& count : counts) sum += count.second;
  MESSAGE("classification-cases: ", sum, " cases, ", waits, " waits: ", shown(counts));
  CHECK(sum >= 60);
  CHECK(waits >= 7);
}

// What the status alone says …
Verdict usual(int status) {
  switch (status) {
    case 401:
      return Verdict::kAuth;
    case 403:
      return Verdict::kPermission;
    case 404:
      return Verdict::kModelNotFound;
    case 429:
      return Verdict::kRateLimit;
    case 500:
      return Verdict::kServerError;
    default:
      return Verdict::kInvalidRequest;
  }
}

// … and the recordings that mean something else. By a part of their name.
struct Exception {
  const char* name;
  Verdict verdict;
};
const std::vector<Exception> kExceptions = {
    {"gemini/models/list_models_rejected_key", Verdict::kAuth},
    {"xai/response_identity/auth_rejection", Verdict::kAuth},
    {"xai/response_identity/provider_error", Verdict::kModelNotFound},
    {"deepseek/wire_shape_matrix/chat_completion_rejects_an_unknown_model",
     Verdict::kModelNotFound},
    {"llamacpp/error_matrix/context_overflow_blocking", Verdict::kContextLength},
    {"mistral/embedding_matrix/error_preserves", Verdict::kModelNotFound},
    {"mistral/response_identity_edge/blocking_error", Verdict::kModelNotFound},
    {"openai/error_envelope/nonexistent_model", Verdict::kModelNotFound},
    {"openai/error_identity_edge/extractor_failure", Verdict::kModelNotFound},
    {"openai/image_params_matrix/retired_model", Verdict::kModelNotFound},
    {"openai/response_identity_edge/provider_error", Verdict::kModelNotFound},
    {"openrouter/embedding_matrix/error_preserves", Verdict::kModelNotFound},
    {"openrouter/response_identity_edge/routed_failure", Verdict::kModelNotFound},
    {"test_bedrock_count_tokens_error__0", Verdict::kModelNotFound},
    {"test_bedrock_error__0", Verdict::kModelNotFound},
    {"test_bedrock_streaming_error__0", Verdict::kModelNotFound},
    {"test_inferred_model_name_suggestion__0", Verdict::kModelNotFound},
    {"test_model_name_suggestion_bedrock___0", Verdict::kModelNotFound},
    {"test_model_name_suggestion_openai-responses___0", Verdict::kModelNotFound},
};

// Checks one recording; `used` counts the exceptions that were met.
void check_recorded(const std::string& name, int status, const Outcome& got, Counts& counts,
                    Counts& used) {
  CAPTURE(name);
  Verdict wanted = usual(status);
  for (const Exception& row : kExceptions) {
    if (name.find(row.name) == std::string::npos) continue;
    wanted = row.verdict;
    ++used[row.name];
  }
  check_outcome(got);
  CHECK(verdict_name(got.verdict) == verdict_name(wanted));
  ++counts[std::string(verdict_name(got.verdict))];
}

TEST_CASE("recorded live errors") {
  const fs::path folder = errors_folder();
  if (folder.empty()) return;
  Counts counts;
  Counts used;
  int sum = 0;
  for (const auto& entry : fs::directory_iterator(folder / "recorded")) {
    for (const std::string& line : lines_of(entry.path())) {
      const json::Document document = parsed(line);
      const json::Value root = document.root();
      const int status = static_cast<int>(root["status"].integer().value_or(0));
      const Outcome got =
          type_for(root["provider"].string().value_or(""))
              .read_error(status, headers_of(root["headers"]), body_of(root["body"]));
      check_recorded(root["case"].string().value_or(""), status, got, counts, used);
      ++sum;
    }
  }
  MESSAGE("errors/recorded: ", sum, " errors: ", shown(counts));
  CHECK(sum >= 60);

  counts.clear();
  sum = 0;
  static const std::string kMeta = ".meta.json";
  for (const auto& entry : fs::directory_iterator(folder / "pydantic-ai")) {
    const std::string file = entry.path().filename().string();
    if (file.size() < kMeta.size() ||
        file.compare(file.size() - kMeta.size(), kMeta.size(), kMeta) != 0) {
      continue;
    }
    const std::string name = file.substr(0, file.size() - kMeta.size());
    const json::Document document = parsed(read_file(entry.path()));
    const json::Value meta = document.root();
    const int status = static_cast<int>(meta["status"].integer().value_or(0));
    if (status < 300) continue;  // good answers of the same conversations
    const std::string url = meta["url"].string().value_or("");
    const char* vendor = url.find("api.anthropic.com") != std::string::npos ? "anthropic"
                         : url.find("googleapis.com") != std::string::npos  ? "gemini"
                                                                            : "openai";
    const fs::path body = entry.path().parent_path() / (name + ".response.json");
    const Outcome got =
        type_for(vendor).read_error(status, headers_of(meta["response_headers"]), read_file(body));
    check_recorded(name, status, got, counts, used);
    ++sum;
  }
  MESSAGE("errors/pydantic-ai: ", sum, " errors: ", shown(counts));
  CHECK(sum >= 20);
  CHECK(used.size() == kExceptions.size());
}

}  // namespace
}  // namespace llmorch
