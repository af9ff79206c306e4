// Rules: RFC 9110 5.5 and 5.6.2 (header grammar), Unicode 3.9 (UTF-8), RFC 8259 7 (JSON strings).
#include "base/text.h"

#include <doctest/doctest.h>

#include "base/uuid.h"
#include "llmorch/body.h"
#include "llmorch/spi/secret.h"
#include "llmorch/status.h"

namespace llmorch {
namespace {

TEST_CASE("UTF-8 is well-formed or it is not") {
  const std::pair<std::string, bool> rows[] = {
      {"plain", true},
      {"\xC3\xA9", true},
      {"\xE2\x82\xAC", true},
      {"\xF0\x9F\x98\x80", true},
      {"\x80", false},
      {"\xC0\xAF", false},
      {"\xC3", false},
      {"\xE0\x80\xAF", false},
      {"\xED\xA0\x80", false},
      {"\xF4\x90\x80\x80", false},
      {"\xF8\x88\x80\x80", false},
      {"a\xFFz", false},
      {std::string("\0", 1), true},
      {"", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first);
    CHECK(is_utf8(row.first) == row.second);
  }
}

TEST_CASE("a JSON string is valid whatever goes in") {
  CHECK(json_string("a\"b\\c\n\t\r") == R"("a\"b\\c\n\t\r")");
  CHECK(json_string(std::string("\0\x1f\x7f", 3)) == R"("\u0000\u001f\u007f")");
  CHECK(json_string("x\xC3") == "\"x\xEF\xBF\xBD\"");
  CHECK(json_string("é€😀") == "\"é€😀\"");
}

TEST_CASE("header values hold no control bytes, tokens no separators") {
  CHECK(is_header_value("Bearer abc\tdef é"));
  for (const char* bad : {"a\r\nb", "a\nb", "a\rb", "\x01", "\x7f"})
    CHECK_FALSE(is_header_value(bad));
  CHECK_FALSE(is_header_value(std::string_view("a\0b", 3)));
  CHECK(is_token("X-Api_Key.1"));
  for (const char* bad : {"", "a b", "a:b", "a\"", "é"}) CHECK_FALSE(is_token(bad));
}

TEST_CASE("what looks like a secret is taken out of foreign text") {
  const std::pair<const char*, const char*> rows[] = {
      {"Incorrect API key provided: sk-proj-abc123DEF.", "Incorrect API key provided: sk-***"},
      {"key AIzaSyA1234567890 is bad", "key AIza*** is bad"},
      {"Authorization: Bearer abcdefgh", "Authorization: Bearer ***"},
      {"see https://x.test/a?key=secret&b=1 for more", "see https://x.test/a?*** for more"},
      {"a task-force and sk-1", "a task-force and sk-1"},
  };
  for (const auto& [in, out] : rows) CHECK(redact(in) == out);
}

TEST_CASE("the nearest names come first, and far ones not at all") {
  const std::vector<std::string> names{"gpt-4o", "gpt-4o-mini", "claude-sonnet", "smart"};
  CHECK(nearest("gpt-4", names, 3) == std::vector<std::string>{"gpt-4o", "gpt-4o-mini"});
  CHECK(nearest("SMRAT", names, 3) == std::vector<std::string>{"smart"});
  CHECK(nearest("zzzzzzzz", names, 3).empty());
  CHECK(nearest(std::string(100000, 'x'), names, 3).empty());
}

TEST_CASE("shorten cuts at a character") {
  CHECK(shorten("abc", 3) == "abc");
  CHECK(shorten("aé€", 4) == "aé…");
  CHECK(shorten("", 0).empty());
}

TEST_CASE("a status is ok or says why; edits leave the original alone") {
  const Status ok;
  CHECK(ok.ok());
  CHECK(ok.http_status() == 200);
  const Status limited(Code::kRateLimited, "slow");
  CHECK(limited.http_status() == 429);
  CHECK(limited.reason() == "rate_limit_exceeded");
  const Status edited =
      limited.with_http_status(503).with_reason("busy").with_param("p").with_retry_after(
          std::chrono::milliseconds(5));
  CHECK(edited.http_status() == 503);
  CHECK(edited.reason() == "busy");
  CHECK(edited.param() == "p");
  CHECK(edited.retry_after() == std::chrono::milliseconds(5));
  CHECK(limited.http_status() == 429);
  CHECK_FALSE(limited.retry_after());
  const Result<int> value = 3;
  const Result<int> none = limited;
  CHECK(*value == 3);
  CHECK(value.error().ok());
  CHECK(none.value_or(9) == 9);
  CHECK(none.error().code() == Code::kRateLimited);
}

TEST_CASE("a body shares its bytes") {
  const Body whole(std::string("hello world"));
  CHECK(whole.contiguous() == "hello world");
  Body edited = whole.slice(0, 6);
  edited.append(std::string("there"));
  CHECK(edited.str() == "hello there");
  CHECK(edited.size() == 11);
  CHECK(edited.segments()[0].bytes.data() == whole.contiguous().data());
  CHECK(edited.contiguous().data() == nullptr);
  CHECK(Body().contiguous().data() != nullptr);
}

TEST_CASE("a secret compares in constant time and is gone after a move") {
  Secret one("sk-1");
  Secret two(std::move(one));
  CHECK(two.equals("sk-1"));
  CHECK_FALSE(two.equals("sk-2"));
  CHECK_FALSE(two.equals("sk-11"));
  CHECK(one.empty());  // NOLINT(bugprone-use-after-move): that is the rule under test
  one = two;
  two = Secret();
  CHECK(one.reveal() == "sk-1");
  CHECK(two.empty());
}

TEST_CASE("UUIDv7: time first, version and variant in place (RFC 9562 5.7)") {
  const auto at = std::chrono::system_clock::time_point(std::chrono::milliseconds(0x017F22E279B0));
  CHECK(uuid_v7(at, 0xCC3, 0x18C4DC0C0C07398FU) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

}  // namespace
}  // namespace llmorch
