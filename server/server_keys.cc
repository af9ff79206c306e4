#include "server/server_keys.h"

#include <algorithm>
#include <set>
#include <utility>

#include "server/nearest.h"

namespace llmorch::server {
namespace {

const std::vector<std::string_view> kOwn = {"listen", "threads", "admin", "client_keys"};

std::string did_you_mean(std::string_view wanted, const std::vector<std::string_view>& words) {
  const std::string_view word = nearest(wanted, words, 3);
  return word.empty() || word == wanted ? "" : "did you mean \"" + std::string(word) + "\"?";
}

// Fields hold visible ASCII only, and no scheme has a space in its secret.
bool can_be_sent(std::string_view secret) {
  return std::all_of(secret.begin(), secret.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

class KeyReader {
 public:
  explicit KeyReader(std::vector<FileIssue>& issues) : issues_(issues) {}

  std::string address(const YamlMember& member, const std::string& pointer) {
    const std::string hint = "as in listen: 127.0.0.1:8000";
    if (member.value.kind != YamlNode::Kind::kScalar) {
      issue(member.line, pointer + ": must be an address", hint);
      return "";
    }
    if (!member.value.lost && member.value.text.find(':') == std::string::npos)
      issue(member.line, pointer + ": must be HOST:PORT", hint);
    return member.value.text;
  }

  int threads(const YamlMember& member) {
    if (member.value.lost) return 0;
    const std::string& text = member.value.text;
    const bool digits =
        member.value.kind == YamlNode::Kind::kScalar && !text.empty() && text.size() <= 3 &&
        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    const int number = digits ? std::stoi(text) : 0;
    if (number < 1 || number > 256)
      issue(member.line, "/threads: must be a number from 1 to 256",
            "leave it out for one per core");
    return number;
  }

  std::string admin(const YamlMember& member) {
    if (member.value.kind != YamlNode::Kind::kMap) {
      issue(member.line, "/admin: must be an object", "as in admin: { listen: 127.0.0.1:9091 }");
      return "";
    }
    std::string out;
    for (const YamlMember& inner : member.value.members) {
      if (inner.key == "listen") {
        out = address(inner, "/admin/listen");
      } else {
        unknown(inner, "/admin/", {"listen"});
      }
    }
    return out;
  }

  std::vector<ClientKey> client_keys(const YamlMember& member) {
    std::vector<ClientKey> out;
    const std::vector<YamlNode>& items = member.value.items;
    if (member.value.kind != YamlNode::Kind::kSequence || items.size() > kMaxClientKeys) {
      issue(member.line,
            "/client_keys: must be a list of at most " + std::to_string(kMaxClientKeys) + " keys",
            "`llmorch key create` prints one");
      return out;
    }
    std::set<std::string> names, secrets;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::string pointer = "/client_keys/" + std::to_string(i);
      std::string name, secret;
      if (!read_client_key(items[i], pointer, name, secret)) continue;
      if (!names.insert(name).second)
        issue(items[i].line, pointer + "/name: another key is called \"" + name + "\" too", "");
      if (!secrets.insert(secret).second)
        issue(items[i].line, pointer + "/secret: another key has the same secret",
              "then nobody can tell them apart");
      out.push_back({std::move(name), Secret(std::move(secret))});
    }
    return out;
  }

 private:
  bool read_client_key(const YamlNode& item, const std::string& pointer, std::string& name,
                       std::string& secret) {
    const std::size_t before = issues_.size();
    if (item.kind != YamlNode::Kind::kMap) {
      issue(item.line, pointer + ": must be an object", "with name and secret");
      return false;
    }
    for (const YamlMember& member : item.members) {
      if (member.value.lost) return false;
      const bool text = member.value.kind == YamlNode::Kind::kScalar;
      if (member.key == "name") {
        name = text ? member.value.text : "";
        if (const std::string wrong = client_key_name_issue(name); !wrong.empty())
          issue(member.line, pointer + "/name: " + wrong, "");
      } else if (member.key == "secret") {
        secret = text ? member.value.text : "";
        if (secret.empty()) {
          issue(member.line, pointer + "/secret: must be a text that is not empty",
                "`llmorch key create` makes one");
        } else if (!can_be_sent(secret)) {
          issue(member.line,
                pointer + "/secret: holds a character that no client can send in a header",
                "visible ASCII without spaces");
        }
      } else {
        unknown(member, pointer + "/", {"name", "secret"});
      }
    }
    for (const char* key : {"name", "secret"}) {
      if (find_member(item, key) == nullptr)
        issue(item.line, pointer + ": \"" + key + "\" is missing", "");
    }
    return issues_.size() == before;
  }

  void unknown(const YamlMember& member, const std::string& parent,
               const std::vector<std::string_view>& known) {
    issue(member.line, parent + member.key + ": unknown key \"" + member.key + "\"",
          did_you_mean(member.key, known));
  }

  void issue(int line, std::string message, std::string hint) {
    issues_.push_back({line, std::move(message), std::move(hint)});
  }

  std::vector<FileIssue>& issues_;
};

}  // namespace

bool is_server_key(std::string_view root_key) {
  return std::find(kOwn.begin(), kOwn.end(), root_key) != kOwn.end();
}

std::string server_key_hint(std::string_view root_key) { return did_you_mean(root_key, kOwn); }

std::string client_key_name_issue(std::string_view name) {
  const bool fits =
      !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '.' || c == '-' || c == '_';
      });
  return fits ? "" : "must be 1 to 64 letters, digits, '.', '-' or '_'";
}

ServerKeys read_server_keys(const YamlNode& root, std::vector<FileIssue>& issues) {
  ServerKeys out;
  KeyReader reader(issues);
  for (const YamlMember& member : root.members) {
    if (member.key == "listen") {
      out.listen = reader.address(member, "/listen");
    } else if (member.key == "threads") {
      out.threads = reader.threads(member);
    } else if (member.key == "admin") {
      out.admin_listen = reader.admin(member);
    } else if (member.key == "client_keys") {
      out.client_keys = reader.client_keys(member);
    }
  }
  return out;
}

}  // namespace llmorch::server
