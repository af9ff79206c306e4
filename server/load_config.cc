#include "server/load_config.h"

#include <unistd.h>

#include <string_view>
#include <utility>

namespace llmorch::server {
namespace {

constexpr char kNothing[] = R"(llmorch: there is no configuration.

Set the key of one vendor or more, which is enough to begin with:

  export OPENAI_API_KEY=sk-...
  export ANTHROPIC_API_KEY=sk-ant-...
  export GEMINI_API_KEY=...
  llmorch serve

or write a file, here llmorch.yaml:

  version: 1
  providers:
    - name: openai
      type: openai
      api_key: ${OPENAI_API_KEY}
  models:
    - name: smart
      targets:
        - provider: openai
          model: gpt-4o-mini

and start with: llmorch serve -c llmorch.yaml)";

struct Vendor {
  const char* name;                        // of the provider, and of its type
  std::vector<const char*> key_variables;  // the first that is set counts
  const char* url_variable;
};
const std::vector<Vendor> kVendors = {
    {"openai", {"OPENAI_API_KEY"}, "OPENAI_BASE_URL"},
    {"anthropic", {"ANTHROPIC_API_KEY"}, "ANTHROPIC_BASE_URL"},
    {"gemini", {"GOOGLE_API_KEY", "GEMINI_API_KEY"}, "GEMINI_BASE_URL"},
};

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

YamlNode node_of(YamlNode::Kind kind) {
  YamlNode out;
  out.kind = kind;
  return out;
}

YamlNode text_node(std::string text, std::string from) {
  YamlNode out = node_of(YamlNode::Kind::kScalar);
  out.text = std::move(text);
  out.from = std::move(from);
  return out;
}

YamlNode word_node(std::string word, std::string from) {
  YamlNode out = text_node(std::move(word), std::move(from));
  out.plain = true;
  return out;
}

// A variable that is set and not empty.
struct Found {
  std::string value;
  std::string from;  // "environment NAME"; "": none is set
};
Found first_set(const Variables& variables, const std::vector<const char*>& names) {
  for (const char* name : names) {
    std::string value = variables(name).value_or("");
    if (!value.empty()) return {std::move(value), std::string("environment ") + name};
  }
  return {};
}

YamlNode provider_node(const Vendor& vendor, const Found& key, const Found& url) {
  YamlNode out = node_of(YamlNode::Kind::kMap);
  out.members.push_back({"name", 0, text_node(vendor.name, key.from)});
  out.members.push_back({"type", 0, text_node(vendor.name, key.from)});
  if (!url.from.empty()) out.members.push_back({"base_url", 0, text_node(url.value, url.from)});
  out.members.push_back({"api_key", 0, text_node(key.value, key.from)});
  out.members.push_back({"discover", 0, word_node("true", key.from)});
  return out;
}

}  // namespace

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

std::optional<ConfigText> config_from_environment(const Variables& variables) {
  YamlNode providers = node_of(YamlNode::Kind::kSequence);
  for (const Vendor& vendor : kVendors) {
    const Found key = first_set(variables, vendor.key_variables);
    if (key.from.empty()) continue;
    providers.items.push_back(
        provider_node(vendor, key, first_set(variables, {vendor.url_variable})));
  }
  if (providers.items.empty()) return std::nullopt;
  YamlNode root = node_of(YamlNode::Kind::kMap);
  root.members.push_back({"version", 0, word_node("1", "")});
  if (const Found key = first_set(variables, {"LLMORCH_CLIENT_KEY"}); !key.from.empty()) {
    YamlNode keys = node_of(YamlNode::Kind::kSequence);
    keys.items.push_back(node_of(YamlNode::Kind::kMap));
    keys.items[0].members.push_back({"name", 0, text_node("client", key.from)});
    keys.items[0].members.push_back({"secret", 0, text_node(key.value, key.from)});
    root.members.push_back({"client_keys", 0, std::move(keys)});
  }
  root.members.push_back({"providers", 0, std::move(providers)});
  root.members.push_back({"models", 0, node_of(YamlNode::Kind::kSequence)});
  return made_config(std::move(root));
}

LoadedConfig find_config(const std::string& path_asked_for) {
  const Lookup system = system_lookup(".");
  std::string path = path_asked_for;
  if (path.empty()) path = system.variable("LLMORCH_CONFIG").value_or("");
  if (path.empty() && ::access("llmorch.yaml", F_OK) == 0) path = "llmorch.yaml";
  if (!path.empty()) return load_config_file(path);

  LoadedConfig out;
  if (auto text = config_from_environment(system.variable)) {
    out.text = std::move(*text);
    out.findings = check_text(out.text, "environment");
  } else {
    out.findings = {{kNothing}, true};
  }
  return out;
}

}  // namespace llmorch::server
