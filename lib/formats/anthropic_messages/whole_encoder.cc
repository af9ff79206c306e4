// Events to one message (WIRE_FORMATS 2.3).
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "formats/anthropic_messages/answer_blocks.h"
#include "formats/anthropic_messages/anthropic_messages.h"
#include "formats/anthropic_messages/turns.h"

namespace llmorch::anthropic_messages {
namespace {

class WholeEncoder : public AnswerEncoder {
 public:
  explicit WholeEncoder(const AnswerOptions& options) : state_(options) {}

  void on_event(const Event& event, std::string& out) override {
    if (over_ || state_.take(event)) return;
    out_ = &out;
    std::visit([this](const auto& e) { on(e); }, event);
  }

 private:
  struct Block {
    event::PartStart start;
    std::string text;
    std::string signature;
    std::vector<std::string> citations;
  };

  void on(const event::PartStart& e);
  void on(const event::PartDelta& e);
  void on(const event::Citation& e);
  void on(const event::Error&) { over_ = true; }
  void on(const event::End&);
  template <class Other>
  void on(const Other&) {}

  Block* find(int choice, int part);
  void write_block(std::string& out, const Block& block) const;
  static std::string with_deltas(const Block& block);

  AnswerState state_;
  std::string* out_ = nullptr;  // during a call
  std::map<int, Block> blocks_;
  bool over_ = false;
};

void WholeEncoder::on(const event::PartStart& e) {
  if (e.choice != 0) return;
  if (e.kind == PartKind::kRefusal) state_.saw_refusal();
  if (e.kind == PartKind::kToolCall) state_.saw_call();
  blocks_[e.part].start = e;
}

WholeEncoder::Block* WholeEncoder::find(int choice, int part) {
  const auto found = choice == 0 ? blocks_.find(part) : blocks_.end();
  return found == blocks_.end() ? nullptr : &found->second;
}

void WholeEncoder::on(const event::PartDelta& e) {
  Block* block = find(e.choice, e.part);
  if (block == nullptr) return;
  block->text.append(e.text);
  if (!e.signature.empty()) block->signature = e.signature;
}

void WholeEncoder::on(const event::Citation& e) {
  Block* block = find(e.choice, e.part);
  if (block != nullptr && !e.json.empty() && state_.is_own()) block->citations.push_back(e.json);
}

// A block of this format that came in pieces: input is text to be joined, other members replace.
std::string WholeEncoder::with_deltas(const Block& block) {
  if (block.text.empty()) return block.start.json;
  std::map<std::string, std::string> members;
  std::string input;
  std::string_view rest = block.text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const auto document = json::Document::parse(std::string(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!document) continue;
    for (const json::Value::Member& member : document->root().members()) {
      if (member.key == "partial_json") {
        input.append(member.value.string().value_or(""));
      } else if (member.key != "type") {
        members[member.key] = member.value.raw();
      }
    }
  }
  const auto start = json::Document::parse(block.start.json);
  if (!start) return block.start.json;
  if (!input.empty()) members["input"] = tool_input(input);
  std::string out;
  ObjectWriter object(out);
  for (const json::Value::Member& member : start->root().members()) {
    if (members.count(member.key) == 0) object.raw(member.key, member.value.raw());
  }
  for (const auto& [key, json] : members) object.raw(key, json);
  object.close();
  return out;
}

void WholeEncoder::write_block(std::string& out, const Block& block) const {
  const event::PartStart& start = block.start;
  std::string json;
  if (start.kind == PartKind::kOpaque) {
    if (state_.is_block(start.json)) json = with_deltas(block);
  } else if (start.kind == PartKind::kToolCall) {
    ObjectWriter object(json, state_.block_extras(start.part));
    object.string("type", "tool_use");
    object.string("id", start.id);
    object.string("name", start.name);
    if (start.tool_type == "custom") {
      ObjectWriter input(object.value("input"));
      input.string("input", block.text);
      input.close();
    } else {
      object.raw("input", tool_input(block.text));
    }
    object.close();
  } else if (start.kind == PartKind::kReasoning) {
    const bool sealed = !start.redacted.empty() && state_.is_own();
    if (block.text.empty() && block.signature.empty() && start.redacted.empty()) return;
    ObjectWriter object(json, state_.block_extras(start.part));
    object.string("type", sealed ? "redacted_thinking" : "thinking");
    if (sealed) {
      object.string("data", start.redacted);
    } else {
      object.string("thinking", block.text);
      object.string("signature", state_.signature_to_show(block.signature, start.redacted));
    }
    object.close();
  } else if ((start.kind == PartKind::kText || start.kind == PartKind::kRefusal) &&
             (!block.text.empty() || !block.citations.empty())) {
    ObjectWriter object(json, state_.block_extras(start.part));
    object.string("type", "text");
    object.string("text", block.text);
    if (!block.citations.empty()) {
      std::string list = "[";
      for (const std::string& citation : block.citations) {
        if (list.size() > 1) list.push_back(',');
        list.append(citation);
      }
      object.raw("citations", list.append("]"));
    }
    object.close();
  }
  if (json.empty()) return;
  if (out.back() != '[') out.push_back(',');
  out.append(json);
}

void WholeEncoder::on(const event::End&) {
  std::string content = "[";
  for (const auto& [part, block] : blocks_) write_block(content, block);
  ObjectWriter message(*out_);
  state_.write_head(message);
  message.raw("content", content.append("]"));
  state_.write_stop(message, true);
  message.raw("usage", state_.usage());
  state_.write_extras(message, true, true);
  state_.write_extras(message, true, false);
  message.close();
  over_ = true;
}

}  // namespace

std::unique_ptr<AnswerEncoder> new_whole_encoder(const AnswerOptions& options) {
  return std::make_unique<WholeEncoder>(options);
}

}  // namespace llmorch::anthropic_messages
