// Events to chunks, or to one completion. What the official SDKs demand (WIRE_FORMATS 1.6) is met:
// role, id, type and name once; `choices` on every chunk; never an `error` key on a good one.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "formats/accumulator.h"
#include "formats/object_writer.h"
#include "formats/openai_chat/openai_chat.h"

namespace llmorch::openai_chat {
namespace {

std::string answer_id(const event::Start& start, const AnswerOptions& options) {
  return start.id.empty() ? "chatcmpl-" + options.request_id : start.id;
}

// A word for every choice: clients loop without one.
std::string_view finish_or_default(FinishReason reason, bool has_calls) {
  return reason == FinishReason::kNone && has_calls ? "tool_calls" : finish_word(reason);
}

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
    int call = -1;  // the tool call's index
    bool custom = false;
    bool any = false;  // something of the arguments was sent
  };
  struct Choice {
    std::vector<Part> parts;
    int calls = 0;
    bool role_sent = false;
    bool finished = false;
  };

  void on(const event::Start& e) { start_ = e; }
  void on(const event::PartStart& e);
  void on(const event::PartDelta& e);
  void on(const event::PartEnd& e);
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
  void finish(int index, Choice& choice, FinishReason reason);
  void arguments(int choice, const Part& part, std::string_view text);
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
  object.integer("created", start_.created);
  object.string("model", start_.model);
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
  if (e.kind == PartKind::kToolCall) {
    part.call = choice.calls++;
    part.custom = e.tool_type == "custom";
    std::string json = R"({"tool_calls":[{"index":)" + std::to_string(part.call) + ",\"id\":";
    append_json_string(json, e.id);
    json.append(part.custom ? R"(,"type":"custom","custom":{"name":)"
                            : R"(,"type":"function","function":{"name":)");
    append_json_string(json, e.name);
    json.append(part.custom ? R"(,"input":""}}]})" : R"(,"arguments":""}}]})");
    delta(e.choice, json);
  }
  choice.parts.push_back(part);
}

void StreamEncoder::arguments(int choice, const Part& part, std::string_view text) {
  std::string json = R"({"tool_calls":[{"index":)" + std::to_string(part.call);
  json.append(part.custom ? R"(,"custom":{"input":)" : R"(,"function":{"arguments":)");
  append_json_string(json, text);
  delta(choice, json.append("}}]}"));
}

void StreamEncoder::on(const event::PartDelta& e) {
  Part* part = find(e.choice, e.part);
  if (part == nullptr || e.text.empty()) return;  // a bare signature has no place here
  std::string_view key;
  switch (part->kind) {
    case PartKind::kToolCall:
      part->any = true;
      return arguments(e.choice, *part, e.text);
    case PartKind::kText:
      key = "content";
      break;
    case PartKind::kReasoning:
      key = "reasoning_content";
      break;
    case PartKind::kRefusal:
      key = "refusal";
      break;
    case PartKind::kAudio:
    case PartKind::kImage:
      return;
  }
  std::string json;
  ObjectWriter object(json);
  object.string(key, e.text);
  object.close();
  delta(e.choice, json);
}

void StreamEncoder::on(const event::PartEnd& e) {
  Part* part = find(e.choice, e.part);
  if (part == nullptr || part->call < 0 || part->any || part->custom) return;
  part->any = true;
  arguments(e.choice, *part, "{}");  // a call without arguments still needs JSON to parse
}

void StreamEncoder::on(const event::Logprobs& e) {
  open(e.choice);
  std::string more = ",\"logprobs\":";
  const bool refusal = e.field == "refusal";
  more.append("{\"content\":").append(refusal ? "null" : e.json);
  more.append(",\"refusal\":").append(refusal ? e.json : "null").append("}");
  delta(e.choice, "{}", "", more);
}

void StreamEncoder::finish(int index, Choice& choice, FinishReason reason) {
  if (choice.finished) return;
  choice.finished = true;
  delta(index, "{}", finish_or_default(reason, choice.calls > 0));
}

void StreamEncoder::on(const event::Finish& e) { finish(e.choice, open(e.choice), e.reason); }

