// Events to chunks. What the official SDKs demand (WIRE_FORMATS 1.6) is met: role, id, type and
// name once; `choices` on every chunk; lists of extensions with an index, or whole and once; never
// an `error` key on a good chunk.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "formats/object_writer.h"
#include "formats/openai_chat/answer_words.h"
#include "formats/openai_chat/openai_chat.h"

namespace llmorch::openai_chat {
namespace {

class StreamEncoder : public AnswerEncoder {
 public:
  explicit StreamEncoder(const AnswerOptions& options) : options_(options) {}

  void on_event(const Event& event, std::string& out) override {
    if (over_) return;
    out_ = &out;
    std::visit([this](const auto& e) { on(e); }, event);
  }

 private:
  struct Part {
    PartKind kind = PartKind::kText;
    int number = -1;  // among the calls, or among the images
    bool custom = false;
    bool wrapped = false;  // free text inside a function's arguments
    bool any = false;      // something of the arguments, or of the sound, was sent
    bool proved = false;   // its signature was sent
    bool closed = false;
    std::string held;  // what only makes sense complete: an image, wrapped arguments
    std::string mime_type;
    std::string signature;
    std::int64_t begin = 0;  // of a text, in characters of the whole content
    std::int64_t end = 0;
  };
  struct Choice {
    std::vector<Part> parts;
    std::vector<event::Citation> citations;
    std::int64_t characters = 0;
    int calls = 0;
    int images = 0;
    bool role_sent = false;
    bool refused = false;      // a refusal in words was sent
    bool native_sent = false;  // native_finish_reason came as an extra field
    bool finished = false;
  };

  void on(const event::Start& e) { start_ = e; }
  void on(const event::PartStart& e);
  void on(const event::PartDelta& e);
  void on(const event::PartEnd& e);
  void on(const event::Citation& e);
  void on(const event::Logprobs& e);
  void on(const event::Finish& e);
  void on(const event::UsageUpdate& e) { usage_ = e; }
  void on(const event::Error& e) {
    out_->append(error_frame(e.status));
    over_ = true;
  }
  void on(const event::ExtraField& e);
  void on(const event::End&);

  Choice& open(int index);
  Part* find(int choice, int part);
  void text_delta(int choice, std::string_view key, std::string_view text);
  void call_delta(int choice, const Part& part, std::string_view members);
  void arguments(int choice, Part& part, std::string_view text);
  void sound(int choice, Part& part, int number, std::string_view base64);
  void close_part(int choice, Part& part);
  void annotations(int index, const Choice& choice);
  void finish(int index, Choice& choice, const event::Finish& e);
  void delta(int choice, std::string_view json, std::string_view finish = "",
             std::string_view more = "");
  void chunk(std::string_view choices, std::string_view usage);

