// One mock, three vendors: what a script says is said in each of their ways, whole and streamed.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "heard.h"
#include "json/json.h"
#include "rig.h"

namespace llmorch::testing {
namespace {

struct Speaker {
  Vendor vendor;
  const char* name;
  std::string key_header;
  std::string key_prefix;
};
const Speaker kSpeakers[] = {{Vendor::kOpenAi, "openai", "authorization", "Bearer "},
                             {Vendor::kAnthropic, "anthropic", "x-api-key", ""},
                             {Vendor::kGemini, "gemini", "x-goog-api-key", ""}};

test::HttpHeaders headers_of(const Speaker& speaker, const std::string& key = "k") {
  test::HttpHeaders out = {{speaker.key_header, speaker.key_prefix + key}};
  if (speaker.vendor == Vendor::kAnthropic) out.emplace_back("anthropic-version", "2023-06-01");
  return out;
}

enum class Way { kWhole, kStream, kArray };  // the last is Gemini's only

std::string target_of(const Speaker& speaker, Way way, const std::string& model = "m") {
  if (speaker.vendor == Vendor::kOpenAi) return "/v1/chat/completions";
  if (speaker.vendor == Vendor::kAnthropic) return "/v1/messages";
  const std::string path = "/v1beta/models/" + model;
  if (way == Way::kWhole) return path + ":generateContent";
  return path + ":streamGenerateContent" + (way == Way::kStream ? "?alt=sse" : "");
}

// What is asked, in no vendor's words.
struct Question {
  std::string text = "hi";
  int max_tokens = 4000;
  bool tools = false;  // f and g
  bool think = false;
  std::string stop = "";
  bool serial = false;  // no parallel calls
};

std::string body_of(const Speaker& speaker, Way way, const Question& ask,
                    const std::string& model = "m") {
  const std::string text = json_string(ask.text);
  const std::string stop = json_string(ask.stop);
  const std::string limit = std::to_string(ask.max_tokens);
  if (speaker.vendor == Vendor::kGemini) {
    std::string config = "\"maxOutputTokens\":" + limit;
    if (!ask.stop.empty()) config += ",\"stopSequences\":[" + stop + "]";
    if (ask.think) config += ",\"thinkingConfig\":{\"includeThoughts\":true}";
    return "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":" + text +
           "}]}],\"generationConfig\":{" + config + "}" +
           (ask.tools ? R"(,"tools":[{"functionDeclarations":[{"name":"f"},{"name":"g"}]}])" : "") +
           "}";
  }
  std::string out = "{\"model\":\"" + model +
                    "\",\"messages\":[{\"role\":\"user\",\"content\":" + text +
                    "}],\"max_tokens\":" + limit;
  if (way == Way::kStream) out += ",\"stream\":true";
  if (speaker.vendor == Vendor::kOpenAi) {
    if (way == Way::kStream) out += R"(,"stream_options":{"include_usage":true})";
    if (!ask.stop.empty()) out += ",\"stop\":" + stop;
    if (ask.serial) out += ",\"parallel_tool_calls\":false";
    if (ask.tools) {
      out += R"(,"tools":[{"type":"function","function":{"name":"f"}},)"
             R"({"type":"function","function":{"name":"g"}}])";
    }
  } else {
    if (!ask.stop.empty()) out += ",\"stop_sequences\":[" + stop + "]";
    if (ask.think) out += R"(,"thinking":{"type":"enabled","budget_tokens":1024})";
    if (ask.tools) {
      out += R"(,"tools":[{"name":"f","input_schema":{"type":"object"}},)"
             R"({"name":"g","input_schema":{"type":"object"}}])";
    }
    if (ask.serial) out += R"(,"tool_choice":{"type":"auto","disable_parallel_tool_use":true})";
  }
  return out + "}";
}

Heard hear(Rig& rig, const MockUpstream& mock, const Speaker& speaker, Way way, const Question& ask,
           const std::string& model = "m") {
  const Exchange got = exchange(rig, mock, "POST", target_of(speaker, way, model),
                                body_of(speaker, way, ask, model), headers_of(speaker));
  REQUIRE_MESSAGE(got.status == 200, got.body);
  Heard heard;
  if (way == Way::kWhole) {
    heard.read_whole(speaker.vendor, got.body);
  } else {
    CHECK((got.head.find("text/event-stream") != std::string::npos) == (way == Way::kStream));
    heard.read_stream(speaker.vendor, got.body);
  }
  return heard;
}

std::vector<Way> ways_of(const Speaker& speaker) {
  if (speaker.vendor == Vendor::kGemini) return {Way::kWhole, Way::kStream, Way::kArray};
  return {Way::kWhole, Way::kStream};
}

// `body` for every vendor and every way it answers.
template <class Body>
void everywhere(Body body) {
  for (const Speaker& speaker : kSpeakers) {
    for (const Way way : ways_of(speaker)) {
      CAPTURE(speaker.name);
      CAPTURE(static_cast<int>(way));
      body(speaker, way);
    }
  }
}

TEST_CASE("answers in earnest: the echo, its length, its stop sequence, its tools") {
  const struct {
    Question ask;
    std::size_t calls;
    std::size_t text_size;      // 0: not checked
    const char* finishes[3];    // of OpenAI, Anthropic, Gemini
    const char* stop_sequence;  // Anthropic says which
  } rows[] = {
      {{}, 0, 24, {"stop", "end_turn", "STOP"}, ""},
      {{"hi", 2}, 0, 8, {"length", "max_tokens", "MAX_TOKENS"}, ""},
      {{"hi!END, not this", 100, false, false, "END"},
       0,
       25,
       {"stop", "stop_sequence", "STOP"},
       "END"},
      {{"call the tool", 100, true}, 1, 0, {"tool_calls", "tool_use", "STOP"}, ""},
      {{"call every tool", 100, true}, 2, 0, {"tool_calls", "tool_use", "STOP"}, ""},
  };
  Rig rig;
  const auto mock = rig.mock();
  for (const auto& row : rows) {
    CAPTURE(row.ask.text);
    everywhere([&](const Speaker& speaker, Way way) {
      const Heard heard = hear(rig, *mock, speaker, way, row.ask);
      CHECK(heard.finish == row.finishes[static_cast<int>(speaker.vendor)]);
      CHECK(heard.stop_sequence == (speaker.vendor == Vendor::kAnthropic ? row.stop_sequence : ""));
      CHECK((way == Way::kWhole || heard.ended));
      if (row.text_size > 0) CHECK(heard.text.size() == row.text_size);
      if (row.text_size > 8) CHECK(heard.text.starts_with("echo:"));
      REQUIRE(heard.calls.size() == row.calls);
      for (std::size_t i = 0; i < row.calls; ++i) {
        CHECK(heard.calls[i].name == (i == 0 ? "f" : "g"));
        auto arguments = json::Document::parse(heard.calls[i].arguments);
        REQUIRE(arguments);
        CHECK(arguments->root()["text"].string() == row.ask.text);
        CHECK(heard.calls[i].id.empty() == (speaker.vendor == Vendor::kGemini));
        CHECK((i == 0 || heard.calls[i].id.empty() || heard.calls[i].id != heard.calls[0].id));
      }
    });
  }
}

TEST_CASE("parallel calls can be forbidden") {
  Rig rig;
  const auto mock = rig.mock();
  Question ask{"call every tool", 100, true};
  ask.serial = true;
  for (const Vendor vendor : {Vendor::kOpenAi, Vendor::kAnthropic}) {
    const Speaker& speaker = kSpeakers[static_cast<int>(vendor)];
    CHECK(hear(rig, *mock, speaker, Way::kWhole, ask).calls.size() == 1);
  }
}

TEST_CASE("a script fills the answer in every dialect's way") {
  const std::string script =
      R"({"thinking":"deep thoughts","text":"the words 日本","tool_calls":[)"
      R"({"name":"f","arguments":{"a":[1,"x"]},"id":"id_1"},{"name":"g"}],)"
      R"("usage":{"input":1000,"cached":300,"cache_write":50,"output":200,"reasoning":80}})";
  Rig rig;
  const auto mock = rig.mock(script);
  everywhere([&](const Speaker& speaker, Way way) {
    const Heard heard = hear(rig, *mock, speaker, way, {});
    CHECK(heard.thinking == "deep thoughts");
    CHECK(heard.text == "the words 日本");
    CHECK(heard.signature.empty() == (speaker.vendor == Vendor::kOpenAi));
    REQUIRE(heard.calls.size() == 2);
    CHECK(heard.calls[0].name == "f");
    CHECK(heard.calls[0].arguments == R"({"a":[1,"x"]})");
    CHECK(heard.calls[1].name == "g");
    CHECK(heard.calls[1].arguments == "{}");
    if (speaker.vendor != Vendor::kGemini) CHECK(heard.calls[0].id == "id_1");
    // OpenAI counts cached tokens among the prompt's, Anthropic beside them; Gemini counts thoughts
    // beside the candidates' (WIRE 1.4, 2.3, 3.4).
    CHECK(heard.input == (speaker.vendor == Vendor::kAnthropic ? 650 : 1000));
    CHECK(heard.cached == 300);
    CHECK(heard.output == (speaker.vendor == Vendor::kGemini ? 120 : 200));
    CHECK(heard.reasoning == 80);
  });
}

TEST_CASE("ends by script: a refusal, a stop sequence, the vendor's own word") {
  const struct {
    std::string script;
    const char* finishes[3];
    const char* refusal;
    const char* text;
  } rows[] = {
      {R"({"refusal":"I will not"})", {"stop", "refusal", "SAFETY"}, "I will not", ""},
      {R"({"refusal":"no more","text":"half"})", {"stop", "refusal", "SAFETY"}, "no more", "half"},
      {R"({"text":"cut","stopped_by":"###"})", {"stop", "stop_sequence", "STOP"}, "", "cut"},
      {R"({"text":"x","finish":"odd"})", {"odd", "odd", "odd"}, "", "x"},
      {R"({"text":""})", {"stop", "end_turn", "STOP"}, "", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.script);
    Rig rig;
    const auto mock = rig.mock(row.script);
    everywhere([&](const Speaker& speaker, Way way) {
      const Heard heard = hear(rig, *mock, speaker, way, {});
      CHECK(heard.finish == row.finishes[static_cast<int>(speaker.vendor)]);
      CHECK(heard.refusal == row.refusal);
      CHECK(heard.text == row.text);
    });
  }
}

TEST_CASE("streams that break: an error frame, no end, a frame of garbage") {
  const struct {
    std::string script;
    bool ended;
    bool error;
    bool broken;
  } rows[] = {
      {R"({"error_in_band":1})", false, true, false},
      {R"({"error_in_band":0})", false, true, false},
      {R"({"no_done":true})", false, false, false},
      {R"({"garbage":20})", true, false, true},
      {R"({"chunks":5,"stamp":true})", true, false, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.script);
    Rig rig;
    const auto mock = rig.mock(row.script);
    everywhere([&](const Speaker& speaker, Way way) {
      if (way == Way::kWhole || (way == Way::kArray && (row.broken || !row.ended))) return;
      const Heard heard = hear(rig, *mock, speaker, way, {});
      CHECK(heard.ended == row.ended);
      CHECK(heard.error.empty() == !row.error);
      CHECK(heard.broken.empty() == !row.broken);
    });
  }
}

TEST_CASE("an array that ends early is not closed; one with an error is") {
  const Speaker& gemini = kSpeakers[2];
  const std::pair<std::string, char> rows[] = {{R"({"no_done":true})", '\n'},
                                               {R"({"error_in_band":1})", ']'}};
  for (const auto& [script, end] : rows) {
    Rig rig;
    const auto mock = rig.mock(script);
    const Exchange got = exchange(rig, *mock, "POST", target_of(gemini, Way::kArray),
                                  body_of(gemini, Way::kArray, {}), headers_of(gemini));
    REQUIRE_FALSE(got.body.empty());
    CHECK(got.body.front() == '[');
    CHECK(got.body.back() == end);
    CHECK(got.head.find("content-type: application/json") != std::string::npos);
  }
}

TEST_CASE("cuts, resets and slices work on every dialect's stream") {
  Rig rig;
  for (const Speaker& speaker : kSpeakers) {
    const auto request =
        test::http_request("POST", target_of(speaker, Way::kStream),
                           body_of(speaker, Way::kStream, {}), headers_of(speaker));
    for (const std::string script :
         {R"({"cut_after_bytes":500})", R"({"reset_after_bytes":500})", R"({"chunk_bytes":7})",
          R"({"cut_after_chunks":1})", R"({"http10":true})"}) {
      CAPTURE(speaker.name);
      CAPTURE(script);
      const auto mock = rig.mock(script);
      RawClient client(*rig.loop, mock->port());
      client.send(request);
      REQUIRE(rig.drive_until([&] { return client.ended() || client.answer_complete(); }));
      CHECK(client.lost == (script.find("reset") != script.npos));
      if (script.find("_bytes\":500") != script.npos) CHECK(client.bytes.size() == 500);
      if (script.find("chunk_bytes") != script.npos) CHECK(client.status == 200);
      CHECK(mock->stats().completed == 1);
    }
  }
}

TEST_CASE("errors by script, in each vendor's shape (WIRE 1.7, 2.7, 3.7)") {
  const struct {
    int status;
    const char* types[3];  // error.type, error.type, error.status
  } rows[] = {
      {400, {"invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"}},
      {401, {"invalid_request_error", "authentication_error", "UNAUTHENTICATED"}},
      {403, {"invalid_request_error", "permission_error", "PERMISSION_DENIED"}},
      {404, {"invalid_request_error", "not_found_error", "NOT_FOUND"}},
      {413, {"invalid_request_error", "request_too_large", "INVALID_ARGUMENT"}},
      {429, {"rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"}},
      {500, {"server_error", "api_error", "INTERNAL"}},
      {503, {"server_error", "api_error", "UNAVAILABLE"}},
      {504, {"server_error", "timeout_error", "DEADLINE_EXCEEDED"}},
      {529, {"server_error", "overloaded_error", "INTERNAL"}},
  };
  Rig rig;
  for (const auto& row : rows) {
    const auto mock =
        rig.mock("{\"status\":" + std::to_string(row.status) + ",\"retry_after\":\"7\"}");
    everywhere([&](const Speaker& speaker, Way way) {
      CAPTURE(row.status);
      const Exchange got = exchange(rig, *mock, "POST", target_of(speaker, way),
                                    body_of(speaker, way, {}), headers_of(speaker));
      CHECK(got.status == row.status);
      auto document = json::Document::parse(got.body);
      REQUIRE(document);
      const json::Value error = document->root()["error"];
      const bool gemini = speaker.vendor == Vendor::kGemini;
      CHECK(error[gemini ? "status" : "type"].string() ==
            row.types[static_cast<int>(speaker.vendor)]);
      CHECK(error["message"].string() == "The script says " + std::to_string(row.status) + ".");
      // Gemini's wait hint is in the body, the others' in a header.
      CHECK((got.head.find("retry-after: 7\r\n") != std::string::npos) == !gemini);
      CHECK((got.body.find("\"retryDelay\":\"7s\"") != std::string::npos) == gemini);
      if (speaker.vendor != Vendor::kAnthropic) return;
      CHECK(document->root()["type"].string() == "error");
      const std::string id = document->root()["request_id"].string().value_or("none");
      CHECK(got.head.find("request-id: " + id + "\r\n") != std::string::npos);
      const bool again = row.status == 429 || row.status >= 500;
      CHECK(got.head.find(again ? "x-should-retry: true" : "x-should-retry: false") !=
            std::string::npos);
      CHECK((got.head.find("anthropic-ratelimit-tokens-remaining: 0") != std::string::npos) ==
            (row.status == 429));
    });
  }
}

TEST_CASE("keys and versions (WIRE 1.1, 2.1, 3.1)") {
  Rig rig;
  MockOptions options;
  options.key = "right";
  const auto mock = rig.mock("", options);
  const std::string version = "anthropic-version";
  const struct {
    int speaker;
    std::string query;
    test::HttpHeaders headers;
    int status;
    const char* part;
  } rows[] = {
      {0, "", {{"authorization", "Bearer right"}}, 200, "echo:"},
      {0, "", {{"x-api-key", "right"}}, 401, "You didn't provide an API key"},
      {1, "", {{"x-api-key", "right"}, {version, "2023-06-01"}}, 200, "echo:"},
      {1, "", {{"x-api-key", "right"}, {version, "2026-10-21"}}, 200, "echo:"},
      {1, "", {{"x-api-key", "wrong"}, {version, "2023-06-01"}}, 401, "API key is invalid."},
      {1, "", {{version, "2023-06-01"}}, 401, "x-api-key header is required"},
      {1, "", {{"authorization", "Bearer right"}, {version, "2023-06-01"}}, 200, "echo:"},
      {1, "", {{"authorization", "Bearer wrong"}, {version, "2023-06-01"}}, 401, "is invalid."},
      {1, "", {{"x-api-key", "right"}}, 400, "anthropic-version: header is required"},
      {1, "", {{"x-api-key", "right"}, {version, "2024-01-01"}}, 400, "is not a valid version"},
      {2, "", {{"x-goog-api-key", "right"}}, 200, "echo:"},
      {2, "?key=right", {}, 200, "echo:"},
      {2, "", {{"x-goog-api-key", "wrong"}}, 400, "API_KEY_INVALID"},
      {2, "?key=wrong", {}, 400, "API_KEY_INVALID"},
      {2, "", {}, 403, "PERMISSION_DENIED"},
      {2, "", {{"authorization", "Bearer right"}}, 403, "unregistered callers"},
  };
  std::uint64_t refused = 0;
  for (const auto& row : rows) {
    const Speaker& speaker = kSpeakers[row.speaker];
    CAPTURE(speaker.name);
    CAPTURE(row.part);
    const Exchange got = exchange(rig, *mock, "POST", target_of(speaker, Way::kWhole) + row.query,
                                  body_of(speaker, Way::kWhole, {}), row.headers);
    CHECK(got.status == row.status);
    CHECK_MESSAGE(got.body.find(row.part) != std::string::npos, got.body);
    refused += row.status == 200 ? 0 : 1;
  }
  CHECK(mock->stats().refused == refused);
}

TEST_CASE("lists of models, counts, unknown models, wrong methods") {
  Rig rig;
  MockOptions options;
  options.models = {"m", "claude-opus-4-5"};
  const auto mock = rig.mock("", options);
  const std::string question = R"({"model":"m","messages":[{"role":"user","content":"12345678"}]})";
  const std::string content = R"("contents":[{"parts":[{"text":"12345678"}]}])";
  const struct {
    int speaker;
    const char* method;
    std::string target;
    std::string body;
    int status;
    std::string part;
  } rows[] = {
      {0, "GET", "/v1/models", "", 200, "{\"object\":\"list\",\"data\":[{\"id\":\"m\""},
      {1, "GET", "/v1/models", "", 200, "\"first_id\":\"m\",\"last_id\":\"claude-opus-4-5\""},
      {1, "GET", "/v1/models?limit=1000", "", 200, "\"has_more\":false"},
      {1, "GET", "/v1/models/claude-opus-4-5", "", 200, "\"max_tokens\":64000"},
      {1, "GET", "/v1/models/x", "", 404, "not_found_error"},
      {2, "GET", "/v1beta/models?pageSize=50", "", 200, "{\"models\":[{\"name\":\"models/m\""},
      {2, "GET", "/v1beta/models/m", "", 200, "\"supportedGenerationMethods\""},
      {2, "GET", "/v1/models", "", 200, "{\"models\":[{\"name\":\"models/m\""},
      {2, "GET", "/v1alpha/models/m", "", 200, "\"name\":\"models/m\""},
      {2, "POST", "/v1/models/m:generateContent", "{" + content + "}", 200, "echo:"},
      {2, "GET", "/v2/models", "", 404, "Invalid URL"},
      {2, "GET", "/v1beta/modelsx", "", 404, "Invalid URL"},
      {2, "GET", "/v1beta/models/x", "", 404, "models/x is not found"},
      {1, "POST", "/v1/messages/count_tokens", question, 200, "{\"input_tokens\":2}"},
      {1, "POST", "/v1/messages/count_tokens", chat_body("a", ",\"max_tokens\":5"), 400,
       "max_tokens: Extra inputs are not permitted"},
      {2, "POST", "/v1beta/models/m:countTokens", "{" + content + "}", 200, "{\"totalTokens\":2"},
      {2, "POST", "/v1beta/models/m:countTokens",
       R"({"generateContentRequest":{"model":"models/m",)" + content + "}}", 200,
       "{\"totalTokens\":2"},
      {2, "POST", "/v1beta/models/m:embedContent", "{}", 404, "Invalid URL"},
      {2, "POST", "/v1beta/models/x:countTokens", "{}", 404,
       "models/x is not found for API version v1beta, or is not supported for countTokens"},
      {1, "POST", "/v1/messages",
       R"({"model":"x","max_tokens":5,"messages":[{"role":"user",)"
       R"("content":"a"}]})",
       404, "model: x"},
      {1, "GET", "/v1/messages", "", 405, "Not allowed to GET"},
      {2, "GET", "/v1beta/models/m:generateContent", "", 405, "Not allowed to GET"},
      {2, "POST", "/v1beta/models", "{}", 405, "Not allowed to POST"},
      {1, "POST", "/v1/messages", "{", 400, "not valid JSON"},
      {2, "POST", "/v1beta/models/m:generateContent", "{", 400, "Invalid JSON payload received"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.target);
    const Exchange got =
        exchange(rig, *mock, row.method, row.target, row.body, headers_of(kSpeakers[row.speaker]));
    CHECK(got.status == row.status);
    CHECK_MESSAGE(got.body.find(row.part) != std::string::npos, got.body);
    CHECK((got.head.find("allow: ") != std::string::npos) == (row.status == 405));
  }
}

TEST_CASE("thinking that was shown comes back; altered, it is refused (WIRE 2.2, 3.6)") {
  Rig rig;
  const auto mock = rig.mock();
  Question ask{"call the tool", 4000, true};
  for (const bool alter : {false, true}) {
    CAPTURE(alter);
    const auto garble = [alter](std::string text) {
      if (alter) text.back() = text.back() == '0' ? '1' : '0';
      return text;
    };
    ask.think = true;
    const Heard claude = hear(rig, *mock, kSpeakers[1], Way::kStream, ask);
    REQUIRE(claude.calls.size() == 1);
    CHECK(claude.thinking.starts_with("thinking:"));
    const std::string messages =
        R"({"model":"m","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":1024},)"
        R"("messages":[{"role":"user","content":"call the tool"},{"role":"assistant","content":[)"
        R"({"type":"thinking","thinking":")" +
        claude.thinking + R"(","signature":")" + garble(claude.signature) +
        R"("},{"type":"tool_use","id":")" + claude.calls[0].id + R"(","name":"f","input":)" +
        claude.calls[0].arguments +
        R"(}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":")" +
        claude.calls[0].id + R"(","content":"42"}]}]})";
    const Exchange again =
        exchange(rig, *mock, "POST", "/v1/messages", messages, headers_of(kSpeakers[1]));
    CHECK(again.status == (alter ? 400 : 200));
    CHECK(again.body.find(alter ? "Invalid `signature`" : "tool_result:42") != std::string::npos);

    ask.think = false;
    const Heard gemini = hear(rig, *mock, kSpeakers[2], Way::kStream, ask, "gemini-3-flash");
    REQUIRE(gemini.calls.size() == 1);
    const std::string contents =
        R"({"contents":[{"role":"user","parts":[{"text":"call the tool"}]},{"role":"model",)"
        R"("parts":[{"functionCall":{"name":"f","args":)" +
        gemini.calls[0].arguments + R"(},"thoughtSignature":")" + garble(gemini.signature) +
        R"("}]},{"role":"user","parts":[{"functionResponse":{"name":"f",)"
        R"("response":{"output":"42"}}}]}]})";
    const Exchange next =
        exchange(rig, *mock, "POST", "/v1beta/models/gemini-3-flash:generateContent", contents,
                 headers_of(kSpeakers[2]));
    CHECK(next.status == (alter ? 400 : 200));
    CHECK(next.body.find(alter ? "Corrupted thought signature" : "tool_result:42") !=
          std::string::npos);
  }
}

TEST_CASE("Anthropic: redacted thinking, hidden thinking, and pings") {
  Rig rig;
  const auto redacted = rig.mock(R"({"thinking":"t","redacted":true})");
  const Speaker& claude = kSpeakers[1];
  for (const Way way : {Way::kWhole, Way::kStream}) {
    const Heard heard = hear(rig, *redacted, claude, way, {});
    CHECK(heard.thinking.empty());
    CHECK(heard.signature.starts_with("MockRedA"));
  }
  const auto mock = rig.mock();
  const std::string hidden =
      R"({"model":"claude-opus-5","max_tokens":9,"stream":true,"messages":[{"role":"user",)"
      R"("content":"a"}],"thinking":{"type":"adaptive","display":"omitted"}})";
  const Exchange got = exchange(rig, *mock, "POST", "/v1/messages", hidden, headers_of(claude));
  Heard heard;
  heard.read_stream(Vendor::kAnthropic, got.body);
  CHECK(heard.thinking.empty());
  CHECK(heard.signature.starts_with("MockSigA"));
  CHECK(count_of(got.body, "event: ping\n") == 1);
  CHECK(got.head.find("request-id: req_") != std::string::npos);
  CHECK(got.head.find("anthropic-ratelimit-requests-limit: ") != std::string::npos);
}

TEST_CASE("Gemini: candidates, ids on generation 4, a signature on the last empty part") {
  Rig rig;
  const auto mock = rig.mock();
  const Speaker& gemini = kSpeakers[2];
  const std::string body =
      R"({"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{"candidateCount":2}})";
  const Exchange two =
      exchange(rig, *mock, "POST", "/v1beta/models/m:generateContent", body, headers_of(gemini));
  auto document = json::Document::parse(two.body);
  REQUIRE(document);
  CHECK(document->root()["candidates"].size() == 2);
  CHECK(document->root()["candidates"].at(1)["index"].integer() == 1);

  const Question ask{"call the tool", 100, true};
  CHECK(hear(rig, *mock, gemini, Way::kWhole, ask, "gemini-4-flash").calls[0].id.size() > 5);
  CHECK(hear(rig, *mock, gemini, Way::kWhole, ask, "gemini-3-flash").calls[0].id.empty());
  CHECK_FALSE(hear(rig, *mock, gemini, Way::kStream, {}, "gemini-3-flash").signature.empty());
  CHECK(hear(rig, *mock, gemini, Way::kStream, {}, "gemini-2.5-flash").signature.empty());
}

