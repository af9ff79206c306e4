// Looks at answers that are passed on unchanged. One SAX pass per frame, no tree: only errors and
// token counts, which are rare, are read with one.
#include <array>
#include <string>
#include <utility>

#include "base/text.h"
#include "formats/anthropic_messages/anthropic_messages.h"
#include "json/scan.h"

namespace llmorch::anthropic_messages {
namespace {

using json::Type;

// What a value is, as far as it matters here.
enum class Place : std::uint8_t {
  kOther,
  kRoot,
  kType,
  kId,
  kModel,
  kStop,
  kUsage,
  kError,
  kMessage,
  kDelta,
  kDeltaValue,
  kBlock,
  kBlockType,
  kBlockText,
  kContent,  // the list of a whole answer
};

Place member_of(Place parent, std::string_view name) {
  struct Row {
    Place parent;
    std::string_view name;
    Place place;
  };
  static constexpr std::array<Row, 16> kRows{{
      {Place::kRoot, "type", Place::kType},
      {Place::kRoot, "delta", Place::kDelta},
      {Place::kRoot, "content_block", Place::kBlock},
      {Place::kRoot, "message", Place::kMessage},
      {Place::kRoot, "usage", Place::kUsage},
      {Place::kRoot, "error", Place::kError},
      {Place::kRoot, "content", Place::kContent},
      {Place::kRoot, "model", Place::kModel},
      {Place::kRoot, "stop_reason", Place::kStop},
      {Place::kMessage, "id", Place::kId},
      {Place::kMessage, "model", Place::kModel},
      {Place::kMessage, "usage", Place::kUsage},
      {Place::kDelta, "stop_reason", Place::kStop},
      {Place::kBlock, "type", Place::kBlockType},
      {Place::kBlock, "text", Place::kBlockText},
      {Place::kBlock, "thinking", Place::kBlockText},
  }};
  for (const Row& row : kRows) {
    if (row.parent == parent && row.name == name) return row.place;
  }
  return parent == Place::kDelta && name != "type" ? Place::kDeltaValue : Place::kOther;
}

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// What one frame says. Views point into the scratch of the scan.
struct Seen {
  Type root = Type::kMissing;
  std::string_view type;
  std::string_view id;
  std::string_view model;
  std::string_view stop;
  std::string_view block_type;
  Span usage;
  bool block_text = false;
  bool delta = false;   // says something
  bool list = false;    // `content` is one
  bool blocks = false;  // and not empty
  bool call = false;    // a block is a tool call
  bool error = false;
};

class Look : public json::Visitor {
 public:
  Seen seen;

  bool key(unsigned depth, std::string_view name, std::size_t) override {
    if (depth >= 1 && depth < kDeepest) key_[depth] = member_of(open_[depth - 1], name);
    return true;
  }

  bool scalar(unsigned depth, Type type, std::string_view text, std::size_t) override {
    if (depth == 0) seen.root = type;
    const bool is_string = type == Type::kString;
    const std::string_view word = is_string ? text : std::string_view();
    switch (place(depth)) {
      case Place::kType:
        seen.type = word;
        break;
      case Place::kId:
        seen.id = word;
        break;
      case Place::kModel:
        seen.model = word;
        break;
      case Place::kStop:
        seen.stop = word;
        break;
      case Place::kUsage:
        seen.usage = {};
        break;
      case Place::kError:
        seen.error = type != Type::kNull;
        break;
      case Place::kContent:
        seen.list = false;
        break;
      case Place::kDeltaValue:
        seen.delta = seen.delta || !word.empty();
        break;
      case Place::kBlockType:
        seen.block_type = word;
        seen.call = seen.call || word == "tool_use";
        break;
      case Place::kBlockText:
        seen.block_text = seen.block_text || !word.empty();
        break;
      default:
        break;
    }
    if (place(depth) == Place::kBlock) seen.blocks = seen.blocks || depth == 2;
    return true;
  }

  bool open(unsigned depth, Type type, std::size_t begin) override {
    if (depth == 0) seen.root = type;
    const Place here = place(depth);
    switch (here) {
      case Place::kUsage:
        if (type == Type::kObject) seen.usage = {begin, begin};
        break;
      case Place::kError:
        seen.error = true;
        break;
      case Place::kContent:
        seen.list = type == Type::kArray;
        break;
      case Place::kDeltaValue:
        seen.delta = true;
        break;
      case Place::kBlock:
        seen.blocks = seen.blocks || depth == 2;
        break;
      default:
        break;
    }
    if (depth < kDeepest) {
      open_[depth] = here;
      is_list_[depth] = type == Type::kArray;
    }
    return true;
  }

  bool close(unsigned depth, Type, std::size_t end) override {
    if (depth < kDeepest && open_[depth] == Place::kUsage && !is_list_[depth]) seen.usage.end = end;
    return true;
  }

 private:
  static constexpr unsigned kDeepest = 4;

  Place place(unsigned depth) const {
    if (depth == 0) return Place::kRoot;
    if (depth >= kDeepest) return Place::kOther;
    if (!is_list_[depth - 1]) return key_[depth];
    return open_[depth - 1] == Place::kContent ? Place::kBlock : Place::kOther;
  }

