#include "net/curl_transport.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>

#include "net/ca_store.h"

namespace llmorch {
namespace {

constexpr long kConnectionsPerShard = 64;  // kept alive; the oldest idle one goes first
constexpr std::size_t kMaxWarm = 256;      // free handles that keep their memory

Status init_libcurl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code == CURLE_OK) return {};
  return Status(Code::kUnsupported,
                std::string("libcurl cannot be used: ") + curl_easy_strerror(code));
}

}  // namespace

struct CurlTransport::Shard {
  Shard(CurlTransport& transport, CURLM* multi)
      : transport(transport),
        multi(multi),
        timer([this] { this->transport.act(*this, CURL_SOCKET_TIMEOUT, 0); }) {}

  CurlTransport& transport;
  CURLM* multi;
  Timer timer;
  std::size_t active = 0;
};

struct CurlTransport::Socket final : Watcher {
  void on_ready(unsigned ready) override {
    // Something came, or the peer left, while the connection was idle: libcurl finds out when it
    // next wants it.
    if (idle) return shard->transport.loop_.unwatch(fd);
    int bits = 0;
    if (ready & Loop::kRead) bits |= CURL_CSELECT_IN;
    if (ready & Loop::kWrite) bits |= CURL_CSELECT_OUT;
    // Not CURL_CSELECT_ERR: libcurl would give up without reading what came before the error, or
    // the error itself.
    if (ready & Loop::kFailed) bits |= CURL_CSELECT_IN | CURL_CSELECT_OUT;
    shard->transport.act(*shard, fd, bits);
  }

  Shard* shard = nullptr;
  int fd = -1;
  bool connection = false;  // made by open_callback, so its end will be seen by close_callback
  bool idle = false;        // a connection that libcurl asked no more to watch
};

// Where a transfer lives. The slot is used again; `generation` tells the transfers apart.
struct CurlTransport::Slot {
  explicit Slot(std::uint32_t index) : index(index) {}
  Id id() const { return static_cast<Id>(generation) << 32 | (index + 1); }

  const std::uint32_t index;
  std::uint32_t generation = 0;
  bool in_use = false;
  Shard* shard = nullptr;  // while it is in libcurl's hands
  CurlTransfer transfer;
  Status start_error;
};

class CurlTransport::InsideCurl {
 public:
  explicit InsideCurl(CurlTransport& transport)
      : inside_(transport.inside_curl_), before_(std::exchange(inside_, true)) {}
  ~InsideCurl() { inside_ = before_; }
  InsideCurl(const InsideCurl&) = delete;
  InsideCurl& operator=(const InsideCurl&) = delete;

 private:
  bool& inside_;
  const bool before_;
};

Result<std::unique_ptr<CurlTransport>> CurlTransport::make(Loop& loop) {
  if (Status status = init_libcurl(); !status.ok()) return status;
  ca_store();  // read now, not in the middle of the first handshake
  CURLSH* share = curl_share_init();
  // No lock functions: everything that touches the share runs on the loop. (A resolver thread only
  // fills its own answer; libcurl puts that into the cache later.)
  if (share == nullptr ||
      curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) != CURLSHE_OK ||
      curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK) {
    if (share != nullptr) curl_share_cleanup(share);
    return Status(Code::kOverloaded, "libcurl cannot make a share");
  }
  return std::unique_ptr<CurlTransport>(new CurlTransport(loop, share));
}

CurlTransport::CurlTransport(Loop& loop, CURLSH* share)
    : loop_(loop), share_(share), kick_([this] { on_kick(); }) {}

CurlTransport::~CurlTransport() {
  for (auto& slot : slots_) {
    slot->transfer.listener = nullptr;
    remove(*slot);
  }
  for (auto& slot : slots_) slot->transfer.close();
  {
    const InsideCurl inside(*this);
    for (auto& shard : shards_) curl_multi_cleanup(shard->multi);
  }
  for (auto& shard : shards_) loop_.disarm(shard->timer);
  loop_.disarm(kick_);
  curl_share_cleanup(share_);
}

Transport::Id CurlTransport::start(TransferSpec spec, TransferListener* listener) {
  Slot& slot = acquire();
  const Id id = slot.id();
  Status status;
  if (!slot.transfer.is_open())
    status = slot.transfer.open(&slot, share_, &open_callback, &close_callback, this);
  if (status.ok()) status = slot.transfer.begin(std::move(spec), listener);
  slot.transfer.listener = listener;
  if (status.ok() && inside_curl_) {
    enqueue(Op::kStart, id);
    return id;
  }
  if (status.ok()) status = add(slot);
  if (!status.ok()) {
    slot.start_error = std::move(status);
    stillborn_.push_back(id);
    loop_.arm(kick_, loop_.now());
  }
  return id;
}

