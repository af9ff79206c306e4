#include "formats/fixtures.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

namespace llmorch::testing {

std::filesystem::path fixtures() {
  const char* folder = std::getenv("LLMORCH_FIXTURES");
  if (folder != nullptr && std::filesystem::is_directory(folder)) return folder;
  MESSAGE("skipped: LLMORCH_FIXTURES does not name a folder of recorded traffic");
  return {};
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) out.push_back(line);
  }
  return out;
}

std::vector<std::filesystem::path> fixture_files(const std::vector<std::string>& folders,
                                                 std::string_view ending) {
  std::vector<std::filesystem::path> out;
  const std::filesystem::path root = fixtures();
  if (root.empty()) return out;
  for (const std::string& folder : folders) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_regular_file() && name.size() >= ending.size() &&
          name.compare(name.size() - ending.size(), ending.size(), ending) == 0) {
        out.push_back(entry.path());
      }
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace llmorch::testing
