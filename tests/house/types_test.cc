// House rule: one word, one meaning. Two types of one name in one namespace link without a word,
// and then one of them runs the other's constructor.
#include <doctest/doctest.h>

#include <map>
#include <regex>
#include <string>

#include "source_tree.h"

using namespace llmorch::house;

TEST_CASE("types: no two types of a namespace have the same name") {
  static const std::regex opening(R"(^(inline )?namespace ?([A-Za-z0-9_:]*) ?\{)");
  static const std::regex closing(R"(^\}  // namespace)");
  // At the start of a line is at namespace scope: namespaces are not indented.
  static const std::regex type(
      R"(^(struct|class|union|enum class|enum) ([A-Za-z0-9_]+)( final)?( :| \{|$))");
  std::map<std::string, std::string> homes;
  Findings findings;
  for (const File& file : read_tree({"include", "lib", "server"}, {".h", ".cc"})) {
    std::vector<std::string> spaces;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      const std::string& line = file.lines[i];
      if (std::regex_search(line, match, opening)) {
        spaces.push_back(match[2].str().empty() ? "(own)" : match[2].str());
      } else if (std::regex_search(line, closing)) {
        if (!spaces.empty()) spaces.pop_back();
      } else if (std::regex_search(line, match, type)) {
        std::string name;
        bool own = false;
        for (const std::string& space : spaces) {
          own = own || space == "(own)";
          name.append(space).append("::");
        }
        if (own) continue;
        name.append(match[2].str());
        const auto [home, fresh] = homes.emplace(name, file.path);
        if (!fresh) findings.add(file, i, name + " is also defined in " + home->second);
      }
    }
  }
  CHECK(homes.size() > 100);
  CHECK_MESSAGE(findings.empty(), findings.text());
}
