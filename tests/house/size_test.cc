// House rules on single files: short, asleep never, finished.
#include <doctest/doctest.h>

#include <regex>
#include <string>

#include "source_tree.h"

using namespace llmorch::house;

TEST_CASE("size: no file holds two things (over 700 lines fails, over 400 is listed)") {
  Findings too_long;
  for (const File& file : sources()) {
    const std::size_t lines = file.lines.size();
    if (lines > 700) too_long.add(file.path + ": " + std::to_string(lines) + " lines");
    if (lines > 400) MESSAGE(file.path, ": ", lines, " lines; does it hold one thing?");
  }
  CHECK_MESSAGE(too_long.empty(), too_long.text());
}

TEST_CASE("tests: nothing waits by sleeping") {
  static const std::regex sleeping(
      R"(\b(sleep_for|sleep_until|usleep|nanosleep|time\.sleep)\b|\bsleep\s*\()");
  Findings findings;
  for (const File& file : read_tree({"tests"}, {".h", ".cc", ".c", ".py", ".sh"})) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      if (std::regex_search(code_of(file.lines[i]), sleeping)) {
        if (file.path != "tests/house/size_test.cc") findings.add(file, i, "sleeps");
      }
    }
  }
  CHECK_MESSAGE(findings.empty(), findings.text());
}

TEST_CASE("size: nothing is marked as unfinished") {
  static const std::regex marker(R"(\b(TODO|FIXME|XXX|HACK)\b)");
  Findings findings;
  for (const File& file : sources()) {
    if (file.path.starts_with("tests/house/")) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      if (std::regex_search(file.lines[i], marker)) findings.add(file, i, "unfinished");
    }
  }
  CHECK_MESSAGE(findings.empty(), findings.text());
}

TEST_CASE("style: a header is guarded by LLMORCH_<PATH>_H_ and says what it is for") {
  Findings findings;
  for (const File& file : sources()) {
    if (!file.path.ends_with(".h")) continue;
    std::string guard = file.path;
    for (const char* root : {"include/", "lib/"}) {
      if (guard.starts_with(root)) guard.erase(0, std::string(root).size());
    }
    for (char& c : guard) {
      c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A')
                               : (std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_');
    }
    if (!guard.starts_with("LLMORCH_")) guard.insert(0, "LLMORCH_");
    guard.push_back('_');
    std::string text;
    for (const std::string& line : file.lines) text.append(line).append("\n");
    if (text.find("#ifndef " + guard + "\n#define " + guard + "\n") == std::string::npos)
      findings.add(file.path + ": the guard should be " + guard);
    if (!text.starts_with("//") && !text.starts_with("/*"))
      findings.add(file.path + ": opens without saying what it is for");
  }
  CHECK_MESSAGE(findings.empty(), findings.text());
}
