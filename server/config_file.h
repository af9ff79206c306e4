// Configuration files: YAML (or JSON, which is YAML) into the JSON text that the library reads,
// with the line of every value, so that what the library complains about can be shown where it
// stands.
//
// Some keys are the server's own and left out (server_keys.h). References (expand.h) are resolved
// after parsing, in values only, and give strings; so nothing a variable holds can change the
// structure. Unquoted scalars have the types of YAML's core schema. Any thread.
#ifndef LLMORCH_SERVER_CONFIG_FILE_H_
#define LLMORCH_SERVER_CONFIG_FILE_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "llmorch/config.h"
#include "server/expand.h"
#include "server/server_keys.h"
#include "server/yaml_tree.h"

namespace llmorch::server {

struct ConfigText {
  std::string json;                               // for the library
  ServerKeys own;                                 // for the server
  YamlNode root;                                  // all of it, references resolved: holds secrets
  std::map<std::string, int, std::less<>> lines;  // by JSON pointer
  std::vector<FileIssue> issues;
  bool readable = false;  // `json` stands for the whole file, so the library may look at it too

  // The line of a value, or of what it is missing from.
  int line_of(std::string_view json_pointer) const;
};

ConfigText parse_config(std::string_view yaml, const Lookup& lookup);
// A configuration that was made, not read: its references are resolved, its lines mean nothing.
ConfigText made_config(YamlNode root);

// Everything that is wrong with a configuration, the library's findings included.
struct ConfigFindings {
  std::vector<std::string> lines;  // "file:line: error: message (hint)"
  bool has_errors = false;
};
ConfigFindings check_text(const ConfigText& text, const std::string& file_name);

// "file:line: severity: message (hint)"
std::string finding_line(const std::string& file_name, int line, std::string_view severity,
                         std::string_view message, std::string_view hint);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_CONFIG_FILE_H_
