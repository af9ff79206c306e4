// Accumulator: folds the Events of an answer into one struct. A whole answer is a stream that
// arrived at once, so every whole encoder starts from this.
//
// Belongs to one call. Total: events that contradict each other are ignored, not trusted. Memory:
// what the answer holds; the caller bounds the answer.
#ifndef LLMORCH_FORMATS_ACCUMULATOR_H_
#define LLMORCH_FORMATS_ACCUMULATOR_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llmorch/spi/chat.h"

namespace llmorch {

struct AnswerPart {
  event::PartStart start;
  std::string text;  // all deltas
  std::string signature;
  std::vector<event::Citation> citations{};
};

struct AnswerChoice {
  std::vector<AnswerPart> parts;
  std::string content_logprobs;  // JSON arrays; "" when there were none
  std::string refusal_logprobs;
  FinishReason finish = FinishReason::kNone;
  std::string finish_raw;
  std::string stop_sequence;
  std::string explanation;  // of a refusal
  Extras extras;  // paths relative to the choice
};

struct FoldedAnswer {
  event::Start start;
  std::map<int, AnswerChoice> choices;
  std::optional<Usage> usage;
  std::string raw_usage;
  Extras extras;
  std::optional<event::Error> error;
  bool complete = false;
};

class Accumulator {
 public:
  void add(const Event& event);
  const FoldedAnswer& answer() const { return answer_; }

 private:
  AnswerPart* find(int choice, int part);
  void add_extra(const event::ExtraField& field);
  FoldedAnswer answer_;
};

// Two pieces of the same streamed JSON value as one: strings are joined (but not ids and types),
// lists appended, objects merged by key; of anything else the later one counts. Both must be JSON.
std::string merge_json(std::string_view earlier, std::string_view later);

}  // namespace llmorch

#endif  // LLMORCH_FORMATS_ACCUMULATOR_H_
