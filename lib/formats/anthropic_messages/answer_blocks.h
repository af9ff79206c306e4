// What both writers of answers share: content blocks, the end of a message, and where a streamed
// JSON value ends.
//
// Pure functions and one small value; any thread. Source: WIRE_FORMATS 2.3, 2.8, 6.6.
#ifndef LLMORCH_FORMATS_ANTHROPIC_MESSAGES_ANSWER_BLOCKS_H_
#define LLMORCH_FORMATS_ANTHROPIC_MESSAGES_ANSWER_BLOCKS_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "formats/object_writer.h"
#include "llmorch/spi/format.h"

namespace llmorch::anthropic_messages {

// Follows a JSON object or list through its fragments, to know when it is complete.
class JsonProgress {
 public:
  // How many bytes of `text` still belong to the value.
  std::size_t feed(std::string_view text);
  bool complete() const { return complete_; }

 private:
  int depth_ = 0;
  bool quoted_ = false;
  bool escaped_ = false;
  bool complete_ = false;
};

// What is known of an answer beside its parts.
class AnswerState {
 public:
  explicit AnswerState(const AnswerOptions& options) : options_(options) {}

  // Takes the events that are not about parts; false for the others.
  bool take(const Event& event);

  const AnswerOptions& options() const { return options_; }
  // Whether extra fields, signatures and blocks of the upstream mean anything in this dialect.
  bool is_own() const {
    return options_.upstream.value_or(Format::kAnthropicMessages) == Format::kAnthropicMessages;
  }
  // The signature that a thinking block is sent with: the vendor's own, or a carrier (6.6).
  std::string signature_to_show(const std::string& signature, const std::string& redacted) const;
  // Whether a kOpaque part is a content block of this format.
  bool is_block(const std::string& json) const;
  // The fields that unknown members of a part's block are taken from.
  const Extras* block_extras(int part) const;
  void saw_refusal() { refusal_ = true; }
  void saw_call() { call_ = true; }

  // Members of the message: its head, and how it ended.
  void write_head(ObjectWriter& message) const;
  void write_stop(ObjectWriter& to, bool details) const;
  std::string usage() const;
  // Fields of the whole answer without a neutral meaning. `late`: of its end.
  void write_extras(ObjectWriter& to, bool late, bool in_delta) const;
  void extras_sent() { sent_ = extras_.size(); }

 private:
  void keep_latest(const Extra& extra);

  AnswerOptions options_;
  event::Start start_;
  event::Finish finish_;
  std::optional<event::UsageUpdate> usage_;
  Extras extras_;
  std::size_t sent_ = 0;  // of them, at the head of a stream
  std::map<int, Extras> block_extras_;
  bool refusal_ = false;
  bool call_ = false;
};

}  // namespace llmorch::anthropic_messages

#endif  // LLMORCH_FORMATS_ANTHROPIC_MESSAGES_ANSWER_BLOCKS_H_
