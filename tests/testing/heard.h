// Heard: what a client of any vendor makes of an answer, whole or streamed, read as its SDK would.
#ifndef LLMORCH_TESTS_TESTING_HEARD_H_
#define LLMORCH_TESTS_TESTING_HEARD_H_

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace llmorch::testing {

enum class Vendor { kOpenAi, kAnthropic, kGemini };

struct Heard {
  std::string text;
  std::string thinking;
  std::string signature;  // all of them, one behind the other
  std::string refusal;
  std::string finish;  // the vendor's word
  std::string stop_sequence;
  std::string error;  // message of an error frame
  struct Call {
    std::string id, name, arguments;
  };
  std::vector<Call> calls;
  std::int64_t input = -1;  // as the vendor counts it
  std::int64_t cached = -1;
  std::int64_t output = -1;
  std::int64_t reasoning = -1;
  bool ended = false;  // by the vendor's own marker
  std::string broken;  // the frame that is not JSON
  std::size_t frames = 0;

  void read_whole(Vendor vendor, const std::string& body);
  void read_stream(Vendor vendor, std::string_view body);

 private:
  static std::string text_of(const json::Value& value) { return value.string().value_or(""); }
  static void count(std::int64_t& to, const json::Value& value) {
    if (value.integer()) to = *value.integer();
  }
  Call& call_at(std::size_t index) {
    if (calls.size() <= index) calls.resize(index + 1);
    return calls[index];
  }
  void openai(const json::Value& root, const char* part);
  void openai_usage(const json::Value& usage);
  void anthropic_block(const json::Value& block, bool whole);
  void anthropic_end(const json::Value& delta, const json::Value& usage);
  void anthropic_event(std::string_view name, const json::Value& root);
  void gemini(const json::Value& root);
  void frame(Vendor vendor, std::string_view name, std::string_view data);
  bool in_tool_ = false;
};

inline void Heard::openai_usage(const json::Value& usage) {
  count(input, usage["prompt_tokens"]);
  count(output, usage["completion_tokens"]);
  count(cached, usage["prompt_tokens_details"]["cached_tokens"]);
  count(reasoning, usage["completion_tokens_details"]["reasoning_tokens"]);
}

inline void Heard::openai(const json::Value& root, const char* part) {
  error += text_of(root["error"]["message"]);
  openai_usage(root["usage"]);
  for (const json::Value& choice : root["choices"].items()) {
    const json::Value delta = choice[part];
    text += text_of(delta["content"]);
    thinking += text_of(delta["reasoning_content"]);
    refusal += text_of(delta["refusal"]);
    finish += text_of(choice["finish_reason"]);
    std::size_t at = 0;
    for (const json::Value& item : delta["tool_calls"].items()) {
      Call& call = call_at(static_cast<std::size_t>(
          item["index"].integer().value_or(static_cast<std::int64_t>(at))));
      call.id += text_of(item["id"]);
      call.name += text_of(item["function"]["name"]);
      call.arguments += text_of(item["function"]["arguments"]);
      ++at;
    }
  }
}

inline void Heard::anthropic_block(const json::Value& block, bool whole) {
  const std::string type = text_of(block["type"]);
  in_tool_ = type == "tool_use";
  text += text_of(block["text"]);
  thinking += text_of(block["thinking"]);
  signature += text_of(block["signature"]) + text_of(block["data"]);
  if (in_tool_) {
    calls.push_back({text_of(block["id"]), text_of(block["name"]),
                     whole ? std::string(block["input"].raw()) : ""});
  }
}

inline void Heard::anthropic_end(const json::Value& delta, const json::Value& usage) {
  finish += text_of(delta["stop_reason"]);
  stop_sequence += text_of(delta["stop_sequence"]);
  refusal += text_of(delta["stop_details"]["explanation"]);
  count(input, usage["input_tokens"]);
  count(cached, usage["cache_read_input_tokens"]);
  count(output, usage["output_tokens"]);
  count(reasoning, usage["output_tokens_details"]["thinking_tokens"]);
}

inline void Heard::anthropic_event(std::string_view name, const json::Value& root) {
  CHECK(root["type"].string() == name);
  if (name == "message_start") {
    CHECK(root["message"]["content"].is_array());
    CHECK(root["message"]["stop_reason"].is_null());
    anthropic_end(root["message"], root["message"]["usage"]);
  } else if (name == "content_block_start") {
    anthropic_block(root["content_block"], false);
  } else if (name == "content_block_delta") {
    const json::Value delta = root["delta"];
    text += text_of(delta["text"]);
    thinking += text_of(delta["thinking"]);
    signature += text_of(delta["signature"]);
    if (in_tool_) calls.back().arguments += text_of(delta["partial_json"]);
  } else if (name == "content_block_stop") {
    if (in_tool_ && calls.back().arguments.empty()) calls.back().arguments = "{}";
  } else if (name == "message_delta") {
    anthropic_end(root["delta"], root["usage"]);
  } else if (name == "message_stop") {
    ended = true;
  } else if (name == "error") {
    error += text_of(root["error"]["message"]);
  } else {
    CHECK(name == "ping");
  }
}

inline void Heard::gemini(const json::Value& root) {
  error += text_of(root["error"]["message"]);
  const json::Value usage = root["usageMetadata"];
  count(input, usage["promptTokenCount"]);
  count(cached, usage["cachedContentTokenCount"]);
  count(output, usage["candidatesTokenCount"]);
  count(reasoning, usage["thoughtsTokenCount"]);
  for (const json::Value& candidate : root["candidates"].items()) {
    finish += text_of(candidate["finishReason"]);
    refusal += text_of(candidate["finishMessage"]);
    for (const json::Value& part : candidate["content"]["parts"].items()) {
      const bool thought = part["thought"].boolean().value_or(false);
      (thought ? thinking : text) += text_of(part["text"]);
      signature += text_of(part["thoughtSignature"]);
      const json::Value call = part["functionCall"];
      if (call.exists()) {
        calls.push_back(
            {text_of(call["id"]), text_of(call["name"]), std::string(call["args"].raw())});
      }
    }
  }
  if (!finish.empty()) ended = true;
}

inline void Heard::frame(Vendor vendor, std::string_view name, std::string_view data) {
  CHECK_FALSE((ended && vendor != Vendor::kGemini));
  if (vendor == Vendor::kOpenAi && data == "[DONE]") {
    ended = true;
    return;
  }
  auto document = json::Document::parse(std::string(data));
  if (!document) {
    broken = data;
    return;
  }
  ++frames;
  if (vendor == Vendor::kOpenAi) openai(document->root(), "delta");
  if (vendor == Vendor::kAnthropic) anthropic_event(name, document->root());
  if (vendor == Vendor::kGemini) gemini(document->root());
}

inline void Heard::read_whole(Vendor vendor, const std::string& body) {
  auto document = json::Document::parse(body);
  REQUIRE_MESSAGE(document, body);
  const json::Value root = document->root();
  if (vendor == Vendor::kOpenAi) openai(root, "message");
  if (vendor == Vendor::kGemini) gemini(root);
  if (vendor == Vendor::kAnthropic) {
    for (const json::Value& block : root["content"].items()) anthropic_block(block, true);
    anthropic_end(root, root["usage"]);
    error += text_of(root["error"]["message"]);
  }
}

// SSE, or Gemini's array.
inline void Heard::read_stream(Vendor vendor, std::string_view body) {
  if (body.starts_with('[')) {
    auto document = json::Document::parse(std::string(body));
    REQUIRE_MESSAGE(document, std::string(body));
    for (const json::Value& item : document->root().items()) frame(vendor, "", item.raw());
    return;
  }
  const std::string_view blank = vendor == Vendor::kGemini ? "\r\n\r\n" : "\n\n";
  while (!body.empty()) {
    const std::size_t end = body.find(blank);
    REQUIRE(end != body.npos);
    std::string_view lines = body.substr(0, end);
    body.remove_prefix(end + blank.size());
    std::string_view name;
    if (lines.starts_with("event: ")) {
      name = lines.substr(7, lines.find('\n') - 7);
      lines.remove_prefix(name.size() + 8);
    }
    CHECK(name.empty() == (vendor != Vendor::kAnthropic));
    REQUIRE(lines.starts_with("data: "));
    frame(vendor, name, lines.substr(6));
  }
}

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTS_TESTING_HEARD_H_
