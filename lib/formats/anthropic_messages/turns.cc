#include "formats/anthropic_messages/turns.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.h"

namespace llmorch::anthropic_messages {
namespace {

bool is_system(const Message& message) {
  return message.role == Message::Role::kSystem || message.role == Message::Role::kDeveloper;
}

// In the order a replayed assistant message must have.
int rank(const Part& part) {
  if (part.kind == Part::Kind::kReasoning) return 0;
  return part.kind == Part::Kind::kToolCall ? 2 : 1;
}

}  // namespace

void Turns::find_calls() {
  std::map<std::string, std::size_t, std::less<>> latest;  // ids come back in later turns
  std::set<std::string> used;
  const auto& messages = context_.request.messages;
  for (std::size_t m = 0; m < messages.size(); ++m) {
    for (std::size_t p = 0; p < messages[m].parts.size(); ++p) {
      const Part& part = messages[m].parts[p];
      if (part.kind == Part::Kind::kToolCall) {
        Call call;
        call.message = m;
        call.part = p;
        call.id = EncodeContext::legal_id(part.tool_call_id);
        for (std::size_t n = 2; !used.insert(call.id).second; ++n) {
          const std::string tail = "_" + std::to_string(calls_.size()) + "_" + std::to_string(n);
          call.id = EncodeContext::legal_id(part.tool_call_id).substr(0, 64 - tail.size()) + tail;
        }
        latest[part.tool_call_id] = calls_.size();
        call_of_part_[{m, p}] = calls_.size();
        calls_.push_back(std::move(call));
      } else if (part.kind == Part::Kind::kToolResult) {
        const auto found = latest.find(part.tool_call_id);
        if (found == latest.end()) continue;
        Call& call = calls_[found->second];  // the last answer to one call counts
        call.result = &part;
        call.result_message = m;
        call.result_part = p;
        call_of_result_[{m, p}] = found->second;
      }
    }
  }
}

Turns::Turn& Turns::turn(Role role, std::size_t message) {
  if (turns_.empty() || turns_.back().role != role) {
    turns_.emplace_back();
    turns_.back().role = role;
  }
  turns_.back().message = message;
  return turns_.back();
}

void Turns::build() {
  const auto& messages = context_.request.messages;
  find_calls();
  while (system_count_ < messages.size() && is_system(messages[system_count_])) ++system_count_;
  // A request must hold one user turn: then the last system message speaks in its place.
  const bool only_system = system_count_ == messages.size() && system_count_ > 0;
  if (only_system) --system_count_;
  for (std::size_t m = system_count_; m < messages.size(); ++m) {
    if (!messages[m].name.empty()) context_.drop("messages.name");
    context_.drop_extras(messages[m].extras, "messages");
    if (messages[m].role == Message::Role::kAssistant) {
      flush_system();
      add_assistant(m);
    } else if (is_system(messages[m]) && !only_system) {
      add_system(m);
    } else {
      add_user(m);
    }
  }
  flush_system();
  place_results();
  // An assistant's turn may be the first: Anthropic takes it (recorded), whatever is said
  // elsewhere.
  if (turns_.empty()) {
    context_.refuse(context_.request.format == Format::kGemini ? "contents" : "messages",
                    "this target needs a message with content");
  }
}

// Inside messages a system turn stands at the end of the user's, so it waits until that is over;
// where the model knows none, the words stand in the user's turn, marked (2.2, 6.1).
void Turns::add_system(std::size_t message) {
  if (context_.traits.mid_system) {
    waiting_system_.push_back(message);
  } else {
    write_system_parts(message, false);
  }
}

void Turns::flush_system() {
  const std::vector<std::size_t> waiting = std::exchange(waiting_system_, {});
  // After an assistant's turn none is allowed, unless results will stand between.
  const bool possible =
      !turns_.empty() && (turns_.back().role != Role::kAssistant || !turns_.back().calls.empty());
  for (const std::size_t message : waiting) write_system_parts(message, possible);
}

void Turns::write_system_parts(std::size_t message, bool own_turn) {
  const auto& parts = context_.request.messages[message].parts;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    Block block;
    block.part = &parts[p];
    block.message = message;
    block.index = p;
    context_.drop_extras(parts[p].extras, "messages.content");
    if (parts[p].kind == Part::Kind::kOpaque && own_turn) {
      block.kind = Block::Kind::kPart;
    } else if (parts[p].kind != Part::Kind::kText) {
      context_.refuse(context_.part_param(message, p), "a system message is text only");
      continue;
    } else if (trim(parts[p].text).empty()) {
      continue;
    } else {
      block.text = own_turn ? parts[p].text : "<system>" + parts[p].text + "</system>";
    }
    turn(own_turn ? Role::kSystem : Role::kUser, message).blocks.push_back(std::move(block));
  }
}

void Turns::add_text(Turn& to, const Part& part, std::size_t message, std::size_t index) {
  if (trim(part.text).empty()) return;  // refused by the vendor
  Block block;
  block.part = &part;
  block.text = part.text;
  block.message = message;
  block.index = index;
  to.blocks.push_back(std::move(block));
}

