// JSON Schema and Gemini's OpenAPI subset (WIRE_FORMATS 3.3).
#include "formats/gemini/schema.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/answers.h"

namespace llmorch {
namespace {

using Convert = std::string (*)(const json::Value&);

struct Case {
  std::string rule;
  std::string given;
  std::string wanted;
};

void run(Convert convert, const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    CAPTURE(one.rule);
    const auto document = json::Document::parse(one.given);
    REQUIRE(document.has_value());
    const std::string got = convert(document->root());
    CAPTURE(got);
    CHECK(testing::same_json(got, one.wanted));
  }
}

TEST_CASE("gemini schema: parametersJsonSchema and responseJsonSchema") {
  run(gemini::json_schema,
      {
          {"known keywords stay, numbers as they stood",
           R"({"type":"object","title":"t","description":"d","properties":{"a":{"type":"number","minimum":0.10,"maximum":1e2}},"required":["a"],"additionalProperties":false})",
           R"({"type":"object","title":"t","description":"d","properties":{"a":{"type":"number","minimum":0.10,"maximum":1e2}},"required":["a"],"additionalProperties":false})"},
          {"rule 59: the same at every depth",
           R"({"$schema":"s","type":"object","properties":{"a":{"anyOf":[{"type":"array","items":{"type":"string","default":"x","examples":["y"],"pattern":"p"}}]}}})",
           R"({"type":"object","properties":{"a":{"anyOf":[{"type":"array","items":{"type":"string"}}]}}})"},
          {"rule 60: properties named like keywords stay",
           R"({"type":"object","properties":{"default":{"type":"string"},"pattern":{"type":"string"},"$schema":{"type":"string"},"const":{"const":true}},"required":["default"]})",
           R"({"type":"object","properties":{"default":{"type":"string"},"pattern":{"type":"string"},"$schema":{"type":"string"},"const":{"type":"boolean","enum":[true]}},"required":["default"]})"},
          {"const is an enum of one", R"({"const":{"a":1}})",
           R"({"type":"object","enum":[{"a":1}]})"},
          {"const beside a type", R"({"type":"string","const":"x"})",
           R"({"type":"string","enum":["x"]})"},
          {"only keys with a dollar beside $ref",
           R"({"$defs":{"N":{"type":"object","properties":{"next":{"$ref":"#/$defs/N","description":"d"}}}},"$ref":"#/$defs/N","title":"t"})",
           R"({"$defs":{"N":{"type":"object","properties":{"next":{"$ref":"#/$defs/N"}}}},"$ref":"#/$defs/N"})"},
          {"older spelling of definitions",
           R"({"definitions":{"N":{"type":"string"}},"type":"object","properties":{"a":{"$ref":"#/definitions/N"}}})",
           R"({"$defs":{"N":{"type":"string"}},"type":"object","properties":{"a":{"$ref":"#/$defs/N"}}})"},
          {"one reference in allOf",
           R"({"properties":{"a":{"allOf":[{"$ref":"#/$defs/N"}],"description":"d"}},"$defs":{"N":{"type":"string"}}})",
           R"({"properties":{"a":{"$ref":"#/$defs/N"}},"$defs":{"N":{"type":"string"}}})"},
          {"allOf is merged",
           R"({"allOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},{"$ref":"#/$defs/B"}],"$defs":{"B":{"properties":{"b":{"type":"integer"}},"required":["b"]}}})",
           R"({"$defs":{"B":{"properties":{"b":{"type":"integer"}},"required":["b"]}},"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["a","b"]})"},
          {"lists of types and oneOf are taken", R"({"oneOf":[{"type":["string","null"]},true]})",
           R"({"oneOf":[{"type":["string","null"]},{}]})"},
          {"nullable is a second type", R"({"type":"string","nullable":true})",
           R"({"type":["string","null"]})"},
          {"tuples", R"({"type":"array","items":[{"type":"string"}]})",
           R"({"type":"array","prefixItems":[{"type":"string"}]})"},
          {"schemas of further members",
           R"({"type":"object","additionalProperties":{"type":"string","pattern":"p"}})",
           R"({"type":"object","additionalProperties":{"type":"string"}})"},
          {"names that are not declared are not required",
           R"({"type":"object","properties":{"a":{}},"required":["a","b"]})",
           R"({"type":"object","properties":{"a":{}},"required":["a"]})"},
      });
}

