// Calls whose target speaks another format than their caller: what goes up, what comes back, and
// how failover crosses vendors. Rules: docs/DESIGN.md 4.4 to 4.6; WIRE_FORMATS 6.
#include <doctest/doctest.h>

#include "engine/harness.h"

namespace llmorch::testing {
namespace {

std::string sse(std::string_view name, std::string_view data) {
  std::string out;
  if (!name.empty()) out.append("event: ").append(name).append("\n");
  return out.append("data: ").append(data).append("\n\n");
}

// ---- Anthropic's words
const std::string kClaudeStart =
    sse("message_start", R"({"type":"message_start","message":{"id":"msg_1",)"
                         R"("type":"message","role":"assistant","model":"claude-up",)"
                         R"("content":[],"stop_reason":null,"stop_sequence":null,)"
                         R"("usage":{"input_tokens":7,"cache_read_input_tokens":3,)"
                         R"("output_tokens":1}}})");
const std::string kClaudeText =
    sse("content_block_start", R"({"type":"content_block_start","index":0,)"
                               R"("content_block":{"type":"text","text":""}})") +
    sse("content_block_delta", R"({"type":"content_block_delta","index":0,)"
                               R"("delta":{"type":"text_delta","text":"Hello"}})");
const std::string kClaudeEnd =
    sse("content_block_stop", R"({"type":"content_block_stop","index":0})") +
    sse("message_delta", R"({"type":"message_delta","delta":{"stop_reason":"end_turn",)"
                         R"("stop_sequence":null},"usage":{"output_tokens":4}})") +
    sse("message_stop", R"({"type":"message_stop"})");
const std::string kClaudeOverloaded =
    sse("error", R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})");
const std::string kClaudeWhole =
    R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-up","content":[)"
    R"({"type":"text","text":"I look."},)"
    R"({"type":"tool_use","id":"toolu_1","name":"weather","input":{"city":"Oslo"}}],)"
    R"("stop_reason":"tool_use","stop_sequence":null,)"
    R"("usage":{"input_tokens":7,"cache_read_input_tokens":3,"output_tokens":4}})";

// ---- Gemini's words
const std::string kGeminiText =
    sse("", R"({"candidates":[{"content":{"role":"model","parts":[{"text":"Hello"}]},"index":0}],)"
            R"("modelVersion":"gemini-up","responseId":"r1"})");
const std::string kGeminiEnd =
    sse("", R"({"candidates":[{"content":{"role":"model","parts":[{"text":""}]},)"
            R"("finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":10,)"
            R"("candidatesTokenCount":3,"thoughtsTokenCount":1,"totalTokenCount":14},)"
            R"("modelVersion":"gemini-up","responseId":"r1"})");
const std::string kGeminiWhole =
    R"({"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"weather",)"
    R"("args":{"city":"Oslo"}}}]},"finishReason":"STOP","index":0}],)"
    R"("usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":4,"totalTokenCount":14},)"
    R"("modelVersion":"gemini-up","responseId":"r1"})";
const std::string kBareError =
    R"({"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}})";

const std::string kTools =
    R"("tools":[{"type":"function","function":{"name":"weather","parameters":)"
    R"({"type":"object","properties":{"city":{"type":"string"}}}}}])";

std::string ask(std::string_view more) {
  return R"({"model":"m","messages":[{"role":"user","content":"hi"}])" +
         std::string(more.empty() ? "" : ",") + std::string(more) + "}";
}

struct Row {
  const char* name;
  std::string ask;
  std::vector<std::string> types;
  std::vector<std::vector<Beats>> upstreams;
  int status;
  std::vector<std::string> has;      // all stand in the answer
  std::vector<std::string> has_not;  // none does
  std::vector<std::string> sent;     // all stand in the last upstream's URL, headers and body
  std::size_t attempts;
  std::string error_type;
  std::string header;  // "name: value" of the head, or ""
};

const std::string kStream = R"("stream":true,"stream_options":{"include_usage":true})";