  AnswerOptions options_;
  event::Start start_;
  std::map<int, Choice> choices_;
  std::optional<event::UsageUpdate> usage_;
  Extras waiting_;              // top-level fields for the next chunk
  std::string* out_ = nullptr;  // during a call
  bool over_ = false;
};

void StreamEncoder::chunk(std::string_view choices, std::string_view usage) {
  const std::size_t begin = out_->size();
  out_->append("data: ");
  ObjectWriter object(*out_, &waiting_);
  object.string("id", answer_id(start_, options_));
  object.string("object", "chat.completion.chunk");
  object.integer("created", answer_created(start_, options_));
  object.string("model", answer_model(start_, options_));
  object.raw("choices", choices);
  // With include_usage OpenAI puts the key into every chunk, without it into none.
  if (!options_.hide_usage) object.raw("usage", usage);
  object.close();
  // JSON that is passed on as it stood may be broken into lines; an event's data is one line.
  // Inside strings JSON allows no raw line ends, so these are white space.
  const auto from = out_->begin() + static_cast<std::ptrdiff_t>(begin);
  std::replace_if(
      from, out_->end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  out_->append("\n\n");
  waiting_.clear();
}

// `more`: further members of the choice, each with a comma before it.
void StreamEncoder::delta(int choice, std::string_view json, std::string_view finish,
                          std::string_view more) {
  std::string choices = "[{\"index\":" + std::to_string(choice) + ",\"delta\":";
  choices.append(json).append(more).append(",\"finish_reason\":");
  if (finish.empty()) {
    choices.append("null");
  } else {
    append_json_string(choices, finish);
  }
  choices.append("}]");
  chunk(choices, "null");
}

void StreamEncoder::text_delta(int choice, std::string_view key, std::string_view text) {
  std::string json;
  ObjectWriter object(json);
  object.string(key, text);
  object.close();
  delta(choice, json);
}

// `members`: of the call, each with a comma before it.
void StreamEncoder::call_delta(int choice, const Part& part, std::string_view members) {
  std::string json = R"({"tool_calls":[{"index":)" + std::to_string(part.number);
  delta(choice, json.append(members).append("}]}"));
}

// The call's proof goes along, once: SDKs join the strings of a call, and openai-python refuses a
// delta of a call without its function.
void StreamEncoder::arguments(int choice, Part& part, std::string_view text) {
  std::string json = part.custom ? R"(,"custom":{"input":)" : R"(,"function":{"arguments":)";
  append_json_string(json, text);
  json.push_back('}');
  if (!part.signature.empty() && takes_call_signatures(options_)) {
    json.append(",\"extra_content\":").append(signature_json(part.signature));
    part.proved = true;
    part.signature.clear();
  }
  call_delta(choice, part, json);
}

// Strings of a delta are joined by clients, so the id goes out once.
void StreamEncoder::sound(int choice, Part& part, int number, std::string_view base64) {
  std::string json = R"({"audio":{)";
  if (!part.any) {
    json.append(R"("id":)");
    append_json_string(json, "audio_" + options_.request_id + "_" + std::to_string(number));
    json.push_back(',');
  }
  part.any = true;
  json.append(R"("data":)");
  append_json_string(json, base64);
  delta(choice, json.append("}}"));
}

StreamEncoder::Choice& StreamEncoder::open(int index) {
  // SDKs index the first chunk's list by choice.index, so choice 0 must come first.
  if (index > 0 && choices_.empty()) open(0);
  Choice& choice = choices_[index];
  if (!choice.role_sent) {
    choice.role_sent = true;
    delta(index, R"({"role":"assistant","content":"","refusal":null})");
  }
  return choice;
}

StreamEncoder::Part* StreamEncoder::find(int choice, int part) {
  const auto found = choices_.find(choice);
  if (found == choices_.end() || part < 0) return nullptr;
  auto& parts = found->second.parts;
  return static_cast<std::size_t>(part) < parts.size() ? &parts[static_cast<std::size_t>(part)]
                                                       : nullptr;
}

void StreamEncoder::on(const event::PartStart& e) {
  Choice& choice = open(e.choice);
  Part part;
  part.kind = e.kind;
  part.mime_type = e.mime_type;
  part.begin = part.end = choice.characters;
  if (e.kind == PartKind::kImage) part.number = choice.images++;
  if (e.kind == PartKind::kToolCall) {
    part.number = choice.calls++;
    part.wrapped = is_wrapped_custom(options_, e);
    part.custom = part.wrapped || e.tool_type == "custom";
    std::string json = ",\"id\":";
    append_json_string(json, e.id);
    json.append(part.custom ? R"(,"type":"custom","custom":{"name":)"
                            : R"(,"type":"function","function":{"name":)");
    append_json_string(json, asked_name(options_, e.name));
    call_delta(e.choice, part,
               json.append(part.custom ? R"(,"input":""})" : R"(,"arguments":""})"));
  }
  choice.parts.push_back(std::move(part));
}

void StreamEncoder::on(const event::PartDelta& e) {
  Part* part = find(e.choice, e.part);
  if (part == nullptr || part->closed) return;
  if (!e.signature.empty() && !part->proved) part->signature = e.signature;
  if (e.text.empty()) return;
  Choice& choice = choices_[e.choice];
  switch (part->kind) {
    case PartKind::kToolCall:
      if (part->wrapped) {
        part->held.append(e.text);
        return;
      }
      part->any = true;
      return arguments(e.choice, *part, e.text);
    case PartKind::kText:
      choice.characters += characters(e.text);
      part->end = choice.characters;
      return text_delta(e.choice, "content", e.text);
    case PartKind::kReasoning:
      return text_delta(e.choice, "reasoning_content", e.text);
    case PartKind::kRefusal:
      choice.refused = true;
      return text_delta(e.choice, "refusal", e.text);
    case PartKind::kAudio:
      return sound(e.choice, *part, e.part, e.text);
    case PartKind::kImage:
      part->held.append(e.text);
      return;
    case PartKind::kOpaque:
      return;
  }
}

void StreamEncoder::on(const event::PartEnd& e) {
  if (Part* part = find(e.choice, e.part)) close_part(e.choice, *part);
}

void StreamEncoder::close_part(int choice, Part& part) {
  if (std::exchange(part.closed, true)) return;
  if (part.kind == PartKind::kImage && !part.held.empty()) {
    std::string json = R"({"images":[)";
    json.append(image_json(part.mime_type, std::exchange(part.held, {}), part.number));
    return delta(choice, json.append("]}"));
  }
  if (part.kind == PartKind::kAudio && part.any) {
    return delta(choice, R"({"audio":{"transcript":"","expires_at":0}})");
  }
  if (part.kind != PartKind::kToolCall) return;
  if (part.wrapped) {
    const std::string input = unwrap_custom(std::exchange(part.held, {}));
    if (!input.empty()) arguments(choice, part, input);
  } else if (!part.any && !part.custom) {
    arguments(choice, part, "{}");  // a call without arguments still needs JSON to parse
  }
  if (!part.signature.empty() && takes_call_signatures(options_)) arguments(choice, part, "");
}

void StreamEncoder::on(const event::Citation& e) {
  if (find(e.choice, e.part) != nullptr) choices_[e.choice].citations.push_back(e);
}

// Once and whole: SDKs join lists that come in pieces by an index, which these have no room for.
void StreamEncoder::annotations(int index, const Choice& choice) {
  std::string list;
  for (const event::Citation& citation : choice.citations) {
    const Part& part = choice.parts[static_cast<std::size_t>(citation.part)];
    const std::string json = annotation_json(citation, part.begin, part.end);
    if (json.empty()) continue;
    list.append(list.empty() ? "" : ",").append(json);
  }
  if (!list.empty()) delta(index, R"({"annotations":[)" + list + "]}");
}

void StreamEncoder::on(const event::Logprobs& e) {
  open(e.choice);
  std::string more = ",\"logprobs\":";
  const bool refusal = e.field == "refusal";
  more.append("{\"content\":").append(refusal ? "null" : e.json);
  more.append(",\"refusal\":").append(refusal ? e.json : "null").append("}");
  delta(e.choice, "{}", "", more);
}

void StreamEncoder::finish(int index, Choice& choice, const event::Finish& e) {
  if (std::exchange(choice.finished, true)) return;
  for (Part& part : choice.parts) close_part(index, part);
  annotations(index, choice);
  if (e.reason == FinishReason::kRefusal && !e.explanation.empty() && !choice.refused) {
    text_delta(index, "refusal", e.explanation);
  }
  std::string more;
  if (e.reason == FinishReason::kOther && !e.raw.empty() && !choice.native_sent) {
    more = ",\"native_finish_reason\":" + json_string(e.raw);
  }
  delta(index, "{}", finish_or_default(e.reason, choice.calls > 0), more);
}

void StreamEncoder::on(const event::Finish& e) { finish(e.choice, open(e.choice), e); }

void StreamEncoder::on(const event::ExtraField& e) {
  if (!is_from(options_, Format::kOpenAiChat)) return;
  std::string key;
  const std::string& path = e.extra.path;
  if (e.choice < 0) {
    if (step_below(path, "", key) && key != "error") waiting_.push_back(e.extra);
    return;
  }
  Choice& choice = open(e.choice);
  constexpr std::string_view kCalls = "/message/tool_calls/";
  if (step_below(path, "", key)) {
    choice.native_sent = choice.native_sent || key == "native_finish_reason";
    std::string more = ",";
    append_json_string(more, key);
    delta(e.choice, "{}", "", more.append(":").append(e.extra.json));
  } else if (step_below(path, "/message", key)) {
    std::string json;
    ObjectWriter object(json);
    object.raw(key, e.extra.json);
    object.close();
    delta(e.choice, json);
  } else if (path.rfind(kCalls, 0) == 0) {
    const std::size_t slash = path.find('/', kCalls.size());
    if (slash == path.npos || !step_below(path, path.substr(0, slash), key)) return;
    const std::string number = path.substr(kCalls.size(), slash - kCalls.size());
    std::string json = R"({"tool_calls":[{"index":)" + number;
    for (const Part& part : choice.parts) {
      if (part.kind != PartKind::kToolCall || std::to_string(part.number) != number) continue;
      json.append(part.custom ? R"(,"custom":{"input":""})" : R"(,"function":{"arguments":""})");
    }
    json.push_back(',');
    append_json_string(json, key);
    delta(e.choice, json.append(":").append(e.extra.json).append("}]}"));
  }
}

void StreamEncoder::on(const event::End&) {
  if (choices_.empty()) open(0);
  for (auto& [index, choice] : choices_) finish(index, choice, event::Finish{});
  if (usage_ && !options_.hide_usage) chunk("[]", usage_json(usage_->usage, usage_->raw));
  out_->append("data: [DONE]\n\n");
  over_ = true;
}

}  // namespace

std::unique_ptr<AnswerEncoder> new_stream_encoder(const AnswerOptions& options) {
  return std::make_unique<StreamEncoder>(options);
}

}  // namespace llmorch::openai_chat
