// Answers of Chat Completions, whole and as chunks (WIRE_FORMATS 1.4, 1.5). Thinking is written as
// the compatible vendors do, "reasoning_content" (6.6): OpenAI itself shows none.
#include <ctime>

#include "base/text.h"
#include "testing/mock_openai.h"

namespace llmorch::testing {
namespace {

constexpr std::string_view kFinishes[] = {"stop", "length", "tool_calls", "stop", "stop"};

class OpenAiAnswer final : public MockAnswer {
 public:
  OpenAiAnswer(MockAsk ask, const Script& script) : MockAnswer(std::move(ask), script, {}) {
    frame_prefix_ = "data: " + prefix("chat.completion.chunk");
    finish_word_ = finish_word(kFinishes);
  }

  std::string whole() const override {
    std::string out = prefix("chat.completion");
    for (int choice = 0; choice < ask_.n; ++choice) {
      if (choice > 0) out += ',';
      put(out, "{\"index\":", choice, ",\"message\":");
      put_message(out, choice);
      put(out, ",\"logprobs\":null,\"finish_reason\":\"", finish_word_, "\"}");
    }
    put(out, "],\"usage\":", usage_json(), "}");
    return out;
  }

 private:
  using Kind = Segment::Kind;

  void put_message(std::string& out, int choice) const {
    std::string content = "null";
    std::string reasoning;
    std::string calls;
    for (const Segment& segment : segments_) {
      if (segment.kind == Kind::kText) {
        content = json_string(for_choice(choice, segment.full()));
      } else if (segment.kind == Kind::kThinking) {
        reasoning = json_string(segment.full());
      } else {
        put(calls, calls.empty() ? "" : ",", "{\"id\":", json_string(segment.id),
            ",\"type\":\"function\",\"function\":{\"name\":", json_string(segment.name),
            ",\"arguments\":", json_string(segment.full()), "}}");
      }
    }
    put(out, "{\"role\":\"assistant\",\"content\":", content,
        ",\"refusal\":", script_.refusal ? json_string(*script_.refusal) : "null");
    if (!reasoning.empty()) put(out, ",\"reasoning_content\":", reasoning);
    put(out, calls.empty() ? ",\"annotations\":[]}" : ",\"tool_calls\":[" + calls + "]}");
  }

  std::string usage_json() const {
    std::string out;
    put(out, "{\"prompt_tokens\":", usage_.input, ",\"completion_tokens\":", usage_.output,
        ",\"total_tokens\":", usage_.input + usage_.output,
        ",\"prompt_tokens_details\":{\"cached_tokens\":", usage_.cached);
    if (usage_.cache_write > 0) put(out, ",\"cache_write_tokens\":", usage_.cache_write);
    put(out, "},\"completion_tokens_details\":{\"reasoning_tokens\":", usage_.reasoning, "}}");
    return out;
  }

  std::string prefix(std::string_view object) const {
    return joined("{\"id\":\"chatcmpl-", hex16(ask_.nonce), "\",\"object\":\"", object,
                  "\",\"created\":", std::time(nullptr), ",\"model\":", json_string(ask_.model),
                  ",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_mock\",\"choices\":[");
  }

  void put_frame(std::string& out, int choice, std::string_view delta,
                 std::string_view finish) const {
    out.append(frame_prefix_).append("{\"index\":").append(std::to_string(choice));
    out.append(",\"delta\":").append(delta).append(",\"logprobs\":null,\"finish_reason\":");
    if (finish.empty()) {
      out += "null";
    } else {
      out.append("\"").append(finish).append("\"");
    }
    out += ask_.include_usage ? "}],\"usage\":null" : "}]";
    put_stamp(out);
    out += "}\n\n";
  }

  static std::string call_start(const Segment& call) {
    return joined("\"tool_calls\":[{\"index\":", call.index, ",\"id\":", json_string(call.id),
                  ",\"type\":\"function\",\"function\":{\"name\":", json_string(call.name),
                  ",\"arguments\":\"\"}}]");
  }

  // The first call comes in the chunk that names the role, as OpenAI sends it.
  bool starts_with_call() const {
    return !segments_.empty() && segments_.front().kind == Kind::kCall;
  }

  void write_start(std::string& out, int choice) override {
    std::string delta = "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}";
    if (starts_with_call()) {
      delta = "{\"role\":\"assistant\",\"content\":null," + call_start(segments_.front()) +
              ",\"refusal\":null}";
    }
    put_frame(out, choice, delta, {});
  }
  void write_begin(std::string& out, int choice, const Segment& segment) override {
    if (segment.kind != Kind::kCall || (segment.index == 0 && starts_with_call())) return;
    put_frame(out, choice, "{" + call_start(segment) + "}", {});
  }
  void write_piece(std::string& out, int choice, const Segment& segment,
                   std::string_view piece) override {
    std::string delta = "{\"content\":";
    if (segment.kind == Kind::kThinking) {
      delta = "{\"reasoning_content\":";
    } else if (segment.kind == Kind::kCall) {
      delta =
          joined("{\"tool_calls\":[{\"index\":", segment.index, ",\"function\":{\"arguments\":");
    }
    append_json_string(delta, piece);
    delta += segment.kind == Kind::kCall ? "}}]}" : "}";
    put_frame(out, choice, delta, {});
  }
  void write_close(std::string&, int, const Segment&) override {}
  void write_finish(std::string& out, int choice) override {
    if (script_.refusal) {
      put_frame(out, choice, "{\"refusal\":" + json_string(*script_.refusal) + "}", {});
    }
    put_frame(out, choice, "{}", finish_word_);
  }
  void write_usage(std::string& out) override {
    if (!ask_.include_usage) return;
    put(out, frame_prefix_, "],\"usage\":", usage_json(), "}\n\n");
  }
  void write_garbage(std::string& out, std::string_view garbage) override {
    put(out, "data: ", garbage, "\n\n");
  }
  void write_done(std::string& out) override { out += "data: [DONE]\n\n"; }
  void write_error(std::string& out) override {
    put(out, "data: ",
        openai_error("The server had an error while processing your request.", "server_error", {},
                     "server_error"),
        "\n\n");
  }

  std::string frame_prefix_;
  std::string finish_word_;
};

}  // namespace

std::unique_ptr<MockAnswer> openai_answer(MockAsk ask, const Script& script) {
  return std::make_unique<OpenAiAnswer>(std::move(ask), script);
}

}  // namespace llmorch::testing