TEST_CASE("a script for one vendor leaves the others alone, and each is counted") {
  Rig rig;
  const auto mock = rig.mock(R"({"dialect":"anthropic","status":529})");
  for (const Speaker& speaker : kSpeakers) {
    const Exchange got = exchange(rig, *mock, "POST", target_of(speaker, Way::kWhole),
                                  body_of(speaker, Way::kWhole, {}), headers_of(speaker));
    CHECK(got.status == (speaker.vendor == Vendor::kAnthropic ? 529 : 200));
  }
  CHECK(mock->stats().openai == 1);
  CHECK(mock->stats().anthropic == 1);
  CHECK(mock->stats().gemini == 1);
  CHECK(mock->stats().scripted == 1);
}

TEST_CASE("what was received can be looked at, headers and body, whoever the vendor") {
  Rig rig;
  const auto mock = rig.mock();
  for (const Speaker& speaker : kSpeakers) {
    auto headers = headers_of(speaker, "secret");
    headers.emplace_back("x-Custom", "yes");
    const std::string body = body_of(speaker, Way::kWhole, {});
    (void)exchange(rig, *mock, "POST", target_of(speaker, Way::kWhole), body, headers);
    const Exchange stats = exchange(rig, *mock, "GET", "/mock/stats", "", {});
    auto document = json::Document::parse(stats.body);
    REQUIRE(document);
    const json::Value last = document->root()["last"];
    CHECK(last["target"].string() == target_of(speaker, Way::kWhole));
    CHECK(last["body"].string() == body);
    CHECK(last["headers"]["x-custom"].string() == "yes");
    CHECK(last["headers"][speaker.key_header].string() == speaker.key_prefix + "secret");
    CHECK(document->root()[speaker.name].integer() == 1);
  }
}

}  // namespace
}  // namespace llmorch::testing
