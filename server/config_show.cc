#include "server/config_show.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "server/json_text.h"
#include "server/yaml_scalar.h"

namespace llmorch::server {
namespace {

using Kind = YamlNode::Kind;

constexpr char kHidden[] = "<hidden>";
constexpr std::size_t kColumn = 44;  // where origins stand, if the value leaves room

YamlNode scalar(std::string text, bool plain, std::string from) {
  YamlNode out;
  out.kind = Kind::kScalar;
  out.text = std::move(text);
  out.plain = plain;
  out.from = std::move(from);
  return out;
}

// Every `from` becomes the whole origin of its value.
void name_origins(YamlNode& node, const LoadedConfig& config) {
  node.from = origin_of(config, node);
  for (YamlNode& item : node.items) name_origins(item, config);
  for (YamlMember& member : node.members) name_origins(member.value, config);
}

void name_all(YamlNode& node, const std::string& origin) {
  node.from = origin;
  for (YamlNode& item : node.items) name_all(item, origin);
  for (YamlMember& member : node.members) name_all(member.value, origin);
}

// Follows "$ref": "#/$defs/name".
const YamlNode* followed(const YamlNode* schema, const YamlNode& whole) {
  constexpr std::string_view kDefinitions = "#/$defs/";
  for (int i = 0; schema != nullptr && i < 8; ++i) {
    const YamlNode* reference = find_member(*schema, "$ref");
    if (reference == nullptr) return schema;
    const YamlNode* definitions = find_member(whole, "$defs");
    if (definitions == nullptr || !reference->text.starts_with(kDefinitions)) return nullptr;
    schema = find_member(*definitions, reference->text.substr(kDefinitions.size()));
  }
  return schema;
}

// Adds what the schema has a default for and `node` leaves out.
void add_defaults(YamlNode& node, const YamlNode* schema, const YamlNode& whole) {
  schema = followed(schema, whole);
  if (schema == nullptr) return;
  if (const YamlNode* items = find_member(*schema, "items"); items != nullptr) {
    for (YamlNode& item : node.items) add_defaults(item, items, whole);
  }
  const YamlNode* properties = find_member(*schema, "properties");
  if (properties == nullptr || node.kind != Kind::kMap) return;
  for (const YamlMember& property : properties->members) {
    const auto there =
        std::find_if(node.members.begin(), node.members.end(),
                     [&](const YamlMember& member) { return member.key == property.key; });
    if (there != node.members.end()) {
      add_defaults(there->value, &property.value, whole);
      continue;
    }
    const YamlNode* inner = followed(&property.value, whole);
    if (inner == nullptr) continue;
    const YamlNode* value = find_member(property.value, "default");
    if (value == nullptr) value = find_member(*inner, "default");
    YamlNode made;
    if (value != nullptr) {
      made = *value;
      name_all(made, "default");
    } else {
      made.kind = Kind::kMap;
      add_defaults(made, inner, whole);
      if (made.members.empty()) continue;
    }
    node.members.push_back({property.key, 0, std::move(made)});
  }
}

void hide(YamlNode& node) {
  if (node.kind == Kind::kScalar) {
    node.text = kHidden;
    node.plain = false;
  }
  for (YamlNode& item : node.items) hide(item);
  for (YamlMember& member : node.members) hide(member.value);
}

// Headers may hold keys too, and so may the user part of a proxy's URL.
void hide_secrets(YamlNode& node) {
  for (YamlNode& item : node.items) hide_secrets(item);
  for (YamlMember& member : node.members) {
    if (member.key == "api_key" || member.key == "secret" || member.key == "headers") {
      hide(member.value);
    } else if (member.key == "proxy") {
      std::string& text = member.value.text;
      const std::size_t start = text.find("//");
      const std::size_t at = text.rfind('@');
      if (at != std::string::npos) {
        const std::size_t from = start == std::string::npos || start > at ? 0 : start + 2;
        text.replace(from, at - from, kHidden);
      }
    } else {
      hide_secrets(member.value);
    }
  }
}

std::string written(const YamlNode& node) {
  switch (node.kind) {
    case Kind::kNull:
      return "null";
    case Kind::kSequence:
      return "[]";
    case Kind::kMap:
      return "{}";
    case Kind::kScalar:
      break;
  }
  const bool safe =
      !node.text.empty() && node.text.size() <= 200 && node.text.front() != '-' &&
      std::all_of(node.text.begin(), node.text.end(),
                  [](char c) {
                    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') ||
                           std::string_view("._-/:").find(c) != std::string_view::npos;
                  }) &&
      !node.text.ends_with(':');
  const bool reads_as_text = core_schema_json(node.text).starts_with('"');
  if (safe && (node.plain || reads_as_text)) return node.text;
  std::string out;
  append_json_string(out, node.text);
  return out;
}

class YamlWriter {
 public:
  explicit YamlWriter(bool origin) : origin_(origin) {}

  // The members of a map, or the items of a list; `lead` stands before the first line.
  void block(const YamlNode& node, std::size_t indent, std::string lead) {
    const std::string blank(indent, ' ');
    for (const YamlMember& member : node.members) {
      const YamlNode name = scalar(member.key, false, "");
      entry(std::exchange(lead, blank) + written(name) + ":", member.value, indent + 2);
    }
    for (const YamlNode& item : node.items) {
      const std::string start = std::exchange(lead, blank) + "-";
      const bool nested = !item.members.empty() || !item.items.empty();
      if (nested) {
        block(item, indent + 2, start + " ");
      } else {
        entry(start, item, indent + 2);
      }
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void entry(std::string start, const YamlNode& value, std::size_t indent) {
    if (!value.members.empty() || !value.items.empty()) {
      out_ += start + "\n";
      return block(value, indent, std::string(indent, ' '));
    }
    std::string line = std::move(start) + " " + written(value);
    if (origin_ && !value.from.empty()) {
      line.resize(std::max(line.size() + 2, kColumn), ' ');
      line += "# " + value.from;
    }
    out_ += line + "\n";
  }

  const bool origin_;
  std::string out_;
};

void put(YamlNode& map, std::string key, YamlNode value) {
  std::erase_if(map.members, [&](const YamlMember& member) { return member.key == key; });
  map.members.push_back({std::move(key), 0, std::move(value)});
}

}  // namespace

std::string show_config(const LoadedConfig& config, const Settings& settings,
                        std::string_view schema, bool origin) {
  YamlNode written_down = config.text.root;
  name_origins(written_down, config);
  YamlNode root;
  root.kind = Kind::kMap;
  if (const YamlNode* version = find_member(written_down, "version"); version != nullptr)
    put(root, "version", *version);
  put(root, "listen", scalar(settings.listen, false, settings.listen_from));
  YamlNode admin;
  admin.kind = Kind::kMap;
  const bool split = !settings.admin_listen.empty();
  put(admin, "listen",
      scalar(split ? settings.admin_listen : settings.listen, false,
             split ? settings.admin_listen_from : settings.listen_from));
  put(root, "admin", std::move(admin));
  put(root, "threads", scalar(std::to_string(settings.threads), true, settings.threads_from));
  for (YamlMember& member : written_down.members) {
    if (find_member(root, member.key) == nullptr) put(root, member.key, std::move(member.value));
  }
  const YamlTree known = parse_yaml(schema);
  if (known.readable) add_defaults(root, &known.root, known.root);
  hide_secrets(root);
  YamlWriter writer(origin);
  writer.block(root, 0, "");
  std::string out = writer.take() + "# data directory: " + settings.data;
  if (origin) out += " (" + settings.data_from + ")";
  return out + "\n";
}

}  // namespace llmorch::server
