// docs/DESIGN.md section 2: one word, one meaning, one home.
#include <doctest/doctest.h>

#include <regex>
#include <string>
#include <vector>

#include "source_tree.h"

using namespace llmorch::house;

namespace {

// Words that mean something here under another name. Looked for in identifiers, not in prose: a
// vendor's documentation may well speak of deployments.
struct Banned {
  const char* pattern;  // of an identifier, lower case
  const char* instead;
};
const std::vector<Banned> kInCode = {
    {"(^|_)(virtual_?key|vkey)", "Principal (DESIGN 2)"},
    {"(^|_)backends?(_|$)", "Target or Provider"},
    {"(^|_)(router|llm)_?channel", "Provider or Target"},
    {"(^|_)model_?deployments?(_|$)", "Target"},
    {"(^|_)fallback_?models?(_|$)", "targets in a later Tier"},
    {"(^|_)api_?dialects?(_|$)", "Format"},
    {"(^|_)sub_?requests?(_|$)", "Attempt"},
    {"(^|_)upstream_?endpoints?(_|$)", "Target"},
};
// Types whose names would be a second word for one that exists.
const std::regex kTypeNames(
    R"(\b(class|struct|enum class|enum)\s+(Endpoint|Backend|Deployment|VirtualKey|Dialect)\b)");
// Keys of configuration and logs, as they are written in strings.
const std::regex kKeys(
    R"re(\\?"(priority|deployment|backend|virtual_key|vkey|fallbacks)\\?"\s*:)re");

std::string lower_snake(const std::string& identifier) {
  std::string out;
  for (std::size_t i = 0; i < identifier.size(); ++i) {
    const bool upper = identifier[i] >= 'A' && identifier[i] <= 'Z';
    if (upper && i > 0 && identifier[i - 1] != '_') out.push_back('_');
    out.push_back(upper ? static_cast<char>(identifier[i] - 'A' + 'a') : identifier[i]);
  }
  return out;
}

bool ours(const File& file) {
  return file.path.starts_with("include/") || file.path.starts_with("lib/") ||
         file.path.starts_with("server/") || file.path.starts_with("bindings/");
}

}  // namespace

TEST_CASE("words: no second name for a thing that has one") {
  static const std::regex identifier(R"([A-Za-z_]\w+)");
  std::vector<std::pair<std::regex, const char*>> banned;
  for (const Banned& row : kInCode) banned.emplace_back(std::regex(row.pattern), row.instead);
  Findings findings;
  for (const File& file : sources()) {
    if (!ours(file)) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string code = code_of(file.lines[i]);
      for (std::sregex_iterator it(code.begin(), code.end(), identifier), end; it != end; ++it) {
        const std::string word = lower_snake(it->str());
        for (const auto& [pattern, instead] : banned) {
          if (std::regex_search(word, pattern))
            findings.add(file, i, it->str() + ": say " + instead);
        }
      }
      if (std::regex_search(code, kTypeNames))
        findings.add(file, i, "a type DESIGN 2 has a word for");
    }
  }
  CHECK_MESSAGE(findings.empty(), findings.text());
}

TEST_CASE("words: configuration, logs and documents use the keys of DESIGN 2 and 4.12") {
  Findings findings;
  for (const File& file : sources()) {
    // Vendors' own requests may hold such keys, so tests and formats are left out.
    if (!ours(file) || file.path.starts_with("lib/formats/") ||
        file.path.starts_with("lib/testing/"))
      continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      if (std::regex_search(file.lines[i], kKeys)) findings.add(file, i, "not a word of DESIGN 2");
    }
  }
  static const std::regex yaml_key(
      R"(^[\s-]*(priority|deployments?|backends?|virtual_keys?|fallbacks)\s*:)");
  for (const File& file : documents()) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      if (std::regex_search(file.lines[i], yaml_key))
        findings.add(file, i, "not a word of DESIGN 2");
    }
  }
  CHECK_MESSAGE(findings.empty(), findings.text());
}

TEST_CASE("words: the words of DESIGN 2 stand where they are promised") {
  const std::string types = slurp("include/llmorch/types.h") + slurp("include/llmorch/stream.h") +
                            slurp("include/llmorch/loop.h") +
                            slurp("include/llmorch/spi/format.h") +
                            slurp("include/llmorch/spi/provider.h");
  for (const char* word : {"Format", "Operation", "ProviderType", "Provider", "Credential",
                           "Target", "Principal", "Frame", "Verdict", "Stream", "Record", "Loop"}) {
    const std::regex declared("\\b(class|struct|enum class) " + std::string(word) + "\\b");
    CHECK_MESSAGE(std::regex_search(types, declared), word, " is declared in no public header");
  }
}