  std::array<Place, kDeepest> key_{};   // of the current member at this depth
  std::array<Place, kDeepest> open_{};  // of the open container at this depth
  std::array<bool, kDeepest> is_list_{};
};

class Watcher : public AnswerWatcher {
 public:
  FrameNote on_frame(const Frame& frame) override;
  Status on_close() override {
    if (!failure_.ok() || done_) return failure_;
    if (!started_ || !stopped_) return truncated();
    return is_empty() ? nothing() : Status();
  }

 private:
  static Status nothing() {
    return Status(Code::kProtocol, "the upstream answered with nothing at all");
  }
  bool is_empty() const {
    return !blocks_ && (stop_.empty() || stop_ == "end_turn") && usage_.known() &&
           usage_.usage().total_output() == 0;
  }
  FrameNote fail(Verdict verdict, Status status) {
    FrameNote note;
    note.verdict = verdict;
    note.error = failure_ = std::move(status);
    return note;
  }
  void read_usage(FrameNote& note, std::string_view data, const Span& span);
  void read_stop_of(FrameNote& note, std::string_view word);
  FrameNote read_event(std::string_view type, std::string_view data, const Seen& seen);

  bool started_ = false;
  bool stopped_ = false;  // a stop reason came
  bool blocks_ = false;
  bool calls_ = false;
  bool done_ = false;
  std::string id_;
  std::string stop_;
  UsageMerge usage_;
  std::string raw_usage_;
  std::string scratch_;
  Status failure_;
};

void Watcher::read_usage(FrameNote& note, std::string_view data, const Span& span) {
  if (span.end <= span.begin) return;
  const auto document =
      json::Document::parse(std::string(data.substr(span.begin, span.end - span.begin)));
  if (!document || document->root().size() == 0) return;
  usage_.add(document->root());
  raw_usage_ = usage_.raw();
  note.has_usage = true;
  note.usage = usage_.usage();
  note.raw_usage = raw_usage_;
}

void Watcher::read_stop_of(FrameNote& note, std::string_view word) {
  if (word.empty()) return;
  stopped_ = true;
  stop_ = word;
  note.finish = read_stop(word);
  const bool neutral =
      note.finish == FinishReason::kStop || note.finish == FinishReason::kToolCalls;
  if (neutral) note.finish = calls_ ? FinishReason::kToolCalls : FinishReason::kStop;
}

FrameNote Watcher::read_event(std::string_view type, std::string_view data, const Seen& seen) {
  FrameNote note;
  if (type == "message_start") {
    if (started_ && seen.id != id_) return fail(Verdict::kMalformed, spliced());
    note.hide = started_;  // SDKs throw on a second one
    if (started_) return note;
    started_ = true;
    id_ = seen.id;
    note.model = seen.model;
    read_usage(note, data, seen.usage);
    return note;
  }
  const bool block = type.substr(0, 13) == "content_block";
  if (!block && type != "message_delta" && type != "message_stop") return note;
  if (!started_) return fail(Verdict::kMalformed, not_a_message());
  if (type == "content_block_start") {
    blocks_ = true;
    calls_ = calls_ || seen.call;
    note.content = seen.block_text || (seen.block_type != "text" && seen.block_type != "thinking");
  } else if (type == "content_block_delta") {
    note.content = seen.delta;
  } else if (type == "message_delta") {
    read_stop_of(note, seen.stop);
    read_usage(note, data, seen.usage);
  } else if (type == "message_stop") {
    if (is_empty()) return fail(Verdict::kMalformed, nothing());
    note.done = done_ = true;
  }
  return note;
}

FrameNote Watcher::on_frame(const Frame& frame) {
  FrameNote note;
  if (!frame.has_data) return note;
  const bool whole = is_whole_body(frame);
  const std::string_view data = trim(frame.data);
  // SDKs throw on an event without data, and nothing may follow the end.
  if (done_ || !failure_.ok() || (!whole && (data.empty() || data == "[DONE]"))) {
    note.hide = true;
    return note;
  }
  Look look;
  if (Status status = json::scan(data, {}, look, scratch_); !status.ok()) {
    return fail(Verdict::kMalformed,
                not_json(whole ? "the upstream's answer" : "an event of the upstream", status));
  }
  const Seen& seen = look.seen;
  const std::string_view type = seen.type.data() != nullptr ? seen.type : frame.event;
  bool error = seen.error || type == "error" || frame.event == "error";
  if (seen.root == Type::kArray) {
    const auto document = json::Document::parse(std::string(data));
    const json::Value inner = document ? document->root().at(0)["error"] : json::Value();
    error = error || (inner.exists() && !inner.is_null());
  }
  if (error) {
    InBand in_band = read_in_band_error(data);
    return fail(in_band.verdict, std::move(in_band.status));
  }
  if (seen.root != Type::kObject || (whole && !seen.list)) {
    return fail(Verdict::kMalformed, not_a_message());
  }
  if (!whole) return read_event(type, data, seen);
  started_ = true;
  blocks_ = seen.blocks;
  calls_ = seen.call;
  note.model = seen.model;
  note.content = true;
  read_stop_of(note, seen.stop);
  if (seen.stop.empty()) {
    note.finish = calls_ ? FinishReason::kToolCalls : FinishReason::kStop;
  }
  read_usage(note, data, seen.usage);
  if (is_empty()) return fail(Verdict::kMalformed, nothing());
  note.done = done_ = true;
  return note;
}

}  // namespace

std::unique_ptr<AnswerWatcher> new_watcher(const AnswerOptions&) {
  return std::make_unique<Watcher>();
}

}  // namespace llmorch::anthropic_messages
