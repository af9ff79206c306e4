// Pieces of OpenAI requests, and a runner for tables that say what becomes of them.
#ifndef LLMORCH_TESTS_FORMATS_ANTHROPIC_REQUESTS_H_
#define LLMORCH_TESTS_FORMATS_ANTHROPIC_REQUESTS_H_

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/anthropic_support.h"

namespace llmorch::testing {

inline const std::string kHi = R"("messages":[{"role":"user","content":"hi"}])";
inline const std::string kPng = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ";

inline std::string with(const std::string& fields, const std::string& messages = kHi) {
  return R"({"model":"m",)" + messages + (fields.empty() ? "" : ",") + fields + "}";
}
inline std::string talk(const std::string& messages, const std::string& fields = "") {
  return with(fields, R"("messages":[)" + messages + "]");
}
inline std::string user(const std::string& parts) {
  return talk(R"({"role":"user","content":[)" + parts + "]}");
}
inline std::string tool(const std::string& name, const std::string& more = "") {
  return R"({"type":"function","function":{"name":")" + name + "\"" + more + "}}";
}
inline std::string call(const std::string& id, const std::string& name,
                        const std::string& arguments) {
  return R"({"id":")" + id + R"(","type":"function","function":{"name":")" + name +
         R"(","arguments":)" + arguments + "}}";
}

struct Field {
  std::string rule;
  std::string body;
  std::string model;
  std::string path;
  std::string json;  // "" : the field is not there
};

inline void check(const std::vector<Field>& cases) {
  for (const Field& c : cases) {
    CAPTURE(c.rule);
    CAPTURE(c.path);
    const std::string body = body_or_error(chat_to_anthropic(c.body, c.model));
    CAPTURE(body);
    const std::string found = at_path(body, c.path);
    CAPTURE(found);
    const bool same = c.json.empty() ? found.empty() : same_json(found, c.json);
    CHECK(same);
  }
}

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTS_FORMATS_ANTHROPIC_REQUESTS_H_