void CurlTransport::pause(Id id) {
  // libcurl need not know: it is told when it next brings bytes, and then keeps them.
  if (Slot* slot = find(id)) slot->transfer.paused = true;
}

void CurlTransport::resume(Id id) {
  Slot* slot = find(id);
  if (slot == nullptr || !slot->transfer.paused) return;
  slot->transfer.paused = false;
  if (slot->transfer.refused) enqueue(Op::kResume, id);
}

void CurlTransport::cancel(Id id) {
  Slot* slot = find(id);
  if (slot == nullptr) return;
  slot->transfer.listener = nullptr;
  if (inside_curl_) {
    enqueue(Op::kRemove, id);
  } else {
    remove(*slot);
    release(*slot);
  }
}

CurlTransport::Slot* CurlTransport::find(Id id) {
  const std::uint64_t index = (id & 0xffffffffu) - 1;
  if (id == 0 || index >= slots_.size()) return nullptr;
  Slot& slot = *slots_[index];
  // A cancelled one may linger until libcurl returns; nobody may reach it any more.
  return slot.in_use && slot.id() == id && slot.transfer.listener != nullptr ? &slot : nullptr;
}

CurlTransport::Slot& CurlTransport::acquire() {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.push_back(std::make_unique<Slot>(free_.back()));
  }
  Slot& slot = *slots_[free_.back()];
  free_.pop_back();
  if (slot.transfer.is_open()) --warm_;
  slot.in_use = true;
  ++slot.generation;
  return slot;
}

void CurlTransport::release(Slot& slot) {
  slot.in_use = false;
  slot.start_error = Status();
  slot.transfer.reset();
  if (slot.transfer.is_open()) {
    if (warm_ < kMaxWarm) {
      ++warm_;
    } else {
      slot.transfer.close();
    }
  }
  free_.push_back(slot.index);
}

void CurlTransport::enqueue(Op op, Id id) {
  pending_.push_back({op, id});
  if (!inside_curl_ && !kick_.armed()) loop_.arm(kick_, loop_.now());
}

CurlTransport::Shard* CurlTransport::shard_with_room() {
  for (auto& shard : shards_) {
    if (shard->active < kActivePerShard) return shard.get();
  }
  CURLM* multi = curl_multi_init();
  if (multi == nullptr) return nullptr;
  shards_.push_back(std::make_unique<Shard>(*this, multi));
  Shard* shard = shards_.back().get();
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &socket_callback);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, shard);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &timer_callback);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, shard);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, kConnectionsPerShard);
  return shard;
}

Status CurlTransport::add(Slot& slot) {
  Shard* shard = shard_with_room();
  if (shard == nullptr) return Status(Code::kOverloaded, "out of memory for a transfer");
  const InsideCurl inside(*this);
  const CURLMcode code = curl_multi_add_handle(shard->multi, slot.transfer.easy());
  if (code != CURLM_OK) {
    return Status(Code::kOverloaded,
                  std::string("libcurl cannot start a transfer: ") + curl_multi_strerror(code));
  }
  slot.shard = shard;
  ++shard->active;
  return {};
}

void CurlTransport::remove(Slot& slot) {
  if (slot.shard == nullptr) return;
  const InsideCurl inside(*this);
  curl_multi_remove_handle(slot.shard->multi, slot.transfer.easy());
  --slot.shard->active;
  slot.shard = nullptr;
}

void CurlTransport::resume_now(Slot& slot) {
  CurlTransfer& transfer = slot.transfer;
  if (transfer.paused || !transfer.refused) return;  // paused again meanwhile
  transfer.refused = false;
  CURLcode code;
  {
    const InsideCurl inside(*this);
    code = curl_easy_pause(transfer.easy(), CURLPAUSE_CONT);
  }
  // libcurl does not end a transfer for what goes wrong in there.
  if (code != CURLE_OK && transfer.listener != nullptr) finish(slot, code);
}

void CurlTransport::act(Shard& shard, curl_socket_t fd, int bits) {
  {
    const InsideCurl inside(*this);
    int running = 0;
    curl_multi_socket_action(shard.multi, fd, bits, &running);
  }
  run_pending();
  collect(shard);
}

