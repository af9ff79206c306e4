#include "server/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

namespace llmorch::server {
namespace {

constexpr std::size_t kMaxNodes = 100'000;
constexpr std::size_t kMaxTextBytes = 16u * 1024 * 1024;  // of all scalars, aliases expanded
constexpr std::size_t kMaxIssues = 100;

// Ends the parsing from inside a handler; never leaves this file.
struct Stop {
  FileIssue issue;
};

int line_of(const YAML::Mark& mark) { return mark.is_null() ? 0 : mark.line + 1; }

struct Size {
  std::size_t nodes = 1;
  std::size_t bytes = 0;
  std::size_t depth = 1;
};

Size size_of(const YamlNode& node) {
  Size out;
  out.bytes = node.text.size();
  const auto add = [&out](const YamlNode& child, std::size_t key_bytes) {
    const Size inner = size_of(child);
    out.nodes += inner.nodes;
    out.bytes += inner.bytes + key_bytes;
    out.depth = std::max(out.depth, inner.depth + 1);
  };
  for (const YamlNode& item : node.items) add(item, 0);
  for (const YamlMember& member : node.members) add(member.value, member.key.size());
  return out;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(YamlTree& out) : out_(out) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (std::exchange(started_, true))
      stop(line_of(mark), "a second document begins here", "one file holds one configuration");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    node.line = line_of(mark);
    leaf(std::move(node), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    YamlNode node;
    node.kind = YamlNode::Kind::kScalar;
    node.plain = tag == "?" || tag.empty();
    node.line = line_of(mark);
    node.text = value;
    leaf(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end()) {
      stop(line_of(mark), "this alias stands inside what it names", "");
    }
    const Size size = size_of(found->second);
    charge(line_of(mark), size.nodes, size.bytes);
    if (open_.size() + size.depth > kMaxConfigDepth) too_deep(line_of(mark));
    YamlNode copy = found->second;
    copy.line = line_of(mark);
    finish(std::move(copy), 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(mark, tag, anchor, YamlNode::Kind::kSequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(mark, tag, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    std::optional<YamlMember> member{};  // has its key, waits for its value
    bool repeated = false;               // a key that was there before: reported, and left out
    std::set<std::string, std::less<>> keys{};
  };

  [[noreturn]] static void stop(int line, std::string message, std::string hint) {
    throw Stop{{line, std::move(message), std::move(hint)}};
  }
  [[noreturn]] static void too_deep(int line) {
    stop(line, "nested deeper than " + std::to_string(kMaxConfigDepth) + " levels", "");
  }

  static void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    stop(line_of(mark), "tags have no meaning here", "remove the word that begins with '!'");
  }

  void charge(int line, std::size_t nodes, std::size_t bytes) {
    nodes_ += nodes;
    bytes_ += bytes;
    if (nodes_ > kMaxNodes || bytes_ > kMaxTextBytes)
      stop(line, "the configuration is too large from here on", "");
  }

  bool wants_key() const {
    return !open_.empty() && open_.back().node.kind == YamlNode::Kind::kMap &&
           !open_.back().member.has_value();
  }

  void begin(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
             YamlNode::Kind kind) {
    check_tag(mark, tag);
    if (wants_key()) {
      stop(line_of(mark), "a key must be a plain word",
           "a value that begins with '{' or '[' needs quotes, as does \"${NAME}\" inside { }");
    }
    if (open_.size() >= kMaxConfigDepth) too_deep(line_of(mark));
    charge(line_of(mark), 1, 0);
    Open open;
    open.node.kind = kind;
    open.node.line = line_of(mark);
    open.anchor = anchor;
    open_.push_back(std::move(open));
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    finish(std::move(done.node), done.anchor);
  }

  void leaf(YamlNode node, YAML::anchor_t anchor) {
    charge(node.line, 1, node.text.size());
    if (wants_key()) return key(std::move(node));
    finish(std::move(node), anchor);
  }

  void key(YamlNode node) {
    Open& map = open_.back();
    if (node.kind == YamlNode::Kind::kNull)
      stop(node.line, "a key must be a word", "quote it if it is to be called \"null\" or \"~\"");
    if (node.plain && node.text == "<<")
      stop(node.line, "merge keys (<<) are not supported", "write the keys out");
    map.repeated = !map.keys.insert(node.text).second;
    if (map.repeated && out_.issues.size() < kMaxIssues) {
      out_.issues.push_back(
          {node.line, "the key \"" + node.text + "\" stands here twice", "remove one of the two"});
    }
    map.member = YamlMember{std::move(node.text), node.line, {}};
  }

  void finish(YamlNode node, YAML::anchor_t anchor) {
    if (anchor != 0) {
      const Size size = size_of(node);
      charge(node.line, size.nodes, size.bytes);
      anchored_[anchor] = node;
    }
    if (open_.empty()) {
      out_.root = std::move(node);
    } else if (open_.back().node.kind == YamlNode::Kind::kSequence) {
      open_.back().node.items.push_back(std::move(node));
    } else if (wants_key()) {
      stop(node.line, "an alias cannot be a key", "write the word");
    } else {
      YamlMember member = std::move(*open_.back().member);
      open_.back().member.reset();
      member.value = std::move(node);
      if (!open_.back().repeated) open_.back().node.members.push_back(std::move(member));
    }
  }

  YamlTree& out_;
  bool started_ = false;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, YamlNode> anchored_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
};

// The line of the first "${" that stands unquoted inside { } or [ ]: there '{' begins a map, which
// is seldom what was meant, and the parser's own words do not say so. 0: there is none.
int unquoted_reference(std::string_view text) {
  int line = 1, depth = 0;
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      ++line;
    } else if (quote != '\0') {
      if (c == '\\' && quote == '"') ++i;
      if (c == quote) quote = '\0';
    } else if (c == '#' && (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\n')) {
      while (i + 1 < text.size() && text[i + 1] != '\n') ++i;
    } else if ((c == '"' || c == '\'') &&
               (i == 0 ||
                std::string_view(" \n\t{[,:").find(text[i - 1]) != std::string_view::npos)) {
      quote = c;
    } else if (c == '$' && i + 1 < text.size() && text[i + 1] == '{') {
      if (depth > 0) return line;
      while (i + 1 < text.size() && text[i] != '}' && text[i + 1] != '\n') ++i;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return 0;
}

// Four hex digits behind "\\u" at `at`, as a code unit; -1: there are none.
int code_unit(std::string_view text, std::size_t at) {
  if (text.size() < at + 6 || text[at] != '\\' || text[at + 1] != 'u') return -1;
  int unit = 0;
  const auto [end, error] = std::from_chars(text.data() + at + 2, text.data() + at + 6, unit, 16);
  return error == std::errc() && end == text.data() + at + 6 ? unit : -1;
}

// JSON writes what lies beyond U+FFFF as two escapes, which YAML knows as one. Only in a text that
// is JSON: elsewhere a backslash may be just that.
std::string with_whole_escapes(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') return std::string(text);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = code_unit(text, i);
    const int low = high < 0 ? -1 : code_unit(text, i + 6);
    if (high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
      char whole[16];
      std::snprintf(whole, sizeof whole, "\\U%08X",
                    static_cast<unsigned>(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)));
      out.append(whole);
      i += 11;
    } else {
      out.push_back(text[i]);
      if (text[i] == '\\' && i + 1 < text.size()) out.push_back(text[++i]);
    }
  }
  return out;
}

}  // namespace

const YamlNode* find_member(const YamlNode& map, std::string_view key) {
  for (const YamlMember& member : map.members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

YamlTree parse_yaml(std::string_view text) {
  YamlTree out;
  if (text.size() > kMaxConfigBytes) {
    out.issues.push_back({0, "the file is larger than 4 MB", ""});
    return out;
  }
  // yaml-cpp takes a NUL for the end, so that what follows would silently be ignored.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n');
    out.issues.push_back({static_cast<int>(line) + 1, "a NUL byte", "is this a text file?"});
    return out;
  }
  const auto refuse = [&](int line, std::string message, std::string hint) {
    if (const int reference = unquoted_reference(text); reference != 0) {
      line = reference;
      message = "\"${\" inside { } or [ ] begins a map of its own (" + message + ")";
      hint = "quote it: \"${NAME}\"";
    }
    out.issues.push_back({line, std::move(message), std::move(hint)});
  };
  try {
    std::istringstream stream(with_whole_escapes(text));
    YAML::Parser parser(stream);
    TreeBuilder builder(out);
    while (parser.HandleNextDocument(builder)) {
    }
    out.readable = true;
  } catch (const Stop& stopped) {
    refuse(stopped.issue.line, stopped.issue.message, stopped.issue.hint);
  } catch (const YAML::Exception& error) {
    refuse(line_of(error.mark), "this is not YAML: " + error.msg, "");
  } catch (const std::exception& error) {
    refuse(0, std::string("this is not YAML: ") + error.what(), "");
  }
  return out;
}

}  // namespace llmorch::server
