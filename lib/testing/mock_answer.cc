#include "testing/mock_answer.h"

#include <algorithm>
#include <chrono>

#include "base/text.h"

namespace llmorch::testing {
namespace {

constexpr std::size_t kBytesPerToken = 4;
constexpr std::size_t kDefaultChunk = 16;
constexpr std::uint64_t kMaxText = 64u << 20;  // so that a script cannot ask for all memory

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

void replace(std::uint64_t& count, std::uint64_t scripted) {
  if (scripted != kNever) count = scripted;
}

}  // namespace

std::uint64_t mock_tokens(std::uint64_t bytes) {
  return (bytes + kBytesPerToken - 1) / kBytesPerToken;
}

std::string garbage_bytes(std::uint64_t count) {
  std::string out(std::min(count, kMaxText), '\0');
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(0x80 + i * 37 % 0x7F);
  return out;
}

// Where a piece begins: an even cut, moved back to the start of a character.
std::size_t MockAnswer::Segment::position(std::uint64_t at_piece) const {
  if (at_piece >= pieces) return total;
  std::size_t at = piece_size != 0 ? std::min<std::size_t>(at_piece * piece_size, total)
                                   : static_cast<std::size_t>(at_piece * total / pieces);
  while (at > 0 && at < text.size() && is_continuation(text[at])) --at;
  return at;
}

std::string MockAnswer::Segment::piece(std::uint64_t at_piece) const {
  const std::size_t from = position(at_piece);
  const std::size_t to = position(at_piece + 1);
  std::string out;
  if (from < text.size()) out = text.substr(from, to - from);
  out.resize(to - from, '.');
  return out;
}

std::string MockAnswer::Segment::full() const {
  std::string out = text;
  out.resize(total, '.');
  return out;
}

MockAnswer::MockAnswer(MockAsk ask, const Script& script, const Style& style)
    : ask_(std::move(ask)), script_(script) {
  const bool calls = !script_.tool_calls.empty() || !ask_.call_tools.empty();
  if (script_.thinking || ask_.think) {
    std::string thinking = script_.thinking.value_or("thinking:" + hex16(ask_.nonce));
    const std::size_t total = thinking.size();
    add(Segment::Kind::kThinking, std::move(thinking), total);
  }
  if (script_.text || (!calls && !script_.refusal)) add_text();
  add_calls(style);
  if (script_.refusal) {
    finish_ = Finish::kRefusal;
  } else if (calls) {
    finish_ = Finish::kToolCalls;
  }
  if (script_.stopped_by) {
    finish_ = Finish::kStopSequence;
    stopped_by_ = *script_.stopped_by;
  }
  count_usage();
}

void MockAnswer::add_text() {
  std::string text = script_.text.value_or("echo:" + hex16(ask_.nonce) + ":" +
                                           (ask_.after_tool ? "tool_result:" : "") + ask_.text);
  std::size_t stop = std::string::npos;
  for (const std::string& word : ask_.stop) {
    const std::size_t at = word.empty() ? std::string::npos : text.find(word);
    if (at >= stop) continue;
    stop = at;
    stopped_by_ = word;
  }
  const std::uint64_t count = std::min(script_.chunks, kMaxText);
  const std::uint64_t size = std::min(script_.chunk_size, kMaxText);
  std::size_t total = text.size();
  if (stop != std::string::npos) {
    text.resize(stop);
    total = stop;
    finish_ = Finish::kStopSequence;
  } else {
    total = std::max<std::size_t>(total, count);
    if (count > 0 && size > 0) total = std::max(total, std::min(count * size, kMaxText));
  }
  const std::uint64_t limit = static_cast<std::uint64_t>(ask_.max_tokens) * kBytesPerToken;
  if (ask_.max_tokens >= 0 && total > limit) {
    finish_ = Finish::kLength;
    total = limit;
    if (total < text.size()) {
      while (total > 0 && is_continuation(text[total])) --total;
      text.resize(total);
    }
  }
  if (total > 0) add(Segment::Kind::kText, std::move(text), total);
}

void MockAnswer::add(Segment::Kind kind, std::string text, std::size_t total) {
  Segment segment;
  segment.kind = kind;
  segment.text = std::move(text);
  segment.total = total;
  const std::uint64_t count = std::min(script_.chunks, kMaxText);
  std::uint64_t size = std::min(script_.chunk_size, kMaxText);
  if (count == 0 || kind == Segment::Kind::kThinking) {
    if (size == 0) size = kDefaultChunk;
    segment.pieces = std::max<std::uint64_t>(1, (total + size - 1) / size);
  } else {
    segment.pieces = count;
  }
  segment.piece_size = size;
  for (const Segment& other : segments_) segment.index += other.kind == kind ? 1 : 0;
  segments_.push_back(std::move(segment));
}

void MockAnswer::add_calls(const Style& style) {
  std::vector<ScriptedCall> calls = script_.tool_calls;
  if (calls.empty()) {
    for (const std::string& name : ask_.call_tools) {
      calls.push_back(
          {name,
           "{\"nonce\":\"" + hex16(ask_.nonce) + "\",\"text\":" + json_string(ask_.text) + "}",
           ""});
    }
  }
  for (ScriptedCall& call : calls) {
    const std::size_t total = call.arguments.size();
    add(Segment::Kind::kCall, std::move(call.arguments), total);
    Segment& segment = segments_.back();
    segment.name = std::move(call.name);
    segment.id = !call.id.empty() ? std::move(call.id)
                                  : joined(style.call_prefix, hex16(ask_.nonce + segment.index));
    if (!style.cut_calls) segment.pieces = 1;
  }
}

void MockAnswer::count_usage() {
  std::uint64_t bytes = 0;
  for (const Segment& segment : segments_) {
    (segment.kind == Segment::Kind::kThinking ? usage_.reasoning : bytes) += segment.total;
  }
  usage_.reasoning = mock_tokens(usage_.reasoning);
  replace(usage_.reasoning, script_.usage.reasoning);
  usage_.input = mock_tokens(ask_.prompt_bytes);
  usage_.output = (mock_tokens(bytes) + usage_.reasoning) * static_cast<std::uint64_t>(ask_.n);
  replace(usage_.input, script_.usage.input);
  replace(usage_.cached, script_.usage.cached);
  replace(usage_.cache_write, script_.usage.cache_write);
  replace(usage_.output, script_.usage.output);
}

std::string MockAnswer::for_choice(int choice, std::string_view text) {
  if (choice == 0 || !text.starts_with("echo:")) return std::string(text);
  return joined("echo", choice, text.substr(4));
}

std::string MockAnswer::finish_word(const std::string_view (&words)[5]) const {
  if (!script_.finish.empty()) return script_.finish;
  return std::string(words[static_cast<std::size_t>(finish_)]);
}

void MockAnswer::put_stamp(std::string& out) const {
  if (!script_.stamp) return;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  put(out, ",\"mock_ns\":", std::chrono::nanoseconds(now).count());
}

bool MockAnswer::next_choice() {
  if (++choice_ < ask_.n) return false;
  choice_ = 0;
  return true;
}

MockAnswer::Piece MockAnswer::next(std::string& out) {
  const std::size_t before = out.size();
  while (stage_ != Stage::kEnd) {
    if (chunks_sent_ >= script_.error_in_band && stage_ <= Stage::kFinish) {
      stage_ = Stage::kEnd;
      write_error(out);
      return Piece::kOther;
    }
    const Piece kind = step(out);
    if (out.size() != before) return kind;
  }
  return Piece::kEnd;
}

MockAnswer::Piece MockAnswer::step(std::string& out) {
  switch (stage_) {
    case Stage::kStart:
      write_start(out, choice_);
      if (next_choice()) stage_ = segments_.empty() ? Stage::kFinish : Stage::kBegin;
      break;
    case Stage::kBegin:
      write_begin(out, choice_, segments_[segment_]);
      if (next_choice()) stage_ = Stage::kPieces;
      break;
    case Stage::kPieces: {
      const Segment& segment = segments_[segment_];
      std::string piece = segment.piece(index_);
      if (index_ == 0 && choice_ > 0) piece = for_choice(choice_, piece);
      write_piece(out, choice_, segment, piece);
      if (next_choice()) {
        ++chunks_sent_;
        if (++index_ == segment.pieces) stage_ = Stage::kClose;
      }
      return Piece::kContent;
    }
    case Stage::kClose:
      write_close(out, choice_, segments_[segment_]);
      if (next_choice()) {
        index_ = 0;
        stage_ = ++segment_ == segments_.size() ? Stage::kFinish : Stage::kBegin;
      }
      break;
    case Stage::kFinish:
      write_finish(out, choice_);
      if (next_choice()) stage_ = Stage::kUsage;
      break;
    case Stage::kUsage:
      stage_ = Stage::kGarbage;
      write_usage(out);
      break;
    case Stage::kGarbage:
      stage_ = Stage::kDone;
      if (script_.garbage > 0) write_garbage(out, garbage_bytes(script_.garbage));
      break;
    case Stage::kDone:
      stage_ = Stage::kEnd;
      if (!script_.no_done) write_done(out);
      break;
    case Stage::kEnd:
      break;
  }
  return Piece::kOther;
}

}  // namespace llmorch::testing