void Turns::add_user(std::size_t message) {
  const auto& parts = context_.request.messages[message].parts;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const Part& part = parts[p];
    context_.drop_extras(part.extras, "messages.content");
    Turn& to = turn(Role::kUser, message);
    if (part.kind == Part::Kind::kToolResult) {
      if (call_of_result_.count({message, p}) == 0) add_orphan(part, message, p);
      continue;  // the others are placed by the order of the calls
    }
    if (part.kind == Part::Kind::kText || part.kind == Part::Kind::kRefusal) {
      add_text(to, part, message, p);
    } else {
      Block block;
      block.kind = Block::Kind::kPart;
      block.part = &part;
      block.message = message;
      block.index = p;
      to.blocks.push_back(std::move(block));
    }
  }
}

// An answer to nothing: its words are kept as the user's.
void Turns::add_orphan(const Part& result, std::size_t message, std::size_t part) {
  Block block;
  block.text = "[tool result " + result.tool_call_id + "]";
  block.message = message;
  for (const Part& inner : result.content) {
    if (inner.kind == Part::Kind::kText) block.text.append(" ").append(inner.text);
  }
  Turn& to = turn(Role::kUser, message);
  to.blocks.push_back(std::move(block));
  for (std::size_t i = 0; i < result.content.size(); ++i) {
    if (result.content[i].kind == Part::Kind::kText) continue;
    Block inner;
    inner.kind = Block::Kind::kInner;
    inner.part = &result.content[i];
    inner.message = message;
    inner.index = part;
    inner.inner = i;
    to.blocks.push_back(std::move(inner));
  }
}

// Only what this vendor signed or sealed may go back to it.
void Turns::add_thinking(Turn& to, const Part& part, std::size_t message, std::size_t index) {
  const bool ours = part.origin == Format::kAnthropicMessages &&
                    (!part.signature.empty() || !part.redacted.empty());
  if (!ours) {
    if (!part.text.empty() || !part.redacted.empty()) {
      context_.drop(context_.own ? "messages.thinking" : "messages.reasoning_content");
    }
    return;
  }
  Block block;
  block.kind = Block::Kind::kThinking;
  block.part = &part;
  block.message = message;
  block.index = index;
  to.blocks.push_back(std::move(block));
}

void Turns::add_assistant(std::size_t message) {
  const auto& parts = context_.request.messages[message].parts;
  std::vector<std::size_t> order;
  for (std::size_t p = 0; p < parts.size(); ++p) order.push_back(p);
  if (!context_.own) {
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return rank(parts[a]) < rank(parts[b]); });
  }
  Turn& to = turn(Role::kAssistant, message);
  for (const std::size_t p : order) {
    const Part& part = parts[p];
    context_.drop_extras(part.extras, part.kind == Part::Kind::kToolCall ? "messages.tool_calls"
                                                                         : "messages.content");
    switch (part.kind) {
      case Part::Kind::kReasoning:
        add_thinking(to, part, message, p);
        break;
      case Part::Kind::kText:
      case Part::Kind::kRefusal:
        add_text(to, part, message, p);
        break;
      case Part::Kind::kToolCall: {
        Block block;
        block.kind = Block::Kind::kCall;
        block.index = call_of_part_[{message, p}];
        to.calls.push_back(block.index);
        to.blocks.push_back(std::move(block));
        break;
      }
      case Part::Kind::kToolResult:
      case Part::Kind::kMedia:
        context_.refuse(context_.part_param(message, p),
                        "an assistant's message cannot hold this for the target");
        break;
      case Part::Kind::kOpaque: {
        Block block;
        block.kind = Block::Kind::kPart;
        block.part = &part;
        block.message = message;
        block.index = p;
        to.blocks.push_back(std::move(block));
        break;
      }
    }
  }
}

// All results of a turn's calls go, in the order of the calls, to the start of the next user turn.
void Turns::place_results() {
  std::vector<Turn> placed;
  for (std::size_t t = 0; t < turns_.size(); ++t) {
    Turn& from = turns_[t];
    const std::vector<std::size_t> calls = from.calls;
    const std::size_t message = from.message;
    if (!from.blocks.empty()) {
      if (!placed.empty() && placed.back().role == from.role) {
        std::move(from.blocks.begin(), from.blocks.end(), std::back_inserter(placed.back().blocks));
        placed.back().message = message;
        std::copy(calls.begin(), calls.end(), std::back_inserter(placed.back().calls));
      } else {
        placed.push_back(std::move(from));
      }
    }
    if (calls.empty()) continue;
    Turn results;
    results.role = Role::kUser;
    results.message = message;
    for (const std::size_t call : calls) {
      Block block;
      block.kind = Block::Kind::kResult;
      block.index = call;
      results.blocks.push_back(std::move(block));
    }
    placed.push_back(std::move(results));
  }
  turns_ = std::move(placed);
}

bool Turns::calls_without_thinking() const {
  for (auto turn = turns_.rbegin(); turn != turns_.rend(); ++turn) {
    if (turn->role != Role::kAssistant) continue;
    return !turn->calls.empty() && turn->blocks.front().kind != Block::Kind::kThinking;
  }
  return false;
}

}  // namespace llmorch::anthropic_messages
