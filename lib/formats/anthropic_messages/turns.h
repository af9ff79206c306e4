// The messages of a request as the turns that Anthropic wants: user and assistant in alternation,
// every call answered by a result at the start of the next user turn, thinking first.
//
// A call that nobody answered is given a result that says so: the caller was interrupted, and no
// vendor takes such a history as it stands. Belongs to one call of encode_request().
// Source: WIRE_FORMATS 2.2, 6.1, 6.4, 6.6.
#ifndef LLMORCH_FORMATS_ANTHROPIC_MESSAGES_TURNS_H_
#define LLMORCH_FORMATS_ANTHROPIC_MESSAGES_TURNS_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/anthropic_messages/encode_context.h"

namespace llmorch::anthropic_messages {

class Turns {
 public:
  explicit Turns(EncodeContext& context) : context_(context) {}

  // Reads the request's messages; what cannot be said is refused in the context.
  void build();
  // How many messages at the front are the system prompt.
  std::size_t system_count() const { return system_count_; }
  // The last assistant turn calls tools and does not begin with thinking (6.6).
  bool calls_without_thinking() const;
  // The last turn is the assistant's, to be continued.
  bool is_prefill() const { return !turns_.empty() && turns_.back().role == Role::kAssistant; }
  std::size_t last_message() const { return turns_.empty() ? 0 : turns_.back().message; }

  // Appends the value of `messages`.
  void write(std::string& out);

 private:
  enum class Role { kUser, kAssistant, kSystem };
  struct Block {
    enum class Kind { kThinking, kText, kPart, kInner, kCall, kResult } kind = Kind::kText;
    const Part* part = nullptr;  // null: text that nobody wrote
    std::string text;            // kText
    std::size_t message = 0;     // of the request, for naming it
    std::size_t index = 0;       // of the part in it; of the call
    std::size_t inner = 0;       // of the part in a result
  };
  struct Turn {
    Role role = Role::kUser;
    std::vector<Block> blocks;
    std::vector<std::size_t> calls;
    std::size_t message = 0;  // the last one that went into it
  };
  struct Call {
    std::string id;  // as sent
    std::size_t message = 0;
    std::size_t part = 0;
    const Part* result = nullptr;
    std::size_t result_message = 0;
    std::size_t result_part = 0;
  };

  void find_calls();
  Turn& turn(Role role, std::size_t message);
  void add_system(std::size_t message);
  void flush_system();
  void write_system_parts(std::size_t message, bool own_turn);
  void add_user(std::size_t message);
  void add_orphan(const Part& result, std::size_t message, std::size_t part);
  void add_assistant(std::size_t message);
  void add_thinking(Turn& to, const Part& part, std::size_t message, std::size_t index);
  void add_text(Turn& to, const Part& part, std::size_t message, std::size_t index);
  void place_results();

  void write_block(std::string& out, const Block& block, bool last_of_prefill);
  void write_text(std::string& out, const Block& block, bool trim_end);
  void write_thinking(std::string& out, const Part& part);
  void write_media(std::string& out, const Part& part, const std::string& param);
  void write_image(ObjectWriter& object, const Part& part, const std::string& param);
  void write_document(ObjectWriter& object, const Part& part, const std::string& param);
  void write_part(std::string& out, const Part& part, const std::string& param);
  void write_call(std::string& out, const Call& call);
  void write_result(std::string& out, const Call& call);
  void write_result_content(ObjectWriter& object, const Call& call);

  EncodeContext& context_;
  std::vector<Turn> turns_;
  std::vector<Call> calls_;
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> call_of_part_;
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> call_of_result_;
  std::vector<std::size_t> waiting_system_;
  std::size_t system_count_ = 0;
};

// The `input` of a tool_use from arguments as they stood in the history: an object in any case.
std::string tool_input(std::string_view arguments);

}  // namespace llmorch::anthropic_messages

#endif  // LLMORCH_FORMATS_ANTHROPIC_MESSAGES_TURNS_H_
