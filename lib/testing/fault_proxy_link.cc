#include "testing/fault_proxy_link.h"

#include <algorithm>

namespace llmorch::testing {
namespace {

constexpr std::size_t kMaxQueued = 256 * 1024;

bool strikes_inside(Fault::Kind kind) {
  return kind == Fault::Kind::kReset || kind == Fault::Kind::kFin ||
         kind == Fault::Kind::kHalfClose || kind == Fault::Kind::kBlackhole;
}

}  // namespace

FaultPipe::FaultPipe(FaultLink& link, Loop& loop, const Fault& fault, bool struck_here,
                     std::uint64_t& bytes)
    : link_(link),
      loop_(loop),
      fault_(fault),
      struck_here_(struck_here),
      bytes_(bytes),
      timer_([this] { deliver(); }) {}

FaultPipe::~FaultPipe() { loop_.disarm(timer_); }

void FaultPipe::start(std::unique_ptr<Socket> source, FaultPipe* other) {
  source_ = std::move(source);
  source_->set_slice(fault_.slice);
  other_ = other;
}

void FaultPipe::stop() {
  ended_ = true;
  loop_.disarm(timer_);
  parcels_.clear();
}

void FaultPipe::on_connected() {}

void FaultPipe::on_fin() {
  fin_seen_ = true;
  if (ended_) {
    link_.check_finished();
    return;
  }
  parcels_.push_back({due_of(0), ""});
  deliver();
}

void FaultPipe::on_lost(int error) {
  if (error != 0) {
    link_.end(true);
    return;
  }
  fin_seen_ = true;
  link_.check_finished();
}

void FaultPipe::on_drained() {
  other_->update_reading();
  link_.check_finished();
}

void FaultPipe::on_bytes(std::string_view bytes) {
  if (ended_) return;
  queued_ += bytes.size();
  parcels_.push_back({due_of(bytes.size()), std::string(bytes)});
  deliver();
}

TimePoint FaultPipe::due_of(std::size_t size) {
  TimePoint due = loop_.now() + fault_.latency;
  const auto jitter = static_cast<std::uint64_t>(fault_.jitter.count());
  if (jitter > 0) due += std::chrono::milliseconds(link_.random_below(jitter + 1));
  if (fault_.bytes_per_second > 0) {
    const std::chrono::duration<double> cost(static_cast<double>(size) /
                                             static_cast<double>(fault_.bytes_per_second));
    free_at_ = std::max(free_at_, loop_.now()) + std::chrono::duration_cast<Duration>(cost);
    due = std::max(due, free_at_);
  }
  last_due_ = std::max(last_due_, due);
  return last_due_;
}

void FaultPipe::deliver() {
  while (!parcels_.empty() && !ended_) {
    if (parcels_.front().due > loop_.now()) {
      loop_.arm(timer_, parcels_.front().due);
      break;
    }
    std::string bytes = std::move(parcels_.front().bytes);
    parcels_.pop_front();
    if (bytes.empty()) {
      fin_given_ = true;
      other_->source_->finish_sending();
      link_.check_finished();
      return;
    }
    queued_ -= bytes.size();
    give(std::move(bytes));
  }
  if (!ended_) update_reading();
}

void FaultPipe::give(std::string bytes) {
  Socket& target = *other_->source_;
  const bool strikes = struck_here_ && strikes_inside(fault_.kind);
  const std::uint64_t room = strikes ? fault_.after - passed_ : bytes.size();
  if (struck_here_ && fault_.kind == Fault::Kind::kCorrupt && fault_.after >= passed_ &&
      fault_.after - passed_ < bytes.size()) {
    bytes[fault_.after - passed_] = static_cast<char>(bytes[fault_.after - passed_] ^ 0x55);
    link_.strike(*this);
  }
  const std::string_view part =
      std::string_view(bytes).substr(0, std::min<std::uint64_t>(room, bytes.size()));
  passed_ += part.size();
  bytes_ += part.size();
  target.send(part);
  if (strikes && passed_ >= fault_.after) link_.strike(*this);
}

void FaultPipe::update_reading() {
  if (ended_ || !source_->open()) return;
  source_->set_reading(queued_ + other_->source_->unsent() < kMaxQueued);
}

FaultLink::FaultLink(FaultProxy& proxy, const Fault& fault)
    : proxy_(proxy),
      fault_(fault),
      up_(*this, proxy.loop_, fault, fault.direction == Fault::Direction::kUp,
          proxy.stats_.bytes_up),
      down_(*this, proxy.loop_, fault, fault.direction == Fault::Direction::kDown,
            proxy.stats_.bytes_down) {}

Status FaultLink::start(int client_fd) {
  up_.start(std::make_unique<Socket>(proxy_.loop_, client_fd, &up_), &down_);
  auto target = Socket::connect(proxy_.loop_, proxy_.to_, &down_);
  if (!target) return target.error();
  down_.start(*std::move(target), &up_);
  FaultPipe& pipe = fault_.direction == Fault::Direction::kDown ? down_ : up_;
  if (strikes_inside(fault_.kind) && fault_.after == 0) strike(pipe);
  return {};
}

void FaultLink::strike(FaultPipe& pipe) {
  ++proxy_.stats_.faults;
  Socket& target = *pipe.other_->source_;
  switch (fault_.kind) {
    case Fault::Kind::kReset:
      up_.stop();
      down_.stop();
      resetting_ = true;
      target.reset_when_sent();
      if (!target.open()) end(true);
      break;
    case Fault::Kind::kFin:
      up_.stop();
      down_.stop();
      up_.source_->finish_sending();
      down_.source_->finish_sending();
      up_.fin_given_ = down_.fin_given_ = true;
      break;
    case Fault::Kind::kHalfClose:
      pipe.stop();
      pipe.fin_given_ = true;
      target.finish_sending();
      break;
    case Fault::Kind::kBlackhole:
      swallowed_ = true;
      up_.stop();
      down_.stop();
      break;
    default:
      break;
  }
}

// Both directions have ended: nobody has anything more to say. Who leaves a black hole takes the
// other side along, for nothing else would ever end it.
void FaultLink::check_finished() {
  if (resetting_) {
    if (!up_.source_->open() || !down_.source_->open()) end(true);
    return;
  }
  const bool one_left = up_.fin_seen_ || down_.fin_seen_;
  const bool all_said = up_.fin_seen_ && down_.fin_seen_ && up_.fin_given_ && down_.fin_given_ &&
                        up_.source_->unsent() == 0 && down_.source_->unsent() == 0;
  if (all_said || (swallowed_ && one_left)) end(false);
}

void FaultLink::end(bool reset) {
  if (gone_) return;
  gone_ = true;
  for (FaultPipe* pipe : {&up_, &down_}) {
    pipe->stop();
    if (pipe->source_ == nullptr) continue;
    if (reset) {
      pipe->source_->reset();
    } else {
      pipe->source_->close();
    }
  }
  proxy_.on_gone(this);
}

}  // namespace llmorch::testing
