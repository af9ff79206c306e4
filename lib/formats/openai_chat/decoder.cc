// Answers to Events: chunks and completions alike (WIRE_FORMATS 1.4, 1.5, 6.7), with everything
// that compatible servers do differently.
#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/text.h"
#include "formats/object_writer.h"
#include "formats/openai_chat/answer_words.h"
#include "formats/openai_chat/openai_chat.h"

namespace llmorch::openai_chat {
namespace {

using json::Value;

constexpr std::size_t kMostParts = 4096;  // of one choice
constexpr std::size_t kMostExtras = 256;  // different paths of one answer

struct Call {
  std::optional<std::int64_t> index;  // as the upstream counts
  std::string id;
  std::string name;
  std::string type = "function";
  std::string waiting;    // arguments that came before the call could open
  std::string signature;  // likewise
  int part = -1;          // once open
};

struct Choice {
  std::vector<PartKind> parts;
  int text_part = -1;  // the open part that is not a tool call
  std::vector<Call> calls;
  bool plain_thoughts = false;  // reasoning came as a string
  bool finished = false;
  FinishReason finish = FinishReason::kNone;
  std::string finish_raw;
  std::vector<bool> closed;
};

class Decoder : public AnswerDecoder {
 public:
  explicit Decoder(const AnswerOptions& options) : options_(options) {}

  void on_frame(const Frame& frame, std::vector<Event>& out) override;
  void on_close(std::vector<Event>& out) override;

 private:
  void read(const Value& root, bool whole);
  void read_start(const Value& root, bool has_choices);
  void read_usage_of(const Value& root);
  void read_choice(const Value& value, int position, bool whole);
  void read_message(Choice& choice, int index, const Value& message, bool whole);
  void read_reasoning(Choice& choice, int index, const Value& message);
  void read_detail(Choice& choice, int index, const Value& detail);
  void read_content(Choice& choice, int index, const Value& content, bool whole);
  void read_call(Choice& choice, int index, const Value& value, std::int64_t position, bool whole);
  Call& find_call(Choice& choice, const Value& value, std::int64_t position, bool whole,
                  bool has_name);
  void feed_call(Choice& choice, int index, Call& call, std::string arguments);
  void open_call(Choice& choice, int index, Call& call);
  std::string make_id(int index, std::size_t ordinal) const;

  void text(Choice& choice, int index, PartKind kind, std::string text, bool even_empty = false);
  int open_part(Choice& choice, int index, event::PartStart start);
  void close_part(Choice& choice, int index, int part);
  void extra(int index, std::string path, const Value& value, bool repeats);

  void finish_all();
  void fail(Verdict verdict, Status status);
  void emit(Event event) { out_->push_back(std::move(event)); }

