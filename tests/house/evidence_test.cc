// A figure that documents quote was measured, and whoever doubts it finds the command that measures
// it again: docs/evidence/NAME.json, written by scripts/verify.sh.
//
// The rule: a paragraph (or table) of README.md, CONTRIBUTING.md or docs/*.md that holds a figure
// of speed or memory carries <!-- evidence: NAME -->, and the number stands in that file as quoted.
// docs/DESIGN.md may say <!-- evidence: plan --> for figures of the prototypes it was designed on.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "source_tree.h"

using namespace llmorch::house;

namespace {

// A number with a unit of speed; or of size or time, where the line says that it is about cost.
std::vector<std::string> figures_in(const std::string& line) {
  static const std::regex speed(
      R"(([0-9][0-9.,]*)\s*(µs|us\b|ns\b|req/s|requests/s|calls/s|chunks/s|tokens/s|streams/s))");
  static const std::regex cost(R"(([0-9][0-9.,]*)\s*(ms\b|KB\b|KiB\b|MB\b|MiB\b))");
  static const std::regex about_cost(
      R"(\b(CPU|RSS|overhead|latency|p50|p95|p99|per stream|measured)\b)", std::regex::icase);
  std::vector<std::string> numbers;
  const auto take = [&](const std::regex& pattern) {
    for (std::sregex_iterator it(line.begin(), line.end(), pattern), end; it != end; ++it) {
      std::string number = (*it)[1].str();
      number.erase(std::remove(number.begin(), number.end(), ','), number.end());
      numbers.push_back(number);
    }
  };
  take(speed);
  if (std::regex_search(line, about_cost)) take(cost);
  return numbers;
}

bool holds_number(const std::string& json, const std::string& number) {
  for (std::size_t at = json.find(number); at != std::string::npos;
       at = json.find(number, at + 1)) {
    const auto part_of_number = [](char c) { return (c >= '0' && c <= '9') || c == '.'; };
    const bool before = at > 0 && part_of_number(json[at - 1]);
    const std::size_t end = at + number.size();
    const bool after = end < json.size() && part_of_number(json[end]);
    if (!before && !after) return true;
  }
  return false;
}

void check_paragraph(const File& file, std::size_t begin, std::size_t end, Findings& findings) {
  static const std::regex marker(R"(<!-- evidence: ([a-z][a-z0-9-]*) -->)");
  std::string evidence;
  std::vector<std::string> names;
  for (std::size_t i = begin; i < end; ++i) {
    std::smatch match;
    if (std::regex_search(file.lines[i], match, marker)) names.push_back(match[1].str());
  }
  for (const std::string& name : names) {
    if (name == "plan" && file.path == "docs/DESIGN.md") return;
    if (!exists("docs/evidence/" + name + ".json")) {
      findings.add(file, begin, "names docs/evidence/" + name + ".json, which is not there");
    }
    evidence += slurp("docs/evidence/" + name + ".json");
  }
  for (std::size_t i = begin; i < end; ++i) {
    for (const std::string& number : figures_in(file.lines[i])) {
      if (names.empty()) {
        findings.add(file, i, "the figure " + number + " has no <!-- evidence: NAME -->");
      } else if (!holds_number(evidence, number)) {
        findings.add(file, i, "the figure " + number + " stands in none of its evidence");
      }
    }
  }
}

}  // namespace

TEST_CASE("evidence: figures are told from other numbers") {
  struct Row {
    const char* line;
    std::size_t figures;
  };
  const Row rows[] = {
      {"CPU per request 26 µs, nginx 11.1 µs", 2},
      {"about 12,000 req/s", 1},
      {"18 KB per stream", 1},
      {"limits: 32 MB per body", 0},
      {"after 15 ms it gives up", 0},
      {"p99 latency 15 ms", 1},
      {"libcurl 7.88, version 2", 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.line);
    CHECK(figures_in(row.line).size() == row.figures);
  }
  CHECK(holds_number(R"({"cpu_us": 26.4})", "26.4"));
  CHECK_FALSE(holds_number(R"({"cpu_us": 126.4})", "26.4"));
}

TEST_CASE("evidence: no document quotes a figure that nobody can measure again") {
  Findings findings;
  for (const File& file : documents()) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= file.lines.size(); ++i) {
      if (i < file.lines.size() && !file.lines[i].empty()) continue;
      check_paragraph(file, begin, i, findings);
      begin = i + 1;
    }
  }
  CHECK_MESSAGE(findings.empty(), findings.text());
}

TEST_CASE("evidence: every evidence file says how, where, when and on which commit") {
  Findings findings;
  for (const File& file : read_tree({"docs/evidence"}, {".json"})) {
    std::string text;
    for (const std::string& line : file.lines) text.append(line);
    for (const char* key : {"command", "commit", "machine", "date", "figures"}) {
      if (text.find("\"" + std::string(key) + "\"") == std::string::npos)
        findings.add(file.path + ": no \"" + key + "\"");
    }
  }
  CHECK_MESSAGE(findings.empty(), findings.text());
}
