// FaultLink: one connection through the FaultProxy, two sockets and a FaultPipe per direction.
// Internal to FaultProxy, which owns it.
#ifndef LLMORCH_TESTING_FAULT_PROXY_LINK_H_
#define LLMORCH_TESTING_FAULT_PROXY_LINK_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "testing/fault_proxy.h"

namespace llmorch::testing {

// One direction: reads from its source, and gives to the other pipe's source what is due.
class FaultPipe final : public SocketOwner {
 public:
  FaultPipe(FaultLink& link, Loop& loop, const Fault& fault, bool struck_here,
            std::uint64_t& bytes);
  ~FaultPipe() override;

  void start(std::unique_ptr<Socket> source, FaultPipe* other);
  Socket* source() { return source_.get(); }
  void stop();

 private:
  struct Parcel {
    TimePoint due;
    std::string bytes;  // empty: the FIN
  };

  void on_connected() override;
  void on_bytes(std::string_view bytes) override;
  void on_fin() override;
  void on_lost(int error) override;
  void on_drained() override;  // its source took what the other pipe gave

  TimePoint due_of(std::size_t size);
  void deliver();
  void give(std::string bytes);
  void update_reading();

  FaultLink& link_;
  Loop& loop_;
  const Fault fault_;
  const bool struck_here_;  // the fault is of this direction
  std::uint64_t& bytes_;
  std::unique_ptr<Socket> source_;
  FaultPipe* other_ = nullptr;
  std::deque<Parcel> parcels_;
  std::size_t queued_ = 0;
  TimePoint last_due_{};
  TimePoint free_at_{};  // when the throttled line is free again
  std::uint64_t passed_ = 0;
  bool ended_ = false;      // nothing goes through any more
  bool fin_seen_ = false;   // the source ended
  bool fin_given_ = false;  // and the receiver was told
  Timer timer_;

  friend class FaultLink;
};

class FaultLink {
 public:
  FaultLink(FaultProxy& proxy, const Fault& fault);
  Status start(int client_fd);
  void strike(FaultPipe& pipe);  // the fault's moment has come
  void end(bool reset);
  void check_finished();
  std::uint64_t random_below(std::uint64_t bound) { return proxy_.plan_.random().below(bound); }

 private:
  FaultProxy& proxy_;
  const Fault fault_;
  FaultPipe up_;    // client to target
  FaultPipe down_;  // target to client
  bool resetting_ = false;
  bool swallowed_ = false;  // by a black hole
  bool gone_ = false;
};

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_FAULT_PROXY_LINK_H_
