#include "server/config_file.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "server/yaml_json.h"

namespace llmorch::server {
namespace {

std::string child_pointer(const std::string& parent, std::string_view key) {
  std::string out = parent + "/";
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

// Resolves references and notes lines. What cannot be resolved is an issue, and stands for itself,
// so that everything else that is wrong is found in the same run.
void resolve(YamlNode& node, const std::string& pointer, const Lookup& lookup, ConfigText& out) {
  out.lines.emplace(pointer, node.line);
  if (node.kind == YamlNode::Kind::kScalar) {
    Result<Expanded> expanded = expand(node.text, lookup);
    if (!expanded) {
      out.issues.push_back({node.line, pointer + ": " + expanded.error().message(), ""});
      node.text = "unresolved";
      node.lost = true;
      node.plain = false;
    } else if (expanded->changed) {
      node.text = std::move(expanded->text);
      node.from = std::move(expanded->from);
      node.plain = false;
    }
  }
  for (std::size_t i = 0; i < node.items.size(); ++i)
    resolve(node.items[i], pointer + "/" + std::to_string(i), lookup, out);
  for (YamlMember& member : node.members) {
    const std::string place = child_pointer(pointer, member.key);
    out.lines.emplace(place, member.line);
    resolve(member.value, place, lookup, out);
  }
}

void finish(ConfigText& out) {
  out.own = read_server_keys(out.root, out.issues);
  YamlNode library;
  library.kind = YamlNode::Kind::kMap;
  for (const YamlMember& member : out.root.members) {
    if (!is_server_key(member.key)) library.members.push_back(member);
  }
  append_json(out.json, library);
  out.readable = true;
}

// A made configuration has no lines, but the variables that its values came from.
std::string place_of(const ConfigText& text, std::string_view pointer,
                     const std::string& file_name) {
  const YamlNode* node = &text.root;
  while (node != nullptr && pointer.starts_with('/')) {
    const std::string_view word = pointer.substr(1, pointer.find('/', 1) - 1);
    pointer.remove_prefix(word.size() + 1);
    if (node->kind == YamlNode::Kind::kSequence) {
      std::size_t index = node->items.size();
      std::from_chars(word.data(), word.data() + word.size(), index);
      node = index < node->items.size() ? &node->items[index] : nullptr;
    } else {
      node = find_member(*node, word);
    }
  }
  return node == nullptr || node->from.empty() ? file_name : node->from;
}

// The library does not know the server's keys, so it cannot suggest one.
std::string hint_of(const ConfigIssue& issue) {
  const std::string_view pointer = issue.json_pointer;
  const bool unknown = issue.message.starts_with("unknown key") && pointer.rfind('/') == 0;
  const std::string own = unknown ? server_key_hint(pointer.substr(1)) : "";
  return own.empty() ? issue.hint : own;
}

}  // namespace

int ConfigText::line_of(std::string_view json_pointer) const {
  while (true) {
    if (const auto found = lines.find(json_pointer); found != lines.end()) return found->second;
    const std::size_t slash = json_pointer.rfind('/');
    if (slash == std::string_view::npos) return 0;
    json_pointer = json_pointer.substr(0, slash);
  }
}

ConfigText parse_config(std::string_view yaml, const Lookup& lookup) {
  ConfigText out;
  YamlTree tree = parse_yaml(yaml);
  out.issues = std::move(tree.issues);
  if (!tree.readable) return out;
  if (tree.root.kind != YamlNode::Kind::kMap) {
    const bool empty = tree.root.kind == YamlNode::Kind::kNull;
    out.issues.push_back({tree.root.line,
                          empty ? "the file is empty" : "the file is not a list of keys and values",
                          "it begins with: version: 1"});
    return out;
  }
  out.root = std::move(tree.root);
  resolve(out.root, "", lookup, out);
  finish(out);
  return out;
}

ConfigText made_config(YamlNode root) {
  ConfigText out;
  out.root = std::move(root);
  finish(out);
  return out;
}

std::string finding_line(const std::string& file_name, int line, std::string_view severity,
                         std::string_view message, std::string_view hint) {
  std::string out = file_name;
  if (line > 0) out.append(":").append(std::to_string(line));
  out.append(": ").append(severity).append(": ").append(message);
  if (!hint.empty()) out.append(" (").append(hint).append(")");
  return out;
}

ConfigFindings check_text(const ConfigText& text, const std::string& file_name) {
  struct Finding {
    int line;
    std::string text;
  };
  std::vector<Finding> findings;
  ConfigFindings out;
  for (const FileIssue& issue : text.issues) {
    findings.push_back(
        {issue.line, finding_line(file_name, issue.line, "error", issue.message, issue.hint)});
    out.has_errors = true;
  }
  if (text.readable) {
    for (const ConfigIssue& issue : check_config(text.json)) {
      const bool error = issue.severity == ConfigIssue::Severity::kError;
      out.has_errors |= error;
      const int line = text.line_of(issue.json_pointer);
      const std::string message =
          issue.json_pointer.empty() ? issue.message : issue.json_pointer + ": " + issue.message;
      const std::string place =
          line > 0 ? file_name : place_of(text, issue.json_pointer, file_name);
      findings.push_back(
          {line, finding_line(place, line, error ? "error" : "warning", message, hint_of(issue))});
    }
  }
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.line < b.line; });
  for (Finding& finding : findings) out.lines.push_back(std::move(finding.text));
  return out;
}

}  // namespace llmorch::server
