// Events to chunks, to one JSON array of them, or to one answer. What the official SDK demands
// (WIRE_FORMATS 3.8) is met: every chunk has a candidate with a part, calls come whole and after
// the last text, and the last chunk has an empty text, the finish reasons and the usage.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "formats/gemini/citations.h"
#include "formats/gemini/gemini.h"
#include "formats/object_writer.h"

namespace llmorch::gemini {
namespace {

constexpr std::size_t kMostCitations = 1000;

// One part of an answer on its way out.
struct OutPart {
  PartKind kind = PartKind::kText;
  std::string id;
  std::string name;
  std::string mime_type;
  std::string json;  // kOpaque, as it opened
  bool custom = false;
  std::string text;  // what must come whole: arguments, bytes, opaque deltas
  std::string signature;
};

struct OutChoice {
  std::vector<OutPart> parts;
  std::string calls;  // finished ones, as parts with commas between them
  std::string text;   // all visible text: citations point into it
  std::vector<event::Citation> citations;
  std::string logprobs;
  event::Finish finish;
  Extras extras;
};

std::string text_part(std::string_view text, bool thought, std::string_view signature) {
  std::string out;
  ObjectWriter part(out);
  part.string("text", text);
  if (thought) part.boolean("thought", true);
  if (!signature.empty()) part.string("thoughtSignature", signature);
  part.close();
  return out;
}

class Encoder : public AnswerEncoder {
 public:
  explicit Encoder(const AnswerOptions& options)
      : options_(options), own_(!options.upstream || *options.upstream == Format::kGemini) {}

  void on_event(const Event& event, std::string& out) override {
    if (over_) return;
    out_ = &out;
    std::visit([this](const auto& e) { on(e); }, event);
  }

 private:
  void on(const event::Start& e) { start_ = e; }
  void on(const event::PartStart& e);
  void on(const event::PartDelta& e);
  void on(const event::PartEnd& e);
  void on(const event::Citation& e);
  void on(const event::Logprobs& e);
  void on(const event::Finish& e) { choices_[e.choice].finish = e; }
  void on(const event::UsageUpdate& e) { usage_ = e; }
  void on(const event::Error& e);
  void on(const event::ExtraField& e);
  void on(const event::End&);

  OutPart* find(int choice, int part);
  void send(int choice, std::string part);
  std::string whole_part(const OutPart& part) const;
  void write_candidate(std::string& out, int index, OutChoice& choice, const std::string& parts);
  void frame(std::string json);
  void close_answer(ObjectWriter& answer, bool last);

