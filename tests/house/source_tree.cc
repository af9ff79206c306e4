#include "source_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace fs = std::filesystem;

namespace llmorch::house {
namespace {

bool ends_in_one_of(std::string_view text, const std::vector<std::string>& endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](const std::string& ending) { return text.ends_with(ending); });
}

File read_file(const fs::path& path) {
  File file{fs::relative(path, LLMORCH_SOURCE_DIR).generic_string(), {}};
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) file.lines.push_back(std::move(line));
  return file;
}

}  // namespace

std::vector<File> read_tree(const std::vector<std::string>& places,
                            const std::vector<std::string>& endings) {
  std::vector<File> files;
  for (const std::string& place : places) {
    const fs::path top = fs::path(LLMORCH_SOURCE_DIR) / place;
    if (fs::is_regular_file(top)) {
      files.push_back(read_file(top));
    } else if (fs::is_directory(top)) {
      for (const fs::directory_entry& entry : fs::recursive_directory_iterator(top)) {
        if (entry.is_regular_file() && ends_in_one_of(entry.path().filename().string(), endings)) {
          files.push_back(read_file(entry.path()));
        }
      }
    }
  }
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
  return files;
}

const std::vector<File>& sources() {
  static const std::vector<File> files = read_tree(
      {"include", "lib", "server", "bindings", "examples", "tests", "bench"}, {".h", ".cc", ".c"});
  return files;
}

const std::vector<File>& documents() {
  static const std::vector<File> files =
      read_tree({"README.md", "CONTRIBUTING.md", "docs"}, {".md"});
  return files;
}

bool exists(const std::string& path) { return fs::exists(fs::path(LLMORCH_SOURCE_DIR) / path); }

std::string slurp(const std::string& path) {
  std::ifstream in(fs::path(LLMORCH_SOURCE_DIR) / path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string code_of(std::string_view line) {
  std::string code;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (c == '\\') {
        ++i;
      } else if (c == quote) {
        quote = 0;
        code.push_back(c);
      }
      continue;
    }
    if (c == '/' && i + 1 < line.size() && line[i + 1] == '/') break;
    if (c == '"') quote = c;
    code.push_back(c);
  }
  return code;
}

void Findings::add(const File& file, std::size_t line_index, std::string_view message) {
  text_.append(file.path).append(":").append(std::to_string(line_index + 1)).append(": ");
  add(message);
}

void Findings::add(std::string_view text) { text_.append(text).append("\n"); }

}  // namespace llmorch::house
