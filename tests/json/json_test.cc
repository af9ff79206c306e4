// The JSON floor: what is valid, where each value stands, and how numbers and strings are read.
#include "json/json.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace llmorch::json {
namespace {

std::string nested(std::size_t depth, std::string_view open, std::string_view close) {
  std::string out;
  for (std::size_t i = 0; i < depth; ++i) out.append(open);
  for (std::size_t i = 0; i < depth; ++i) out.append(close);
  return out;
}

using std::string_literals::operator""s;

// Named after JSONTestSuite's cases: y_ must be accepted, n_ refused.
const std::vector<std::string> kAccepted = {
    "[]",
    "{}",
    "null",
    "true",
    "false",
    "0",
    "-0",
    "\"\"",
    "[1]",
    "[1,2]",
    " [] ",
    "\t[\r\n]\n",
    "[-1]",
    "[0.5]",
    "[1e1]",
    "[1E+2]",
    "[1e-2]",
    "[0e0]",
    "[123.456e78]",
    "[1.0]",
    "[0.70]",
    "[123456789012345678901234567890]",
    "[-9223372036854775809]",
    "[1e-400]",
    "{\"a\":1}",
    "{\"a\":{\"b\":[]}}",
    "{\"\":0}",
    "{\"a\":1,\"a\":2}",
    "{\"a\" : 1 , \"b\" : 2}",
    R"(["\u0060\u012a\u12AB"])",
    R"(["\"\\\/\b\f\n\r\t"])",
    R"(["\ud83d\ude39\u00e9"])",
    R"(["\\u0000"])",
    R"(["\u0000"])",
    "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]",
    "[\"\x7f\"]",
    R"(["\\\ud83d\ude39"])",
    R"(["\\ud83d"])",
    "[[[[[[[[[[[[[]]]]]]]]]]]]]",
    "[null,true,false]",
};
const std::vector<std::string> kRefused = {
    "",
    " ",
    "[",
    "]",
    "{",
    "}",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1,,2]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{a:1}",
    "{'a':1}",
    "{\"a\":1 \"b\":2}",
    "{\"a\" 1}",
    "{1:1}",
    "[01]",
    "[-]",
    "[+1]",
    "[1.]",
    "[.5]",
    "[1e]",
    "[1e+]",
    "[0x1]",
    "[--1]",
    "[1.2.3]",
    "[-01]",
    "[NaN]",
    "[Infinity]",
    "[-Infinity]",
    "[nul]",
    "[True]",
    "[truee]",
    "tru",
    "nulll",
    "[1]x",
    "[] []",
    "{}}",
    "[\"]",
    "\"",
    "[\"a",
    "[\"\\\"]",
    R"(["\x41"])",
    R"(["\u12"])",
    R"(["\u12G4"])",
    R"(["\ud83d"])",
    R"(["\ud83dx"])",
    R"(["\ude39"])",
    R"(["\ud83d\u0041"])",
    "[\"\t\"]",
    "[\"\n\"]",
    "[\"\x01\"]",
    "[\"\x1f\"]",
    "\0"s,
    "[]\0"s,
    "[\"a\0b\"]"s,
    "[1]\0\0"s,
    "[\"\xff\"]",
    "[\"\xc0\xaf\"]",
    "[\"\xed\xa0\x80\"]",
    "[\"\xe2\x82\"]",
    "[\"\xf5\x80\x80\x80\"]",
    "[\xc3\xa9]",
    "\xef\xbb\xbf[]",
    "[1]//c",
    "/*c*/[1]",
    "[\x0c]",
    "[1e400]",
    "[\"\\a\"]",
    "[\"\xf0\x9f\x98\"]",
    "[\"\x80\"]",
};

TEST_CASE("syntax: what RFC 8259 allows is accepted and keeps its text") {
  for (const std::string& text : kAccepted) {
    CAPTURE(text);
    const auto document = Document::parse(text);
    CHECK_MESSAGE(document.has_value(), document.error().message());
    if (document) CHECK(document->text() == text);
  }
}