  AnswerOptions options_;
  const bool own_;  // extra fields and signatures are in this format's words
  event::Start start_;
  std::map<int, OutChoice> choices_;
  std::map<int, std::string> whole_;  // the parts of each choice of a whole answer
  std::optional<event::UsageUpdate> usage_;
  Extras waiting_;              // top-level fields for the next chunk
  std::string* out_ = nullptr;  // during a call
  bool any_frame_ = false;
  bool over_ = false;
};

// One chunk in the caller's framing.
void Encoder::frame(std::string json) {
  // JSON that is passed on as it stood may be broken into lines; an event's data is one line.
  // Inside strings JSON allows no raw line ends, so these are white space.
  std::replace_if(
      json.begin(), json.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  if (!options_.stream) {
    out_->append(json);
  } else if (options_.json_array) {
    out_->append(any_frame_ ? "\n,\r\n" : "[").append(json);
  } else {
    out_->append("data: ").append(json).append("\r\n\r\n");
  }
  any_frame_ = true;
}

void Encoder::close_answer(ObjectWriter& answer, bool last) {
  if (last && usage_) {
    answer.raw("usageMetadata", usage_json(usage_->usage, own_ ? usage_->raw : ""));
  }
  const std::string& model = start_.model.empty() ? options_.model : start_.model;
  if (!model.empty()) answer.string("modelVersion", model);
  answer.string("responseId", start_.id.empty() ? options_.request_id : start_.id);
  answer.close();
  waiting_.clear();
}

// A part that may go at once; a whole answer gathers them.
void Encoder::send(int choice, std::string part) {
  if (!options_.stream) {
    std::string& parts = whole_[choice];
    if (!parts.empty()) parts.push_back(',');
    parts.append(part);
    return;
  }
  std::string json;
  ObjectWriter answer(json, &waiting_);
  std::string& list = answer.value("candidates");
  list.append(R"([{"content":{"parts":[)").append(part).append(R"(],"role":"model"},"index":)");
  list.append(std::to_string(choice)).append("}]");
  close_answer(answer, false);
  frame(std::move(json));
}

OutPart* Encoder::find(int choice, int part) {
  const auto found = choices_.find(choice);
  if (found == choices_.end() || part < 0) return nullptr;
  auto& parts = found->second.parts;
  return static_cast<std::size_t>(part) < parts.size() ? &parts[static_cast<std::size_t>(part)]
                                                       : nullptr;
}

void Encoder::on(const event::PartStart& e) {
  OutPart part;
  part.kind = e.kind;
  part.id = e.id;
  part.name = e.name;
  part.mime_type = e.mime_type;
  part.json = e.json;
  part.custom = e.tool_type == "custom";
  choices_[e.choice].parts.push_back(std::move(part));
}

void Encoder::on(const event::PartDelta& e) {
  OutPart* part = find(e.choice, e.part);
  if (part == nullptr) return;
  const std::string signature = own_ ? e.signature : "";
  const bool text = part->kind == PartKind::kText || part->kind == PartKind::kReasoning ||
                    part->kind == PartKind::kRefusal;
  if (!text || !options_.stream) {
    part->text.append(e.text);
    if (!signature.empty()) part->signature = signature;
    if (!text) return;
  }
  const bool thought = part->kind == PartKind::kReasoning;
  if (!thought) choices_[e.choice].text.append(e.text);
  if (!options_.stream || (e.text.empty() && signature.empty())) return;
  send(e.choice, text_part(e.text, thought, signature));
}

// What is only complete at its end.
std::string Encoder::whole_part(const OutPart& part) const {
  std::string out;
  ObjectWriter object(out);
  if (part.kind == PartKind::kToolCall) {
    ObjectWriter call = object.object("functionCall");
    if (!part.id.empty()) call.string("id", part.id);
    call.string("name", part.name);
    call.raw("args", part.custom ? "{\"input\":" + json_string(part.text) + "}"
                                 : arguments_object(part.text));
    call.close();
  } else {
    ObjectWriter blob = object.object("inlineData");
    const bool image = part.kind == PartKind::kImage;
    blob.string("mimeType", !part.mime_type.empty() ? part.mime_type
                            : image                 ? "image/png"
                                                    : "audio/wav");
    blob.string("data", part.text);
    blob.close();
  }
  if (!part.signature.empty()) object.string("thoughtSignature", part.signature);
  object.close();
  return out;
}

void Encoder::on(const event::PartEnd& e) {
  OutPart* part = find(e.choice, e.part);
  if (part == nullptr) return;
  switch (part->kind) {
    case PartKind::kText:
    case PartKind::kReasoning:
    case PartKind::kRefusal:
      if (!options_.stream && !(part->text.empty() && part->signature.empty())) {
        send(e.choice, text_part(part->text, part->kind == PartKind::kReasoning, part->signature));
      }
      break;
    case PartKind::kToolCall: {
      if (!options_.stream) {
        send(e.choice, whole_part(*part));
        break;
      }
      // All calls of a stream go into one content, after the last text.
      std::string& calls = choices_[e.choice].calls;
      if (!calls.empty()) calls.push_back(',');
      calls.append(whole_part(*part));
      break;
    }
    case PartKind::kAudio:
    case PartKind::kImage:
      send(e.choice, whole_part(*part));
      break;
    case PartKind::kOpaque:
      if (own_ && part->text.empty() && json::Document::parse(part->json)) {
        send(e.choice, part->json);
      }
      break;
  }
  part->text = std::string();
}

void Encoder::on(const event::Citation& e) {
  auto& citations = choices_[e.choice].citations;
  if (citations.size() < kMostCitations) citations.push_back(e);
}

void Encoder::on(const event::Logprobs& e) {
  if (e.field != "content" || e.json.size() < 3) return;
  std::string& all = choices_[e.choice].logprobs;
  if (all.empty()) {
    all = e.json;
  } else {
    all.back() = ',';
    all.append(e.json.substr(1));
  }
}

void Encoder::on(const event::ExtraField& e) {
  if (!own_) return;
  Extras& extras = e.choice < 0 ? waiting_ : choices_[e.choice].extras;
  const auto same = std::find_if(extras.begin(), extras.end(),
                                 [&](const Extra& extra) { return extra.path == e.extra.path; });
  if (same == extras.end()) {
    extras.push_back(e.extra);
  } else {
    same->json = e.extra.json;
  }
}

void Encoder::on(const event::Error& e) {
  over_ = true;
  if (!options_.stream) return;  // error_body() is the whole answer then
  if (options_.json_array) {
    frame(error_body(e.status));
    out_->append("\n]");
  } else {
    out_->append(error_frame(e.status));
  }
}

void Encoder::write_candidate(std::string& out, int index, OutChoice& choice,
                              const std::string& parts) {
  ObjectWriter object(out, &choice.extras);
  ObjectWriter content(object.value("content"));
  content.raw("parts", "[" + parts + "]");
  content.string("role", "model");
  content.close();
  const event::Finish& finish = choice.finish;
  const bool word = own_ && is_finish_word(finish.raw);
  object.string("finishReason", word ? std::string_view(finish.raw) : finish_word(finish.reason));
  if (!finish.explanation.empty()) object.string("finishMessage", finish.explanation);
  object.integer("index", index);
  const bool told = std::any_of(choice.extras.begin(), choice.extras.end(), [](const Extra& extra) {
    return extra.path == "/groundingMetadata" || extra.path == "/citationMetadata";
  });
  if (!choice.citations.empty() && !told) {
    object.raw("groundingMetadata", grounding_json(choice.citations, choice.text));
  }
  if (const std::string list = logprobs_json(choice.logprobs); !list.empty()) {
    object.raw("logprobsResult", list);
  }
  object.close();
}

void Encoder::on(const event::End&) {
  if (choices_.empty()) choices_[0];
  for (auto& [index, choice] : choices_) {
    for (std::size_t part = 0; part < choice.parts.size(); ++part) {
      // A decoder closes what it opens; what it did not is lost otherwise.
      if (!choice.parts[part].text.empty()) on(event::PartEnd{index, static_cast<int>(part)});
    }
    if (!choice.calls.empty()) send(index, std::exchange(choice.calls, {}));
  }
  std::string json;
  ObjectWriter answer(json, &waiting_);
  std::string& list = answer.value("candidates");
  list.push_back('[');
  for (auto& [index, choice] : choices_) {
    if (list.back() != '[') list.push_back(',');
    const std::string& whole = whole_[index];
    write_candidate(list, index, choice, whole.empty() ? R"({"text":""})" : whole);
  }
  list.push_back(']');
  close_answer(answer, true);
  frame(std::move(json));
  if (options_.stream && options_.json_array) out_->append("\n]");
  over_ = true;
}

}  // namespace

std::unique_ptr<AnswerEncoder> new_encoder(const AnswerOptions& options) {
  return std::make_unique<Encoder>(options);
}

}  // namespace llmorch::gemini