void CurlTransport::run_pending() {
  // By index: what runs here may queue more. It ends, because starting and removing call nobody,
  // and resuming only hands out bytes that libcurl already holds.
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    const Pending pending = pending_[i];
    const std::uint64_t index = (pending.id & 0xffffffffu) - 1;
    Slot& slot = *slots_[index];
    if (!slot.in_use || slot.id() != pending.id) continue;  // over, meanwhile
    switch (pending.op) {
      case Op::kStart:
        if (slot.transfer.listener == nullptr) break;
        if (Status status = add(slot); !status.ok()) {
          slot.start_error = std::move(status);
          stillborn_.push_back(pending.id);
          loop_.arm(kick_, loop_.now());
        }
        break;
      case Op::kResume:
        if (slot.transfer.listener != nullptr) resume_now(slot);
        break;
      case Op::kRemove:
        remove(slot);
        release(slot);
        break;
    }
  }
  pending_.clear();
}

void CurlTransport::collect(Shard& shard) {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(shard.multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    char* slot = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
    finish(*reinterpret_cast<Slot*>(slot), code);
  }
}

void CurlTransport::finish(Slot& slot, CURLcode code) {
  CurlTransfer& transfer = slot.transfer;
  // Hidden meanwhile, as libcurl reports progress even while it lets go of a transfer.
  TransferListener* listener = std::exchange(transfer.listener, nullptr);
  const bool again = transfer.was_stale(code);
  TransferEnd end;
  if (!again) end = transfer.end(code);
  remove(slot);
  transfer.listener = listener;
  if (again) {
    transfer.begin_again();
    end.status = add(slot);
    if (end.status.ok()) return;
  }
  end_with(slot, end);
}

void CurlTransport::end_with(Slot& slot, const TransferEnd& end) {
  TransferListener* listener = slot.transfer.listener;
  release(slot);  // before the call, which may well start the next one
  listener->on_end(end);
}

void CurlTransport::on_kick() {
  run_pending();
  // Only those there are now: a listener that answers a failure with another bad start must not
  // keep this turn going.
  std::vector<Id> ids;
  ids.swap(stillborn_);
  for (Id id : ids) {
    Slot* slot = find(id);
    if (slot == nullptr) continue;
    TransferEnd end;
    end.status = slot->start_error;
    end_with(*slot, end);
  }
}

int CurlTransport::socket_callback(CURL*, curl_socket_t fd, int what, void* shard_pointer, void*) {
  auto& shard = *static_cast<Shard*>(shard_pointer);
  CurlTransport& self = shard.transport;
  Socket& socket = self.sockets_[fd];
  if (what == CURL_POLL_REMOVE) {
    // A connection is mostly wanted again soon, for the same: it stays watched, which saves two
    // system calls a request. Other descriptors may be closed without a word.
    socket.idle = socket.connection;
    if (!socket.idle) self.loop_.unwatch(fd);
    return 0;
  }
  socket.idle = false;
  socket.shard = &shard;
  socket.fd = fd;
  unsigned interest = 0;
  if (what & CURL_POLL_IN) interest |= Loop::kRead;
  if (what & CURL_POLL_OUT) interest |= Loop::kWrite;
  // A refused descriptor stays silent, and the caller's deadline ends the transfer: telling libcurl
  // would end every transfer of the shard.
  static_cast<void>(self.loop_.watch(fd, interest, &socket));
  return 0;
}

int CurlTransport::timer_callback(CURLM*, long timeout_ms, void* shard_pointer) {
  auto& shard = *static_cast<Shard*>(shard_pointer);
  Loop& loop = shard.transport.loop_;
  if (timeout_ms < 0) {
    loop.disarm(shard.timer);
  } else {
    loop.arm(shard.timer, loop.now() + std::chrono::milliseconds(timeout_ms));
  }
  return 0;
}

curl_socket_t CurlTransport::open_callback(void* self, curlsocktype, curl_sockaddr* address) {
  const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  Socket& socket = static_cast<CurlTransport*>(self)->sockets_[fd];
  socket.connection = true;
  socket.idle = false;
  return fd;
}

int CurlTransport::close_callback(void* self, curl_socket_t fd) {
  auto& transport = *static_cast<CurlTransport*>(self);
  transport.loop_.unwatch(fd);
  transport.sockets_[fd].connection = false;
  return ::close(fd);
}

namespace {

class CurlTransportFactory final : public TransportFactory {
 public:
  Result<std::unique_ptr<Transport>> make(Loop& loop) override {
    Result<std::unique_ptr<CurlTransport>> made = CurlTransport::make(loop);
    if (!made) return made.error();
    return std::unique_ptr<Transport>(std::move(*made));
  }
};

}  // namespace

std::shared_ptr<TransportFactory> curl_transport_factory() {
  return std::make_shared<CurlTransportFactory>();
}

}  // namespace llmorch
