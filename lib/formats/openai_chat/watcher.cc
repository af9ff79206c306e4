// Looks at answers that are passed on unchanged. One SAX pass per frame, no tree: only errors and
// token counts, which are rare, are read with one.
#include <array>
#include <bitset>
#include <charconv>
#include <string>
#include <utility>

#include "base/text.h"
#include "formats/openai_chat/openai_chat.h"
#include "json/scan.h"

namespace llmorch::openai_chat {
namespace {

using json::Type;

// What a value is, as far as it matters here.
enum class Place : std::uint8_t {
  kOther,
  kRoot,
  kModel,
  kUsage,
  kGroq,
  kGroqUsage,
  kError,
  kChoices,
  kChoice,
  kIndex,
  kFinish,
  kChoiceError,
  kMessage,
  kPayload,  // a member of a message that carries content
  kItem,     // of a payload that is a list
};

Place member_of(Place parent, std::string_view name) {
  struct Row {
    Place parent;
    std::string_view name;
    Place place;
  };
  static constexpr std::array<Row, 19> kRows{{
      {Place::kMessage, "content", Place::kPayload},
      {Place::kMessage, "tool_calls", Place::kPayload},
      {Place::kMessage, "reasoning_content", Place::kPayload},
      {Place::kMessage, "reasoning", Place::kPayload},
      {Place::kMessage, "refusal", Place::kPayload},
      {Place::kMessage, "function_call", Place::kPayload},
      {Place::kMessage, "audio", Place::kPayload},
      {Place::kMessage, "images", Place::kPayload},
      {Place::kChoice, "delta", Place::kMessage},
      {Place::kChoice, "message", Place::kMessage},
      {Place::kChoice, "index", Place::kIndex},
      {Place::kChoice, "finish_reason", Place::kFinish},
      {Place::kChoice, "error", Place::kChoiceError},
      {Place::kRoot, "choices", Place::kChoices},
      {Place::kRoot, "usage", Place::kUsage},
      {Place::kRoot, "model", Place::kModel},
      {Place::kRoot, "error", Place::kError},
      {Place::kRoot, "x_groq", Place::kGroq},
      {Place::kGroq, "usage", Place::kGroqUsage},
  }};
  for (const Row& row : kRows) {
    if (row.parent == parent && row.name == name) return row.place;
  }
  return Place::kOther;
}

Place item_of(Place list) {
  if (list == Place::kChoices) return Place::kChoice;
  return list == Place::kPayload ? Place::kItem : Place::kOther;
}

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// What one frame says. Views point into the scratch of the scan.
struct Seen {
  std::string_view model;
  Span usage;
  Span groq_usage;
  std::size_t choices = 0;
  std::bitset<kMostChoices> choice;
  std::bitset<kMostChoices> finished;
  FinishReason finish = FinishReason::kNone;
  bool content = false;
  bool error = false;
  Span choice_error;
  bool error_finish = false;
  bool bad_index = false;
};

class Look : public json::Visitor {
 public:
  Seen seen;

  bool key(unsigned depth, std::string_view name, std::size_t) override {
    if (depth < kDeepest) key_[depth] = member_of(open_[depth - 1], name);
    return true;
  }

  bool scalar(unsigned depth, Type type, std::string_view text, std::size_t) override {
    const bool is_string = type == Type::kString;
    switch (place(depth)) {
      case Place::kModel:
        if (is_string) seen.model = text;
        break;
      case Place::kUsage:
        seen.usage = {};
        break;
      case Place::kError:
        seen.error = type != Type::kNull && text != "false" && !(is_string && text.empty());
        break;
      case Place::kChoice:
        ++position_;
        break;
      case Place::kIndex:
        read_index(type, text);
        break;
      case Place::kFinish:
        finish_ = is_string ? text : std::string_view();
        break;
      case Place::kPayload:
        if (is_string && !text.empty()) seen.content = true;
        break;
      case Place::kItem:
        seen.content = true;
        break;
      default:
        break;
    }
    return true;
  }

  bool open(unsigned depth, Type type, std::size_t begin) override {
    const Place here = place(depth);
    if (depth < kDeepest) {
      open_[depth] = here;
      is_list_[depth] = type == Type::kArray;
    }
    switch (here) {
      case Place::kUsage:
        seen.usage = {begin, begin};
        break;
      case Place::kGroqUsage:
        seen.groq_usage = {begin, begin};
        break;
      case Place::kError:
        seen.error = true;
        break;
      case Place::kChoiceError:
        if (type == Type::kObject) seen.choice_error = {begin, begin};
        break;
      case Place::kChoices:
        seen.choices = 0;
        position_ = 0;
        break;
      case Place::kChoice:
        index_ = position_++;
        finish_ = {};
        break;
      case Place::kPayload:
        if (type == Type::kObject) seen.content = true;
        break;
      case Place::kItem:
        seen.content = true;
        break;
      default:
        break;
    }
    return true;
  }

