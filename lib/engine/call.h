// Call: one client request, as a state machine that calls nobody.
//
//   admit -> plan -> prepare -> attempt -> settle
//
// on(Input) changes the state and appends Actions; whoever drives the call runs them after on() has
// returned, and feeds back what comes of them. So the same object serves the server, blocking
// callers, the C ABI and tests on virtual time with a scripted transport.
//
// Two points (docs/DESIGN.md 4.6). Head: status and headers are fixed, at commit or, for a stream,
// after early_head. Commit: the first bytes with content are sent; before it any failure may move
// on, unseen; after it a failure becomes an error event, never a clean end.
//
// Threads: one thread at a time (its loop's). Bounds: 64 KB held before commit, 64 KB of an error
// body, the attempts and deadlines of the Model.
#ifndef LLMORCH_ENGINE_CALL_H_
#define LLMORCH_ENGINE_CALL_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/answer_reader.h"
#include "engine/outcome.h"
#include "llmorch/loop.h"
#include "llmorch/spi/gate.h"
#include "llmorch/spi/transport.h"
#include "llmorch/stream.h"
#include "routing/plan.h"
#include "routing/policy.h"
#include "types/snapshot.h"

namespace llmorch {

// What can happen to a call. Views and pointers are borrowed for the time of on().
namespace input {
struct Start {};
struct Admitted {
  Status status;
};
struct Connected {
  std::size_t attempt;
};
struct RequestSent {
  std::size_t attempt;
};
struct Head {
  std::size_t attempt;
  int status;
  const Headers* headers;
};
struct Bytes {
  std::size_t attempt;
  std::string_view bytes;
};
struct End {
  std::size_t attempt;
  const TransferEnd* end;
};
struct TimeIsUp {};   // the armed time has come
struct SinkFull {};   // the last Write found the sink full
struct Drained {};    // the sink has room again
struct Cancelled {};  // the caller left, or cancelled
}  // namespace input
using Input = std::variant<input::Start, input::Admitted, input::Connected, input::RequestSent,
                           input::Head, input::Bytes, input::End, input::TimeIsUp, input::SinkFull,
                           input::Drained, input::Cancelled>;

// What a call wants done, in this order.
namespace action {
struct Admit {};  // ask the gates; answer with Admitted
struct Begin {    // start this attempt's transfer
  std::size_t attempt;
  TransferSpec spec;
};
struct Pause {
  std::size_t attempt;
};
struct Resume {
  std::size_t attempt;
};
struct Cancel {
  std::size_t attempt;
};
struct Arm {  // one timer; replaces what was armed
  TimePoint due;
};
struct Report {  // tell the health table
  std::size_t candidate;
  Verdict verdict;
  std::optional<std::chrono::milliseconds> retry_after;
};
struct WriteHead {
  AnswerHead head;
};
struct Write {
  std::string_view bytes;  // the call's own buffer; valid until the next on()
};
struct WriteEnd {
  Status outcome;
};
struct Settle {};  // the record is final; nothing follows
}  // namespace action
using Action = std::variant<action::Admit, action::Begin, action::Pause, action::Resume,
                            action::Cancel, action::Arm, action::Report, action::WriteHead,
                            action::Write, action::WriteEnd, action::Settle>;

// What a call looks at outside itself, all read-only.
struct CallContext {
  std::shared_ptr<const Snapshot> snapshot;
  const HealthTable* health = nullptr;
  std::uint64_t seed = 0;
  std::chrono::system_clock::time_point wall_start{};
};

class Call {
 public:
  Call(CallSpec spec, CallContext context, TimePoint now);

  void on(const Input& input, TimePoint now, std::vector<Action>& actions);

  const CallSpec& spec() const { return spec_; }
  Gate::View gate_view() const { return {spec_, record_.id, scan_.model, scan_.stream}; }
  const Candidate& candidate(std::size_t index) const { return plan_.candidates[index]; }
  bool settled() const { return state_ == State::kSettled; }
  bool admitted() const { return admitted_; }
  // Final once Settle was acted; the driver adds what only it knows (overhead_us).
  Record& record() { return record_; }

 private:
  enum class State { kNew, kAdmit, kPrepare, kAttempt, kSettled };

  // One try. Ended ones stay, so that late inputs find their own and are ignored.
  struct Attempt {
    std::size_t candidate = 0;
    bool live = false;
    bool connected = false;
    bool sent = false;
    bool paused = false;
    int status = 0;
    Headers headers;         // of an error answer, for its wait hints
    std::string error_body;  // of an answer that is not 2xx
    std::unique_ptr<AnswerReader> reader;
    TimePoint began{};
    TimePoint sent_at{};
    TimePoint last_bytes{};
  };

  void start(TimePoint now);
  void admitted(const Status& status, TimePoint now);
  void next_attempt(TimePoint now);
  void begin(std::size_t candidate, TimePoint now);
  Result<TransferSpec> encode_for(const Target& target, const Credential& credential,
                                  AnswerHints& hints);

  void on_head(const input::Head& head, TimePoint now);
  void on_bytes(const input::Bytes& bytes, TimePoint now);
  void on_transfer_end(const input::End& end, TimePoint now);
  void on_time(TimePoint now);
  void on_cancelled(TimePoint now);
  void take(Attempt& attempt, const AnswerReader::Step& step, TimePoint now);

  void attempt_failed(std::size_t index, const Outcome& outcome, TimePoint now);
  void close_attempt(std::size_t index, Verdict verdict, const Status& status, TimePoint now);
  void commit(TimePoint now);
  void write_head(AnswerHead head);
  void flush(TimePoint now);
  void write_heartbeat(TimePoint now);
  void succeed(TimePoint now);
  void fail(Verdict verdict, const Status& status, TimePoint now);
  void settle(const Status& outcome, TimePoint now);

  struct Due {
    TimePoint at;
    Deadline which;
    std::chrono::milliseconds limit;
  };
  std::optional<Due> attempt_due(const Attempt& attempt) const;
  TimePoint heartbeat_due() const;
  void arm();
  std::int64_t since_start(TimePoint now) const;
  Attempt* live_attempt(std::size_t index);
  const Provider& provider_of(const Attempt& attempt) const;

  CallSpec spec_;
  CallContext context_;
  const TimePoint started_;
  State state_ = State::kNew;
  const FormatCodec* codec_ = nullptr;
  RequestScan scan_;
  std::shared_ptr<const Model> model_;
  std::optional<ChatRequest> neutral_;  // decoded once, for targets of another format
  Plan plan_;
  std::vector<Attempt> attempts_;
  std::vector<Tried> tried_;
  Outcome last_failure_;
  std::optional<std::size_t> pending_;  // candidate that waits for retry_at_

  bool admitted_ = false;
  bool head_written_ = false;
  bool committed_ = false;
  bool sink_full_ = false;
  std::string out_;           // what is to be written; before commit: what is held
  bool out_written_ = false;  // out_ was handed over: start afresh

  static constexpr TimePoint kNever = TimePoint::max();
  TimePoint total_due_ = kNever;
  TimePoint head_due_ = kNever;  // early_head
  TimePoint last_write_{};
  TimePoint retry_at_ = kNever;
  TimePoint linger_due_ = kNever;  // the answer is complete, the transfer not yet over
  TimePoint armed_ = kNever;

  Record record_;
  std::vector<Action>* actions_ = nullptr;  // during on()
};

}  // namespace llmorch

#endif  // LLMORCH_ENGINE_CALL_H_