std::vector<Row> rows() {
  const Beats claude = answer_stream({kClaudeStart, kClaudeText, kClaudeEnd});
  const Beats gemini = answer_stream({kGeminiText, kGeminiEnd});
  return {
      {"a stream from Anthropic",
       ask(kStream),
       {"anthropic"},
       {{claude}},
       200,
       {R"("content":"Hello")", R"("finish_reason":"stop")", R"("prompt_tokens":10)",
        R"("cached_tokens":3)", R"("completion_tokens":4)", "data: [DONE]\n\n"},
       {"message_start"},
       {"http://p0.test/v1/messages", "x-api-key: sk-secret-p0",
        "anthropic-version: ", R"("model":"up0")", R"("stream":true)", R"("max_tokens":)"},
       1,
       "",
       "content-type: text/event-stream"},
      {"a whole answer from Anthropic, with a tool call",
       ask(kTools),
       {"anthropic"},
       {{answer_whole(200, kClaudeWhole)}},
       200,
       {R"("object":"chat.completion")", R"("content":"I look.")", R"("id":"toolu_1")",
        R"("name":"weather")", R"({\"city\":\"Oslo\"})", R"("finish_reason":"tool_calls")"},
       {"tool_use"},
       {R"("input_schema":)"},
       1,
       "",
       "content-type: application/json"},
      {"a stream from Gemini",
       ask(kStream),
       {"gemini"},
       {{gemini}},
       200,
       {R"("content":"Hello")", R"("finish_reason":"stop")", R"("prompt_tokens":10)",
        R"("completion_tokens":4)", R"("reasoning_tokens":1)", "data: [DONE]\n\n"},
       {"candidates"},
       {"http://p0.test/v1beta/models/up0:streamGenerateContent?alt=sse",
        "x-goog-api-key: sk-secret-p0", R"("contents":)"},
       1,
       "",
       "content-type: text/event-stream"},
      {"a whole answer from Gemini, with a tool call",
       ask(kTools),
       {"gemini"},
       {{answer_whole(200, kGeminiWhole)}},
       200,
       {R"("name":"weather")", R"({\"city\":\"Oslo\"})", R"("finish_reason":"tool_calls")"},
       {"functionCall"},
       {"http://p0.test/v1beta/models/up0:generateContent", R"("functionDeclarations":)"},
       1,
       "",
       ""},
      {"an overload before the first content moves on to another vendor",
       ask(kStream),
       {"anthropic", "gemini"},
       {{answer_stream({kClaudeStart, kClaudeOverloaded})}, {gemini}},
       200,
       {R"("content":"Hello")", "data: [DONE]\n\n"},
       {"verload", "msg_1"},
       {"streamGenerateContent"},
       2,
       "",
       "x-llmorch-provider: p1"},
      {"an error after content is an error event and no clean end",
       ask(kStream),
       {"anthropic", "gemini"},
       {{answer_stream({kClaudeStart, kClaudeText, kClaudeOverloaded})}, {gemini}},
       200,
       {R"("content":"Hello")", R"("error":)"},
       {"[DONE]", R"("finish_reason":"stop")"},
       {},
       1,
       "provider_overloaded",
       ""},
      {"a stream cut after content is an error event and no clean end",
       ask(kStream),
       {"anthropic"},
       {{answer_stream({kClaudeStart, kClaudeText})}},
       200,
       {R"("content":"Hello")", R"("error":)"},
       {"[DONE]", R"("finish_reason":"stop")"},
       {},
       1,
       "*",
       ""},
      {"an error that Gemini prints without framing it (WIRE_FORMATS 8 rule 96)",
       ask(kStream),
       {"gemini"},
       {{answer_stream({kGeminiText, kBareError})}},
       200,
       {R"("content":"Hello")", R"("error":)"},
       {"[DONE]", R"("finish_reason":"stop")"},
       {},
       1,
       "provider_overloaded",
       ""},
      {"what one vendor cannot say goes to one that can",
       ask(R"("n":2)"),
       {"anthropic", "openai"},
       {{claude}, {answer_whole(200, whole_answer("Hello"))}},
       200,
       {whole_answer("Hello")},
       {},
       {R"("n":2)", "http://p1.test/v1/chat/completions"},
       2,
       "",
       "x-llmorch-provider: p1"},
      {"what nobody can say is refused by name",
       ask(R"("n":2)"),
       {"anthropic"},
       {{claude}},
       400,
       {R"("param":"n")"},
       {},
       {},
       1,
       "caller_invalid_request",
       ""},
      {"what is dropped is told",
       ask(R"("seed":7,"logit_bias":{"5":1})"),
       {"anthropic"},
       {{answer_whole(200, kClaudeWhole)}},
       200,
       {},
       {},
       {},
       1,
       "",
       "x-llmorch-dropped: *seed"},
      {"our bad key is not the caller's 401",
       ask(""),
       {"anthropic", "gemini"},
       {{answer_whole(401, R"({"type":"error","error":{"type":"authentication_error",)"
                           R"("message":"invalid x-api-key"}})")},
        {answer_whole(400, R"({"error":{"code":400,"message":"API key not valid.",)"
                           R"("status":"INVALID_ARGUMENT","details":[{"@type":)"
                           R"("type.googleapis.com/google.rpc.ErrorInfo",)"
                           R"("reason":"API_KEY_INVALID"}]}})")}},
       502,
       {R"("error":)"},
       {"x-api-key", "API key not valid"},
       {},
       2,
       "provider_auth_failed",
       ""},
  };
}