  bool close(unsigned depth, Type type, std::size_t end) override {
    switch (depth < kDeepest ? open_[depth] : Place::kOther) {
      case Place::kUsage:
        seen.usage.end = end;
        break;
      case Place::kGroqUsage:
        seen.groq_usage.end = end;
        break;
      case Place::kChoiceError:
        if (type == Type::kObject) seen.choice_error.end = end;
        break;
      case Place::kChoice:
        if (type == Type::kObject) close_choice();
        break;
      default:
        break;
    }
    return true;
  }

 private:
  static constexpr unsigned kDeepest = 6;

  Place place(unsigned depth) const {
    if (depth == 0) return Place::kRoot;
    if (depth >= kDeepest) return Place::kOther;
    return is_list_[depth - 1] ? item_of(open_[depth - 1]) : key_[depth];
  }

  void read_index(Type type, std::string_view text) {
    if (type != Type::kNumber) return;
    std::int64_t index = -1;
    std::from_chars(text.data(), text.data() + text.size(), index);
    index_ = index;
  }

  void close_choice() {
    ++seen.choices;
    if (index_ < 0 || index_ >= kMostChoices) {
      seen.bad_index = true;
      return;
    }
    const auto index = static_cast<std::size_t>(index_);
    seen.choice.set(index);
    if (finish_.empty()) return;
    seen.finished.set(index);
    seen.error_finish = seen.error_finish || finish_ == "error";
    if (seen.finish == FinishReason::kNone) seen.finish = read_finish(finish_);
  }

  std::array<Place, kDeepest> key_{};   // of the current member at this depth
  std::array<Place, kDeepest> open_{};  // of the open container at this depth
  std::array<bool, kDeepest> is_list_{};
  std::int64_t position_ = 0;  // in the list of choices
  std::int64_t index_ = 0;     // of the open choice
  std::string_view finish_;    // likewise
};

class Watcher : public AnswerWatcher {
 public:
  explicit Watcher(const AnswerOptions& options) : hide_usage_(options.hide_usage) {}

  FrameNote on_frame(const Frame& frame) override;
  Status on_close() override {
    if (!failure_.ok() || done_) return failure_;
    return choices_.any() && choices_ == finished_ ? Status() : truncated();
  }

 private:
  FrameNote fail(Verdict verdict, Status status) {
    FrameNote note;
    note.verdict = verdict;
    note.error = failure_ = std::move(status);
    return note;
  }
  void read_usage_into(FrameNote& note, std::string_view data, const Seen& seen) const;

  bool hide_usage_;
  bool done_ = false;
  std::bitset<kMostChoices> choices_;
  std::bitset<kMostChoices> finished_;
  std::string scratch_;
  Status failure_;
};

void Watcher::read_usage_into(FrameNote& note, std::string_view data, const Seen& seen) const {
  for (const Span& span : {seen.usage, seen.groq_usage}) {
    if (span.end <= span.begin) continue;
    const std::string_view raw = data.substr(span.begin, span.end - span.begin);
    const auto document = json::Document::parse(std::string(raw));
    const auto usage = document ? read_usage(document->root()) : std::nullopt;
    if (!usage) continue;
    note.has_usage = true;
    note.usage = *usage;
    note.raw_usage = raw;
    return;
  }
}

FrameNote Watcher::on_frame(const Frame& frame) {
  FrameNote note;
  if (!frame.has_data) return note;
  const bool whole = is_whole_body(frame);
  const std::string_view data = trim(frame.data);
  // SDKs throw on an event without data, and nothing may follow the end.
  if (done_ || !failure_.ok() || (data.empty() && !whole)) {
    note.hide = true;
    return note;
  }
  if (data == "[DONE]") {
    if (choices_.none()) return fail(Verdict::kMalformed, no_choices());
    note.done = done_ = true;
    return note;
  }
  Look look;
  if (Status status = json::scan(data, {}, look, scratch_); !status.ok()) {
    return fail(Verdict::kMalformed,
                not_json(whole ? "the upstream's answer" : "an event of the upstream", status));
  }
  const Seen& seen = look.seen;
  if (seen.error || frame.event == "error") {
    InBand error = read_in_band_error(data);
    return fail(error.verdict, std::move(error.status));
  }
  if (seen.choice_error.end > seen.choice_error.begin) {
    InBand error = read_in_band_error(
        data.substr(seen.choice_error.begin, seen.choice_error.end - seen.choice_error.begin));
    return fail(error.verdict, std::move(error.status));
  }
  if (seen.error_finish) {
    return fail(Verdict::kServerError,
                Status(Code::kUpstream, "the upstream ended the answer with an error"));
  }
  if (seen.bad_index) {
    return fail(Verdict::kMalformed,
                Status(Code::kProtocol, "the upstream numbered a choice out of range"));
  }
  if (whole && seen.choices == 0) return fail(Verdict::kMalformed, no_choices());

  choices_ |= seen.choice;
  finished_ |= seen.finished;
  note.content = seen.content || whole;
  note.finish = seen.finish;
  note.model = seen.model;
  read_usage_into(note, data, seen);
  note.hide = hide_usage_ && !whole && seen.choices == 0 && note.has_usage;
  note.done = done_ = whole;
  return note;
}

}  // namespace

std::unique_ptr<AnswerWatcher> new_watcher(const AnswerOptions& options) {
  return std::make_unique<Watcher>(options);
}

}  // namespace llmorch::openai_chat