TEST_CASE("syntax: what RFC 8259 forbids is refused, with a place") {
  for (const std::string& text : kRefused) {
    CAPTURE(text);
    const auto document = Document::parse(text);
    REQUIRE_FALSE(document.has_value());
    CHECK(document.error().code() == Code::kInvalidArgument);
    CHECK(document.error().message().rfind("invalid JSON at line ", 0) == 0);
  }
}

TEST_CASE("syntax: raw control characters are refused wherever they stand") {
  // RapidJSON 1.1.0 lets 0x1A to 0x1F pass in its SIMD path, that is in long strings only.
  for (int byte = 0; byte < 0x20; ++byte) {
    for (std::size_t at = 0; at < 70; ++at) {
      std::string text(70, 'x');
      text[at] = static_cast<char>(byte);
      CAPTURE(byte);
      CAPTURE(at);
      CHECK_FALSE(Document::parse("[\"" + text + "\"]").has_value());
    }
  }
}

TEST_CASE("syntax: bad UTF-8 is found at every place") {
  for (const std::string bad : {"\xff", "\xc3", "\xed\xa0\x80", "\xe2\x82"}) {
    for (std::size_t at = 0; at < 40; ++at) {
      std::string text(40, 'x');
      text.insert(at, bad);
      CHECK_FALSE(Document::parse("[\"" + text + "\"]").has_value());
      text.replace(at, bad.size(), "\xf0\x9f\x98\x80");
      CHECK(Document::parse("[\"" + text + "\"]")->root().at(0).string() == text);
    }
  }
}

