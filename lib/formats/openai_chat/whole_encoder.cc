// Events to one completion (WIRE_FORMATS 1.4, 6.2).
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "formats/accumulator.h"
#include "formats/object_writer.h"
#include "formats/openai_chat/answer_words.h"
#include "formats/openai_chat/openai_chat.h"

namespace llmorch::openai_chat {
namespace {

// A JSON list that is written piece by piece.
struct List {
  std::string json;
  void add(std::string_view item) { json.append(json.empty() ? "[" : ",").append(item); }
  void write(ObjectWriter& to, std::string_view key) {
    if (!json.empty()) to.raw(key, json.append("]"));
  }
};

class WholeEncoder : public AnswerEncoder {
 public:
  explicit WholeEncoder(const AnswerOptions& options) : options_(options) {}

  void on_event(const Event& event, std::string& out) override {
    if (answer_.answer().complete) return;
    if (std::holds_alternative<event::ExtraField>(event) &&
        !is_from(options_, Format::kOpenAiChat)) {
      return;
    }
    answer_.add(event);
    if (answer_.answer().complete) write(out);
  }

 private:
  void write(std::string& out) const;
  void write_choice(std::string& out, int index, const AnswerChoice& choice) const;
  bool write_message(ObjectWriter message, const AnswerChoice& choice) const;
  std::string call_json(const AnswerPart& part, const Extras& extras, int number) const;
  std::string sound_json(const AnswerPart& part, std::size_t number) const;

