// Answers to Events: stream events and whole messages alike (WIRE_FORMATS 2.3, 2.5, 6.7).
#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "formats/anthropic_messages/anthropic_messages.h"
#include "formats/object_writer.h"

namespace llmorch::anthropic_messages {
namespace {

using json::Value;

constexpr std::size_t kMostParts = 4096;         // of one answer
constexpr std::size_t kMostCitations = 4096;     // likewise
constexpr std::size_t kMostExtras = 256;         // likewise
constexpr std::size_t kMostWaiting = 16u << 20;  // bytes of one call that must come whole

std::int64_t characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

template <std::size_t N>
bool is_any(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// One content block, open or closed.
struct Block {
  PartKind kind = PartKind::kText;
  int part = 0;
  bool custom = false;     // its arguments hold free text
  bool json_tool = false;  // a call that stands for the answer
  bool any = false;        // something came after the start
  std::string waiting;     // input of the start, or all arguments of a custom call
  std::int64_t begin = 0;  // where its text begins in the joined text
  std::vector<event::Citation> citations;
};

class Decoder : public AnswerDecoder {
 public:
  explicit Decoder(const AnswerOptions& options) : hints_(options.hints), model_(options.model) {}

  void on_frame(const Frame& frame, std::vector<Event>& out) override;
  void on_close(std::vector<Event>& out) override;

 private:
  void read_event(std::string_view type, const Value& root);
  void read_message(const Value& message);
  void read_message_start(const Value& message);
  void read_message_delta(const Value& root);
  void read_outcome(const Value& from);
  void read_usage(const Value& usage);
  void read_extras(const Value& object, bool outcome_only);

  void open_block(std::int64_t index, const Value& content);
  void open_call(Block& block, const Value& content, event::PartStart& start);
  void read_delta(std::int64_t index, const Value& delta);
  void read_citation(Block& block, const Value& citation);
  void text(Block& block, std::string more);
  void close_block(std::int64_t index);
  void close(Block& block);

  bool is_empty_answer() const;
  void finish();
  void fail(Verdict verdict, Status status);
  void emit(Event event) { out_->push_back(std::move(event)); }

  AnswerHints hints_;
  std::string model_;
  std::vector<Event>* out_ = nullptr;  // during a call
  std::map<std::int64_t, Block> open_;
  std::string id_;
  UsageMerge usage_;
  event::Finish finish_;
  int parts_ = 0;
  std::int64_t characters_ = 0;  // of all text so far
  std::size_t citations_ = 0;
  std::size_t extras_ = 0;
  bool calls_ = false;
  bool content_ = false;
  bool started_ = false;
  bool stopped_ = false;  // a stop reason came
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
  if (!whole && (data.empty() || data == "[DONE]")) return;
  const auto document = json::Document::parse(std::string(data));
  if (!document) {
    const std::string_view what = whole ? "the upstream's answer" : "an event of the upstream";
    return fail(Verdict::kMalformed, not_json(what, document.error()));
  }
  const Value root = document->root();
  const Value error = root.is_array() ? root.at(0)["error"] : root["error"];
  // Some proxies leave the type out; the event's name says the same.
  const std::string type = root["type"].string().value_or(std::string(frame.event));
  if (type == "error" || frame.event == "error" || (error.exists() && !error.is_null())) {
    InBand in_band = read_in_band_error(data);
    return fail(in_band.verdict, std::move(in_band.status));
  }
  if (!root.is_object() || (whole && !root["content"].is_array())) {
    return fail(Verdict::kMalformed, not_a_message());
  }
  return whole ? read_message(root) : read_event(type, root);
}

void Decoder::on_close(std::vector<Event>& out) {
  if (over_) return;
  out_ = &out;
  if (!started_ || !stopped_) return fail(Verdict::kNetwork, truncated());
  finish();
}

void Decoder::read_event(std::string_view type, const Value& root) {
  if (type == "message_start") {
    const Value message = root["message"];
    const std::string id = message["id"].string().value_or("");
    if (started_ && id != id_) return fail(Verdict::kMalformed, spliced());
    if (!started_) read_message_start(message);
    return;
  }
  static constexpr std::array<std::string_view, 5> kEvents{
      "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
      "message_stop"};
  if (!is_any(type, kEvents)) return;  // ping, and what comes next
  if (!started_) return fail(Verdict::kMalformed, not_a_message());
  const std::int64_t index = root["index"].integer().value_or(parts_ > 0 ? parts_ - 1 : 0);
  if (type == "content_block_start") {
    open_block(root["index"].integer().value_or(parts_), root["content_block"]);
  } else if (type == "content_block_delta") {
    read_delta(index, root["delta"]);
  } else if (type == "content_block_stop") {
    close_block(index);
  } else if (type == "message_delta") {
    read_message_delta(root);
  } else {
    finish();
  }
}

// A whole answer is a stream that arrived at once.
void Decoder::read_message(const Value& message) {
  read_message_start(message);
  std::int64_t index = 0;
  for (const Value& block : message["content"].items()) {
    if (over_) return;
    open_block(index, block);
    close_block(index++);
  }
  if (over_) return;
  read_outcome(message);
  finish();
}

void Decoder::read_message_start(const Value& message) {
  started_ = true;
  id_ = message["id"].string().value_or("");
  emit(event::Start{id_, message["model"].string().value_or(model_), 0});
  read_usage(message["usage"]);
  read_extras(message, false);
}

void Decoder::read_usage(const Value& usage) {
  if (!usage.is_object() || usage.size() == 0) return;
  usage_.add(usage);
  emit(event::UsageUpdate{usage_.usage(), usage_.raw()});
}

void Decoder::read_message_delta(const Value& root) {
  read_outcome(root["delta"]);
  read_extras(root["delta"], true);
  read_usage(root["usage"]);
  read_extras(root, true);
}

void Decoder::read_outcome(const Value& from) {
  if (const auto word = from["stop_reason"].string(); word && !word->empty()) {
    stopped_ = true;
    finish_.raw = *word;
  }
  if (const auto matched = from["stop_sequence"].string()) finish_.stop_sequence = *matched;
  if (const auto why = from["stop_details"]["explanation"].string()) finish_.explanation = *why;
}

// Fields without a neutral meaning. `outcome_only`: of a message_delta, which has fewer.
void Decoder::read_extras(const Value& object, bool outcome_only) {
  static constexpr std::array<std::string_view, 11> kKnown{
      "id",    "type",        "role",          "model", "content", "usage",
      "delta", "stop_reason", "stop_sequence", "error", "message"};
  for (const Value::Member& member : object.members()) {
    if (member.value.is_null() || is_any(member.key, kKnown)) continue;
    if (outcome_only && member.key == "index") continue;
    if (++extras_ > kMostExtras) return;
    emit(event::ExtraField{-1, {pointer_step(member.key), std::string(member.value.raw())}});
  }
}

void Decoder::open_call(Block& block, const Value& content, event::PartStart& start) {
  start.id = content["id"].string().value_or("");
  start.name = content["name"].string().value_or("");
  for (const auto& [sent, asked] : hints_.tool_names) {
    if (sent == start.name) {
      start.name = asked;
      break;
    }
  }
  block.json_tool = !hints_.json_tool.empty() && start.name == hints_.json_tool;
  if (block.json_tool) {
    start = event::PartStart{};
    block.kind = PartKind::kText;
  } else {
    block.kind = PartKind::kToolCall;
    calls_ = true;
    block.custom = std::find(hints_.custom_tools.begin(), hints_.custom_tools.end(), start.name) !=
                   hints_.custom_tools.end();
    if (block.custom) start.tool_type = "custom";
  }
  // Whole answers, and proxies in streams, give the input at once.
  const Value input = content["input"];
  if (input.is_object() && input.size() > 0) block.waiting = input.raw();
}

void Decoder::open_block(std::int64_t index, const Value& content) {
  if (parts_ >= static_cast<int>(kMostParts)) {
    return fail(Verdict::kMalformed,
                Status(Code::kProtocol, "the upstream's answer has too many parts"));
  }
  close_block(index);  // one that was never stopped
  if (over_) return;
  Block block;
  block.part = parts_++;
  block.begin = characters_;
  event::PartStart start;
  const std::string type = content["type"].string().value_or("text");
  static constexpr std::array<std::string_view, 9> kKnown{
      "type", "text", "citations", "thinking", "signature", "data", "id", "name", "input"};
  if (type == "text") {
    block.kind = PartKind::kText;
  } else if (type == "thinking") {
    block.kind = PartKind::kReasoning;
  } else if (type == "redacted_thinking") {
    block.kind = PartKind::kReasoning;
    start.redacted = content["data"].string().value_or("");
  } else if (type == "tool_use") {
    open_call(block, content, start);
  } else {
    block.kind = PartKind::kOpaque;
    start.json = content.raw();
  }
  if (block.kind != PartKind::kOpaque && !block.json_tool) {
    for (const Value::Member& member : content.members()) {
      if (member.value.is_null() || is_any(member.key, kKnown) || ++extras_ > kMostExtras) continue;
      const std::string path = "/content/" + std::to_string(block.part) + pointer_step(member.key);
      emit(event::ExtraField{0, {path, std::string(member.value.raw())}});
    }
  }
  start.kind = block.kind;
  start.part = block.part;
  emit(std::move(start));
  content_ = true;
  Block& opened = open_[index] = std::move(block);
  if (type == "text") text(opened, content["text"].string().value_or(""));
  if (type == "thinking") {
    text(opened, content["thinking"].string().value_or(""));
    if (auto signature = content["signature"].string(); signature && !signature->empty()) {
      emit(event::PartDelta{0, opened.part, "", std::move(*signature)});
    }
  }
  for (const Value& citation : content["citations"].items()) read_citation(opened, citation);
}

void Decoder::text(Block& block, std::string more) {
  if (more.empty()) return;
  block.any = true;
  if (block.kind == PartKind::kText) characters_ += characters(more);
  emit(event::PartDelta{0, block.part, std::move(more), ""});
}

void Decoder::read_delta(std::int64_t index, const Value& delta) {
  const auto found = open_.find(index);
  if (found == open_.end()) return;  // of a block that never began
  Block& block = found->second;
  const std::string type = delta["type"].string().value_or("");
  if (block.kind == PartKind::kOpaque) {
    // One JSON text per line, so that joined deltas can be told apart again.
    if (delta.is_object()) {
      std::string line(delta.raw());
      std::replace_if(
          line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
      emit(event::PartDelta{0, block.part, line + "\n", ""});
    }
    return;
  }
  if (type == "citations_delta") return read_citation(block, delta["citation"]);
  if (type == "signature_delta" && block.kind == PartKind::kReasoning) {
    if (auto signature = delta["signature"].string(); signature && !signature->empty()) {
      emit(event::PartDelta{0, block.part, "", std::move(*signature)});
    }
    return;
  }
  const bool is_input = block.kind == PartKind::kToolCall || block.json_tool;
  const std::string_view key = is_input                             ? "partial_json"
                               : block.kind == PartKind::kReasoning ? "thinking"
                                                                    : "text";
  std::string more = delta[key].string().value_or("");
  if (!block.custom) return text(block, std::move(more));
  if (more.empty()) return;
  if (!block.any) block.waiting.clear();
  block.any = true;
  block.waiting.append(more);
  if (block.waiting.size() > kMostWaiting) {
    fail(Verdict::kMalformed, Status(Code::kProtocol, "a tool call of the upstream is too large"));
  }
}

void Decoder::read_citation(Block& block, const Value& citation) {
  if (!citation.is_object() || block.kind != PartKind::kText || ++citations_ > kMostCitations) {
    return;
  }
  event::Citation out;
  out.part = block.part;
  out.url = citation["url"].string().value_or("");
  out.title = citation["title"].string().value_or(citation["document_title"].string().value_or(""));
  out.quoted = citation["cited_text"].string().value_or("");
  out.begin = block.begin;
  out.json = citation.raw();
  block.citations.push_back(std::move(out));
}

void Decoder::close_block(std::int64_t index) {
  const auto found = open_.find(index);
  if (found == open_.end()) return;
  Block block = std::move(found->second);
  open_.erase(found);
  const bool is_input = block.kind == PartKind::kToolCall || block.json_tool;
  if (is_input && !block.custom && !block.any) {
    text(block, block.waiting.empty() ? "{}" : std::move(block.waiting));
  }
  close(block);
}

void Decoder::close(Block& block) {
  if (block.custom) {
    const auto document = json::Document::parse(block.waiting.empty() ? "{}" : block.waiting);
    // What is not as agreed is better shown than lost.
    const auto input = document ? document->root()["input"].string() : std::nullopt;
    text(block, input ? *input : std::move(block.waiting));
  }
  for (event::Citation& citation : block.citations) {
    citation.end = characters_;
    emit(std::move(citation));
  }
  emit(event::PartEnd{0, block.part});
}

// A success that says nothing and cost nothing is a fault of the upstream (7.4.2).
bool Decoder::is_empty_answer() const {
  return !content_ && (finish_.raw.empty() || finish_.raw == "end_turn") && usage_.known() &&
         usage_.usage().total_output() == 0;
}

void Decoder::finish() {
  if (is_empty_answer()) {
    return fail(Verdict::kMalformed,
                Status(Code::kProtocol, "the upstream answered with nothing at all"));
  }
  for (auto& [index, block] : open_) close(block);  // cut off: what came is all there is
  open_.clear();
  finish_.reason = read_stop(finish_.raw);
  const bool neutral = finish_.reason == FinishReason::kNone ||
                       finish_.reason == FinishReason::kStop ||
                       finish_.reason == FinishReason::kToolCalls;
  if (neutral) finish_.reason = calls_ ? FinishReason::kToolCalls : FinishReason::kStop;
  emit(finish_);
  emit(event::End{});
  over_ = true;
}

}  // namespace

std::unique_ptr<AnswerDecoder> new_decoder(const AnswerOptions& options) {
  return std::make_unique<Decoder>(options);
}

}  // namespace llmorch::anthropic_messages
