#include "testing/mock_answer.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include "base/text.h"

namespace llmorch::testing {
namespace {

constexpr std::size_t kBytesPerToken = 4;
constexpr std::size_t kDefaultChunk = 16;
constexpr std::uint64_t kMaxText = 64u << 20;  // so that a script cannot ask for all memory

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::uint64_t tokens(std::uint64_t bytes) { return (bytes + kBytesPerToken - 1) / kBytesPerToken; }

}  // namespace

std::string hex16(std::uint64_t number) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(16, '0');
  for (std::size_t i = 16; i-- > 0; number >>= 4) out[i] = kDigits[number & 15];
  return out;
}

std::string garbage_bytes(std::uint64_t count) {
  std::string out(std::min(count, kMaxText), '\0');
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(0x80 + i * 37 % 0x7F);
  return out;
}

MockAnswer::MockAnswer(ChatAsk ask, const Script& script)
    : ask_(std::move(ask)),
      error_after_(script.error_in_band),
      garbage_(script.garbage),
      no_done_(script.no_done),
      stamp_(script.stamp) {
  const std::string nonce = hex16(ask_.nonce);
  std::uint64_t size = std::min(script.chunk_size, kMaxText);
  std::uint64_t count = std::min(script.chunks, kMaxText);
  if (!ask_.call_tool.empty()) {
    text_ = "{\"nonce\":\"" + nonce + "\",\"text\":" + json_string(ask_.text) + "}";
    total_ = text_.size();
  } else {
    text_ = "echo:" + nonce + ":" + (ask_.after_tool ? "tool_result:" : "") + ask_.text;
    total_ = std::max<std::size_t>(text_.size(), count);
    if (count > 0 && size > 0) total_ = std::max(total_, std::min(count * size, kMaxText));
    const std::uint64_t limit = static_cast<std::uint64_t>(ask_.max_tokens) * kBytesPerToken;
    if (ask_.max_tokens >= 0 && total_ > limit) {
      cut_short_ = true;
      total_ = limit;
      if (total_ < text_.size()) {
        while (total_ > 0 && is_continuation(text_[total_])) --total_;
        text_.resize(total_);
      }
    }
  }
  if (count == 0) {
    if (size == 0) size = kDefaultChunk;
    count = std::max<std::uint64_t>(1, (total_ + size - 1) / size);
  }
  count_ = count;
  chunk_size_ = size;
  frame_prefix_ = "data: " + prefix("chat.completion.chunk");
}

// Where piece `index` begins: an even cut, moved back to the start of a character.
std::size_t MockAnswer::position(std::uint64_t index) const {
  if (index >= count_) return total_;
  std::size_t at = chunk_size_ != 0 ? std::min<std::size_t>(index * chunk_size_, total_)
                                    : static_cast<std::size_t>(index * total_ / count_);
  while (at > 0 && at < text_.size() && is_continuation(text_[at])) --at;
  return at;
}

std::string MockAnswer::piece(std::uint64_t index) const {
  const std::size_t from = position(index);
  const std::size_t to = position(index + 1);
  std::string out;
  if (from < text_.size()) out = text_.substr(from, to - from);
  out.resize(to - from, '.');
  return out;
}

// Choices after the first say so: "echo1:...".
std::string MockAnswer::text_of(int choice, std::string_view text) const {
  if (choice == 0 || !text.starts_with("echo:")) return std::string(text);
  return "echo" + std::to_string(choice) + std::string(text.substr(4));
}

std::string MockAnswer::tool_id() const { return "call_" + hex16(ask_.nonce); }

std::string MockAnswer::finish_reason() const {
  if (!ask_.call_tool.empty()) return "tool_calls";
  return cut_short_ ? "length" : "stop";
}

std::string MockAnswer::usage() const {
  const std::uint64_t prompt = tokens(ask_.prompt_bytes);
  const std::uint64_t completion = tokens(total_) * static_cast<std::uint64_t>(ask_.n);
  return "{\"prompt_tokens\":" + std::to_string(prompt) +
         ",\"completion_tokens\":" + std::to_string(completion) +
         ",\"total_tokens\":" + std::to_string(prompt + completion) +
         ",\"prompt_tokens_details\":{\"cached_tokens\":0},"
         "\"completion_tokens_details\":{\"reasoning_tokens\":0}}";
}

