// ScriptedTransport: a Transport that plays what a script says, on the loop's own time. For tests
// and the simulator: with a VirtualLoop, a day of time-outs takes a millisecond.
#ifndef LLMORCH_TESTING_SCRIPTED_TRANSPORT_H_
#define LLMORCH_TESTING_SCRIPTED_TRANSPORT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "llmorch/spi/transport.h"

namespace llmorch::testing {

// One thing an upstream does, `after` so long since the one before.
struct Beat {
  struct Connect {};
  struct Sent {};
  struct Head {
    int status = 200;
    Headers headers{{"content-type", "text/event-stream"}};
  };
  struct Bytes {
    std::string bytes;
  };
  struct End {
    Status status;
  };
  std::chrono::milliseconds after{0};
  std::variant<Connect, Sent, Head, Bytes, End> what;
};
using Beats = std::vector<Beat>;  // one that does not End hangs for ever

// Shorthands for the usual scripts.
Beats answer_whole(int status, std::string body, std::chrono::milliseconds delay = {});
Beats answer_stream(const std::vector<std::string>& pieces, std::chrono::milliseconds gap = {});
Beats refuse_connection(std::chrono::milliseconds delay = {});
Beats hang();                                       // never even connects
Beats then(Beats script, std::vector<Beat> more);  // without the End of `script`, if it has one

class ScriptedTransport final : public Transport {
 public:
  // Asked once per transfer for what this upstream will do.
  using Author = std::function<Beats(const TransferSpec& spec)>;

  ScriptedTransport(Loop& loop, Author author);
  ~ScriptedTransport() override;

  Id start(TransferSpec spec, TransferListener* listener) override;
  void pause(Id id) override;
  void resume(Id id) override;
  void cancel(Id id) override;

  std::size_t live() const { return plays_.size(); }
  std::uint64_t started() const { return next_; }
  std::uint64_t cancelled() const { return cancelled_; }

 private:
  struct Play;
  void step(Id id);
  Loop& loop_;
  const Author author_;
  std::map<Id, std::unique_ptr<Play>> plays_;
  Id next_ = 0;
  std::uint64_t cancelled_ = 0;
};

// Makes ScriptedTransports that share one author, and remembers the last one made.
class ScriptedFactory final : public TransportFactory {
 public:
  explicit ScriptedFactory(ScriptedTransport::Author author) : author_(std::move(author)) {}
  Result<std::unique_ptr<Transport>> make(Loop& loop) override;
  ScriptedTransport* last() const { return last_; }

 private:
  const ScriptedTransport::Author author_;
  ScriptedTransport* last_ = nullptr;
};

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_SCRIPTED_TRANSPORT_H_
