// Answers to Events: events, whole bodies and JSON arrays alike (WIRE_FORMATS 3.4, 3.5, 6.7).
#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/text.h"
#include "formats/gemini/citations.h"
#include "formats/gemini/gemini.h"
#include "formats/gemini/partial_args.h"
#include "formats/object_writer.h"

namespace llmorch::gemini {
namespace {

using json::Value;

constexpr std::size_t kMostParts = 4096;  // of one candidate
constexpr std::size_t kMostExtras = 256;  // different paths of one answer

// A call that comes in pieces.
struct OpenCall {
  int part = -1;      // -1: none is open
  std::string whole;  // arguments that came as an object
  PartialArgs pieces;
  bool custom = false;
};

struct Candidate {
  int parts = 0;
  int open_part = -1;  // text or reasoning
  PartKind open_kind = PartKind::kText;
  bool open_signed = false;
  int last_text = -1;  // what citations belong to
  bool saw_call = false;
  bool any_wire_part = false;
  OpenCall call;
  CitedText text;
  std::string grounding;
  std::string citation;
  std::string finish;  // the vendor's word; "" not yet
  std::string explanation;
};

class Decoder : public AnswerDecoder {
 public:
  explicit Decoder(const AnswerOptions& options)
      : whole_(!options.stream),
        model_(options.model),
        hints_(options.hints),
        random_(seed(options)) {}

  void on_frame(const Frame& frame, std::vector<Event>& out) override;
  void on_close(std::vector<Event>& out) override;

 private:
  static std::uint64_t seed(const AnswerOptions& options);
  void read_text(std::string text, const Frame& frame);
  void read(const Value& root, bool whole);
  void read_start(const Value& root);
  void read_usage(const Value& root);
  void read_feedback(const Value& root);
  void read_candidate(const Value& value, int position, bool whole);
  void read_part(Candidate& to, int index, const Value& part);
  void read_string(Candidate& to, int index, const Value& part, std::string signature);
  void read_call(Candidate& to, int index, const Value& part, std::string signature);
  void read_blob(Candidate& to, int index, const Value& part, const Value& blob);
  void opaque(Candidate& to, int index, const Value& part);

  int open(Candidate& to, int index, event::PartStart start);
  void close_open(Candidate& to, int index);
  void close_call(Candidate& to, int index);
  std::string call_arguments(const OpenCall& call) const;
  std::string call_id(const Value& call);
  const std::string& asked_name(const std::string& sent) const;
  bool is_custom(const std::string& name) const;
  void extra(int index, std::string_view name, const Value& value);

  void finish_all();
  void finish(Candidate& candidate, int index);
  bool is_empty() const;
  void fail(Verdict verdict, Status status);
  void emit(Event event) { out_->push_back(std::move(event)); }

