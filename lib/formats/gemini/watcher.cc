// Looks at answers that are passed on unchanged.
#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "base/text.h"
#include "formats/gemini/gemini.h"

namespace llmorch::gemini {
namespace {

using json::Value;

// Whether a part carries something the caller waited for.
bool carries(const Value& part) {
  for (const Value::Member& member : part.members()) {
    const std::string name = camel_case(member.key);
    if (name == "thought" || name == "thoughtSignature") continue;
    if (name != "text" || member.value.string() != "") return true;
  }
  return false;
}

class Watcher : public AnswerWatcher {
 public:
  explicit Watcher(const AnswerOptions& options) : whole_(!options.stream) {}

  FrameNote on_frame(const Frame& frame) override;
  Status on_close() override;

 private:
  FrameNote fail(Verdict verdict, Status status) {
    FrameNote note;
    note.verdict = verdict;
    note.error = failure_ = std::move(status);
    return note;
  }
  // False: it failed, and `note` says how.
  bool look(const Value& root, FrameNote& note);
  Status complete() const;

  struct Candidate {
    std::string finish;
    std::string explanation;
    bool any_part = false;
    bool call = false;
  };
  const bool whole_;
  bool done_ = false;
  bool blocked_ = false;
  Unframed unframed_;
  std::map<int, Candidate> candidates_;
  UsageMeter usage_;
  std::string text_;  // what the views of the last note point into
  std::string model_;
  std::string raw_usage_;
  Status failure_;
};

bool Watcher::look(const Value& root, FrameNote& note) {
  if (find_error(root).exists()) {
    InBand error = read_in_band_error(root.raw());
    note = fail(error.verdict, std::move(error.status));
    return false;
  }
  blocked_ = blocked_ || field(field(root, "promptFeedback"), "blockReason").is_string();
  std::int64_t position = 0;
  for (const Value& value : list_of(root["candidates"])) {
    const std::int64_t index = value["index"].integer().value_or(position++);
    if (index < 0 || index >= kMostCandidates) {
      note = fail(Verdict::kMalformed, wrong_index());
      return false;
    }
    Candidate& candidate = candidates_[static_cast<int>(index)];
    for (const Value& part : list_of(value["content"]["parts"])) {
      candidate.any_part = true;
      note.content = note.content || carries(part);
      candidate.call = candidate.call || field(part, "functionCall").is_object();
    }
    const std::string word = field(value, "finishReason").string().value_or("");
    if (word.empty() || word == "FINISH_REASON_UNSPECIFIED") continue;
    if (candidate.finish.empty() || candidate.finish == "STOP") candidate.finish = word;
    candidate.explanation = field(value, "finishMessage").string().value_or("");
    note.finish = read_finish(candidate.finish);
    if (note.finish == FinishReason::kStop && candidate.call) {
      note.finish = FinishReason::kToolCalls;
    }
  }
  if (blocked_ && candidates_.empty()) note.finish = FinishReason::kContentFilter;
  const Value usage = field(root, "usageMetadata");
  if (usage_.add(usage)) {
    raw_usage_ = compact_json(usage.raw());
    note.has_usage = true;
    note.usage = usage_.usage();
    note.raw_usage = raw_usage_;
  }
  if (model_.empty()) model_ = field(root, "modelVersion").string().value_or("");
  note.model = model_;
  return true;
}

FrameNote Watcher::on_frame(const Frame& frame) {
  FrameNote note;
  if (done_ || !failure_.ok()) {
    note.hide = true;
    return note;
  }
  std::optional<std::string> text = std::string(trim(frame.data));
  if (!whole_) {
    text = unframed_.take(frame);
    // An official SDK throws at what is no JSON, the end marker of others included.
    note.hide = frame.has_data || unframed_.waiting();
    if (!text || text->empty() || *text == "[DONE]") return note;
  }
  note.hide = false;
  const auto document = json::Document::parse(std::move(*text));
  if (!document) {
    return fail(
        Verdict::kMalformed,
        not_json(whole_ ? "the upstream's answer" : "an event of the upstream", document.error()));
  }
  const Value root = document->root();
  if (frame.event == "error") {
    InBand error = read_in_band_error(root.raw());
    return fail(error.verdict, std::move(error.status));
  }
  const bool list = root.is_array();
  if (!list && !root.is_object()) {
    return fail(Verdict::kMalformed, Status(Code::kProtocol, "the upstream's answer is no object"));
  }
  for (const Value& chunk : list_of(root)) {
    if (!look(chunk, note)) return note;
  }
  if (!whole_) return note;
  if (Status end = list ? on_close() : complete(); !end.ok()) {
    const bool cut = end.code() == Code::kNetwork;
    const bool malformed = end.code() == Code::kProtocol;
    return fail(cut         ? Verdict::kNetwork
                : malformed ? Verdict::kMalformed
                            : Verdict::kServerError,
                std::move(end));
  }
  note.content = note.done = done_ = true;
  return note;
}

// Whether there is anything in an answer that ended.
Status Watcher::complete() const {
  if (candidates_.empty()) return blocked_ ? Status() : no_candidates();
  const bool nothing = std::all_of(candidates_.begin(), candidates_.end(), [&](const auto& entry) {
    const FinishReason reason = read_finish(entry.second.finish);
    const bool plain = reason == FinishReason::kStop || reason == FinishReason::kNone;
    return !entry.second.any_part &&
           (plain ? usage_.output_tokens() == 0 : reason == FinishReason::kOther);
  });
  if (!nothing) return {};
  const Candidate& first = candidates_.begin()->second;
  return nothing_said(first.finish, first.explanation);
}

Status Watcher::on_close() {
  if (!failure_.ok() || done_) return failure_;
  if (unframed_.waiting()) {
    return not_json("what the upstream sent last", json::Document::parse(unframed_.rest()).error());
  }
  const bool ended = std::all_of(candidates_.begin(), candidates_.end(),
                                 [](const auto& entry) { return !entry.second.finish.empty(); });
  if (!ended || (candidates_.empty() && !blocked_)) return truncated();
  return complete();
}

}  // namespace

std::unique_ptr<AnswerWatcher> new_watcher(const AnswerOptions& options) {
  return std::make_unique<Watcher>(options);
}

}  // namespace llmorch::gemini
