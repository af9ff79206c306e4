// A YAML tree as JSON text. Pure.
#ifndef LLMORCH_SERVER_YAML_JSON_H_
#define LLMORCH_SERVER_YAML_JSON_H_

#include <string>

#include "server/yaml_tree.h"

namespace llmorch::server {

// Appends a value; unquoted scalars have the types of YAML's core schema.
void append_json(std::string& out, const YamlNode& node);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_YAML_JSON_H_
