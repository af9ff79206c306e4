#include "net/sse.h"

#include <algorithm>
#include <cstring>

namespace llmorch {
namespace {

constexpr std::size_t kKeptCarry = 64u << 10;  // capacity worth keeping for the next frame
constexpr std::string_view kBom = "\xEF\xBB\xBF";

// The next place of one byte, searched again only when passed: a stream with one kind of line end
// must not be searched to its end for the other kind on every line.
class NextByte {
 public:
  NextByte(std::string_view bytes, char wanted) : bytes_(bytes), wanted_(wanted) {}

  std::size_t from(std::size_t at) {
    if (!searched_ || found_ < at) {
      const void* hit = at < bytes_.size()
                            ? std::memchr(bytes_.data() + at, wanted_, bytes_.size() - at)
                            : nullptr;
      found_ = hit ? static_cast<std::size_t>(static_cast<const char*>(hit) - bytes_.data())
                   : bytes_.size();
      searched_ = true;
    }
    return found_;
  }

 private:
  std::string_view bytes_;
  char wanted_;
  bool searched_ = false;
  std::size_t found_ = 0;
};

}  // namespace

Status SseFramer::feed(std::string_view bytes) {
  drop_yielded();
  if (!spent_) {
    input_ = bytes;
    consumed_ = 0;
    ends_.clear();
    next_end_ = 0;
    scan(bytes);
    std::size_t begin = 0;
    std::size_t size = carry_.size();
    for (std::size_t end : ends_) {
      if (size + (end - begin) > max_frame_) spent_ = true;
      begin = end;
      size = 0;
    }
    if (size + (bytes.size() - begin) > max_frame_) spent_ = true;
    if (!spent_) return {};
    carry_ = std::string();
    input_ = {};
    ends_.clear();
  }
  return Status(Code::kTooLarge,
                "one server-sent event is larger than " + std::to_string(max_frame_) + " bytes");
}

void SseFramer::scan(std::string_view bytes) {
  NextByte next_cr(bytes, '\r');
  NextByte next_lf(bytes, '\n');
  std::size_t at = 0;
  while (at < bytes.size()) {
    const char byte = bytes[at];
    switch (at_) {
      case At::kInLine: {
        const std::size_t cr = next_cr.from(at);
        const std::size_t lf = next_lf.from(at);
        if (cr == bytes.size() && lf == bytes.size()) return;
        at_ = cr < lf ? At::kLineCr : At::kLineStart;
        if (lf < cr) bare_cr_ = false;
        at = std::min(cr, lf) + 1;
        break;
      }
      case At::kLineCr:
        bare_cr_ = byte != '\n';
        if (!bare_cr_) ++at;
        at_ = At::kLineStart;
        break;
      case At::kBlankCr:
        bare_cr_ = byte != '\n';
        if (!bare_cr_) ++at;
        at_ = At::kLineStart;
        ends_.push_back(at);
        break;
      case At::kLineStart:
        if (byte == '\n') {
          ++at;
          if (skip_lf_) {
            skip_lf_ = false;
          } else {
            bare_cr_ = false;
            ends_.push_back(at);
          }
          break;
        }
        skip_lf_ = false;
        if (byte != '\r') {
          at_ = At::kInLine;
          break;
        }
        ++at;
        // Where lines end with CR alone, waiting to see whether an LF follows would hold back every
        // event until the next one; an LF that does follow opens the next frame, and means nothing.
        if (bare_cr_) {
          skip_lf_ = true;
          ends_.push_back(at);
        } else {
          at_ = At::kBlankCr;
        }
        break;
    }
  }
}

void SseFramer::drop_yielded() {
  if (!carry_yielded_) return;
  carry_yielded_ = false;
  if (carry_.capacity() > kKeptCarry) {
    carry_ = std::string();
  } else {
    carry_.clear();
  }
}

bool SseFramer::take(Frame& frame) {
  drop_yielded();
  if (next_end_ == ends_.size()) {
    carry_.append(input_.substr(consumed_));
    input_ = {};
    consumed_ = 0;
    return false;
  }
  const std::size_t end = ends_[next_end_++];
  std::string_view raw = input_.substr(consumed_, end - consumed_);
  consumed_ = end;
  if (!carry_.empty()) {
    carry_.append(raw);
    carry_yielded_ = true;
    raw = carry_;
  }
  parse(raw, frame);
  return true;
}

bool SseFramer::finish(Frame& frame) {
  drop_yielded();
  if (spent_ || carry_.find_first_not_of(" \t\r\n") == std::string::npos) {
    carry_.clear();
    return false;
  }
  carry_yielded_ = true;
  parse(carry_, frame);
  return true;
}

void SseFramer::parse(std::string_view raw, Frame& frame) {
  frame = Frame();
  frame.raw = raw;
  if (!started_ && raw.substr(0, kBom.size()) == kBom) raw.remove_prefix(kBom.size());
  started_ = true;
  NextByte next_cr(raw, '\r');
  NextByte next_lf(raw, '\n');
  bool joined = false;
  // CR and LF each end a line here: the empty line that this finds inside CRLF is skipped anyway.
  for (std::size_t at = 0; at < raw.size();) {
    const std::size_t end = std::min(next_cr.from(at), next_lf.from(at));
    const std::string_view line = raw.substr(at, end - at);
    at = end + 1;
    if (line.empty() || line[0] == ':') continue;
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    std::string_view value =
        colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (!value.empty() && value[0] == ' ') value.remove_prefix(1);
    if (name == "event") {
      frame.event = value;
    } else if (name == "data") {
      if (!frame.has_data) {
        frame.data = value;
      } else {
        if (!joined) joined_.assign(frame.data);
        joined = true;
        joined_ += '\n';
        joined_.append(value);
      }
      frame.has_data = true;
    }
  }
  if (joined) frame.data = joined_;
}

}  // namespace llmorch
