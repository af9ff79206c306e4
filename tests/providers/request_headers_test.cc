#include "providers/request_headers.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace llmorch {
namespace {

struct Fixture {
  std::shared_ptr<Provider> provider = std::make_shared<Provider>();
  Target target;
  CallSpec spec;
  Headers headers;
  Fixture() { target.provider = provider; }
  Status add(std::initializer_list<std::string_view> allowed = {}) {
    return add_request_headers(headers, target, spec, allowed);
  }
  std::string value(std::string_view name) const {
    const std::string* found = find_header(headers, name);
    return found == nullptr ? "(none)" : *found;
  }
};

// Whatever else is configured, these stay here.
const std::vector<std::string> kForbidden = {"authorization",
                                             "Authorization",
                                             "x-api-key",
                                             "X-Goog-Api-Key",
                                             "api-key",
                                             "cookie",
                                             "host",
                                             "content-length",
                                             "transfer-encoding",
                                             "connection",
                                             "te",
                                             "upgrade",
                                             "proxy-authorization",
                                             "content-encoding",
                                             "accept-encoding",
                                             "content-type",
                                             "accept",
                                             "expect",
                                             "trailer",
                                             "keep-alive"};

TEST_CASE("the caller's credentials never go upstream, even if a provider lists them") {
  for (const std::string& name : kForbidden) {
    CAPTURE(name);
    CHECK_FALSE(may_pass_header(name));
    Fixture f;
    f.provider->pass_headers = {name, "x-good"};
    f.spec.headers = {{name, "canary"}, {"x-good", "yes"}};
    REQUIRE(f.add().ok());
    REQUIRE(f.headers.size() == 1);
    CHECK(f.value("x-good") == "yes");
  }
  CHECK(may_pass_header("x-request-source"));
  CHECK(may_pass_header("User-Agent"));
  for (const char* bad : {"", "a b", "a:b", "a\r\nb"}) CHECK_FALSE(may_pass_header(bad));
}

TEST_CASE("what goes upstream, and what wins") {
  Fixture f;
  f.headers = {{"User-Agent", "llmorch/0"}, {"X-Key", "type"}};
  f.provider->pass_headers = {"x-team", "x-absent", "user-agent"};
  f.provider->headers = {{"X-Org", "provider"}, {"X-Both", "provider"}};
  f.target.headers = {{"x-both", "target"}};
  f.spec.headers = {{"x-team", "red"},    {"x-team", "blue"},  {"x-other", "no"},
                    {"traceparent", "t"}, {"tracestate", "s"}, {"user-agent", "caller"},
                    {"x-org", "caller"},  {"x-own", "own"}};
  REQUIRE(f.add({"X-Own"}).ok());
  CHECK(f.value("x-team") == "red");
  CHECK(f.value("x-other") == "(none)");
  CHECK(f.value("traceparent") == "t");
  CHECK(f.value("tracestate") == "s");
  CHECK(f.value("user-agent") == "caller");
  CHECK(f.value("x-own") == "own");
  CHECK(f.value("x-org") == "provider");
  CHECK(f.value("x-both") == "target");
  CHECK(f.value("x-key") == "type");
  CHECK(f.value("x-absent") == "(none)");
}

TEST_CASE("anthropic-beta is a list: all who say something are heard (WIRE_FORMATS 2.1)") {
  Fixture f;
  f.spec.headers = {{"anthropic-beta", "a-1, b-2"}, {"Anthropic-Beta", "c-3,,a-1"}};
  f.provider->headers = {{"anthropic-beta", "p-1"}};
  f.target.headers = {{"ANTHROPIC-BETA", "b-2,t-1"}};
  REQUIRE(f.add({"anthropic-beta"}).ok());
  CHECK(f.headers.size() == 1);
  CHECK(f.value("anthropic-beta") == "a-1,b-2,c-3,p-1,t-1");
  merge_header(f.headers, "anthropic-beta", "t-1, e-1");
  CHECK(f.value("anthropic-beta") == "a-1,b-2,c-3,p-1,t-1,e-1");
}

TEST_CASE(
    "merge_header: a list grows, what is no list is replaced, what is malformed is left out") {
  Headers headers = {{"X-A", "one"}};
  merge_header(headers, "x-a", "two");
  CHECK(*find_header(headers, "X-A") == "two");
  merge_header(headers, "anthropic-beta", "a,b");
  CHECK(*find_header(headers, "anthropic-beta") == "a,b");
  merge_header(headers, "anthropic-beta", "b\r\nX-Evil: 1");
  CHECK(*find_header(headers, "anthropic-beta") == "a,b");
  merge_header(headers, "x-b\r\nX-Evil", "1");
  CHECK(headers.size() == 2);
  // Bounded, however much comes.
  std::string many;
  for (int i = 0; i < 5000; ++i) many.append("beta-").append(std::to_string(i)).append(",");
  merge_header(headers, "anthropic-beta", many);
  CHECK(find_header(headers, "anthropic-beta")->size() < 8192);
}

TEST_CASE("no header can break the framing, whoever wrote it") {
  for (const std::string& evil : {std::string("a\r\nX: y"), std::string("a\nb"),
                                  std::string("a\0b", 3), std::string("a\x7F")}) {
    Fixture passed;
    passed.provider->pass_headers = {"x-team"};
    passed.spec.headers = {{"x-team", evil}};
    CHECK(passed.add().http_status() == 400);
    CHECK(passed.add().param() == "x-team");
    Fixture configured;
    configured.provider->headers = {{"x-team", evil}};
    CHECK(configured.add().http_status() == 500);
    CHECK(add_own_headers(configured.headers, *configured.provider).http_status() == 500);
    Fixture own;
    own.headers = {{"x-api-key", evil}};
    CHECK(own.add().http_status() == 500);
    CHECK(own.add().message().find("X: y") == std::string::npos);
  }
}

}  // namespace
}  // namespace llmorch
