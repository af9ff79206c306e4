// Events to stream events. What the official SDKs demand (WIRE_FORMATS 2.8) is met: message_start
// first and once, indices 0, 1, 2 … in order, one block open at a time, arguments that end where
// their JSON ends.
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "formats/anthropic_messages/answer_blocks.h"
#include "formats/anthropic_messages/anthropic_messages.h"

namespace llmorch::anthropic_messages {
namespace {

class StreamEncoder : public AnswerEncoder {
 public:
  explicit StreamEncoder(const AnswerOptions& options) : state_(options) {}

  void on_event(const Event& event, std::string& out) override {
    if (over_) return;
    out_ = &out;
    if (state_.take(event)) return;
    std::visit([this](const auto& e) { on(e); }, event);
  }

 private:
  // A block to be. Parts may arrive side by side; blocks may not, so some wait.
  struct Block {
    enum class State { kWaiting, kOpen, kClosed } state = State::kWaiting;
    event::PartStart start;
    std::string text;  // not sent yet
    std::string signature;
    std::vector<std::string> citations;  // not sent yet
    JsonProgress json;                   // of a tool call's arguments
    bool any = false;                    // some arguments were sent
    bool ended = false;                  // nothing more will come
  };

  void on(const event::PartStart& e);
  void on(const event::PartDelta& e);
  void on(const event::PartEnd& e);
  void on(const event::Citation& e);
  void on(const event::Error& e) {
    out_->append(error_frame(e.status, state_.options().request_id));
    over_ = true;
  }
  void on(const event::End&);
  template <class Other>
  void on(const Other&) {}  // taken by the state

  Block* find(int choice, int part);
  bool shows(const Block& block) const;
  Block* next_waiting();
  void pump();
  void open(Block& block);
  void send_waiting(Block& block);
  void send_arguments(Block& block);
  void close(Block& block);
  std::string start_json(const Block& block) const;
  void delta(std::string_view type, std::string_view key, std::string_view text);
  void raw_delta(std::string_view json);
  void frame(std::string_view name, std::string_view data);
  void begin();

