#include "texts.h"

#include <algorithm>

namespace llmorch::bench {
namespace {

// As long as asked, with an escape in every line, as prose and code have them.
std::string text(std::size_t size) {
  constexpr std::string_view kLine =
      R"(The quick brown fox jumps over the lazy dog, \"twice\", and costs 0.70 each time.\n)";
  std::string out;
  while (out.size() + kLine.size() <= size) out += kLine;
  return out.append(size - out.size(), '.');
}

}  // namespace

CallSpec request(std::size_t size) {
  std::string body =
      R"({"model":"m","stream":true,"temperature":0.70,"max_tokens":256,"user":"u-1",)"
      R"("messages":[{"role":"system","content":"You are terse."})";
  constexpr std::size_t kMessageBytes = 400;
  constexpr std::size_t kAround = 40;
  for (bool user = true; body.size() + 2 * kAround < size; user = !user) {
    const std::size_t room = size - body.size() - kAround;
    body.append(user ? R"(,{"role":"user","content":")" : R"(,{"role":"assistant","content":")");
    body.append(text(std::min(kMessageBytes, room))).append("\"}");
  }
  body.append("]}");
  CallSpec spec;
  spec.body = Body(std::move(body));
  return spec;
}

std::vector<std::string> chunks(std::size_t size) {
  constexpr std::string_view kBegin =
      R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"up",)"
      R"("system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"content":")";
  constexpr std::string_view kEnd = "\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";
  const std::string chunk =
      std::string(kBegin).append(text(kChunkBytes - kBegin.size() - kEnd.size())).append(kEnd);
  return std::vector<std::string>(size / kChunkBytes, chunk);
}

std::string stream_text(std::size_t size) {
  std::string all;
  for (const std::string& chunk : chunks(size)) all += chunk;
  return all;
}

}  // namespace llmorch::bench