std::string everything(const TransferSpec& spec) {
  std::string out = spec.url + "\n";
  for (const Header& header : spec.headers) out += header.name + ": " + header.value + "\n";
  return out + spec.body.str();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a call is converted there and back, and fails over across vendors") {
  for (const Row& row : rows()) {
    CAPTURE(std::string(row.name));
    Bench bench(row.upstreams, row.types);
    KeepingSink sink;
    bench.start(row.ask, sink);
    const Record record = bench.run(sink);
    CAPTURE(sink.body);
    CHECK(sink.status() == row.status);
    for (const std::string& part : row.has) CHECK_MESSAGE(contains(sink.body, part), part);
    for (const std::string& part : row.has_not) CHECK_MESSAGE(!contains(sink.body, part), part);
    if (!row.sent.empty()) {
      REQUIRE(!bench.requests.empty());
      const std::string sent = everything(bench.requests.back());
      CAPTURE(sent);
      for (const std::string& part : row.sent) CHECK_MESSAGE(contains(sent, part), part);
    }
    CHECK(record.attempts.size() == row.attempts);
    if (row.error_type == "*") {
      CHECK(!record.error_type.empty());
    } else {
      CHECK(record.error_type == row.error_type);
    }
    if (!row.header.empty()) {
      const std::size_t colon = row.header.find(": ");
      const std::string* value = sink.header(row.header.substr(0, colon));
      REQUIRE(value != nullptr);
      const std::string wanted = row.header.substr(colon + 2);
      if (wanted.front() == '*') {
        CHECK_MESSAGE(contains(*value, wanted.substr(1)), *value);
      } else {
        CHECK(*value == wanted);
      }
    }
    CHECK(bench.nothing_left());
  }
}

TEST_CASE("usage of every vendor ends in the same disjoint classes") {
  const std::vector<std::pair<std::string, Beats>> vendors{
      {"anthropic", answer_stream({kClaudeStart, kClaudeText, kClaudeEnd})},
      {"gemini", answer_stream({kGeminiText, kGeminiEnd})},
      {"openai", answer_stream({kRole + text_chunk("x") + kStop + kUsageFrame + kDone})}};
  for (const auto& vendor : vendors) {
    CAPTURE(vendor.first);
    Bench bench({{vendor.second}}, {vendor.first});
    KeepingSink sink;
    bench.start(ask(kStream), sink);
    const Record record = bench.run(sink);
    CHECK(record.usage_source == UsageSource::kUpstream);
    CHECK(record.usage.total_input() == 10);
    CHECK(record.usage.total_output() == 4);
  }
}

TEST_CASE("a target that cannot do what is asked is not asked (capability filter)") {
  Bench bench({{answer_whole(200, whole_answer("Hello"))}});
  bench.model->targets[0].capabilities.tools = false;
  KeepingSink sink;
  bench.start(ask(kTools), sink);
  const Record record = bench.run(sink);
  CHECK(sink.status() == 400);
  CHECK(contains(sink.body, "tools"));
  CHECK(record.attempts.empty());
  CHECK(bench.requests.empty());
}

TEST_CASE("a key that an upstream says back reaches nobody") {
  // No prefix that redact() knows.
  Bench bench({{answer_whole(400, error_body("bad thing about the key plainwordkey123"))}});
  auto provider = std::make_shared<Provider>(*bench.model->targets[0].provider);
  provider->credentials[0].secret = Secret("plainwordkey123");
  bench.model->targets[0].provider = provider;
  KeepingSink sink;
  bench.start(kAsk, sink);
  const Record record = bench.run(sink);
  CHECK(sink.status() == 400);
  CHECK(contains(sink.body, "bad thing about the key ***"));
  CHECK(!contains(sink.body + record_json(record), "plainwordkey123"));
}

TEST_CASE("a target's system prompt goes before everything, whatever the target speaks") {
  for (const char* type : {"openai", "anthropic", "gemini"}) {
    CAPTURE(std::string(type));
    Bench bench({{answer_whole(500, "{}")}}, {type});
    bench.model->targets[0].system_prompt = "You are terse.";
    KeepingSink sink;
    bench.start(
        R"({"model":"m","messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"hi"}]})",
        sink);
    bench.run(sink);
    REQUIRE(!bench.requests.empty());
    const std::string sent = bench.requests.front().body.str();
    CAPTURE(sent);
    REQUIRE(contains(sent, "You are terse."));
    REQUIRE(contains(sent, "Be kind."));
    CHECK(sent.find("You are terse.") < sent.find("Be kind."));
  }
}

}  // namespace
}  // namespace llmorch::testing
