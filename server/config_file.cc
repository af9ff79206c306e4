#include "server/config_file.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "server/json_text.h"
#include "server/yaml_scalar.h"

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

class Writer {
 public:
  Writer(const Lookup& lookup, ConfigText& out) : lookup_(lookup), out_(out) {}

  void value(const YamlNode& node, const std::string& pointer) {
    out_.lines.emplace(pointer, node.line);
    switch (node.kind) {
      case YamlNode::Kind::kNull:
        out_.json += "null";
        break;
      case YamlNode::Kind::kScalar:
        scalar(node, pointer);
        break;
      case YamlNode::Kind::kSequence:
        out_.json.push_back('[');
        for (std::size_t i = 0; i < node.items.size(); ++i) {
          if (i > 0) out_.json.push_back(',');
          value(node.items[i], pointer + "/" + std::to_string(i));
        }
        out_.json.push_back(']');
        break;
      case YamlNode::Kind::kMap:
        map(node, pointer);
        break;
    }
  }

 private:
  void map(const YamlNode& node, const std::string& pointer) {
    const bool root = pointer.empty();
    out_.json.push_back('{');
    bool first = true;
    for (const YamlMember& member : node.members) {
      if (root && member.key == "listen") {
        listen(member);
      } else if (root && member.key == "threads") {
        threads(member);
      } else {
        if (!std::exchange(first, false)) out_.json.push_back(',');
        append_json_string(out_.json, member.key);
        out_.json.push_back(':');
        const std::string place = child_pointer(pointer, member.key);
        out_.lines.emplace(place, member.line);
        value(member.value, place);
      }
    }
    out_.json.push_back('}');
  }

  // The text with its references resolved. What cannot be is an issue, and stands for itself, so
  // that everything else that is wrong is found in the same run.
  Expanded resolved(const YamlNode& node, const std::string& pointer) {
    Result<Expanded> expanded = expand(node.text, lookup_);
    if (expanded) return *expanded;
    issue(node.line, pointer + ": " + expanded.error().message());
    return {"unresolved", true};
  }

  void scalar(const YamlNode& node, const std::string& pointer) {
    const Expanded text = resolved(node, pointer);
    if (node.plain && !text.changed) {
      out_.json += core_schema_json(text.text);
    } else {
      append_json_string(out_.json, text.text);
    }
  }

  void listen(const YamlMember& member) {
    if (member.value.kind != YamlNode::Kind::kScalar)
      return issue(member.line, "/listen: must be an address", "as in listen: 127.0.0.1:8000");
    out_.listen = resolved(member.value, "/listen").text;
    if (out_.listen.find(':') == std::string::npos)
      issue(member.line, "/listen: must be HOST:PORT", "as in listen: 127.0.0.1:8000");
  }

  void threads(const YamlMember& member) {
    std::string text;
    if (member.value.kind == YamlNode::Kind::kScalar)
      text = resolved(member.value, "/threads").text;
    const bool digits =
        !text.empty() && text.size() <= 3 &&
        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    out_.threads = digits ? std::stoi(text) : 0;
    if (out_.threads < 1 || out_.threads > 256)
      issue(member.line, "/threads: must be a number from 1 to 256",
            "leave it out for one per core");
  }

  void issue(int line, std::string message, std::string hint = "") {
    out_.issues.push_back({line, std::move(message), std::move(hint)});
  }

  const Lookup& lookup_;
  ConfigText& out_;
};

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
  Writer(lookup, out).value(tree.root, "");
  out.readable = true;
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
      findings.push_back(
          {line, finding_line(file_name, line, error ? "error" : "warning", message, issue.hint)});
    }
  }
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.line < b.line; });
  for (Finding& finding : findings) out.lines.push_back(std::move(finding.text));
  return out;
}

}  // namespace llmorch::server