  AnswerOptions options_;
  Accumulator answer_;
};

std::string WholeEncoder::call_json(const AnswerPart& part, const Extras& extras,
                                    int number) const {
  std::string out;
  ObjectWriter call(out, &extras, "/message/tool_calls/" + std::to_string(number));
  const bool wrapped = is_wrapped_custom(options_, part.start);
  const bool custom = wrapped || part.start.tool_type == "custom";
  call.string("id", part.start.id);
  call.string("type", custom ? "custom" : "function");
  ObjectWriter body = call.object(custom ? "custom" : "function");
  body.string("name", asked_name(options_, part.start.name));
  if (custom) {
    body.string("input", wrapped ? unwrap_custom(part.text) : part.text);
  } else {
    body.string("arguments", part.text.empty() ? "{}" : part.text);
  }
  body.close();
  if (!part.signature.empty() && takes_call_signatures(options_)) {
    call.raw("extra_content", signature_json(part.signature));
  }
  call.close();
  return out;
}

std::string WholeEncoder::sound_json(const AnswerPart& part, std::size_t number) const {
  std::string out;
  ObjectWriter sound(out);
  sound.string("id", "audio_" + options_.request_id + "_" + std::to_string(number));
  sound.string("data", part.text);
  sound.integer("expires_at", 0);
  sound.string("transcript", "");
  sound.close();
  return out;
}

// A thinking block under LiteLLM's name for it: clients that give it back keep its proof.
std::string thinking_json(const AnswerPart& part) {
  std::string out;
  ObjectWriter block(out);
  if (!part.start.redacted.empty()) {
    block.string("type", "redacted_thinking");
    block.string("data", part.start.redacted);
  } else {
    block.string("type", "thinking");
    block.string("thinking", part.text);
    block.string("signature", part.signature);
  }
  block.close();
  return out;
}

// Returns whether there are tool calls.
bool WholeEncoder::write_message(ObjectWriter message, const AnswerChoice& choice) const {
  std::optional<std::string> content;
  std::optional<std::string> refusal;
  std::optional<std::string> thought;
  std::string sound;
  List calls;
  List images;
  List notes;
  List blocks;
  int count = 0;
  bool proof = false;
  const auto join = [](std::optional<std::string>& to, const std::string& text) {
    to = to.value_or("") + text;
  };
  for (std::size_t i = 0; i < choice.parts.size(); ++i) {
    const AnswerPart& part = choice.parts[i];
    switch (part.start.kind) {
      case PartKind::kText: {
        const std::int64_t begin = characters(content.value_or(""));
        join(content, part.text);
        for (const event::Citation& citation : part.citations) {
          const std::string note = annotation_json(citation, begin, characters(*content));
          if (!note.empty()) notes.add(note);
        }
        break;
      }
      case PartKind::kRefusal:
        join(refusal, part.text);
        break;
      case PartKind::kReasoning:
        if (part.start.redacted.empty() || !part.text.empty()) join(thought, part.text);
        proof = proof || !part.signature.empty() || !part.start.redacted.empty();
        blocks.add(thinking_json(part));
        break;
      case PartKind::kToolCall:
        calls.add(call_json(part, choice.extras, count++));
        break;
      case PartKind::kImage:
        images.add(image_json(part.start.mime_type, part.text, -1));
        break;
      case PartKind::kAudio:
        sound = sound_json(part, i);
        break;
      case PartKind::kOpaque:
        break;
    }
  }
  if (!refusal && choice.finish == FinishReason::kRefusal && !choice.explanation.empty()) {
    refusal = choice.explanation;
  }
  message.string("role", "assistant");
  // Both keys are always there, null or not.
  for (const auto& [key, text] : {std::pair{"content", &content}, std::pair{"refusal", &refusal}}) {
    if (*text) {
      message.string(key, **text);
    } else {
      message.raw(key, "null");
    }
  }
  if (thought) message.string("reasoning_content", *thought);
  if (proof && is_from(options_, Format::kAnthropicMessages)) {
    blocks.write(message, "thinking_blocks");
  }
  notes.write(message, "annotations");
  images.write(message, "images");
  if (!sound.empty()) message.raw("audio", sound);
  calls.write(message, "tool_calls");
  message.close();
  return count > 0;
}

void WholeEncoder::write_choice(std::string& out, int index, const AnswerChoice& choice) const {
  ObjectWriter object(out, &choice.extras);
  object.integer("index", index);
  const bool calls = write_message(object.object("message"), choice);
  if (choice.content_logprobs.empty() && choice.refusal_logprobs.empty()) {
    object.raw("logprobs", "null");
  } else {
    ObjectWriter logprobs = object.object("logprobs");
    const auto list = [](const std::string& json) { return json.empty() ? "null" : json; };
    logprobs.raw("content", list(choice.content_logprobs));
    logprobs.raw("refusal", list(choice.refusal_logprobs));
    logprobs.close();
  }
  object.string("finish_reason", finish_or_default(choice.finish, calls));
  const bool named = choice.finish == FinishReason::kOther && !choice.finish_raw.empty();
  const bool told = std::any_of(choice.extras.begin(), choice.extras.end(),
                                [](const Extra& e) { return e.path == "/native_finish_reason"; });
  if (named && !told) object.string("native_finish_reason", choice.finish_raw);
  object.close();
}

void WholeEncoder::write(std::string& out) const {
  const FoldedAnswer& answer = answer_.answer();
  Extras extras;
  for (const Extra& extra : answer.extras) {
    if (extra.path != "/error") extras.push_back(extra);
  }
  ObjectWriter object(out, &extras);
  object.string("id", answer_id(answer.start, options_));
  object.string("object", "chat.completion");
  object.integer("created", answer_created(answer.start, options_));
  object.string("model", answer_model(answer.start, options_));
  std::string choices = "[";
  if (answer.choices.empty()) write_choice(choices, 0, {});
  for (const auto& [index, choice] : answer.choices) {
    if (choices.size() > 1) choices.push_back(',');
    write_choice(choices, index, choice);
  }
  object.raw("choices", choices.append("]"));
  if (answer.usage) object.raw("usage", usage_json(*answer.usage, answer.raw_usage));
  object.close();
}

}  // namespace

std::unique_ptr<AnswerEncoder> new_whole_encoder(const AnswerOptions& options) {
  return std::make_unique<WholeEncoder>(options);
}

}  // namespace llmorch::openai_chat
