// SseFramer: cuts a byte stream into server-sent events, at whatever places the bytes arrive.
//
// Source: WHATWG HTML 9.2.6, plus what vendors really send (WIRE_FORMATS 1.5, 3.5): LF, CRLF or CR
// line ends, "data:" without a space, several data lines, comments, a BOM, a missing last blank
// line. One framer serves one stream on one thread. Memory: what one event needs, at most
// `max_frame`; a frame that lies whole in one feed() is not copied.
#ifndef LLMORCH_NET_SSE_H_
#define LLMORCH_NET_SSE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "llmorch/spi/format.h"
#include "llmorch/status.h"

namespace llmorch {

class SseFramer {
 public:
  explicit SseFramer(std::size_t max_frame = 16u << 20) : max_frame_(max_frame) {}

  // Takes the next bytes. take() then yields the frames they completed, one by one.
  // Fails with kTooLarge when one frame passes the bound; the framer is then spent.
  Status feed(std::string_view bytes);
  // The next complete frame; false when more bytes are needed. The frame's views are valid until
  // the next call of any member, and `bytes` of feed() must stay valid until take() says false.
  bool take(Frame& frame);
  // The stream ended: what is left is a last frame (true) if it holds anything but white space.
  bool finish(Frame& frame);

 private:
  // Where the scan stands, so that no byte is looked at twice however the stream is cut.
  enum class At {
    kLineStart,  // nothing on this line yet
    kInLine,
    kLineCr,   // CR after a line: an LF may still belong to it
    kBlankCr,  // the same after an empty line: the frame is over, but where exactly?
  };

  void scan(std::string_view bytes);
  void drop_yielded();
  void parse(std::string_view raw, Frame& frame);

  std::size_t max_frame_;
  std::string carry_;              // an incomplete frame from earlier feeds
  std::string_view input_;         // not yet consumed bytes of the current feed
  std::vector<std::size_t> ends_;  // one past each frame that ends in the current feed
  std::size_t next_end_ = 0;       // index into ends_
  std::size_t consumed_ = 0;       // of the current feed
  std::string joined_;             // scratch for several data lines
  At at_ = At::kLineStart;
  bool bare_cr_ = false;        // the last line ended with CR alone
  bool skip_lf_ = false;        // an LF right here belongs to the CR that ended a frame
  bool carry_yielded_ = false;  // a frame that lives in carry_ was handed out
  bool started_ = false;        // a BOM can only be first
  bool spent_ = false;          // over the bound
};

}  // namespace llmorch

#endif  // LLMORCH_NET_SSE_H_