TEST_CASE("errors: line, column and cause") {
  struct Case {
    std::string text;
    std::string message;
  };
  const std::vector<Case> cases = {
      {"{\"a\": tru}", "invalid JSON at line 1, column 10: expected a JSON value"},
      {"{\n  \"a\": 1\n  \"b\": 2\n}",
       "invalid JSON at line 3, column 3: expected ',' or '}' after an object member"},
      {"[\"\xc3\xa9\", x]", "invalid JSON at line 1, column 7: expected a JSON value"},
      {"[1]\n]",
       "invalid JSON at line 2, column 1: unexpected text after the end of the JSON value"},
      {"\n\n[\"\xff\"]", "invalid JSON at line 3, column 3: malformed UTF-8"},
      {"[1, \"abc", "invalid JSON at line 1, column 9: a string without its closing quote"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(Document::parse(c.text).error().message() == c.message);
  }
}

TEST_CASE("bounds: depth is exact, and a depth bomb is an error, not a crash") {
  CHECK(Document::parse(nested(64, "[", "]")).has_value());
  CHECK(Document::parse(nested(65, "[", "]")).error().code() == Code::kTooLarge);
  CHECK(Document::parse(nested(100'000, "[", "]")).error().code() == Code::kTooLarge);
  CHECK(Document::parse(std::string(100'000, '[')).error().code() == Code::kTooLarge);
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  CHECK(Document::parse(objects).error().code() == Code::kTooLarge);
  Limits deep;
  deep.max_depth = 1'000'000;  // no caller can ask the parser to overflow the stack
  CHECK(Document::parse(nested(1024, "[", "]"), deep).has_value());
  CHECK(Document::parse(nested(100'000, "[", "]"), deep).error().code() == Code::kTooLarge);
}

TEST_CASE("bounds: number of values") {
  Limits few;
  few.max_values = 4;
  CHECK(Document::parse("[1,2,3]", few).has_value());
  CHECK(Document::parse("[1,2,3,4]", few).error().code() == Code::kTooLarge);
}

TEST_CASE("duplicate keys: the last one counts, or are refused where asked") {
  const auto document = Document::parse(R"({"a":1,"b":0,"\u0061":2})");
  REQUIRE(document.has_value());
  CHECK(document->root()["a"].raw() == "2");
  CHECK(document->root().members().size() == 3);
  Limits strict;
  strict.reject_duplicate_keys = true;
  const Status refused =
      Document::parse("{\"x\":{\"a\":1},\n\"a\":1,\"\\u0061\":2}", strict).error();
  CHECK(refused.code() == Code::kInvalidArgument);
  CHECK(refused.message() == "invalid JSON at line 2: the key \"a\" stands twice in one object");
  CHECK(Document::parse(R"([{"a":1},{"a":2,"b":{"a":1}}])", strict).has_value());
}

TEST_CASE("numbers: kept as written, converted only where they fit") {
  struct Case {
    std::string text;
    std::optional<std::int64_t> integer;
    std::optional<double> number;
  };
  const std::vector<Case> cases = {
      {"0", 0, 0.0},
      {"-0", 0, 0.0},
      {"0.70", std::nullopt, 0.7},
      {"3.0", 3, 3.0},
      {"1e3", 1000, 1000.0},
      {"1e-400", 0, 0.0},
      {"9223372036854775807", 9223372036854775807, 9223372036854775807.0},
      {"9223372036854775808", std::nullopt, 9223372036854775808.0},
      {"-9223372036854775808", INT64_MIN, -9223372036854775808.0},
      {"123456789012345678901234567890", std::nullopt, 123456789012345678901234567890.0},
      {"1e300", std::nullopt, 1e300},
      {"179.9e306", std::nullopt, std::nullopt},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto document = Document::parse("[" + c.text + "]");
    REQUIRE(document.has_value());
    const Value value = document->root().at(0);
    CHECK(value.raw() == c.text);
    CHECK(value.integer() == c.integer);
    CHECK(value.number() == c.number);
  }
}

TEST_CASE("strings: decoded on demand") {
  struct Case {
    std::string text;
    std::string decoded;
  };
  const std::vector<Case> cases = {
      {R"("")", ""},
      {R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"},
      {R"("\u0041\u00e9\u20ac\ud83d\ude00!")", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!"},
      {R"("a\u0000b")", "a\0b"s},
      {R"("\\u0041")", "\\u0041"},
      {R"("ends with a slash\\")", "ends with a slash\\"},
      {R"("\\\"")", "\\\""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto document = Document::parse("[" + c.text + " ,{" + c.text + ":1}]");
    REQUIRE(document.has_value());
    CHECK(document->root().at(0).raw() == c.text);
    CHECK(document->root().at(0).string() == c.decoded);
    CHECK(document->root().at(1)[c.decoded].raw() == "1");
    CHECK(document->root().at(1).members()[0].key == c.decoded);
  }
}

TEST_CASE("values: every accessor is total") {
  const auto document =
      Document::parse(R"( { "s" : "x" , "n" : 1 , "t" : true , "z" : null , "a" : [ 1 , [ ] ] } )");
  REQUIRE(document.has_value());
  const Value root = document->root();
  CHECK(root.size() == 5);
  CHECK(root["a"].raw() == "[ 1 , [ ] ]");
  CHECK(root["a"].offset() == document->text().find('['));
  CHECK(root["a"].at(1).is_array());
  CHECK(root["a"].at(2).type() == Type::kMissing);
  CHECK(root["a"]["x"].type() == Type::kMissing);
  CHECK(root["missing"]["deeper"].at(3).raw().empty());
  CHECK_FALSE(root["s"].integer().has_value());
  CHECK_FALSE(root["n"].string().has_value());
  CHECK_FALSE(root["n"].boolean().has_value());
  CHECK(root["t"].boolean() == true);
  CHECK(root["z"].is_null());
  CHECK(root["s"].items().empty());
  CHECK(root["s"].members().empty());
  CHECK(Value().items().empty());
  std::vector<std::string> keys;
  for (const Value::Member& member : root.members()) keys.push_back(member.key);
  CHECK(keys == std::vector<std::string>{"s", "n", "t", "z", "a"});
}

TEST_CASE("ownership: values survive a move of their document") {
  auto parsed = Document::parse(R"({"a":"b"})");
  REQUIRE(parsed.has_value());
  const Value value = parsed->root()["a"];
  const Document moved = std::move(*parsed);
  CHECK(value.string() == "b");
}

}  // namespace
}  // namespace llmorch::json