  AnswerState state_;
  std::string* out_ = nullptr;  // during a call
  std::deque<Block> blocks_;
  std::map<int, std::size_t> latest_;  // block of a part
  std::size_t oldest_ = 0;             // no block before it waits
  Block* open_ = nullptr;
  int index_ = -1;  // of the block that was opened last
  bool begun_ = false;
  bool over_ = false;
};

void StreamEncoder::frame(std::string_view name, std::string_view data) {
  out_->append("event: ").append(name).append("\ndata: ");
  // JSON that is passed on as it stood may be broken into lines; an event's data is one line.
  for (const char c : data) out_->push_back(c == '\n' || c == '\r' ? ' ' : c);
  out_->append("\n\n");
}

void StreamEncoder::begin() {
  if (begun_) return;
  begun_ = true;
  std::string json;
  ObjectWriter event(json);
  event.string("type", "message_start");
  ObjectWriter message(event.value("message"));
  state_.write_head(message);
  message.raw("content", "[]");
  message.raw("stop_reason", "null");
  message.raw("stop_sequence", "null");
  message.raw("usage", state_.usage());
  state_.write_extras(message, false, false);
  state_.extras_sent();
  message.close();
  event.close();
  frame("message_start", json);
}

void StreamEncoder::on(const event::PartStart& e) {
  if (e.choice != 0) return;  // this format has one answer
  if (e.kind == PartKind::kRefusal) state_.saw_refusal();
  if (e.kind == PartKind::kToolCall) state_.saw_call();
  latest_[e.part] = blocks_.size();
  blocks_.emplace_back();
  blocks_.back().start = e;
  pump();
}

StreamEncoder::Block* StreamEncoder::find(int choice, int part) {
  const auto found = choice == 0 ? latest_.find(part) : latest_.end();
  return found == latest_.end() ? nullptr : &blocks_[found->second];
}

void StreamEncoder::on(const event::PartDelta& e) {
  Block* block = find(e.choice, e.part);
  if (block == nullptr) return;
  if (block->state == Block::State::kClosed) {
    // A closed index is never opened again: more of the same gets a block of its own. Of a call
    // that was complete there is no more.
    if (block->start.kind == PartKind::kToolCall || block->start.kind == PartKind::kOpaque) return;
    event::PartStart start = block->start;
    start.redacted.clear();
    latest_[e.part] = blocks_.size();
    block = &blocks_.emplace_back();
    block->start = std::move(start);
  }
  block->text.append(e.text);
  if (!e.signature.empty()) block->signature = e.signature;
  pump();
}

void StreamEncoder::on(const event::Citation& e) {
  Block* block = find(e.choice, e.part);
  if (block == nullptr || e.json.empty() || !state_.is_own()) return;
  block->citations.push_back(e.json);
  pump();
}

void StreamEncoder::on(const event::PartEnd& e) {
  Block* block = find(e.choice, e.part);
  if (block == nullptr) return;
  block->ended = true;
  pump();
}

// Text and thinking show once there is some: SDKs and people dislike empty blocks.
bool StreamEncoder::shows(const Block& block) const {
  switch (block.start.kind) {
    case PartKind::kToolCall:
      return true;
    case PartKind::kText:
    case PartKind::kRefusal:
      return !block.text.empty() || !block.citations.empty();
    case PartKind::kReasoning:
      return !block.text.empty() || !block.signature.empty() || !block.start.redacted.empty();
    case PartKind::kOpaque:
      return state_.is_block(block.start.json);
    case PartKind::kAudio:
    case PartKind::kImage:
      return false;
  }
  return false;
}

StreamEncoder::Block* StreamEncoder::next_waiting() {
  while (oldest_ < blocks_.size() && blocks_[oldest_].state != Block::State::kWaiting) ++oldest_;
  for (std::size_t i = oldest_; i < blocks_.size(); ++i) {
    if (blocks_[i].state == Block::State::kWaiting && shows(blocks_[i])) return &blocks_[i];
  }
  return nullptr;
}

// Sends what can be sent. A call keeps its block until its arguments are complete, whatever else
// arrives meanwhile (6.7).
void StreamEncoder::pump() {
  while (true) {
    if (open_ != nullptr) send_waiting(*open_);
    const bool tool = open_ != nullptr && open_->start.kind == PartKind::kToolCall;
    const bool whole = open_ == nullptr || open_->ended || !tool || open_->json.complete();
    if (open_ != nullptr && open_->ended) close(*open_);
    if (!whole) return;
    Block* next = next_waiting();
    if (next == nullptr) return;
    if (open_ != nullptr) close(*open_);
    open(*next);
  }
}

std::string StreamEncoder::start_json(const Block& block) const {
  const event::PartStart& start = block.start;
  if (start.kind == PartKind::kOpaque) return start.json;
  std::string json;
  ObjectWriter content(json, state_.block_extras(start.part));
  switch (start.kind) {
    case PartKind::kToolCall:
      content.string("type", "tool_use");
      content.string("id", start.id);
      content.string("name", start.name);
      content.raw("input", "{}");
      break;
    case PartKind::kReasoning:
      if (!start.redacted.empty() && state_.is_own()) {
        content.string("type", "redacted_thinking");
        content.string("data", start.redacted);
      } else {
        content.string("type", "thinking");
        content.string("thinking", "");
        content.string("signature", "");
      }
      break;
    default:
      content.string("type", "text");
      content.string("text", "");
      break;
  }
  content.close();
  return json;
}

void StreamEncoder::open(Block& block) {
  begin();
  block.state = Block::State::kOpen;
  open_ = &block;
  ++index_;
  std::string json;
  ObjectWriter event(json);
  event.string("type", "content_block_start");
  event.integer("index", index_);
  event.raw("content_block", start_json(block));
  event.close();
  frame("content_block_start", json);
  if (block.start.kind == PartKind::kToolCall && block.start.tool_type == "custom") {
    delta("input_json_delta", "partial_json", "{\"input\":\"");
  }
}

void StreamEncoder::raw_delta(std::string_view json) {
  std::string text;
  ObjectWriter event(text);
  event.string("type", "content_block_delta");
  event.integer("index", index_);
  event.raw("delta", json);
  event.close();
  frame("content_block_delta", text);
}

void StreamEncoder::delta(std::string_view type, std::string_view key, std::string_view text) {
  std::string json;
  ObjectWriter object(json);
  object.string("type", type);
  object.string(key, text);
  object.close();
  raw_delta(json);
}

void StreamEncoder::send_arguments(Block& block) {
  block.any = true;
  if (block.start.tool_type == "custom") {
    const std::string quoted = json_string(block.text);
    delta("input_json_delta", "partial_json",
          std::string_view(quoted).substr(1, quoted.size() - 2));
    return;
  }
  const std::size_t ours = block.json.feed(block.text);
  if (ours > 0)
    delta("input_json_delta", "partial_json", std::string_view(block.text).substr(0, ours));
}

void StreamEncoder::send_waiting(Block& block) {
  for (const std::string& citation : std::exchange(block.citations, {})) {
    raw_delta(R"({"type":"citations_delta","citation":)" + citation + "}");
  }
  if (block.text.empty()) return;
  switch (block.start.kind) {
    case PartKind::kToolCall:
      send_arguments(block);
      break;
    case PartKind::kReasoning:
      delta("thinking_delta", "thinking", block.text);
      break;
    case PartKind::kOpaque: {
      // One JSON text per line.
      std::size_t begin = 0;
      for (std::size_t end; (end = block.text.find('\n', begin)) != std::string::npos;
           begin = end + 1) {
        if (end > begin) raw_delta(std::string_view(block.text).substr(begin, end - begin));
      }
      block.text.erase(0, begin);
      return;
    }
    default:
      delta("text_delta", "text", block.text);
      break;
  }
  block.text.clear();
}

void StreamEncoder::close(Block& block) {
  if (block.start.kind == PartKind::kToolCall && block.start.tool_type == "custom") {
    delta("input_json_delta", "partial_json", "\"}");
  } else if (block.start.kind == PartKind::kToolCall && !block.any) {
    delta("input_json_delta", "partial_json", "{}");
  }
  const bool thinking = block.start.kind == PartKind::kReasoning;
  if (thinking && (block.start.redacted.empty() || !state_.is_own())) {
    const std::string signature = state_.signature_to_show(block.signature, block.start.redacted);
    if (!signature.empty()) delta("signature_delta", "signature", signature);
  }
  frame("content_block_stop",
        R"({"type":"content_block_stop","index":)" + std::to_string(index_) + "}");
  block.state = Block::State::kClosed;
  block.signature.clear();
  open_ = nullptr;
}

void StreamEncoder::on(const event::End&) {
  for (Block& block : blocks_) block.ended = true;
  pump();
  begin();
  std::string json;
  ObjectWriter event(json);
  event.string("type", "message_delta");
  ObjectWriter stop(event.value("delta"));
  state_.write_stop(stop, true);
  state_.write_extras(stop, true, true);
  stop.close();
  event.raw("usage", state_.usage());
  state_.write_extras(event, true, false);
  event.close();
  frame("message_delta", json);
  frame("message_stop", R"({"type":"message_stop"})");
  over_ = true;
}

}  // namespace

std::unique_ptr<AnswerEncoder> new_stream_encoder(const AnswerOptions& options) {
  return std::make_unique<StreamEncoder>(options);
}

}  // namespace llmorch::anthropic_messages
