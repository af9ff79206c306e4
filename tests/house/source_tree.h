// The source tree as the house tests read it.
#ifndef LLMORCH_TESTS_HOUSE_SOURCE_TREE_H_
#define LLMORCH_TESTS_HOUSE_SOURCE_TREE_H_

#include <string>
#include <string_view>
#include <vector>

namespace llmorch::house {

struct File {
  std::string path;  // relative to the top, with '/'
  std::vector<std::string> lines;
};

// Every file below these folders (or these files themselves) whose name ends in one of `endings`,
// sorted by path. Build trees, hidden folders and recorded data are left out.
std::vector<File> read_tree(const std::vector<std::string>& places,
                            const std::vector<std::string>& endings);

// All C and C++ sources of the project.
const std::vector<File>& sources();
// README.md, CONTRIBUTING.md and docs/*.md.
const std::vector<File>& documents();
bool exists(const std::string& path);
std::string slurp(const std::string& path);

// A line without its comment and without the insides of its string literals, so that a rule about
// code does not trip over words. Good enough for lines, and knows nothing of raw strings.
std::string code_of(std::string_view line);

// "path:12: message" lines, one below the other, for a test's message.
class Findings {
 public:
  void add(const File& file, std::size_t line_index, std::string_view message);
  void add(std::string_view text);
  bool empty() const { return text_.empty(); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace llmorch::house

#endif  // LLMORCH_TESTS_HOUSE_SOURCE_TREE_H_
