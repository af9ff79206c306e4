// YAML text as a tree with line numbers; JSON text is YAML too. The one place that knows yaml-cpp.
//
// Stricter than yaml-cpp 0.7: a key twice in a map is an error (it would keep both), tags are
// errors, and size, depth, number of nodes and what aliases expand to are bounded. What it cannot
// read of JSON (surrogate pairs) is understood.
// Pure; any thread.
#ifndef LLMORCH_SERVER_YAML_TREE_H_
#define LLMORCH_SERVER_YAML_TREE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace llmorch::server {

struct YamlMember;

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };
  Kind kind = Kind::kNull;
  bool plain = false;  // kScalar: written without quotes
  int line = 0;        // 1 is the first
  std::string text;    // kScalar
  bool lost = false;   // kScalar: its references lead nowhere, which is an issue already
  std::string from;    // kScalar: what its text stands in for, "environment NAME"; "": itself
  std::vector<YamlNode> items;
  std::vector<YamlMember> members;
};

struct YamlMember {
  std::string key;
  int line = 0;
  YamlNode value;
};

// The member of a map; null when there is none.
const YamlNode* find_member(const YamlNode& map, std::string_view key);

// Something wrong at a line (0: in the file as a whole).
struct FileIssue {
  int line = 0;
  std::string message;
  std::string hint;
};

constexpr std::size_t kMaxConfigBytes = 4u * 1024 * 1024;
constexpr std::size_t kMaxConfigDepth = 32;

struct YamlTree {
  YamlNode root;
  std::vector<FileIssue> issues;  // with any, `root` may be incomplete
  bool readable = false;          // `root` is the whole text, whatever else is wrong with it
};
YamlTree parse_yaml(std::string_view text);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_YAML_TREE_H_
