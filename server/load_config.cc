#include "server/load_config.h"

#include <unistd.h>

#include <string_view>
#include <utility>

#include "server/json_text.h"

namespace llmorch::server {
namespace {

constexpr char kNothing[] = R"(llmorch: there is no configuration.

Either set a key, which is enough to begin with:

  export OPENAI_API_KEY=sk-...
  llmorch serve

or write a file, here llmorch.yaml:

  version: 1
  providers:
    - name: openai
      type: openai
      api_key: ${OPENAI_API_KEY}
  models:
    - name: gpt-4o-mini
      targets:
        - provider: openai
          model: gpt-4o-mini

and start with: llmorch serve -c llmorch.yaml)";

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view word = list.substr(0, comma);
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    if (!word.empty()) out.emplace_back(word);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return out;
}

}  // namespace

const char* const kDefaultModels = "gpt-4o-mini,gpt-4o,gpt-4.1,gpt-4.1-mini,gpt-5,gpt-5-mini";

LoadedConfig load_config_file(const std::string& path) {
  LoadedConfig out;
  out.path = path;
  const Result<std::string> yaml = read_file(path, kMaxConfigBytes);
  if (!yaml) {
    out.findings = {{"llmorch: error: " + yaml.error().message()}, true};
    return out;
  }
  out.text = parse_config(*yaml, system_lookup(directory_of(path)));
  out.findings = check_text(out.text, path);
  return out;
}

std::optional<std::string> config_from_environment(const Variables& variables) {
  const std::string key = variables("OPENAI_API_KEY").value_or("");
  if (key.empty()) return std::nullopt;
  std::string json = R"({"version":1,"providers":[{"name":"openai","type":"openai","api_key":)";
  append_json_string(json, key);
  if (const std::string url = variables("OPENAI_BASE_URL").value_or(""); !url.empty()) {
    json += R"(,"base_url":)";
    append_json_string(json, url);
  }
  json += R"(}],"models":[)";
  std::string models = variables("LLMORCH_MODELS").value_or("");
  if (words_of(models).empty()) models = kDefaultModels;
  bool first = true;
  for (const std::string& model : words_of(models)) {
    json += std::exchange(first, false) ? R"({"name":)" : R"(,{"name":)";
    append_json_string(json, model);
    json += R"(,"targets":[{"provider":"openai","model":)";
    append_json_string(json, model);
    json += "}]}";
  }
  return json + "]}";
}

LoadedConfig find_config(const std::string& path_asked_for) {
  const Lookup system = system_lookup(".");
  std::string path = path_asked_for;
  if (path.empty()) path = system.variable("LLMORCH_CONFIG").value_or("");
  if (path.empty() && ::access("llmorch.yaml", F_OK) == 0) path = "llmorch.yaml";
  if (!path.empty()) return load_config_file(path);

  LoadedConfig out;
  if (auto json = config_from_environment(system.variable)) {
    out.text.json = std::move(*json);
    out.text.readable = true;
    out.findings = check_text(out.text, "environment");
  } else {
    out.findings = {{kNothing}, true};
  }
  return out;
}

}  // namespace llmorch::server
