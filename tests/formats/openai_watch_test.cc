// The watcher of answers that are passed on unchanged: it sees what the decoder sees, and hides
// only what the caller must not get.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/answers.h"

namespace llmorch {
namespace {

using testing::as_sse;
using testing::watch_stream;
using testing::watch_whole;
using testing::Watched;

const std::string kText =
    R"({"id":"i","model":"m","choices":[{"index":0,"delta":{"content":"a"}}]})";
const std::string kStop =
    R"({"id":"i","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";
const std::string kUsage =
    R"({"id":"i","model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})";

TEST_CASE("what counts as content") {
  struct Row {
    std::string choice;
    bool content;
  };
  const std::vector<Row> rows = {
      {R"({"index":0,"delta":{"role":"assistant","content":""}})", false},
      {R"({"index":0,"delta":{"content":null,"refusal":null,"tool_calls":[]}})", false},
      {R"({"index":0,"delta":{},"finish_reason":"stop"})", false},
      {R"({"index":0,"content":"x","delta":{"x":{"content":"y"}}})", false},
      {R"({"index":0,"delta":{"content":"x"}})", true},
      {R"({"index":0,"delta":{"content":[{"type":"text","text":"x"}]}})", true},
      {R"({"index":0,"delta":{"reasoning_content":"x"}})", true},
      {R"({"index":0,"delta":{"reasoning":"x"}})", true},
      {R"({"index":0,"delta":{"refusal":"x"}})", true},
      {R"({"index":0,"delta":{"tool_calls":[{"index":0}]}})", true},
      {R"({"index":0,"delta":{"function_call":{"name":"f"}}})", true},
      {R"({"index":0,"delta":{"audio":{"id":"x"}}})", true},
      {R"({"index":0,"message":{"content":"x"}})", true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.choice);
    const Watched seen = watch_stream("data: {\"choices\":[" + row.choice + "]}\n\n");
    CHECK(seen.verdict == Verdict::kOk);
    CHECK(seen.content == row.content);
  }
}

TEST_CASE("a good stream: bytes unchanged, facts noticed") {
  const std::string sse = ": hi\r\n\r\n" + as_sse({kText, kStop, kUsage});
  const Watched seen = watch_stream(sse);
  CHECK(seen.out == sse);
  CHECK(seen.content);
  CHECK(seen.done);
  CHECK(seen.finish == FinishReason::kStop);
  CHECK(seen.model == "m");
  CHECK(seen.usage == Usage{3, 0, 0, 2, 0});
  CHECK(seen.raw_usage == R"({"prompt_tokens":3,"completion_tokens":2,"total_tokens":5})");
  CHECK(seen.close.ok());
}

TEST_CASE("what is hidden: the usage frame nobody asked for, empty data, what follows DONE") {
  const std::string with_choices =
      R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}})";
  CHECK(watch_stream(as_sse({kText, kStop, kUsage}), true).out == as_sse({kText, kStop}));
  CHECK(watch_stream(as_sse({kText, with_choices}), true).out == as_sse({kText, with_choices}));
  CHECK(watch_stream(as_sse({kText}, false) + "data:\n\n" + as_sse({kStop})).out ==
        as_sse({kText, kStop}));
  CHECK(watch_stream(as_sse({kText, kStop}) + as_sse({kText})).out == as_sse({kText, kStop}));
  // Azure's first chunk has no choices either, but no usage.
  const std::string azure = R"({"choices":[],"id":"","prompt_filter_results":[],"usage":null})";
  CHECK(watch_stream(as_sse({azure, kStop}), true).out == as_sse({azure, kStop}));
}

TEST_CASE("completeness when the upstream closes (WIRE_FORMATS 7.4.3)") {
  const std::string second = R"({"choices":[{"index":1,"delta":{"content":"b"}}]})";
  CHECK(watch_stream(as_sse({kText, kStop}, false)).close.ok());
  CHECK(watch_stream(as_sse({kText}, true)).close.ok());
  CHECK(watch_stream(as_sse({kText}, false)).close.code() == Code::kNetwork);
  CHECK(watch_stream(as_sse({kStop, second}, false)).close.code() == Code::kNetwork);
  CHECK(watch_stream("").close.code() == Code::kNetwork);
  CHECK(watch_stream(": ping\n\n").close.code() == Code::kNetwork);
}

TEST_CASE("errors in a 200 are the decoder's errors, and nothing of them is passed on") {
  const std::vector<std::string> streams = {
      as_sse({R"({"error":{"message":"boom","code":429}})"}),
      as_sse({R"({"error":"boom"})"}),
      as_sse({R"({"error":{}})"}),
      as_sse({R"({"error":true})"}),
      as_sse({R"({"choices":[{"index":0,"delta":{}}],"error":{"code":502,"message":"x"}})"}),
      as_sse(
          {R"({"choices":[{"index":0,"delta":{},"error":{"code":400,"message":"Token limit"}}]})"}),
      "event: error\ndata: {\"message\":\"x\"}\n\n",
      as_sse({R"({"choices":[{"index":0,"delta":{},"finish_reason":"error"}]})"}),
      as_sse({"<html>"}),
      as_sse({"{\"choices\":[{]}"}),
      as_sse({R"({"choices":[{"index":128,"delta":{}}]})"}),
      as_sse({R"({"choices":[{"index":-1,"delta":{}}]})"}),
      "data: [DONE]\n\n",
  };
  for (const std::string& sse : streams) {
    CAPTURE(sse);
    const Watched seen = watch_stream(sse);
    const auto events = testing::decode_stream(sse);
    const auto* error = std::get_if<event::Error>(&events.back());
    REQUIRE(error != nullptr);
    CHECK(verdict_name(seen.verdict) == verdict_name(error->verdict));
    CHECK(seen.error.message() == error->status.message());
    CHECK(seen.error.code() == error->status.code());
    CHECK(seen.out.empty());
    CHECK_FALSE(seen.close.ok());
  }
}

TEST_CASE("no error: null, false and the empty string") {
  for (const std::string value : {"null", "false", "\"\""}) {
    const std::string chunk =
        R"({"error":)" + value + R"(,"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";
    CHECK(watch_stream(as_sse({chunk})).verdict == Verdict::kOk);
    CHECK(std::holds_alternative<event::End>(testing::decode_stream(as_sse({chunk})).back()));
  }
}

TEST_CASE("whole bodies") {
  const std::string good =
      R"({"id":"i","model":"m","choices":[{"index":0,"message":{"content":"a"},"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":2}})";
  const Watched seen = watch_whole(good);
  CHECK(seen.out == good);
  CHECK(seen.content);
  CHECK(seen.close.ok());
  CHECK(seen.finish == FinishReason::kLength);
  CHECK(seen.usage == Usage{3, 0, 0, 2, 0});
  for (const std::string bad :
       {"", "{}", "[]", "<html>", R"({"choices":[]})", R"({"choices":null})",
        R"({"error":{"message":"x"},"choices":[{}]})"}) {
    CAPTURE(bad);
    const auto events = testing::decode_whole(bad);
    const auto* error = std::get_if<event::Error>(&events.back());
    REQUIRE(error != nullptr);
    const Watched refused = watch_whole(bad);
    CHECK(verdict_name(refused.verdict) == verdict_name(error->verdict));
    CHECK(refused.error.message() == error->status.message());
    CHECK_FALSE(refused.close.ok());
  }
}

}  // namespace
}  // namespace llmorch
