#include "testing/load_lane.h"

#include <charconv>
#include <chrono>
#include <optional>

namespace llmorch::testing {
namespace {

constexpr std::size_t kMaxAnswer = 64u << 20;

// When the mock made this frame, or nothing. The stamp is a frame's last member, so that looking
// for it costs the same however long the frame is.
std::optional<std::chrono::nanoseconds> stamp_of(std::string_view line) {
  constexpr std::string_view kKey = "\"mock_ns\":";
  constexpr std::size_t kLongest = kKey.size() + 21;
  if (line.size() > kLongest) line.remove_prefix(line.size() - kLongest);
  const std::size_t at = line.rfind(kKey);
  if (at == std::string_view::npos) return std::nullopt;
  std::int64_t number = 0;
  const char* const begin = line.data() + at + kKey.size();
  const auto [end, error] = std::from_chars(begin, line.data() + line.size(), number);
  if (error != std::errc() || end == begin) return std::nullopt;
  return std::chrono::nanoseconds(number);
}

// Latencies are read from the clock itself: the loop's time stands still within a turn.
TimePoint clock_now() { return std::chrono::steady_clock::now(); }

}  // namespace

void LoadLane::dial(Loop& loop, const Address& to) {
  parser_ = HttpParser(HttpParser::Side::kAnswer);
  input_.clear();
  connected_ = false;
  auto socket = Socket::connect(loop, to, this);
  if (!socket) {
    socket_.reset();
    host_.on_request_end(LoadOutcome::kConnect);
    host_.on_lane_down(this);
    return;
  }
  socket_ = *std::move(socket);
}

void LoadLane::on_connected() {
  connected_ = true;
  ++result_.connections;
  host_.on_lane_ready(this);
}

void LoadLane::send(std::string_view wire, std::string expected, bool check, TimePoint intended) {
  busy_ = true;
  answered_ = stream_ = last_word_ = error_event_ = too_much_ = false;
  check_ = check;
  body_.clear();
  events_ = 0;
  echo_.start(std::move(expected));
  sent_at_ = clock_now();
  intended_ = intended == TimePoint() ? sent_at_ : intended;
  socket_->send(wire);
}

void LoadLane::give_up(LoadOutcome outcome) {
  if (socket_) socket_->close();
  connected_ = false;
  const bool was_busy = busy_;
  busy_ = false;
  if (was_busy && outcome == LoadOutcome::kCut && stream_ && check_) {
    ++result_.checked;
    if (!echo_.fits_so_far()) outcome = LoadOutcome::kMismatch;
  }
  if (was_busy) host_.on_request_end(outcome);
  host_.on_lane_down(this);
}

void LoadLane::on_lost(int) {
  if (!connected_) {
    busy_ = true;  // a connection that cannot be had costs the request it was for
    give_up(LoadOutcome::kConnect);
    return;
  }
  give_up(answered_ ? LoadOutcome::kEarlyClose : LoadOutcome::kReset);
}

void LoadLane::on_fin() {
  if (busy_ && parser_.closed()) {
    end_answer();
    return;
  }
  give_up(answered_ ? LoadOutcome::kEarlyClose : LoadOutcome::kReset);
}

void LoadLane::on_bytes(std::string_view bytes) {
  read_at_ = clock_now();
  // Whole answers mostly arrive in one piece: then nothing is copied.
  const bool carried = !input_.empty();
  if (carried) input_.append(bytes);
  std::string_view view = carried ? std::string_view(input_) : bytes;
  while (connected_) {
    const HttpParser::Event event = parser_.next(view);
    if (event == HttpParser::Event::kNeedMore) break;
    if (event == HttpParser::Event::kBad || !busy_ || too_much_) {
      give_up(LoadOutcome::kProtocol);
      return;
    }
    if (event == HttpParser::Event::kHead) {
      answered_ = true;
      ++result_.statuses[parser_.status()];
      stream_ = parser_.header("content-type").starts_with("text/event-stream");
    } else if (event == HttpParser::Event::kBody) {
      take_body(parser_.body());
    } else {
      if (!view.empty()) {
        give_up(LoadOutcome::kProtocol);
        return;
      }
      input_.clear();
      end_answer();
      return;
    }
  }
  if (!connected_) return;
  if (carried) {
    input_.erase(0, input_.size() - view.size());
  } else {
    input_.assign(view);
  }
}

void LoadLane::take_body(std::string_view bytes) {
  result_.bytes_in += bytes.size();
  if (body_.size() + bytes.size() > kMaxAnswer) {
    too_much_ = true;
    return;
  }
  if (!stream_) {
    body_.append(bytes);
    return;
  }
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      body_.append(bytes);
      return;
    }
    if (body_.empty()) {
      take_line(bytes.substr(0, end));
    } else {
      body_.append(bytes.substr(0, end));
      take_line(body_);
      body_.clear();
    }
    bytes.remove_prefix(end + 1);
  }
}

void LoadLane::take_line(std::string_view line) {
  if (!line.starts_with("data:")) return;
  line.remove_prefix(line.starts_with("data: ") ? 6 : 5);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line == "[DONE]") {
    last_word_ = true;
    return;
  }
  ++result_.events;
  if (events_++ == 0) {
    result_.first_event.add(read_at_ - sent_at_);
  } else {
    result_.gap.add(read_at_ - last_event_);
  }
  last_event_ = read_at_;
  if (const auto stamp = stamp_of(line)) {
    result_.delivery.add(read_at_.time_since_epoch() - *stamp);
  }
  if (line.starts_with("{\"error\"") || line.find("\"type\":\"error\"") != line.npos) {
    error_event_ = true;
  } else if (line.find("\"message_stop\"") != line.npos) {
    last_word_ = true;
  } else if (check_) {
    text_.clear();
    if (!append_strings_of(line, text_key_, text_)) text_.assign(1, '?');
    echo_.feed(text_);
  }
}

LoadOutcome LoadLane::judge() {
  if (parser_.status() < 200 || parser_.status() > 299) return LoadOutcome::kBadStatus;
  result_.latency.add(read_at_ - intended_);
  if (stream_ && error_event_) return LoadOutcome::kInBand;
  if (stream_ && !last_word_) return LoadOutcome::kUnfinished;
  if (!check_) return LoadOutcome::kOk;
  if (!stream_) {
    text_.clear();
    if (!append_strings_of(body_, text_key_, text_)) text_.assign(1, '?');
    echo_.feed(text_);
  }
  ++result_.checked;
  return echo_.matches() ? LoadOutcome::kOk : LoadOutcome::kMismatch;
}

void LoadLane::end_answer() {
  const LoadOutcome outcome = judge();
  busy_ = false;
  answered_ = false;
  const bool reusable = parser_.keep_alive();
  if (!reusable) {
    socket_->close();
    connected_ = false;
  }
  host_.on_request_end(outcome);
  if (reusable) {
    host_.on_lane_ready(this);
  } else {
    host_.on_lane_down(this);
  }
}

}  // namespace llmorch::testing
