#include "server/yaml_json.h"

#include <utility>

#include "server/json_text.h"
#include "server/yaml_scalar.h"

namespace llmorch::server {

void append_json(std::string& out, const YamlNode& node) {
  bool first = true;
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      out += "null";
      break;
    case YamlNode::Kind::kScalar:
      if (node.plain) {
        out += core_schema_json(node.text);
      } else {
        append_json_string(out, node.text);
      }
      break;
    case YamlNode::Kind::kSequence:
      out.push_back('[');
      for (const YamlNode& item : node.items) {
        if (!std::exchange(first, false)) out.push_back(',');
        append_json(out, item);
      }
      out.push_back(']');
      break;
    case YamlNode::Kind::kMap:
      out.push_back('{');
      for (const YamlMember& member : node.members) {
        if (!std::exchange(first, false)) out.push_back(',');
        append_json_string(out, member.key);
        out.push_back(':');
        append_json(out, member.value);
      }
      out.push_back('}');
      break;
  }
}

}  // namespace llmorch::server