  const bool whole_;
  const std::string model_;
  const AnswerHints hints_;
  Random random_;
  std::vector<Event>* out_ = nullptr;  // during a call
  Unframed unframed_;
  std::map<int, Candidate> candidates_;
  UsageMeter usage_;
  std::set<std::string> call_ids_;
  std::map<std::string, std::string> last_extras_;  // what repeats in every chunk is told once
  std::string block_reason_;
  std::string block_message_;
  bool started_ = false;
  bool over_ = false;
};

// Ids must differ between the turns of a conversation, and so between decoders.
std::uint64_t Decoder::seed(const AnswerOptions& options) {
  static const std::uint64_t process = system_seed();
  static std::atomic<std::uint64_t> count{0};
  std::uint64_t out = process ^ 14695981039346656037U;  // FNV-1a
  for (const char c : options.request_id) {
    out = (out ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  return out + (count.fetch_add(1, std::memory_order_relaxed) << 20);
}

void Decoder::fail(Verdict verdict, Status status) {
  if (over_) return;
  emit(event::Error{verdict, std::move(status)});
  over_ = true;
}

void Decoder::on_frame(const Frame& frame, std::vector<Event>& out) {
  if (over_) return;
  out_ = &out;
  if (whole_) return read_text(std::string(trim(frame.data)), frame);
  auto text = unframed_.take(frame);
  if (!text || text->empty() || *text == "[DONE]") return;  // some proxies add OpenAI's end
  read_text(std::move(*text), frame);
}

void Decoder::read_text(std::string text, const Frame& frame) {
  const auto document = json::Document::parse(std::move(text));
  if (!document) {
    const std::string_view what = whole_ ? "the upstream's answer" : "an event of the upstream";
    return fail(Verdict::kMalformed, not_json(what, document.error()));
  }
  const Value root = document->root();
  if (find_error(root).exists() || frame.event == "error") {
    InBand in_band = read_in_band_error(root.raw());
    return fail(in_band.verdict, std::move(in_band.status));
  }
  if (root.is_array()) {  // a stream, written as one JSON text
    for (const Value& chunk : root.items()) {
      if (over_) return;
      if (find_error(chunk).exists()) {
        InBand in_band = read_in_band_error(chunk.raw());
        return fail(in_band.verdict, std::move(in_band.status));
      }
      read(chunk, false);
    }
    if (whole_ && !over_) on_close(*out_);
    return;
  }
  if (!root.is_object()) {
    return fail(Verdict::kMalformed, Status(Code::kProtocol, "the upstream's answer is no object"));
  }
  read(root, whole_);
  if (!whole_ || over_) return;
  if (candidates_.empty() && block_reason_.empty()) {
    return fail(Verdict::kMalformed, no_candidates());
  }
  finish_all();
}

void Decoder::on_close(std::vector<Event>& out) {
  if (over_) return;
  out_ = &out;
  if (unframed_.waiting()) {
    return fail(Verdict::kMalformed, not_json("what the upstream sent last",
                                              json::Document::parse(unframed_.rest()).error()));
  }
  const bool complete = std::all_of(candidates_.begin(), candidates_.end(),
                                    [](const auto& entry) { return !entry.second.finish.empty(); });
  if (!complete || (candidates_.empty() && block_reason_.empty())) {
    return fail(Verdict::kNetwork, truncated());
  }
  finish_all();
}

void Decoder::read(const Value& root, bool whole) {
  read_start(root);
  read_feedback(root);
  int position = 0;
  for (const Value& candidate : list_of(root["candidates"])) {
    if (over_) return;
    read_candidate(candidate, position++, whole);
  }
  if (over_) return;
  read_usage(root);
  for (const Value::Member& member : root.members()) {
    static constexpr std::array<std::string_view, 5> kKnown{"candidates", "usageMetadata",
                                                            "modelVersion", "responseId", "error"};
    const std::string name = camel_case(member.key);
    if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) {
      extra(-1, name, member.value);
    }
  }
}

void Decoder::read_start(const Value& root) {
  if (started_) return;
  started_ = true;
  std::string model = field(root, "modelVersion").string().value_or("");
  emit(event::Start{field(root, "responseId").string().value_or(""),
                    model.empty() ? model_ : std::move(model),
                    unix_seconds(field(root, "createTime").string().value_or(""))});
}

void Decoder::read_usage(const Value& root) {
  const Value usage = field(root, "usageMetadata");
  if (usage_.add(usage)) emit(event::UsageUpdate{usage_.usage(), compact_json(usage.raw())});
}

void Decoder::read_feedback(const Value& root) {
  const Value feedback = field(root, "promptFeedback");
  const std::string reason = field(feedback, "blockReason").string().value_or("");
  if (reason.empty() || reason == "BLOCK_REASON_UNSPECIFIED") return;
  block_reason_ = reason;
  block_message_ = field(feedback, "blockReasonMessage").string().value_or("");
}

void Decoder::extra(int index, std::string_view name, const Value& value) {
  if (value.is_null()) return;
  std::string path = pointer_step(name);
  const std::string key = std::to_string(index) + path;
  const auto known = last_extras_.find(key);
  if (known != last_extras_.end() && known->second == value.raw()) return;
  if (known == last_extras_.end() && last_extras_.size() >= kMostExtras) return;
  last_extras_[key] = value.raw();
  emit(event::ExtraField{index, {std::move(path), compact_json(value.raw())}});
}

void Decoder::read_candidate(const Value& value, int position, bool whole) {
  if (!value.is_object()) return;
  // The vendor leaves index 0 out, as proto JSON does with every zero.
  const std::int64_t index = value["index"].integer().value_or(position);
  if (index < 0 || index >= kMostCandidates) return fail(Verdict::kMalformed, wrong_index());
  const int number = static_cast<int>(index);
  Candidate& to = candidates_[number];
  for (const Value& part : list_of(value["content"]["parts"])) {
    if (over_) return;
    if (whole) to.text.begin_part();
    read_part(to, number, part);
  }
  if (over_) return;
  if (const std::string list = read_logprobs(field(value, "logprobsResult")); !list.empty()) {
    emit(event::Logprobs{number, "content", list});
  }
  for (const Value::Member& member : value.members()) {
    const std::string name = camel_case(member.key);
    if (name == "groundingMetadata") to.grounding = member.value.raw();
    if (name == "citationMetadata") to.citation = member.value.raw();
    static constexpr std::array<std::string_view, 5> kKnown{"index", "content", "finishReason",
                                                            "finishMessage", "logprobsResult"};
    if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) {
      extra(number, name, member.value);
    }
  }
  const std::string word = field(value, "finishReason").string().value_or("");
  if (word.empty() || word == "FINISH_REASON_UNSPECIFIED") return;
  // Told at the very end: older models say STOP in every chunk, and usage may follow. What is not
  // STOP stays.
  if (to.finish.empty() || to.finish == "STOP") to.finish = word;
  if (const auto text = field(value, "finishMessage").string()) to.explanation = *text;
  close_call(to, number);
}

void Decoder::read_part(Candidate& to, int index, const Value& part) {
  if (!part.is_object()) return;
  to.any_wire_part = true;
  std::string signature = field(part, "thoughtSignature").string().value_or("");
  if (field(part, "functionCall").is_object()) {
    return read_call(to, index, part, std::move(signature));
  }
  close_call(to, index);  // its end need not be said
  if (over_) return;
  const Value blob = field(part, "inlineData");
  if (blob.is_object()) return read_blob(to, index, part, blob);
  bool only_text = true;
  for (const Value::Member& member : part.members()) {
    static constexpr std::array<std::string_view, 3> kText{"text", "thought", "thoughtSignature"};
    const std::string name = camel_case(member.key);
    only_text = only_text && std::find(kText.begin(), kText.end(), name) != kText.end();
  }
  if (only_text || part["text"].is_string()) {
    return read_string(to, index, part, std::move(signature));
  }
  opaque(to, index, part);
}

void Decoder::read_string(Candidate& to, int index, const Value& part, std::string signature) {
  std::string text = part["text"].string().value_or("");
  if (text.empty() && signature.empty()) return;
  const PartKind kind = part["thought"].boolean() == true ? PartKind::kReasoning : PartKind::kText;
  // A signature covers the part it came with: what follows is another one. An empty part with a
  // signature signs what stands before it.
  const bool other = to.open_kind != kind || (to.open_signed && !text.empty());
  if (to.open_part >= 0 && (other || (to.open_signed && !signature.empty()))) close_open(to, index);
  if (to.open_part < 0) {
    event::PartStart start;
    start.kind = kind;
    const int opened = open(to, index, std::move(start));
    if (over_) return;
    to.open_part = opened;
    to.open_kind = kind;
    to.open_signed = false;
    if (kind == PartKind::kText) to.last_text = opened;
  }
  if (kind == PartKind::kText) to.text.add(text);
  to.open_signed = to.open_signed || !signature.empty();
  emit(event::PartDelta{index, to.open_part, std::move(text), std::move(signature)});
}

const std::string& Decoder::asked_name(const std::string& sent) const {
  for (const auto& [name, asked] : hints_.tool_names) {
    if (name == sent) return asked;
  }
  return sent;
}

bool Decoder::is_custom(const std::string& name) const {
  const auto& list = hints_.custom_tools;
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string Decoder::call_id(const Value& call) {
  std::string id = call["id"].string().value_or("");
  while (id.empty() || !call_ids_.insert(id).second) {
    static constexpr std::string_view kLetters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    id = "call_";
    for (int i = 0; i < 24; ++i) id.push_back(kLetters[random_.below(kLetters.size())]);
  }
  return id;
}

void Decoder::read_call(Candidate& to, int index, const Value& part, std::string signature) {
  const Value call = field(part, "functionCall");
  const std::string sent = call["name"].string().value_or("");
  const bool more = field(call, "willContinue").boolean() == true;
  if (!sent.empty()) {
    close_call(to, index);
    close_open(to, index);
    event::PartStart start;
    start.kind = PartKind::kToolCall;
    start.name = asked_name(sent);
    start.id = call_id(call);
    to.call = OpenCall();
    to.call.custom = is_custom(start.name);
    if (to.call.custom) start.tool_type = "custom";
    to.saw_call = true;
    const int opened = open(to, index, std::move(start));
    if (over_) return;
    to.call.part = opened;
  }
  if (to.call.part < 0) return;  // the end of a call that ended already
  if (!signature.empty()) {
    emit(event::PartDelta{index, to.call.part, "", std::move(signature)});
  }
  if (call["args"].is_object()) to.call.whole = compact_json(call["args"].raw());
  for (const Value& piece : list_of(field(call, "partialArgs"))) {
    if (!to.call.pieces.add(piece)) {
      return fail(Verdict::kMalformed,
                  Status(Code::kProtocol, "a piece of the upstream's tool call has no place"));
    }
  }
  if (!more) close_call(to, index);
}

std::string Decoder::call_arguments(const OpenCall& call) const {
  const std::string json =
      call.pieces.empty() && !call.whole.empty() ? call.whole : call.pieces.json();
  if (!call.custom) return json;
  const auto document = json::Document::parse(json);
  const auto input = document ? document->root()["input"].string() : std::nullopt;
  return input.value_or(json);
}

void Decoder::close_call(Candidate& to, int index) {
  if (to.call.part < 0) return;
  emit(event::PartDelta{index, to.call.part, call_arguments(to.call), ""});
  emit(event::PartEnd{index, to.call.part});
  to.call = OpenCall();
}

void Decoder::read_blob(Candidate& to, int index, const Value& part, const Value& blob) {
  const std::string mime = field(blob, "mimeType").string().value_or("");
  const bool image = mime.rfind("image/", 0) == 0;
  const bool thought = part["thought"].boolean() == true;  // a draft
  if (thought || (!image && mime.rfind("audio/", 0) != 0)) return opaque(to, index, part);
  close_open(to, index);
  event::PartStart start;
  start.kind = image ? PartKind::kImage : PartKind::kAudio;
  start.mime_type = mime;
  const int opened = open(to, index, std::move(start));
  if (over_) return;
  emit(event::PartDelta{index, opened, blob["data"].string().value_or(""),
                        field(part, "thoughtSignature").string().value_or("")});
  emit(event::PartEnd{index, opened});
}

void Decoder::opaque(Candidate& to, int index, const Value& part) {
  close_open(to, index);
  event::PartStart start;
  start.kind = PartKind::kOpaque;
  start.json = compact_json(part.raw());
  const int opened = open(to, index, std::move(start));
  if (!over_) emit(event::PartEnd{index, opened});
}

int Decoder::open(Candidate& to, int index, event::PartStart start) {
  if (static_cast<std::size_t>(to.parts) >= kMostParts) {
    fail(Verdict::kMalformed, Status(Code::kProtocol, "the upstream's answer has too many parts"));
    return -1;
  }
  start.choice = index;
  start.part = to.parts++;
  const int part = start.part;
  emit(std::move(start));
  return part;
}

void Decoder::close_open(Candidate& to, int index) {
  if (to.open_part < 0) return;
  emit(event::PartEnd{index, to.open_part});
  to.open_part = -1;
  to.open_signed = false;
}

void Decoder::finish(Candidate& candidate, int index) {
  close_call(candidate, index);
  if (candidate.last_text >= 0) {
    for (event::Citation& citation :
         read_citations(candidate.grounding, candidate.citation, candidate.text)) {
      citation.choice = index;
      citation.part = candidate.last_text;
      emit(std::move(citation));
    }
  }
  close_open(candidate, index);
  event::Finish out;
  out.choice = index;
  out.raw = candidate.finish;
  out.explanation = candidate.explanation;
  out.reason = read_finish(candidate.finish);
  const bool plain_end = out.reason == FinishReason::kStop || out.reason == FinishReason::kNone;
  if (candidate.saw_call && plain_end) out.reason = FinishReason::kToolCalls;
  emit(std::move(out));
}

// Ended, well or oddly, and there is nothing at all: somebody else may do better.
bool Decoder::is_empty() const {
  if (candidates_.empty()) return false;
  return std::all_of(candidates_.begin(), candidates_.end(), [&](const auto& entry) {
    const FinishReason reason = read_finish(entry.second.finish);
    const bool plain = reason == FinishReason::kStop || reason == FinishReason::kNone;
    return !entry.second.any_wire_part &&
           (plain ? usage_.output_tokens() == 0 : reason == FinishReason::kOther);
  });
}

void Decoder::finish_all() {
  if (is_empty()) {
    const Candidate& first = candidates_.begin()->second;
    return fail(Verdict::kServerError, nothing_said(first.finish, first.explanation));
  }
  if (candidates_.empty()) {  // the prompt was blocked
    emit(event::Finish{0, FinishReason::kContentFilter, block_reason_, "", block_message_});
  }
  for (auto& [index, candidate] : candidates_) finish(candidate, index);
  emit(event::End{});
  over_ = true;
}

}  // namespace

std::unique_ptr<AnswerDecoder> new_decoder(const AnswerOptions& options) {
  return std::make_unique<Decoder>(options);
}

}  // namespace llmorch::gemini