std::string MockAnswer::prefix(std::string_view object) const {
  return "{\"id\":\"chatcmpl-" + hex16(ask_.nonce) + "\",\"object\":\"" + std::string(object) +
         "\",\"created\":" + std::to_string(std::time(nullptr)) +
         ",\"model\":" + json_string(ask_.model) +
         ",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_mock\",\"choices\":[";
}

std::string MockAnswer::whole() const {
  std::string out = prefix("chat.completion");
  std::string text = text_;
  text.resize(total_, '.');
  for (int choice = 0; choice < ask_.n; ++choice) {
    if (choice > 0) out += ',';
    out += "{\"index\":" + std::to_string(choice) +
           ",\"message\":{\"role\":\"assistant\",\"content\":";
    if (ask_.call_tool.empty()) {
      append_json_string(out, text_of(choice, text));
      out += ",\"refusal\":null,\"annotations\":[]}";
    } else {
      out += "null,\"refusal\":null,\"tool_calls\":[{\"id\":\"" + tool_id() +
             "\",\"type\":\"function\",\"function\":{\"name\":" + json_string(ask_.call_tool) +
             ",\"arguments\":" + json_string(text) + "}}]}";
    }
    out += ",\"logprobs\":null,\"finish_reason\":\"" + finish_reason() + "\"}";
  }
  return out + "],\"usage\":" + usage() + "}";
}

void MockAnswer::append_frame(std::string& out, int choice, std::string_view delta,
                              std::string_view finish) const {
  out.append(frame_prefix_).append("{\"index\":").append(std::to_string(choice));
  out.append(",\"delta\":").append(delta).append(",\"logprobs\":null,\"finish_reason\":");
  if (finish.empty()) {
    out += "null";
  } else {
    out.append("\"").append(finish).append("\"");
  }
  out += ask_.include_usage ? "}],\"usage\":null" : "}]";
  if (stamp_) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    out.append(",\"mock_ns\":").append(std::to_string(std::chrono::nanoseconds(now).count()));
  }
  out += "}\n\n";
}

MockAnswer::Piece MockAnswer::next(std::string& out) {
  const bool tool = !ask_.call_tool.empty();
  if (chunks_sent_ >= error_after_ && stage_ <= Stage::kFinish) {
    stage_ = Stage::kEnd;
    out += "data: " +
           error_json("The server had an error while processing your request.", "server_error", {},
                      "server_error") +
           "\n\n";
    return Piece::kOther;
  }
  switch (stage_) {
    case Stage::kRole: {
      std::string delta = "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}";
      if (tool) {
        delta = "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"" +
                tool_id() +
                "\",\"type\":\"function\",\"function\":{\"name\":" + json_string(ask_.call_tool) +
                ",\"arguments\":\"\"}}],\"refusal\":null}";
      }
      append_frame(out, choice_, delta, {});
      if (++choice_ == ask_.n) {
        choice_ = 0;
        stage_ = Stage::kContent;
      }
      return Piece::kOther;
    }
    case Stage::kContent: {
      std::string words = piece(index_);
      if (index_ == 0) words = text_of(choice_, words);
      std::string delta =
          tool ? "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":" : "{\"content\":";
      append_json_string(delta, words);
      delta += tool ? "}}]}" : "}";
      append_frame(out, choice_, delta, {});
      if (++choice_ == ask_.n) {
        choice_ = 0;
        ++chunks_sent_;
        if (++index_ == count_) stage_ = Stage::kFinish;
      }
      return Piece::kContent;
    }
    case Stage::kFinish:
      append_frame(out, choice_, "{}", finish_reason());
      if (++choice_ == ask_.n) stage_ = Stage::kUsage;
      return Piece::kOther;
    case Stage::kUsage:
      stage_ = Stage::kGarbage;
      if (!ask_.include_usage) return next(out);
      out.append(frame_prefix_).append("],\"usage\":").append(usage()).append("}\n\n");
      return Piece::kOther;
    case Stage::kGarbage:
      stage_ = Stage::kDone;
      if (garbage_ == 0) return next(out);
      out.append("data: ").append(garbage_bytes(garbage_)).append("\n\n");
      return Piece::kOther;
    case Stage::kDone:
      stage_ = Stage::kEnd;
      if (no_done_) return Piece::kEnd;
      out += "data: [DONE]\n\n";
      return Piece::kOther;
    case Stage::kEnd:
      break;
  }
  return Piece::kEnd;
}

}  // namespace llmorch::testing
