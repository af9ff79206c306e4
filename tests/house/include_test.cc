// docs/DESIGN.md section 3: an include points only downwards, and each third-party library has one
// home.
#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <regex>
#include <string>

#include "source_tree.h"

using namespace llmorch::house;

namespace {

const std::map<std::string, int> kFloors = {
    {"base", 1},    {"types", 1},  {"json", 2},    {"net", 2},     {"formats", 3}, {"providers", 4},
    {"routing", 5}, {"engine", 6}, {"gateway", 7}, {"storage", 3}, {"testing", 8}};

// What may be included where. A path that starts with one of `homes` may; nobody else.
struct Home {
  const char* header;  // how the header's name starts
  std::vector<std::string> homes;
};
const std::vector<Home> kHomes = {
    {"rapidjson/", {"lib/json/"}},
    {"curl/", {"lib/net/"}},
    {"sqlite3.h", {"lib/storage/"}},
    {"httplib.h", {"server/"}},
    {"yaml-cpp/", {"server/"}},
    {"CLI/", {"server/"}},
    {"doctest/", {"tests/"}},
    {"sys/epoll.h", {"lib/net/poller_", "tests/"}},
    {"sys/eventfd.h", {"lib/net/poller_", "tests/"}},
    {"sys/timerfd.h", {"lib/net/poller_", "tests/"}},
};

struct Include {
  std::string name;
  bool angled = false;
};

std::optional<Include> include_of(const std::string& line) {
  static const std::regex pattern(R"re(^\s*#\s*include\s+([<"])([^>"]+)[>"])re");
  std::smatch match;
  if (!std::regex_search(line, match, pattern)) return std::nullopt;
  return Include{match[2].str(), match[1].str() == "<"};
}

std::string first_folder(const std::string& path) { return path.substr(0, path.find('/')); }

template <class Check>
std::string each_include(Check check) {
  Findings findings;
  for (const File& file : sources()) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      if (const auto include = include_of(file.lines[i])) {
        const std::string complaint = check(file.path, *include);
        if (!complaint.empty()) findings.add(file, i, complaint);
      }
    }
  }
  return findings.text();
}

}  // namespace

TEST_CASE("includes: a floor sees only itself and what lies below") {
  const std::string findings =
      each_include([](const std::string& path, const Include& include) -> std::string {
        if (!path.starts_with("lib/")) return "";
        const std::string mine = first_folder(path.substr(4));
        const auto floor = kFloors.find(mine);
        if (floor == kFloors.end()) return "lib/" + mine + " is on no floor of DESIGN 3";
        if (include.name.starts_with("llmorch/")) return "";
        const auto other = kFloors.find(first_folder(include.name));
        if (other == kFloors.end() || include.name.find('/') == std::string::npos) return "";
        if (other->first == mine) return "";
        const int limit = floor->second - 1;
        if (other->first == "storage" && path != "lib/gateway/open.cc")
          return "stores are named by lib/gateway/open.cc only";
        const bool below = other->second <= limit && other->first != "testing";
        // The two folders of floor 1 are one floor: types stands on base.
        const bool types_on_base = mine == "types" && other->first == "base";
        return below || types_on_base ? "" : mine + " must not see " + include.name;
      });
  CHECK_MESSAGE(findings.empty(), findings);
}

TEST_CASE("includes: server, bindings and examples see include/llmorch only") {
  const std::string findings =
      each_include([](const std::string& path, const Include& include) -> std::string {
        const std::string top = first_folder(path);
        if (top != "server" && top != "bindings" && top != "examples") return "";
        const bool reaches_in = kFloors.contains(first_folder(include.name)) &&
                                include.name.find('/') != std::string::npos;
        return reaches_in || include.name.find("lib/") != std::string::npos
                   ? "reaches into lib/: " + include.name
                   : "";
      });
  CHECK_MESSAGE(findings.empty(), findings);
}

TEST_CASE("includes: every third-party header has one home") {
  std::map<std::string, int> httplib_files;
  const std::string findings =
      each_include([&](const std::string& path, const Include& include) -> std::string {
        if (include.name == "httplib.h") ++httplib_files[path];
        for (const Home& home : kHomes) {
          if (!include.name.starts_with(home.header)) continue;
          for (const std::string& allowed : home.homes) {
            if (path.starts_with(allowed)) return "";
          }
          return include.name + " is included outside its home";
        }
        return "";
      });
  CHECK_MESSAGE(findings.empty(), findings);
  CHECK_MESSAGE(httplib_files.size() <= 1, "httplib.h is included in ", httplib_files.size(),
                " files of server/");
}

TEST_CASE("includes: a public header names no third-party header") {
  const std::string findings = each_include([](const std::string& path,
                                               const Include& include) -> std::string {
    if (!path.starts_with("include/")) return "";
    // Standard headers have no slash and no ending; stddef.h and stdint.h are for c.h.
    const bool standard = include.angled && include.name.find_first_of("/.") == std::string::npos;
    const bool for_c =
        path == "include/llmorch/c.h" && (include.name == "stddef.h" || include.name == "stdint.h");
    return standard || for_c || include.name.starts_with("llmorch/")
               ? ""
               : "public header includes " + include.name;
  });
  CHECK_MESSAGE(findings.empty(), findings);
}

TEST_CASE("includes: the system's polling calls live in lib/net/poller_*.cc") {
  static const std::regex call(
      R"((^|[^\w.>])(::)?(epoll_\w+|eventfd|timerfd_\w+|kqueue|kevent|ppoll|pselect)\s*\()");
  Findings findings;
  for (const File& file : sources()) {
    const bool library = file.path.starts_with("lib/") && !file.path.starts_with("lib/testing/");
    if (!library || file.path.starts_with("lib/net/poller_")) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      if (std::regex_search(code_of(file.lines[i]), call)) findings.add(file, i, "polls by itself");
    }
  }
  CHECK_MESSAGE(findings.empty(), findings.text());
}