  AnswerOptions options_;
  std::string answer_id_;
  std::vector<Event>* out_ = nullptr;  // during a call
  std::map<int, Choice> choices_;
  std::map<std::string, std::string> last_extras_;  // what repeats in every chunk is told once
  bool started_ = false;
  bool over_ = false;
};

void Decoder::fail(Verdict verdict, Status status) {
  if (over_) return;
  emit(event::Error{verdict, std::move(status)});
  over_ = true;
}

void Decoder::on_frame(const Frame& frame, std::vector<Event>& out) {
  if (over_ || !frame.has_data) return;
  out_ = &out;
  const std::string_view data = trim(frame.data);
  const bool whole = is_whole_body(frame);
  if (data.empty() && !whole) return;
  if (data == "[DONE]") {
    if (choices_.empty()) return fail(Verdict::kMalformed, no_choices());
    return finish_all();
  }
  const auto document = json::Document::parse(std::string(data));
  if (!document) {
    const std::string_view what = whole ? "the upstream's answer" : "an event of the upstream";
    return fail(Verdict::kMalformed, not_json(what, document.error()));
  }
  const Value root = document->root();
  const Value first = root.is_array() ? root.at(0) : root;
  const Value error = first["error"];
  const bool is_error =
      (error.exists() && !error.is_null() && error.string() != "" && error.boolean() != false) ||
      frame.event == "error";
  if (is_error) {
    InBand in_band = read_in_band_error(data);
    return fail(in_band.verdict, std::move(in_band.status));
  }
  if (whole && root["choices"].size() == 0) return fail(Verdict::kMalformed, no_choices());
  read(root, whole);
  if (whole && !over_) finish_all();
}

void Decoder::on_close(std::vector<Event>& out) {
  if (over_) return;
  out_ = &out;
  const bool complete =
      !choices_.empty() && std::all_of(choices_.begin(), choices_.end(),
                                       [](const auto& entry) { return entry.second.finished; });
  if (!complete) return fail(Verdict::kNetwork, truncated());
  finish_all();
}

void Decoder::read(const Value& root, bool whole) {
  const std::vector<Value> choices = root["choices"].items();
  read_start(root, !choices.empty());
  int position = 0;
  for (const Value& choice : choices) {
    if (over_) return;
    read_choice(choice, position++, whole);
  }
  if (over_) return;
  read_usage_of(root);
  for (const Value::Member& member : root.members()) {
    static constexpr std::array<std::string_view, 8> kKnown{
        "id", "object", "created", "model", "choices", "usage", "error", "obfuscation"};
    if (std::find(kKnown.begin(), kKnown.end(), member.key) == kKnown.end()) {
      extra(-1, pointer_step(member.key), member.value, true);
    }
  }
}

// Azure's first chunk has neither choices nor an id: it must not fix them.
void Decoder::read_start(const Value& root, bool has_choices) {
  const std::string id = root["id"].string().value_or("");
  if (started_ || (id.empty() && !has_choices)) return;
  started_ = true;
  answer_id_ = id;
  emit(
      event::Start{id, root["model"].string().value_or(""), root["created"].integer().value_or(0)});
}

void Decoder::read_usage_of(const Value& root) {
  Value value = root["usage"];
  auto usage = read_usage(value);
  if (!usage) {
    value = root["x_groq"]["usage"];
    usage = read_usage(value);
  }
  if (usage) emit(event::UsageUpdate{*usage, std::string(value.raw())});
}

void Decoder::extra(int index, std::string path, const Value& value, bool repeats) {
  if (repeats) {
    const std::string key = std::to_string(index) + path;
    const auto known = last_extras_.find(key);
    if (known != last_extras_.end() && known->second == value.raw()) return;
    if (known == last_extras_.end() && last_extras_.size() >= kMostExtras) return;
    last_extras_[key] = value.raw();
  }
  emit(event::ExtraField{index, {std::move(path), std::string(value.raw())}});
}

void Decoder::read_choice(const Value& value, int position, bool whole) {
  if (!value.is_object()) return;
  const std::int64_t index = value["index"].integer().value_or(position);
  if (index < 0 || index >= kMostChoices) {
    return fail(Verdict::kMalformed,
                Status(Code::kProtocol, "the upstream numbered a choice out of range"));
  }
  const int number = static_cast<int>(index);
  Choice& choice = choices_[number];
  if (value["error"].is_object()) {
    InBand in_band = read_in_band_error(value["error"].raw());
    return fail(in_band.verdict, std::move(in_band.status));
  }
  const Value message = value["message"].is_object() ? value["message"] : value["delta"];
  read_message(choice, number, message, whole || value["message"].is_object());
  if (over_) return;
  for (const std::string_view field : {"content", "refusal"}) {
    const Value list = value["logprobs"][field];
    if (list.is_array()) {
      emit(event::Logprobs{number, std::string(field), std::string(list.raw())});
    }
  }
  for (const Value::Member& member : value.members()) {
    static constexpr std::array<std::string_view, 6> kKnown{"index", "delta",    "message",
                                                            "error", "logprobs", "finish_reason"};
    if (std::find(kKnown.begin(), kKnown.end(), member.key) == kKnown.end()) {
      extra(number, pointer_step(member.key), member.value, true);
    }
  }
  const std::string word = value["finish_reason"].string().value_or("");
  if (word == "error") {
    return fail(Verdict::kServerError,
                Status(Code::kUpstream, "the upstream ended the answer with an error"));
  }
  if (word.empty() || choice.finished) return;
  // Told at the very end: some servers send more content, or a second finish, after this.
  choice.finished = true;
  choice.finish = read_finish(word);
  choice.finish_raw = word;
}

void Decoder::read_message(Choice& choice, int index, const Value& message, bool whole) {
  read_reasoning(choice, index, message);
  if (over_) return;
  read_content(choice, index, message["content"], whole);
  if (const auto refusal = message["refusal"].string()) {
    text(choice, index, PartKind::kRefusal, *refusal);
  }
  std::int64_t position = 0;
  for (const Value& call : message["tool_calls"].items()) {
    if (over_) return;
    read_call(choice, index, call, position++, whole);
  }
  if (const Value call = message["function_call"]; call.is_object() && !over_) {
    // Deprecated: one call, without id or index.
    if (choice.calls.empty()) choice.calls.emplace_back();
    Call& only = choice.calls.front();
    if (only.name.empty()) only.name = call["name"].string().value_or("");
    feed_call(choice, index, only, call["arguments"].string().value_or(""));
  }
  for (const Value::Member& member : message.members()) {
    static constexpr std::array<std::string_view, 7> kKnown{
        "role",          "content",           "refusal",  "tool_calls",
        "function_call", "reasoning_content", "reasoning"};
    if (std::find(kKnown.begin(), kKnown.end(), member.key) != kKnown.end()) continue;
    if (!whole && (member.value.is_null() || member.value.raw() == "[]")) continue;
    extra(index, "/message" + pointer_step(member.key), member.value, false);
  }
}

void Decoder::read_reasoning(Choice& choice, int index, const Value& message) {
  std::string thought = message["reasoning_content"].string().value_or("");
  if (thought.empty()) thought = message["reasoning"].string().value_or("");
  choice.plain_thoughts = choice.plain_thoughts || !thought.empty();
  text(choice, index, PartKind::kReasoning, std::move(thought));
  for (const Value& detail : message["reasoning_details"].items()) {
    if (!over_) read_detail(choice, index, detail);
  }
}

// OpenRouter's list: the same text once more, or alone, and what proves it.
void Decoder::read_detail(Choice& choice, int index, const Value& detail) {
  if (!choice.plain_thoughts) {
    for (const std::string_view key : {"text", "summary"}) {
      text(choice, index, PartKind::kReasoning, detail[key].string().value_or(""));
    }
  }
  const std::string signature = detail["signature"].string().value_or("");
  const bool thinking =
      choice.text_part >= 0 &&
      choice.parts[static_cast<std::size_t>(choice.text_part)] == PartKind::kReasoning;
  if (!signature.empty() && thinking && !over_) {
    emit(event::PartDelta{index, choice.text_part, "", signature});
  }
  const std::string sealed = detail["data"].string().value_or("");
  const std::string format = detail["format"].string().value_or("");
  if (over_ || sealed.empty() || format.rfind("anthropic-claude", 0) != 0) return;
  if (choice.text_part >= 0) close_part(choice, index, choice.text_part);
  choice.text_part = -1;
  event::PartStart start;
  start.kind = PartKind::kReasoning;
  start.redacted = sealed;
  const int part = open_part(choice, index, std::move(start));
  if (!over_) close_part(choice, index, part);
}

// A string; or Mistral's list of text and thinking parts.
void Decoder::read_content(Choice& choice, int index, const Value& content, bool whole) {
  if (const auto plain = content.string()) {
    return text(choice, index, PartKind::kText, *plain, whole);
  }
  for (const Value& item : content.items()) {
    if (const auto plain = item["text"].string()) {
      text(choice, index, PartKind::kText, *plain);
    } else if (const auto thought = item["thinking"].string()) {
      text(choice, index, PartKind::kReasoning, *thought);
    }
    for (const Value& inner : item["thinking"].items()) {
      text(choice, index, PartKind::kReasoning, inner["text"].string().value_or(""));
    }
  }
}

void Decoder::text(Choice& choice, int index, PartKind kind, std::string more, bool even_empty) {
  if (over_ || (more.empty() && !even_empty)) return;
  if (choice.text_part >= 0 && choice.parts[static_cast<std::size_t>(choice.text_part)] != kind) {
    close_part(choice, index, choice.text_part);
    choice.text_part = -1;
  }
  if (choice.text_part < 0) {
    event::PartStart start;
    start.kind = kind;
    choice.text_part = open_part(choice, index, std::move(start));
    if (over_) return;
  }
  if (!more.empty()) {
    emit(event::PartDelta{index, choice.text_part, std::move(more), ""});
  }
}

int Decoder::open_part(Choice& choice, int index, event::PartStart start) {
  if (choice.parts.size() >= kMostParts) {
    fail(Verdict::kMalformed, Status(Code::kProtocol, "the upstream's answer has too many parts"));
    return -1;
  }
  start.choice = index;
  start.part = static_cast<int>(choice.parts.size());
  choice.parts.push_back(start.kind);
  choice.closed.push_back(false);
  const int part = start.part;
  emit(std::move(start));
  return part;
}

void Decoder::close_part(Choice& choice, int index, int part) {
  choice.closed[static_cast<std::size_t>(part)] = true;
  emit(event::PartEnd{index, part});
}

// Which call a delta belongs to. Servers repeat ids, leave the index out, or begin another call on
// an index that is taken.
Call& Decoder::find_call(Choice& choice, const Value& value, std::int64_t position, bool whole,
                         bool has_name) {
  std::vector<Call>& calls = choice.calls;
  const auto fresh = [&]() -> Call& { return calls.emplace_back(); };
  if (whole) return fresh();
  const auto index = value["index"].integer();
  const std::string id = value["id"].string().value_or("");
  const auto last = [&](auto&& same) {
    const auto found = std::find_if(calls.rbegin(), calls.rend(), same);
    return found == calls.rend() ? nullptr : &*found;
  };
  if (index) {
    Call* known = last([&](const Call& call) { return call.index == index; });
    if (known != nullptr && (id.empty() || known->id.empty() || known->id == id)) return *known;
    Call& call = fresh();
    call.index = index;
    return call;
  }
  if (!id.empty()) {
    if (Call* known = last([&](const Call& call) { return call.id == id; })) return *known;
    return fresh();
  }
  if (calls.empty() || position > 0 || (has_name && !calls.back().name.empty())) return fresh();
  return calls.back();
}

void Decoder::read_call(Choice& choice, int index, const Value& value, std::int64_t position,
                        bool whole) {
  if (!value.is_object()) return;
  const bool custom = value["type"].string() == "custom" || value["custom"].is_object();
  const Value body = custom ? value["custom"] : value["function"];
  const std::string name = body["name"].string().value_or("");
  Call& call = find_call(choice, value, position, whole, !name.empty());
  if (choice.calls.size() > kMostParts) {
    return fail(Verdict::kMalformed,
                Status(Code::kProtocol, "the upstream's answer has too many tool calls"));
  }
  if (call.part < 0) {
    if (call.id.empty()) call.id = value["id"].string().value_or("");
    if (call.name.empty()) call.name = name;
    if (custom) call.type = "custom";
  }
  const Value arguments = custom ? body["input"] : body["arguments"];
  // Some servers send the arguments as an object instead of its text.
  std::string more =
      arguments.is_object() ? std::string(arguments.raw()) : arguments.string().value_or("");
  const auto ordinal = static_cast<std::size_t>(&call - choice.calls.data());
  const auto proof = value["extra_content"]["google"]["thought_signature"].string();
  const bool signed_call = proof.has_value();
  if (signed_call) call.signature = *proof;
  feed_call(choice, index, call, std::move(more));
  if (over_) return;
  if (whole && call.part < 0) open_call(choice, index, call);
  if (over_) return;
  if (call.part >= 0 && !call.signature.empty()) {
    emit(event::PartDelta{index, call.part, "", std::exchange(call.signature, {})});
  }
  for (const Value::Member& member : value.members()) {
    static constexpr std::array<std::string_view, 5> kKnown{"index", "id", "type", "function",
                                                            "custom"};
    if (member.value.is_null() ||
        std::find(kKnown.begin(), kKnown.end(), member.key) != kKnown.end() ||
        (member.key == "extra_content" && signed_call)) {
      continue;
    }
    extra(index, "/message/tool_calls/" + std::to_string(ordinal) + pointer_step(member.key),
          member.value, false);
  }
}

// A call opens when its name is known, and its id too unless arguments already come.
void Decoder::feed_call(Choice& choice, int index, Call& call, std::string arguments) {
  if (call.part < 0) {
    call.waiting.append(arguments);
    if (call.name.empty() || (call.id.empty() && call.waiting.empty())) return;
    return open_call(choice, index, call);
  }
  if (!arguments.empty()) emit(event::PartDelta{index, call.part, std::move(arguments), ""});
}

void Decoder::open_call(Choice& choice, int index, Call& call) {
  if (choice.text_part >= 0) {
    close_part(choice, index, choice.text_part);
    choice.text_part = -1;
  }
  if (call.id.empty()) {
    call.id = make_id(index, static_cast<std::size_t>(&call - choice.calls.data()));
  }
  event::PartStart start;
  start.kind = PartKind::kToolCall;
  start.id = call.id;
  start.name = asked_name(options_, call.name);
  start.tool_type = call.type;
  call.part = open_part(choice, index, std::move(start));
  if (over_ || (call.waiting.empty() && call.signature.empty())) return;
  emit(event::PartDelta{index, call.part, std::exchange(call.waiting, {}),
                        std::exchange(call.signature, {})});
}

// Different in every turn, so that a history with several of them stays unambiguous, and the same
// for the same answer.
std::string Decoder::make_id(int index, std::size_t ordinal) const {
  std::uint64_t seed = 14695981039346656037U;  // FNV-1a
  for (const std::string_view part : {std::string_view(options_.request_id), std::string_view("/"),
                                      std::string_view(answer_id_)}) {
    for (const char c : part) seed = (seed ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  Random random(seed + static_cast<std::uint64_t>(index) * kMostParts + ordinal);
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string id = "call_";
  for (int i = 0; i < 24; ++i) id.push_back(kLetters[random.below(kLetters.size())]);
  return id;
}

void Decoder::finish_all() {
  for (auto& [index, choice] : choices_) {
    for (Call& call : choice.calls) {
      if (call.part < 0) open_call(choice, index, call);
      if (over_) return;
    }
    for (std::size_t part = 0; part < choice.parts.size(); ++part) {
      if (!choice.closed[part]) close_part(choice, index, static_cast<int>(part));
    }
    emit(event::Finish{index, choice.finish, choice.finish_raw, "", ""});
  }
  emit(event::End{});
  over_ = true;
}

}  // namespace

std::unique_ptr<AnswerDecoder> new_decoder(const AnswerOptions& options) {
  return std::make_unique<Decoder>(options);
}

}  // namespace llmorch::openai_chat
