// The scanner: it says the same as the tree, and its offsets point at the bytes they name.
#include "json/scan.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace llmorch::json {
namespace {

class Tape : public Visitor {
 public:
  bool key(unsigned depth, std::string_view name, std::size_t begin) override {
    return add("k", depth, name, begin);
  }
  bool scalar(unsigned depth, Type, std::string_view text, std::size_t begin) override {
    return add("v", depth, text, begin);
  }
  bool open(unsigned depth, Type type, std::size_t begin) override {
    return add(type == Type::kObject ? "{" : "[", depth, "", begin);
  }
  bool close(unsigned depth, Type type, std::size_t end) override {
    return add(type == Type::kObject ? "}" : "]", depth, "", end);
  }
  std::vector<std::string> lines;
  std::size_t stop_after = SIZE_MAX;

 private:
  bool add(std::string what, unsigned depth, std::string_view text, std::size_t at) {
    lines.push_back(what + std::to_string(depth) + "@" + std::to_string(at) + " " +
                    std::string(text));
    return lines.size() < stop_after;
  }
};

TEST_CASE("tokens come in order, with depth and place") {
  Tape tape;
  std::string scratch;
  const std::string text = R"({"a" : [1.50,"x\ty",null],"b":{}, "c":true})";
  REQUIRE(scan(text, {}, tape, scratch).ok());
  CHECK(tape.lines == std::vector<std::string>{"{0@0 ", "k1@1 a", "[1@7 ", "v2@8 1.50",
                                               "v2@13 x\ty", "v2@20 null", "]1@25 ", "k1@26 b",
                                               "{1@30 ", "}1@32 ", "k1@34 c", "v1@38 true",
                                               "}0@43 "});
}

TEST_CASE("a visitor may stop the scan at any token") {
  const std::string text = R"({"a":[1,"x",null],"b":{}})";
  for (std::size_t stop = 1; stop <= 9; ++stop) {
    Tape tape;
    tape.stop_after = stop;
    std::string scratch;
    CAPTURE(stop);
    CHECK(scan(text, {}, tape, scratch).code() == Code::kCancelled);
    CHECK(tape.lines.size() == stop);
  }
}

TEST_CASE("string_end finds the closing quote, not an escaped one") {
  for (const std::string text :
       {R"("")", R"("a")", R"("\"")", R"("\\")", R"("\\\"")", R"("\\\\")"}) {
    CAPTURE(text);
    CHECK(string_end(text + R"(,"tail")", 0) == text.size());
    CHECK(string_end("\\\\" + text + " ", 2) == text.size() + 2);
  }
}

TEST_CASE("scan_object notes the top-level keys with their exact bytes") {
  const std::string text =
      " {\"model\" :\t\"g\\\"pt\\\\\",\"n\":1.50 , \"o\":{\"model\":\"x\"},\n"
      "\"mo\\u0064el\":[[]],\"t\":true,\"z\":null}\n";
  struct Nothing : Tape {
  } visitor;
  RequestScan out;
  REQUIRE(scan_object(text, {}, out, visitor).ok());
  std::vector<std::string> seen;
  for (const RequestScan::Key& key : out.keys) {
    seen.push_back(key.name + "=" + text.substr(key.value_begin, key.value_end - key.value_begin));
    CHECK(text[key.key_begin] == '"');
  }
  CHECK(seen == std::vector<std::string>{"model=\"g\\\"pt\\\\\"", "n=1.50", "o={\"model\":\"x\"}",
                                         "model=[[]]", "t=true", "z=null"});
  CHECK(text[out.object_open - 1] == '{');
  CHECK(text.substr(out.object_close) == "}\n");
}

TEST_CASE("scan_object refuses any other root") {
  for (const std::string text : {"[]", "1", "\"x\"", "null", "[{\"a\":1}]"}) {
    CAPTURE(text);
    Tape tape;
    RequestScan out;
    CHECK(scan_object(text, {}, out, tape).code() == Code::kCancelled);
  }
}

}  // namespace
}  // namespace llmorch::json
