// Answers of Gemini, whole, as SSE and as an array that grows (WIRE_FORMATS 3.4, 3.5).
#include "base/text.h"
#include "testing/mock_gemini.h"
#include "testing/mock_signature.h"

namespace llmorch::testing {
namespace {

// Tool calls end with STOP, and stop sequences too.
constexpr std::string_view kReasons[] = {"STOP", "MAX_TOKENS", "STOP", "STOP", "SAFETY"};

class GeminiAnswer final : public MockAnswer {
 public:
  GeminiAnswer(MockAsk ask, const Script& script)
      : MockAnswer(std::move(ask), script, {"call_", false}),
        generation_(gemini_generation(ask_.model)) {}

  std::string whole() const override {
    std::string candidates;
    for (int choice = 0; choice < ask_.n; ++choice) {
      std::string parts;
      for (const Segment& segment : segments_) {
        const std::string text = for_choice(choice, segment.full());
        put(parts, parts.empty() ? "" : ",",
            part(segment, text, segment.kind == Kind::kText && finish() != Finish::kToolCalls));
      }
      put(candidates, choice == 0 ? "" : ",", candidate(choice, parts, finish_word(kReasons)));
    }
    return "{\"candidates\":[" + candidates + "]," + counts(true) + origin() + "}";
  }

 private:
  using Kind = Segment::Kind;

  // Generation 3 signs; a name that says nothing is taken for a new model.
  bool signs() const { return generation_ == 0 || generation_ >= 3; }
  std::string signature(std::string_view content) const {
    if (!signs()) return "";
    return joined(",\"thoughtSignature\":\"", sign(kGeminiTag, hex16(ask_.nonce), content), "\"");
  }

  // Of parallel calls only the first is signed.
  std::string part(const Segment& segment, std::string_view text, bool sign_text) const {
    if (segment.kind == Kind::kText) {
      return joined("{\"text\":", json_string(text), sign_text ? signature("text") : "", "}");
    }
    if (segment.kind == Kind::kThinking) {
      return joined("{\"text\":", json_string(text), ",\"thought\":true}");
    }
    std::string out = "{\"functionCall\":{";
    if (generation_ >= 4) put(out, "\"id\":", json_string(segment.id), ",");
    put(out, "\"name\":", json_string(segment.name), ",\"args\":", text, "}",
        segment.index == 0 ? signature("call:" + segment.name) : "", "}");
    return out;
  }

  std::string candidate(int choice, std::string_view parts, std::string_view reason) const {
    std::string out = "{";
    if (!script_.refusal || !parts.empty()) {
      put(out, "\"content\":{\"parts\":[", parts, "],\"role\":\"model\"},");
    }
    if (!reason.empty()) put(out, "\"finishReason\":", json_string(reason), ",");
    if (!reason.empty() && script_.refusal) {
      put(out, "\"finishMessage\":", json_string(*script_.refusal),
          ",\"safetyRatings\":[{\"category\":\"HARM_CATEGORY_DANGEROUS_CONTENT\",",
          "\"probability\":\"HIGH\",\"blocked\":true}],");
    }
    put(out, "\"index\":", choice, "}");
    return out;
  }

  std::string counts(bool complete) const {
    std::string out = joined("\"usageMetadata\":{\"promptTokenCount\":", usage_.input);
    if (complete) {
      const std::uint64_t said =
          usage_.output > usage_.reasoning ? usage_.output - usage_.reasoning : 0;
      put(out, ",\"candidatesTokenCount\":", said);
      if (usage_.reasoning > 0) put(out, ",\"thoughtsTokenCount\":", usage_.reasoning);
    }
    if (usage_.cached > 0) put(out, ",\"cachedContentTokenCount\":", usage_.cached);
    put(out, ",\"totalTokenCount\":", usage_.input + (complete ? usage_.output : 0),
        ",\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":", usage_.input, "}]}");
    return out;
  }

  std::string origin() const {
    return joined(",\"modelVersion\":", json_string(ask_.model), ",\"responseId\":\"",
                  hex16(ask_.nonce), "\"");
  }

  void put_frame(std::string& out, std::string_view json) {
    if (!ask_.array) {
      put(out, "data: ", json, "\r\n\r\n");
      return;
    }
    put(out, opened_ ? ",\r\n" : "[", json, "\n");
    opened_ = true;
  }
  void put_chunk(std::string& out, std::string_view candidate_json, bool complete) {
    std::string json =
        joined("{\"candidates\":[", candidate_json, "],", counts(complete), origin());
    put_stamp(json);
    put_frame(out, json + "}");
  }

  void write_start(std::string&, int) override {}
  void write_begin(std::string&, int, const Segment&) override {}
  void write_piece(std::string& out, int choice, const Segment& segment,
                   std::string_view piece) override {
    put_chunk(out, candidate(choice, part(segment, piece, false), ""), false);
  }
  void write_close(std::string&, int, const Segment&) override {}
  // The reason comes on an empty text part, which carries the text's signature.
  void write_finish(std::string& out, int choice) override {
    const bool silent = script_.refusal && segments_.empty();
    const std::string last =
        joined("{\"text\":\"\"", finish() == Finish::kToolCalls ? "" : signature("text"), "}");
    put_chunk(out,
              candidate(choice, silent ? "" : last, script_.no_done ? "" : finish_word(kReasons)),
              choice + 1 == ask_.n);
  }
  void write_usage(std::string&) override {}
  void write_garbage(std::string& out, std::string_view garbage) override {
    put_frame(out, garbage);
  }
  void write_done(std::string& out) override {
    if (ask_.array) out += opened_ ? "]" : "[]";
  }
  void write_error(std::string& out) override {
    put_frame(out,
              "{\"error\":{\"code\":503,\"message\":\"The model is overloaded. Please try again "
              "later.\",\"status\":\"UNAVAILABLE\"}}");
    if (ask_.array) out += "]";
  }

  const int generation_;
  bool opened_ = false;  // of an array
};

}  // namespace

std::unique_ptr<MockAnswer> gemini_answer(MockAsk ask, const Script& script) {
  return std::make_unique<GeminiAnswer>(std::move(ask), script);
}

}  // namespace llmorch::testing
