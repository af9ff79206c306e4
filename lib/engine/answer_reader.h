// AnswerReader: turns one upstream's 2xx answer into bytes for the caller.
//
// Same format: whole frames pass unchanged while a watcher looks on. Formats differ, or the
// upstream answered a whole body to a stream request: decoder, Events, encoder. A whole answer is a
// stream that arrived at once: it is one Frame, held to its end. Pure: bytes in, bytes out, no
// clock. Belongs to one attempt, on its loop. Bounds: 64 MB for a whole body, 16 MB for one frame.
#ifndef LLMORCH_ENGINE_ANSWER_READER_H_
#define LLMORCH_ENGINE_ANSWER_READER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "llmorch/spi/format.h"
#include "net/sse.h"

namespace llmorch {

class AnswerReader {
 public:
  // `caller` and `target` are the two sides' formats; `options.stream` is what the caller asked.
  AnswerReader(const FormatCodec& caller, const FormatCodec& target, const AnswerOptions& options);

  // What a step brought.
  struct Step {
    bool content = false;            // something the caller waited for is among the bytes
    bool done = false;               // the terminal marker came: nothing of worth follows
    Verdict verdict = Verdict::kOk;  // not kOk: the answer failed; `error` says how
    Status error;
    bool ok() const { return verdict == Verdict::kOk; }
  };

  // The head of a 2xx answer.
  void head(const Headers& headers);
  // More bytes; what may be sent on is appended to `out`.
  Step body(std::string_view bytes, std::string& out);
  // The upstream closed properly. ok(): the answer is complete, and all of it is in `out`.
  Step close(std::string& out);

  // What was noticed so far, for the Record.
  struct Facts {
    Usage usage;
    bool usage_known = false;
    std::string raw_usage;
    FinishReason finish = FinishReason::kNone;
    std::string model;
  };
  const Facts& facts() const { return facts_; }

 private:
  enum class Mode { kUndecided, kWatch, kConvert };
  void decide(std::string_view first_bytes);
  void frame(const Frame& given, Step& step, std::string& out);
  void watch(const Frame& frame, Step& step, std::string& out);
  void take_events(Step& step, std::string& out);
  Step fail(Verdict verdict, Status error) const;

  const FormatCodec& caller_;
  const FormatCodec& target_;
  const AnswerOptions options_;
  Mode mode_ = Mode::kUndecided;
  bool framed_ = false;        // an event stream, cut into frames as it comes
  bool json_ = false;          // the head says application/json
  bool event_stream_ = false;  // the head says text/event-stream
  bool done_ = false;
  std::unique_ptr<SseFramer> framer_;
  std::unique_ptr<AnswerWatcher> watcher_;
  std::unique_ptr<AnswerDecoder> decoder_;
  std::unique_ptr<AnswerEncoder> encoder_;
  std::vector<Event> events_;
  std::string whole_;
  Facts facts_;
};

}  // namespace llmorch

#endif  // LLMORCH_ENGINE_ANSWER_READER_H_
