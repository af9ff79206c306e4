// JSON Schemas as Anthropic takes them (WIRE 2.4), and what its models differ in (WIRE 2.6).
#include "formats/anthropic_messages/schema.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/answers.h"
#include "formats/anthropic_messages/models.h"

namespace llmorch::anthropic_messages {
namespace {

std::string object(const std::string& properties) {
  return R"({"type":"object","properties":)" + properties + R"(,"required":["a"]})";
}
std::string held(const std::string& properties) {
  return R"({"type":"object","properties":)" + properties +
         R"(,"required":["a"],"additionalProperties":false})";
}

TEST_CASE("schema: what a strict one may say") {
  struct Case {
    std::string rule;
    std::string schema;
    std::string strict;
  };
  const std::vector<Case> cases = {
      {"plain", object(R"({"a":{"type":"string"}})"), held(R"({"a":{"type":"string"}})")},
      {"no members", R"({"type":"object"})",
       R"({"type":"object","properties":{},"additionalProperties":false})"},
      {"additionalProperties is said everywhere",
       object(R"({"a":{"type":"object","additionalProperties":true,"properties":{}}})"),
       held(R"({"a":{"type":"object","properties":{},"additionalProperties":false}})")},
      {"oneOf is anyOf", object(R"({"a":{"oneOf":[{"type":"string"},{"type":"null"}]}})"),
       held(R"({"a":{"anyOf":[{"type":"string"},{"type":"null"}]}})")},
      {"other keywords become a note",
       object(R"({"a":{"type":"integer","minimum":0,"maximum":9,"description":"d"}})"),
       held(R"({"a":{"type":"integer","description":"d\n\n{minimum: 0, maximum: 9}"}})")},
      {"properties named like keywords stay (rule 60)",
       object(R"({"a":{"type":"string"},"minimum":{"type":"string"},"$schema":{"type":"string"}})"),
       held(R"({"a":{"type":"string"},"minimum":{"type":"string"},"$schema":{"type":"string"}})")},
      {"$schema goes",
       R"({"$schema":"x","type":"object","properties":{"a":{"const":1}},"required":["a"]})",
       held(R"({"a":{"const":1}})")},
      {"formats",
       object(R"({"a":{"type":"string","format":"uuid"},"b":{"type":"string","format":"x"}})"),
       held(
           R"({"a":{"type":"string","format":"uuid"},"b":{"type":"string","description":"{format: \"x\"}"}})")},
      {"items and minItems",
       object(
           R"({"a":{"type":"array","minItems":1,"items":{"type":"string","pattern":"x"}},"b":{"type":"array","minItems":2,"items":{"type":"string"}}})"),
       held(
           R"({"a":{"type":"array","minItems":1,"items":{"type":"string","description":"{pattern: \"x\"}"}},"b":{"type":"array","items":{"type":"string"},"description":"{minItems: 2}"}})")},
      {"a reference keeps nothing else",
       R"({"type":"object","properties":{"a":{"$ref":"#/definitions/T","description":"d"}},"required":["a"],"definitions":{"T":{"type":"string","maxLength":3}}})",
       R"({"type":"object","properties":{"a":{"$ref":"#/$defs/T"}},"required":["a"],"$defs":{"T":{"type":"string","description":"{maxLength: 3}"}},"additionalProperties":false})"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.rule);
    const StrictSchema out = strict_schema(c.schema);
    CAPTURE(out.json);
    CHECK(out.possible);
    CHECK(testing::same_json(out.json, c.strict));
  }
}

TEST_CASE("schema: what cannot be strict") {
  struct Case {
    std::string rule;
    std::string schema;
  };
  std::string deep = R"({"type":"object","properties":{"a":{"$ref":"#/$defs/A"}},"$defs":{)";
  deep += R"("A":{"type":"object","properties":{"b":{"$ref":"#/$defs/B"}}},)";
  deep += R"("B":{"type":"array","items":{"$ref":"#/$defs/A"}}}})";
  const std::vector<Case> cases = {
      {"not JSON", "{"},
      {"not an object", R"({"type":"array","items":{"type":"string"}})"},
      {"true", "true"},
      {"a reference at the root", R"({"$ref":"#/$defs/A","$defs":{"A":{"type":"object"}}})"},
      {"a union at the root", R"({"type":"object","anyOf":[{"type":"object"}]})"},
      {"recursion", deep},
      {"recursion to the root", object(R"({"a":{"$ref":"#"}})")},
      {"a reference to nowhere", object(R"({"a":{"$ref":"#/$defs/none"}})")},
      {"a reference to elsewhere", object(R"({"a":{"$ref":"https://x"}})")},
      {"members with free names",
       object(R"({"a":{"type":"object","additionalProperties":{"type":"string"}}})")},
      {"no type at all", object(R"({"a":{"description":"anything"}})")},
      {"a boolean schema", object(R"({"a":true})")},
  };
  for (const Case& c : cases) {
    CAPTURE(c.rule);
    CHECK_FALSE(strict_schema(c.schema).possible);
  }
}

TEST_CASE("schema: strict ones are counted against the vendor's limits") {
  std::string many;
  for (int i = 0; i < 25; ++i) {
    many += (many.empty() ? "" : ",") + std::string("\"p") + std::to_string(i) +
            R"(":{"type":["string","null"]})";
  }
  const StrictSchema out = strict_schema(R"({"type":"object","properties":{)" + many + "}}");
  CHECK(out.possible);
  CHECK(out.optional == 25);
  CHECK(out.unions == 25);
  CHECK_FALSE(out.fits({}));
  CHECK(out.fits({20, 25, 25}));
}

TEST_CASE("schema: a tool's input") {
  struct Case {
    std::string schema;
    std::string input;
  };
  const std::vector<Case> cases = {
      {"", R"({"type":"object","properties":{}})"},
      {"null", R"({"type":"object","properties":{}})"},
      {"{}", R"({"type":"object","properties":{}})"},
      {R"({"properties":{"a":{}}})", R"({"type":"object","properties":{"a":{}}})"},
      {R"({"type":["object","null"],"properties":{}})", R"({"type":"object","properties":{}})"},
      {R"({"type":"object","description":"d","oneOf":[{"properties":{"a":{"type":"string"}}}],"x":1})",
       R"({"type":"object","properties":{"a":{"type":"string"}},"x":1,"description":"d\n\n{oneOf: [{\"properties\":{\"a\":{\"type\":\"string\"}}}]}"})"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.schema);
    CHECK(testing::same_json(tool_schema(c.schema), c.input));
  }
  const std::string kept = R"({ "type":"object", "properties":{"a":{"minimum":1.0}} })";
  CHECK(tool_schema(kept) == kept);
}

TEST_CASE("models: the longest name wins, and dots are dashes") {
  struct Case {
    std::string model;
    std::string row;
  };
  const std::vector<Case> cases = {
      {"claude-opus-4-20250514", "claude-opus-4"},
      {"claude-opus-4-1-20250805", "claude-opus-4-1"},
      {"claude-opus-4-8", "claude-opus-4-8"},
      {"anthropic/claude-opus-4.6", "claude-opus-4-6"},
      {"us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"},
      {"claude-sonnet-5", "claude-sonnet-5"},
      {"claude-sonnet-5-5", "claude-sonnet-5-5"},
      {"CLAUDE-FABLE-5-2", "claude-fable-5"},
      {"claude-3-haiku-20240307", "claude-3-haiku"},
      {"claude-next", ""},
      {"deepseek-chat", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.model);
    const ModelTraits traits = model_traits(c.model, {});
    CHECK(traits.name == c.row);
    CHECK(traits.known == !c.row.empty());
  }
  CHECK(model_traits("deepseek-chat", {}).max_output_tokens == 4096);
  Capabilities reasons;
  reasons.reasoning = true;
  CHECK(model_traits("deepseek-chat", reasons).thinking == Thinking::kBudget);
  CHECK(model_traits("claude-next", reasons).thinking == Thinking::kAdaptive);
  reasons.reasoning = false;
  CHECK(model_traits("claude-opus-4-8", reasons).thinking == Thinking::kNone);
}

}  // namespace
}  // namespace llmorch::anthropic_messages
