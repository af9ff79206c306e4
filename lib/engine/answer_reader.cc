#include "engine/answer_reader.h"

#include <type_traits>
#include <utility>

#include "base/text.h"

namespace llmorch {
namespace {

constexpr std::size_t kMaxWhole = 64u << 20;

bool carries_content(const Event& event) {
  if (const auto* start = std::get_if<event::PartStart>(&event))
    return start->kind == PartKind::kToolCall;
  if (const auto* delta = std::get_if<event::PartDelta>(&event)) return !delta->text.empty();
  return std::holds_alternative<event::Finish>(event) || std::holds_alternative<event::End>(event);
}

}  // namespace

AnswerReader::AnswerReader(const FormatCodec& caller, const FormatCodec& target,
                           const AnswerOptions& options)
    : caller_(caller), target_(target), options_(options) {}

void AnswerReader::head(const Headers& headers) {
  if (const std::string* type = find_header(headers, "content-type")) {
    event_stream_ = contains_ignore_case(*type, "text/event-stream");
    json_ = contains_ignore_case(*type, "json");
  }
}

// A stream was asked, but some upstreams answer one JSON body, whatever they put into the head: the
// first byte decides where the head does not.
void AnswerReader::decide(std::string_view first_bytes) {
  const std::string_view text = trim(first_bytes);
  if (text.empty() && !first_bytes.empty()) return;
  const bool braces = !text.empty() && (text.front() == '{' || text.front() == '[');
  framed_ = options_.stream && (event_stream_ ? !braces : !json_ && !braces);
  const bool same_shape = framed_ == options_.stream;
  if (&caller_ == &target_ && same_shape) {
    mode_ = Mode::kWatch;
    watcher_ = target_.new_watcher(options_);
  } else {
    mode_ = Mode::kConvert;
    AnswerOptions upstream = options_;
    upstream.stream = framed_;
    decoder_ = target_.new_decoder(upstream);
    encoder_ = caller_.new_encoder(options_);
  }
  if (framed_) framer_ = std::make_unique<SseFramer>();
}

AnswerReader::Step AnswerReader::fail(Verdict verdict, Status error) const {
  Step step;
  step.verdict = verdict;
  step.error = std::move(error);
  return step;
}

AnswerReader::Step AnswerReader::body(std::string_view bytes, std::string& out) {
  Step step;
  if (done_) return step;  // whatever follows the terminal marker is not part of the answer
  std::string leading;
  if (mode_ == Mode::kUndecided) {
    if (!whole_.empty()) {
      leading = std::move(whole_);
      whole_.clear();
      leading.append(bytes);
      bytes = leading;
    }
    decide(bytes);
    if (mode_ == Mode::kUndecided) {
      whole_.assign(bytes.substr(0, 4096));
      return step;
    }
  }
  if (!framed_) {
    if (whole_.size() + bytes.size() > kMaxWhole) {
      return fail(Verdict::kMalformed,
                  Status(Code::kProtocol, "the upstream's answer is larger than 64 MB"));
    }
    whole_.append(bytes);
    return step;
  }
  if (Status fed = framer_->feed(bytes); !fed.ok()) return fail(Verdict::kMalformed, fed);
  Frame next;
  while (step.ok() && !done_ && framer_->take(next)) frame(next, step, out);
  return step;
}

AnswerReader::Step AnswerReader::close(std::string& out) {
  Step step;
  if (mode_ == Mode::kUndecided) decide("");
  if (framed_) {
    Frame last;
    if (!done_ && framer_->finish(last)) frame(last, step, out);
  } else {
    Frame whole;
    whole.raw = whole.data = whole_;
    whole.has_data = true;
    frame(whole, step, out);
  }
  if (!step.ok()) return step;
  if (mode_ == Mode::kWatch) {
    if (Status complete = watcher_->on_close(); !complete.ok()) {
      const bool cut = complete.code() == Code::kNetwork;
      return fail(cut ? Verdict::kNetwork : Verdict::kMalformed, complete);
    }
    step.content = true;
    step.done = true;
    return step;
  }
  if (!done_) {
    decoder_->on_close(events_);
    take_events(step, out);
  }
  if (step.ok() && !done_) {
    return fail(Verdict::kMalformed,
                Status(Code::kProtocol, "the upstream's answer ended without an end"));
  }
  return step;
}

void AnswerReader::frame(const Frame& given, Step& step, std::string& out) {
  Frame frame = given;
  if (framed_ && !frame.has_data) {
    // Gemini prints an error after the last event without framing it (WIRE_FORMATS 3.5).
    const std::string_view bare = trim(frame.raw);
    frame.has_data = !bare.empty() && (bare.front() == '{' || bare.front() == '[');
    if (frame.has_data) frame.data = bare;
  }
  if (mode_ == Mode::kWatch) return watch(frame, step, out);
  if (!frame.has_data) return;
  decoder_->on_frame(frame, events_);
  take_events(step, out);
}

void AnswerReader::watch(const Frame& frame, Step& step, std::string& out) {
  if (framed_ && !frame.has_data) {
    out.append(frame.raw);
    return;
  }
  FrameNote note = watcher_->on_frame(frame);
  if (note.verdict != Verdict::kOk) {
    step.verdict = note.verdict;
    step.error = std::move(note.error);
    return;
  }
  if (note.has_usage) {
    facts_.usage = note.usage;
    facts_.usage_known = true;
    facts_.raw_usage.assign(note.raw_usage);
  }
  if (note.finish != FinishReason::kNone) facts_.finish = note.finish;
  if (facts_.model.empty()) facts_.model.assign(note.model);
  if (note.content || note.finish != FinishReason::kNone) step.content = true;
  if (note.done) step.done = done_ = framed_;
  if (!note.hide) out.append(frame.raw);
}

void AnswerReader::take_events(Step& step, std::string& out) {
  for (Event& event : events_) {
    if (auto* error = std::get_if<event::Error>(&event)) {
      step.verdict = error->verdict;
      step.error = std::move(error->status);
      break;
    }
    if (const auto* start = std::get_if<event::Start>(&event)) {
      if (facts_.model.empty()) facts_.model = start->model;
    } else if (const auto* finish = std::get_if<event::Finish>(&event)) {
      facts_.finish = finish->reason;
    } else if (const auto* usage = std::get_if<event::UsageUpdate>(&event)) {
      facts_.usage = usage->usage;
      facts_.usage_known = true;
      facts_.raw_usage = usage->raw;
    } else if (std::holds_alternative<event::End>(event)) {
      step.done = done_ = true;
    }
    if (carries_content(event)) step.content = true;
    encoder_->on_event(event, out);
  }
  events_.clear();
}

}  // namespace llmorch
