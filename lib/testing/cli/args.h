// Args: "--name value" and "--flag" options of llmorch-testing. Every option given must be asked
// for, so that a typing error is an error.
#ifndef LLMORCH_TESTING_CLI_ARGS_H_
#define LLMORCH_TESTING_CLI_ARGS_H_

#include <charconv>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmorch::testing {

class Args {
 public:
  Args(int count, char** words) {
    for (int i = 0; i < count; ++i) {
      const std::string_view word = words[i];
      if (!word.starts_with("--")) {
        problem_ = "unexpected: " + std::string(word);
        return;
      }
      const bool has_value = i + 1 < count && !std::string_view(words[i + 1]).starts_with("--");
      given_.emplace_back(word.substr(2), has_value ? words[++i] : "");
    }
  }

  bool flag(std::string_view name) { return !all(name).empty(); }

  std::string text(std::string_view name, std::string fallback = {}) {
    const auto values = all(name);
    return values.empty() ? std::move(fallback) : values.back();
  }

  std::uint64_t number(std::string_view name, std::uint64_t fallback) {
    const auto values = all(name);
    if (values.empty()) return fallback;
    const std::string& value = values.back();
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size()) {
      problem_ = "--" + std::string(name) + " needs a whole number";
    }
    return number;
  }

  std::vector<std::string> all(std::string_view name) {
    asked_.emplace(name);
    std::vector<std::string> values;
    for (const auto& [given, value] : given_) {
      if (given == name) values.push_back(value);
    }
    return values;
  }

  // "" when all is well. Call it after everything was asked for.
  std::string problem() const {
    if (!problem_.empty()) return problem_;
    for (const auto& [given, value] : given_) {
      if (asked_.find(given) == asked_.end()) return "unknown option: --" + given;
    }
    return "";
  }

 private:
  std::vector<std::pair<std::string, std::string>> given_;
  std::set<std::string, std::less<>> asked_;
  std::string problem_;
};

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_CLI_ARGS_H_
