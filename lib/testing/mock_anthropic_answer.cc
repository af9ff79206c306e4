// Answers of Messages, whole and as named events (WIRE_FORMATS 2.3, 2.5).
#include "base/text.h"
#include "testing/mock_anthropic.h"
#include "testing/mock_signature.h"

namespace llmorch::testing {
namespace {

constexpr std::string_view kReasons[] = {"end_turn", "max_tokens", "tool_use", "stop_sequence",
                                         "refusal"};

class AnthropicAnswer final : public MockAnswer {
 public:
  AnthropicAnswer(MockAsk ask, const Script& script)
      : MockAnswer(std::move(ask), script, {"toolu_", true}) {}

  std::string whole() const override {
    std::string content;
    for (const Segment& segment : segments_) {
      put(content, content.empty() ? "" : ",", block(segment, false));
    }
    return joined(message(content), ",", ending(), ",\"usage\":{", input_counts(),
                  ",\"output_tokens\":", usage_.output, details(),
                  ",\"service_tier\":\"standard\"}}");
  }

 private:
  using Kind = Segment::Kind;

  std::string message(std::string_view content) const {
    return joined("{\"id\":\"msg_", hex16(ask_.nonce),
                  "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":",
                  json_string(ask_.model), ",\"content\":[", content, "]");
  }

  // stop_reason, stop_sequence and stop_details.
  std::string ending() const {
    const bool stopped = finish() == Finish::kStopSequence;
    std::string out =
        joined("\"stop_reason\":", json_string(finish_word(kReasons)),
               ",\"stop_sequence\":", stopped ? json_string(stopped_by_) : std::string("null"));
    if (!script_.refusal) return out + ",\"stop_details\":null";
    put(out, ",\"stop_details\":{\"type\":\"refusal\",\"category\":\"general_harms\",",
        "\"explanation\":", json_string(*script_.refusal), "}");
    return out;
  }

  std::string input_counts() const {
    const std::uint64_t cached = usage_.cached + usage_.cache_write;
    return joined("\"input_tokens\":", usage_.input > cached ? usage_.input - cached : 0,
                  ",\"cache_creation_input_tokens\":", usage_.cache_write,
                  ",\"cache_read_input_tokens\":", usage_.cached,
                  ",\"cache_creation\":{\"ephemeral_5m_input_tokens\":", usage_.cache_write,
                  ",\"ephemeral_1h_input_tokens\":0}");
  }

  std::string details() const {
    if (usage_.reasoning == 0) return "";
    return joined(",\"output_tokens_details\":{\"thinking_tokens\":", usage_.reasoning, "}");
  }

  std::string shown(const Segment& thinking) const {
    return ask_.hide_thinking ? "" : thinking.full();
  }
  std::string signature(const Segment& thinking) const {
    return sign(kAnthropicTag, hex16(ask_.nonce), shown(thinking));
  }

  // Whole, or as a stream opens it.
  std::string block(const Segment& segment, bool open) const {
    if (segment.kind == Kind::kText) {
      return open ? "{\"type\":\"text\",\"text\":\"\"}"
                  : joined("{\"type\":\"text\",\"text\":", json_string(segment.full()),
                           ",\"citations\":null}");
    }
    if (segment.kind == Kind::kCall) {
      return joined("{\"type\":\"tool_use\",\"id\":", json_string(segment.id),
                    ",\"name\":", json_string(segment.name),
                    ",\"input\":", open ? "{}" : segment.full(), "}");
    }
    if (script_.redacted) {
      return joined("{\"type\":\"redacted_thinking\",\"data\":\"",
                    sign(kRedactedTag, hex16(ask_.nonce), ""), "\"}");
    }
    return joined("{\"type\":\"thinking\",\"thinking\":", json_string(open ? "" : shown(segment)),
                  ",\"signature\":\"", open ? "" : signature(segment), "\"}");
  }

  std::size_t index_of(const Segment& segment) const {
    return static_cast<std::size_t>(&segment - segments_.data());
  }

  void put_event(std::string& out, std::string_view name, std::string_view members) const {
    put(out, "event: ", name, "\ndata: {\"type\":\"", name, "\"", members);
    put_stamp(out);
    out += "}\n\n";
  }
  void put_delta(std::string& out, const Segment& segment, std::string_view type,
                 std::string_view member, std::string_view text) const {
    put_event(out, "content_block_delta",
              joined(",\"index\":", index_of(segment), ",\"delta\":{\"type\":\"", type, "\",\"",
                     member, "\":", json_string(text), "}"));
  }

  void write_start(std::string& out, int) override {
    put_event(
        out, "message_start",
        joined(",\"message\":", message(""),
               ",\"stop_reason\":null,\"stop_sequence\":null,\"stop_details\":null,", "\"usage\":{",
               input_counts(), ",\"output_tokens\":1,\"service_tier\":\"standard\"}}"));
  }
  void write_begin(std::string& out, int, const Segment& segment) override {
    put_event(
        out, "content_block_start",
        joined(",\"index\":", index_of(segment), ",\"content_block\":", block(segment, true)));
    if (index_of(segment) == 0) put_event(out, "ping", "");
    if (segment.kind == Kind::kCall)
      put_delta(out, segment, "input_json_delta", "partial_json", "");
  }
  void write_piece(std::string& out, int, const Segment& segment, std::string_view piece) override {
    if (segment.kind == Kind::kText) {
      put_delta(out, segment, "text_delta", "text", piece);
    } else if (segment.kind == Kind::kCall) {
      // A tool that takes no arguments gets the empty first delta only.
      if (segment.text != "{}") {
        put_delta(out, segment, "input_json_delta", "partial_json", piece);
      }
    } else if (!script_.redacted && !ask_.hide_thinking) {
      put_delta(out, segment, "thinking_delta", "thinking", piece);
    }
  }
  void write_close(std::string& out, int, const Segment& segment) override {
    if (segment.kind == Kind::kThinking && !script_.redacted) {
      put_delta(out, segment, "signature_delta", "signature", signature(segment));
    }
    put_event(out, "content_block_stop", joined(",\"index\":", index_of(segment)));
  }
  void write_finish(std::string& out, int) override {
    put_event(out, "message_delta",
              joined(",\"delta\":{", ending(), "},\"usage\":{", input_counts(),
                     ",\"output_tokens\":", usage_.output, details(), "}"));
  }
  void write_usage(std::string&) override {}
  void write_garbage(std::string& out, std::string_view garbage) override {
    put(out, "event: content_block_delta\ndata: ", garbage, "\n\n");
  }
  void write_done(std::string& out) override { put_event(out, "message_stop", ""); }
  void write_error(std::string& out) override {
    put_event(out, "error",
              ",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}");
  }
};

}  // namespace

std::unique_ptr<MockAnswer> anthropic_answer(MockAsk ask, const Script& script) {
  return std::make_unique<AnthropicAnswer>(std::move(ask), script);
}

}  // namespace llmorch::testing
