// Recorded traffic for tests. It is not part of the project: the folder is named by the environment
// variable LLMORCH_FIXTURES, and tests that need it say so and pass when it is not set.
#ifndef LLMORCH_TESTS_FORMATS_FIXTURES_H_
#define LLMORCH_TESTS_FORMATS_FIXTURES_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace llmorch::testing {

// The folder, or an empty path after a message that names the variable.
std::filesystem::path fixtures();
std::string read_file(const std::filesystem::path& path);
std::vector<std::string> split_lines(const std::string& text);
// All files under these folders of the fixtures whose name ends so, sorted.
std::vector<std::filesystem::path> fixture_files(const std::vector<std::string>& folders,
                                                 std::string_view ending);

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTS_FORMATS_FIXTURES_H_
