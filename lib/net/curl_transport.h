// CurlTransport: the built-in Transport, libcurl's multi interface driven by a Loop.
//
// Transfers are spread over shards, each a multi handle with at most kActivePerShard of them, as
// some of libcurl's bookkeeping is linear in the transfers of one multi. The lowest shard with room
// comes first, so that kept-alive connections, which belong to a shard, are found again.
//
// libcurl must not be re-entered from its own callbacks, and listeners are called from there. What
// a listener asks for meanwhile is therefore queued and done as soon as libcurl returns, in the
// same turn. resume() is always queued, because libcurl delivers held bytes from inside it.
//
// Ownership: borrows the Loop, which must outlive it. Threads: the loop's; it may be made and
// destroyed on another thread while nobody drives the loop. It must not be destroyed from inside a
// listener.
#ifndef LLMORCH_NET_CURL_TRANSPORT_H_
#define LLMORCH_NET_CURL_TRANSPORT_H_

#include <curl/curl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "llmorch/spi/transport.h"
#include "net/curl_transfer.h"

namespace llmorch {

class CurlTransport final : public Transport {
 public:
  static constexpr std::size_t kActivePerShard = 64;

  static Result<std::unique_ptr<CurlTransport>> make(Loop& loop);
  ~CurlTransport() override;

  Id start(TransferSpec spec, TransferListener* listener) override;
  void pause(Id id) override;
  void resume(Id id) override;
  void cancel(Id id) override;

 private:
  struct Shard;
  struct Socket;
  struct Slot;
  enum class Op { kStart, kResume, kRemove };
  struct Pending {
    Op op;
    Id id;
  };
  class InsideCurl;

  CurlTransport(Loop& loop, CURLSH* share);

  Slot* find(Id id);
  Slot& acquire();
  void release(Slot& slot);
  void enqueue(Op op, Id id);

  Status add(Slot& slot);
  void remove(Slot& slot);
  void resume_now(Slot& slot);
  void finish(Slot& slot, CURLcode code);
  void end_with(Slot& slot, const TransferEnd& end);

  Shard* shard_with_room();
  void act(Shard& shard, curl_socket_t fd, int bits);
  void run_pending();
  void collect(Shard& shard);
  void on_kick();

  static int socket_callback(CURL*, curl_socket_t fd, int what, void* shard, void*);
  static int timer_callback(CURLM*, long timeout_ms, void* shard);
  static curl_socket_t open_callback(void* self, curlsocktype, curl_sockaddr* address);
  static int close_callback(void* self, curl_socket_t fd);

  Loop& loop_;
  CURLSH* share_;  // name lookups and TLS sessions, of all shards
  bool inside_curl_ = false;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unordered_map<int, Socket> sockets_;  // by descriptor; entries stay, and are used again
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<std::uint32_t> free_;  // slots, the warmest last
  std::size_t warm_ = 0;             // free slots that kept their handle
  std::vector<Pending> pending_;
  std::vector<Id> stillborn_;  // could not be started; told in a later turn
  Timer kick_;                 // runs what was queued while libcurl was not
};

}  // namespace llmorch

#endif  // LLMORCH_NET_CURL_TRANSPORT_H_