void StreamEncoder::on(const event::ExtraField& e) {
  std::string key;
  const std::string& path = e.extra.path;
  if (e.choice < 0) {
    if (step_below(path, "", key) && key != "error") waiting_.push_back(e.extra);
    return;
  }
  open(e.choice);
  constexpr std::string_view kCalls = "/message/tool_calls/";
  if (step_below(path, "", key)) {
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
    std::string json = R"({"tool_calls":[{"index":)";
    json.append(path.substr(kCalls.size(), slash - kCalls.size())).append(",");
    append_json_string(json, key);
    delta(e.choice, json.append(":").append(e.extra.json).append("}]}"));
  }
}

void StreamEncoder::on(const event::End&) {
  if (choices_.empty()) open(0);
  for (auto& [index, choice] : choices_) finish(index, choice, FinishReason::kNone);
  if (usage_ && !options_.hide_usage) chunk("[]", usage_json(usage_->usage, usage_->raw));
  out_->append("data: [DONE]\n\n");
  over_ = true;
}

class WholeEncoder : public AnswerEncoder {
 public:
  explicit WholeEncoder(const AnswerOptions& options) : options_(options) {}

  void on_event(const Event& event, std::string& out) override {
    if (answer_.answer().complete) return;
    answer_.add(event);
    if (answer_.answer().complete) write(out);
  }

 private:
  void write(std::string& out) const;
  static void write_choice(std::string& out, int index, const AnswerChoice& choice);
  static int write_message(ObjectWriter message, const AnswerChoice& choice);

  AnswerOptions options_;
  Accumulator answer_;
};

int WholeEncoder::write_message(ObjectWriter message, const AnswerChoice& choice) {
  std::map<PartKind, std::string> texts;
  std::string calls = "[";
  int count = 0;
  for (const AnswerPart& part : choice.parts) {
    if (part.start.kind != PartKind::kToolCall) {
      texts[part.start.kind].append(part.text);
      continue;
    }
    if (count > 0) calls.push_back(',');
    ObjectWriter call(calls, &choice.extras, "/message/tool_calls/" + std::to_string(count++));
    const bool custom = part.start.tool_type == "custom";
    call.string("id", part.start.id);
    call.string("type", custom ? "custom" : "function");
    ObjectWriter body = call.object(custom ? "custom" : "function");
    body.string("name", part.start.name);
    if (custom) {
      body.string("input", part.text);
    } else {
      body.string("arguments", part.text.empty() ? "{}" : part.text);
    }
    body.close();
    call.close();
  }
  message.string("role", "assistant");
  // Both keys are always there, null or not.
  for (const auto& [kind, key] :
       {std::pair{PartKind::kText, "content"}, std::pair{PartKind::kRefusal, "refusal"}}) {
    const auto found = texts.find(kind);
    if (found == texts.end()) {
      message.raw(key, "null");
    } else {
      message.string(key, found->second);
    }
  }
  if (const auto thought = texts.find(PartKind::kReasoning); thought != texts.end()) {
    message.string("reasoning_content", thought->second);
  }
  if (count > 0) message.raw("tool_calls", calls.append("]"));
  message.close();
  return count;
}

void WholeEncoder::write_choice(std::string& out, int index, const AnswerChoice& choice) {
  ObjectWriter object(out, &choice.extras);
  object.integer("index", index);
  const int calls = write_message(object.object("message"), choice);
  if (choice.content_logprobs.empty() && choice.refusal_logprobs.empty()) {
    object.raw("logprobs", "null");
  } else {
    ObjectWriter logprobs = object.object("logprobs");
    const auto list = [](const std::string& json) { return json.empty() ? "null" : json; };
    logprobs.raw("content", list(choice.content_logprobs));
    logprobs.raw("refusal", list(choice.refusal_logprobs));
    logprobs.close();
  }
  object.string("finish_reason", finish_or_default(choice.finish, calls > 0));
  object.close();
}

void WholeEncoder::write(std::string& out) const {
  const Answer& answer = answer_.answer();
  Extras extras;
  for (const Extra& extra : answer.extras) {
    if (extra.path != "/error") extras.push_back(extra);
  }
  ObjectWriter object(out, &extras);
  object.string("id", answer_id(answer.start, options_));
  object.string("object", "chat.completion");
  object.integer("created", answer.start.created);
  object.string("model", answer.start.model);
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

std::unique_ptr<AnswerEncoder> new_encoder(const AnswerOptions& options) {
  if (options.stream) return std::make_unique<StreamEncoder>(options);
  return std::make_unique<WholeEncoder>(options);
}

}  // namespace llmorch::openai_chat
