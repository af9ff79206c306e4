#include "engine/driver.h"

#include <utility>

#include "base/random.h"

namespace llmorch {

// The ears of one attempt.
class Driver::Listener final : public TransferListener {
 public:
  Listener(Driver& driver, std::size_t attempt) : driver_(driver), attempt_(attempt) {}
  void on_connected() override { driver_.feed(input::Connected{attempt_}); }
  void on_request_sent() override { driver_.feed(input::RequestSent{attempt_}); }
  void on_head(int status, const Headers& headers) override {
    driver_.feed(input::Head{attempt_, status, &headers});
  }
  void on_body(std::string_view bytes) override { driver_.feed(input::Bytes{attempt_, bytes}); }
  void on_end(const TransferEnd& end) override {
    driver_.transfers_[attempt_].id = 0;
    driver_.feed(input::End{attempt_, &end});
  }

 private:
  Driver& driver_;
  const std::size_t attempt_;
};

Driver::Driver(LoopContext& context, CallSpec spec, Sink& sink, std::uint64_t seed,
               std::chrono::system_clock::time_point wall_start)
    : context_(context),
      sink_(sink),
      request_id_(spec.request_id),
      call_(std::move(spec), CallContext{context.snapshot, context.health.get(), seed, wall_start},
            context.loop->now()),
      timer_([this] { feed(input::TimeIsUp{}); }) {}

// The last handle may go on any thread, after the loop even: settle() has left nothing behind there.
Driver::~Driver() = default;

void Driver::start() {
  context_.live.insert(shared_from_this());
  context_.started.fetch_add(1, std::memory_order_relaxed);
  in_host_call_ = true;
  feed(input::Start{});
  in_host_call_ = false;
}

void Driver::cancel() {
  context_.loop->post([self = shared_from_this()] { self->feed(input::Cancelled{}); });
}

void Driver::drained() {
  sink_full_ = false;
  const bool was = std::exchange(in_host_call_, true);
  feed(input::Drained{});
  in_host_call_ = was;
}

void Driver::feed(const Input& input) {
  if (call_.settled()) return;
  if (busy_) {
    queued_.push_back(input);
    return;
  }
  const std::shared_ptr<Driver> self = shared_from_this();  // settling drops the registry's hold
  busy_ = true;
  const auto begin = std::chrono::steady_clock::now();
  call_.on(input, context_.loop->now(), actions_);
  run(actions_);
  while (!queued_.empty()) {
    std::vector<Input> queued = std::exchange(queued_, {});
    for (const Input& next : queued) {
      if (call_.settled()) break;
      call_.on(next, context_.loop->now(), actions_);
      run(actions_);
    }
  }
  worked_ += std::chrono::steady_clock::now() - begin;
  busy_ = false;
  if (call_.settled()) settle();
}

void Driver::run(std::vector<Action>& actions) {
  for (Action& action : actions) act(action);
  actions.clear();
}

void Driver::act(Action& action) {
  if (std::holds_alternative<action::Admit>(action)) return ask_gates(0);
  if (auto* begin = std::get_if<action::Begin>(&action)) {
    transfers_.resize(begin->attempt + 1);
    Transfer& transfer = transfers_[begin->attempt];
    transfer.listener = std::make_unique<Listener>(*this, begin->attempt);
    transfer.id = context_.transport->start(std::move(begin->spec), transfer.listener.get());
    return;
  }
  const auto transfer_id = [&](std::size_t attempt) {
    return attempt < transfers_.size() ? transfers_[attempt].id : Transport::Id{0};
  };
  if (const auto* pause = std::get_if<action::Pause>(&action)) {
    if (const auto id = transfer_id(pause->attempt)) context_.transport->pause(id);
  } else if (const auto* resume = std::get_if<action::Resume>(&action)) {
    if (const auto id = transfer_id(resume->attempt)) context_.transport->resume(id);
  } else if (const auto* cancel = std::get_if<action::Cancel>(&action)) {
    if (const auto id = transfer_id(cancel->attempt)) {
      transfers_[cancel->attempt].id = 0;
      context_.transport->cancel(id);
    }
  } else if (const auto* arm = std::get_if<action::Arm>(&action)) {
    context_.loop->arm(timer_, arm->due);
  } else if (const auto* report = std::get_if<action::Report>(&action)) {
    const Candidate& candidate = call_.candidate(report->candidate);
    context_.health->report(*candidate.target,
                            candidate.target->provider->credentials[candidate.credential],
                            report->verdict, report->retry_after, context_.loop->now());
  } else {
    to_sink(action);
  }
}

// The sink is never called from inside the host's own call of start() or drained(): what is due
// then waits for the next turn, in order.
void Driver::to_sink(Action& action) {
  if (in_host_call_ || !deferred_.empty()) {
    if (deferred_.empty()) {
      context_.loop->post([self = shared_from_this()] { self->run_deferred(); });
    }
    if (auto* write = std::get_if<action::Write>(&action)) {
      deferred_bytes_.emplace_back(write->bytes);
      write->bytes = {};
    }
    deferred_.push_back(std::move(action));
    return;
  }
  if (auto* head = std::get_if<action::WriteHead>(&action)) {
    sink_.head(head->head);
  } else if (auto* write = std::get_if<action::Write>(&action)) {
    if (sink_.write(write->bytes) == Flow::kFull && !std::exchange(sink_full_, true)) {
      feed(input::SinkFull{});
    }
  } else if (auto* end = std::get_if<action::WriteEnd>(&action)) {
    sink_.end(end->outcome);
  }
}

void Driver::run_deferred() {
  std::vector<Action> actions = std::exchange(deferred_, {});
  const std::vector<std::string> bytes = std::exchange(deferred_bytes_, {});
  std::size_t next = 0;
  const bool was = std::exchange(busy_, true);
  for (Action& action : actions) {
    if (auto* write = std::get_if<action::Write>(&action)) write->bytes = bytes[next++];
    to_sink(action);
  }
  busy_ = was;
  const std::vector<Input> queued = std::exchange(queued_, {});
  for (const Input& input : queued) feed(input);
  if (call_.settled() && deferred_.empty()) forget();
}

void Driver::ask_gates(std::size_t from) {
  for (std::size_t i = from; i < context_.gates.size(); ++i) {
    const std::shared_ptr<Gate>& gate = context_.gates[i];
    std::optional<Status> answer =
        gate->admit(call_.gate_view(), [self = shared_from_this(), i](Status status) {
          self->context_.loop->post([self, i, status = std::move(status)] {
            if (self->call_.settled()) return;
            if (!status.ok()) return self->feed(input::Admitted{status});
            self->admitted_by_.push_back(self->context_.gates[i]);
            self->ask_gates(i + 1);
          });
        });
    if (!answer) return;  // pending: `decide` goes on from here
    if (!answer->ok()) return feed(input::Admitted{*answer});
    admitted_by_.push_back(gate);
  }
  feed(input::Admitted{Status()});
}

void Driver::settle() {
  context_.loop->disarm(timer_);
  for (Transfer& transfer : transfers_) {
    if (const auto id = std::exchange(transfer.id, 0)) context_.transport->cancel(id);
  }
  Record& record = call_.record();
  record.overhead_us = std::chrono::duration_cast<std::chrono::microseconds>(worked_).count();
  for (const std::shared_ptr<Gate>& gate : admitted_by_) gate->settle(record);
  context_.records->push(std::move(record));
  if (deferred_.empty()) forget();
}

// The sink has had its end: nothing holds the call any more but its host.
void Driver::forget() {
  if (context_.live.erase(shared_from_this()) == 1) {
    context_.finished.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace llmorch