TEST_CASE("gemini schema: the OpenAPI subset of older models") {
  run(gemini::openapi_schema,
      {
          {"rule 58: no additionalProperties; upper-case types",
           R"({"type":"object","properties":{"a":{"type":"integer","exclusiveMinimum":1}},"additionalProperties":false})",
           R"({"type":"OBJECT","properties":{"a":{"type":"INTEGER"}}})"},
          {"a second type null", R"({"type":["string","null"]})",
           R"({"type":"STRING","nullable":true})"},
          {"several types", R"({"type":["string","integer"]})",
           R"({"anyOf":[{"type":"STRING"},{"type":"INTEGER"}]})"},
          {"anyOf with null",
           R"({"anyOf":[{"type":"string","minLength":1},{"type":"null"}],"description":"d"})",
           R"({"type":"STRING","minLength":1,"nullable":true})"},
          {"oneOf", R"({"oneOf":[{"type":"string"},{"type":"number"},{"type":"null"}]})",
           R"({"anyOf":[{"type":"STRING"},{"type":"NUMBER"}],"nullable":true})"},
          {"enums are strings", R"({"enum":[1,"a",null]})",
           R"({"type":"STRING","enum":["1","a"],"nullable":true})"},
          {"const", R"({"const":"x"})", R"({"type":"STRING","enum":["x"]})"},
          {"references are put in their place",
           R"({"$defs":{"N":{"type":"object","properties":{"a":{"type":"string"}}}},"type":"object","properties":{"n":{"$ref":"#/$defs/N"}}})",
           R"({"type":"OBJECT","properties":{"n":{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}}})"},
          {"a cycle ends",
           R"({"$defs":{"N":{"type":"object","properties":{"n":{"$ref":"#/$defs/N"}}}},"$ref":"#/$defs/N"})",
           R"({"type":"OBJECT","properties":{"n":{"type":"OBJECT"}}})"},
          {"formats",
           R"({"type":"object","properties":{"a":{"type":"string","format":"uri"},"b":{"type":"string","format":"date-time"},"c":{"type":"integer","format":"int32"}}})",
           R"({"type":"OBJECT","properties":{"a":{"type":"STRING"},"b":{"type":"STRING","format":"date-time"},"c":{"type":"INTEGER","format":"int32"}}})"},
          {"lists need items", R"({"type":"array"})",
           R"({"type":"ARRAY","items":{"type":"STRING"}})"},
          {"only what is declared is required",
           R"({"type":"object","properties":{"a":{"type":"string"}},"required":["a","b"]})",
           R"({"type":"OBJECT","properties":{"a":{"type":"STRING"}},"required":["a"]})"},
          {"allOf is merged",
           R"({"allOf":[{"type":"object","properties":{"a":{"type":"string"}}},{"properties":{"b":{"type":"string"}}}]})",
           R"({"type":"OBJECT","properties":{"a":{"type":"STRING"},"b":{"type":"STRING"}}})"},
      });
  // References that double at each step must not explode.
  std::string bomb = R"({"type":"object","properties":{"a":{"$ref":"#/$defs/N0"}},"$defs":{)";
  for (int i = 0; i < 40; ++i) {
    const std::string next = "\"#/$defs/N" + std::to_string(i + 1) + "\"";
    bomb += (i > 0 ? ",\"N" : "\"N") + std::to_string(i) +
            R"(":{"type":"object","properties":{"a":{"$ref":)" + next + R"(},"b":{"$ref":)" + next +
            "}}}";
  }
  const auto document = json::Document::parse(bomb + "}}");
  REQUIRE(document.has_value());
  CHECK(gemini::openapi_schema(document->root()).size() < (std::size_t{4} << 20));
}

TEST_CASE("gemini schema: from OpenAPI (WIRE 6.3)") {
  run(gemini::from_openapi,
      {
          {"types and null",
           R"({"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true,"enum":["x"]},"nullable":{"type":"INTEGER"}},"propertyOrdering":["a"]})",
           R"({"type":"object","properties":{"a":{"type":["string","null"],"enum":["x",null]},"nullable":{"type":"integer"}}})"},
          {"long numbers",
           R"({"type":"ARRAY","items":{"type":"STRING"},"minItems":"1","maxItems":2})",
           R"({"type":"array","items":{"type":"string"},"minItems":1,"maxItems":2})"},
          {"a choice that may be null", R"({"anyOf":[{"type":"STRING"}],"nullable":true})",
           R"({"anyOf":[{"type":"string"},{"type":"null"}]})"},
          {"an example", R"({"type":"STRING","example":"x"})",
           R"({"type":"string","examples":["x"]})"},
      });
}

}  // namespace
}  // namespace llmorch
