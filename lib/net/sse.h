// SseFramer: cuts a byte stream into server-sent events, at whatever places the bytes arrive.
//
// Source: WHATWG HTML 9.2.6, plus what vendors really send (WIRE_FORMATS 1.5, 3.5): LF, CRLF or CR
// line ends, "data:" without a space, several data lines, comments, a BOM, a missing last blank
// line. One framer serves one stream on one thread. Memory: what one event needs, at most
// `max_frame`; a frame that lies whole in one feed() is not copied.
#ifndef LLMORCH_NET_SSE_H_
#define LLMORCH_NET_SSE_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

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
  std::size_t max_frame_;
  std::string carry_;       // an incomplete frame from earlier feeds
  std::string_view input_;  // not yet consumed bytes of the current feed
  std::string joined_;      // scratch for several data lines
  bool started_ = false;    // a BOM can only be first
};

}  // namespace llmorch

#endif  // LLMORCH_NET_SSE_H_
