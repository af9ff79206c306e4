// The mock answers in earnest: from the request, in the vendor's shape (WIRE_FORMATS 1.4, 1.5).
#include "testing/mock_answer.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "json/json.h"
#include "rig.h"
#include "testing/mock_openai.h"

namespace llmorch::testing {
namespace {

MockAsk ask_for(const std::string& body) {
  auto read = read_openai_chat(body, {});
  REQUIRE(std::holds_alternative<MockAsk>(read));
  return std::get<MockAsk>(read);
}

struct Streamed {
  std::map<int, std::string> texts;  // per choice
  std::map<int, std::string> finishes;
  std::map<int, std::string> arguments;  // of the tool call
  std::string tool_name;
  std::string tool_id;
  std::size_t content_chunks = 0;  // of choice 0
  std::string usage;               // raw, "" when there was none
  std::size_t usage_nulls = 0;
  bool done = false;
  bool usage_before_done = false;
};

// Reads a stream the way an SDK does: deltas are concatenated per choice.
Streamed read_stream(std::string_view sse) {
  Streamed out;
  while (!sse.empty()) {
    const std::size_t end = sse.find("\n\n");
    REQUIRE(end != sse.npos);
    std::string_view frame = sse.substr(0, end);
    sse.remove_prefix(end + 2);
    REQUIRE(frame.starts_with("data: "));
    frame.remove_prefix(6);
    REQUIRE_FALSE(out.done);
    if (frame == "[DONE]") {
      out.done = true;
      continue;
    }
    auto document = json::Document::parse(std::string(frame));
    REQUIRE_MESSAGE(document, std::string(frame));
    const json::Value root = document->root();
    CHECK(root["object"].string() == "chat.completion.chunk");
    CHECK(root["choices"].is_array());
    if (root["usage"].is_object()) {
      CHECK(root["choices"].size() == 0);
      out.usage = root["usage"].raw();
    }
    if (root["usage"].is_null()) ++out.usage_nulls;
    for (const json::Value& choice : root["choices"].items()) {
      const int index = static_cast<int>(choice["index"].integer().value_or(-1));
      const json::Value delta = choice["delta"];
      if (index == 0 && delta["content"].is_string() && !delta["role"].exists()) {
        ++out.content_chunks;
      }
      out.texts[index] += delta["content"].string().value_or("");
      out.finishes[index] += choice["finish_reason"].string().value_or("");
      for (const json::Value& call : delta["tool_calls"].items()) {
        out.tool_id += call["id"].string().value_or("");
        out.tool_name += call["function"]["name"].string().value_or("");
        out.arguments[index] += call["function"]["arguments"].string().value_or("");
      }
    }
  }
  return out;
}

Streamed stream_of(const std::string& body, const Script& script = {}) {
  const auto answer = openai_answer(ask_for(body), script);
  std::string sse;
  while (answer->next(sse) != MockAnswer::Piece::kEnd) {
  }
  return read_stream(sse);
}

json::Document whole_of(const std::string& body) {
  auto document = json::Document::parse(openai_answer(ask_for(body), {})->whole());
  REQUIRE(document);
  return *std::move(document);
}

std::string text_of_whole(const json::Document& document, std::size_t choice = 0) {
  return document.root()["choices"].at(choice)["message"]["content"].string().value_or("none");
}

TEST_CASE("the nonce is the request's: same bytes, same nonce; any other byte, another") {
  const std::string one = text_of_whole(whole_of(chat_body("hello")));
  CHECK(one == text_of_whole(whole_of(chat_body("hello"))));
  CHECK(one.starts_with("echo:"));
  CHECK(one.ends_with(":hello"));
  CHECK(one.size() == 5 + 16 + 1 + 5);
  const std::string two = text_of_whole(whole_of(chat_body("hello", ",\"n\":1")));
  CHECK(two.ends_with(":hello"));
  CHECK(two != one);
  CHECK(text_of_whole(whole_of(chat_body("hellp"))).substr(5, 16) != one.substr(5, 16));
}

TEST_CASE("stream and whole say the same, cut at characters, whatever the text holds") {
  const std::string texts[] = {"",
                               "a",
                               "plain words",
                               "h\\u00e9llo w\\u00f6rld \\u4f60\\u597d \\ud83d\\ude00",
                               "quotes \\\" and \\\\ and \\n",
                               "日本語のテキスト日本語のテキスト"};
  for (const std::string& text : texts) {
    for (const std::uint64_t size : {1U, 2U, 3U, 7U, 16U}) {
      CAPTURE(text);
      CAPTURE(size);
      Script script;
      script.chunk_size = size;
      const std::string body = chat_body(text, ",\"stream\":true");
      const Streamed streamed = stream_of(body, script);
      CHECK(streamed.texts.at(0) == text_of_whole(whole_of(body)));
      CHECK(streamed.finishes.at(0) == "stop");
      CHECK(streamed.done);
      CHECK(streamed.usage.empty());
      CHECK(streamed.usage_nulls == 0);
    }
  }
}

TEST_CASE("chunks and chunk_size: exactly so many chunks, padded with dots") {
  const struct {
    std::uint64_t chunks, size;
    std::size_t want_chunks, want_bytes;  // the text alone is "echo:<16>:hi", 24 bytes
  } rows[] = {{0, 0, 2, 24}, {0, 24, 1, 24},     {0, 5, 5, 24},       {1, 0, 1, 24},
              {7, 0, 7, 24}, {100, 0, 100, 100}, {10, 100, 10, 1000}, {2, 3, 2, 24}};
  for (const auto& row : rows) {
    CAPTURE(row.chunks);
    CAPTURE(row.size);
    Script script;
    script.chunks = row.chunks;
    script.chunk_size = row.size;
    const Streamed streamed = stream_of(chat_body("hi", ",\"stream\":true"), script);
    CHECK(streamed.content_chunks == row.want_chunks);
    CHECK(streamed.texts.at(0).size() == row.want_bytes);
    CHECK(streamed.texts.at(0).substr(24) == std::string(row.want_bytes - 24, '.'));
  }
}

TEST_CASE("usage is counted from the bytes, and streamed only when asked for") {
  const std::string body = chat_body("12345678");  // 8 bytes asked, 30 answered
  const json::Document whole = whole_of(body);
  const json::Value usage = whole.root()["usage"];
  CHECK(usage["prompt_tokens"].integer() == 2);
  CHECK(usage["completion_tokens"].integer() == 8);
  CHECK(usage["total_tokens"].integer() == 10);
  const Streamed streamed =
      stream_of(chat_body("12345678", R"(,"stream":true,"stream_options":{"include_usage":true})"));
  CHECK(streamed.usage == usage.raw());
  CHECK(streamed.usage_nulls > 2);  // every chunk before it says "usage":null
}

TEST_CASE("max_tokens cuts the answer, and the reason is length") {
  for (const std::string key : {"max_tokens", "max_completion_tokens"}) {
    const std::string more = ",\"" + std::string(key) + "\":2";
    const json::Document whole = whole_of(chat_body("hello", more));
    CHECK(text_of_whole(whole).size() == 8);
    CHECK(whole.root()["choices"].at(0)["finish_reason"].string() == "length");
    CHECK(whole.root()["usage"]["completion_tokens"].integer() == 2);
    const Streamed streamed = stream_of(chat_body("hello", more + ",\"stream\":true"));
    CHECK(streamed.texts.at(0).size() == 8);
    CHECK(streamed.finishes.at(0) == "length");
  }
  CHECK(whole_of(chat_body("hello", ",\"max_tokens\":100"))
            .root()["choices"]
            .at(0)["finish_reason"]
            .string() == "stop");
}

TEST_CASE("n choices, each its own, whole and streamed") {
  const std::string body = chat_body("hi", ",\"n\":3,\"stream\":true");
  const json::Document whole = whole_of(body);
  CHECK(whole.root()["choices"].size() == 3);
  const Streamed streamed = stream_of(body);
  CHECK(streamed.texts.size() == 3);
  for (int i = 0; i < 3; ++i) {
    CHECK(streamed.texts.at(i) == text_of_whole(whole, static_cast<std::size_t>(i)));
    CHECK(streamed.finishes.at(i) == "stop");
  }
  CHECK(streamed.texts.at(0).starts_with("echo:"));
  CHECK(streamed.texts.at(2).starts_with("echo2:"));
}

TEST_CASE("tools: called when required, named or spoken to; not otherwise") {
  const std::string tools =
      R"(,"stream":true,"tools":[{"type":"function","function":{"name":"f"}},)"
      R"({"type":"function","function":{"name":"g"}}])";
  const struct {
    std::string text;
    std::string more;
    const char* tool;
  } rows[] = {
      {"hi", tools, ""},
      {"call the tool", tools, "f"},
      {"call the tool", tools + R"(,"tool_choice":"none")", ""},
      {"call the tool", ",\"stream\":true", ""},
      {"hi", tools + R"(,"tool_choice":"required")", "f"},
      {"hi", tools + R"(,"tool_choice":"auto")", ""},
      {"hi", tools + R"(,"tool_choice":{"type":"function","function":{"name":"g"}})", "g"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CAPTURE(row.more);
    const std::string body = chat_body(row.text, row.more);
    const json::Document whole = whole_of(body);
    const Streamed streamed = stream_of(body);
    const json::Value choice = whole.root()["choices"].at(0);
    const json::Value call = choice["message"]["tool_calls"].at(0);
    CHECK(streamed.tool_name == row.tool);
    CHECK(call["function"]["name"].string().value_or("") == row.tool);
    CHECK(streamed.finishes.at(0) == (*row.tool == '\0' ? "stop" : "tool_calls"));
    CHECK(choice["finish_reason"].string() == streamed.finishes.at(0));
    if (*row.tool == '\0') continue;
    CHECK(choice["message"]["content"].is_null());
    CHECK(call["id"].string() == streamed.tool_id);
    CHECK(call["function"]["arguments"].string() == streamed.arguments.at(0));
    auto arguments = json::Document::parse(streamed.arguments.at(0));
    REQUIRE(arguments);
    CHECK(arguments->root()["text"].string() == row.text);
    CHECK(arguments->root()["nonce"].string() == streamed.tool_id.substr(5));
  }
}

TEST_CASE("after a tool's result the answer holds it, even when a tool is required") {
  const std::string body =
      R"({"model":"m","messages":[{"role":"user","content":"call the tool"},)"
      R"({"role":"assistant","tool_calls":[{"id":"c1","type":"function",)"
      R"("function":{"name":"f","arguments":"{}"}}]},)"
      R"({"role":"tool","tool_call_id":"c1","content":"forty-two"}],)"
      R"("tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"})";
  CHECK(text_of_whole(whole_of(body)).ends_with(":tool_result:forty-two"));
}

}  // namespace
}  // namespace llmorch::testing
