// MockAnswer: what the mock upstream says to a MockAsk, whole or as a stream of frames.
//
// Nothing is canned: the text is "echo:<nonce>:<text>" and its nonce is taken from the request, so
// an answer that reached the wrong caller, or was altered, is seen to be wrong. Usage is computed
// from the bytes (four to a token). A stream is made piece by piece: its size costs no memory.
// What is said and in which order is decided here; how it is written is the dialect's.
#ifndef LLMORCH_TESTING_MOCK_ANSWER_H_
#define LLMORCH_TESTING_MOCK_ANSWER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "testing/mock_ask.h"
#include "testing/mock_script.h"

namespace llmorch::testing {

class MockAnswer {
 public:
  enum class Piece { kContent, kOther, kEnd };

  virtual ~MockAnswer() = default;
  virtual std::string whole() const = 0;
  // Appends the next frame of the stream; kEnd appends nothing.
  Piece next(std::string& out);
  std::uint64_t chunks_sent() const noexcept { return chunks_sent_; }

 protected:
  enum class Finish { kStop, kLength, kToolCalls, kStopSequence, kRefusal };

  // A run of the answer that is cut into pieces: thinking, text, or the arguments of one call.
  struct Segment {
    enum class Kind { kThinking, kText, kCall };
    Kind kind = Kind::kText;
    std::string text;
    std::size_t total = 0;     // with dots behind the text
    std::uint64_t pieces = 1;  // per choice
    std::size_t piece_size = 0;
    std::string name;       // of the tool
    std::string id;         // of the call
    std::size_t index = 0;  // among segments of its kind
    std::string full() const;
    std::string piece(std::uint64_t index) const;

   private:
    std::size_t position(std::uint64_t index) const;
  };

  struct Usage {
    std::uint64_t input = 0;
    std::uint64_t cached = 0;
    std::uint64_t cache_write = 0;
    std::uint64_t output = 0;
    std::uint64_t reasoning = 0;
  };

  struct Style {
    std::string_view call_prefix = "call_";
    bool cut_calls = true;  // arguments come in pieces
  };
  MockAnswer(MockAsk ask, const Script& script, const Style& style);

  // Each appends frames, or nothing. `choice` counts from 0 to n-1.
  virtual void write_start(std::string& out, int choice) = 0;
  virtual void write_begin(std::string& out, int choice, const Segment& segment) = 0;
  virtual void write_piece(std::string& out, int choice, const Segment& segment,
                           std::string_view piece) = 0;
  virtual void write_close(std::string& out, int choice, const Segment& segment) = 0;
  virtual void write_finish(std::string& out, int choice) = 0;
  virtual void write_usage(std::string& out) = 0;
  virtual void write_garbage(std::string& out, std::string_view garbage) = 0;
  virtual void write_done(std::string& out) = 0;
  virtual void write_error(std::string& out) = 0;

  Finish finish() const noexcept { return finish_; }
  // The script's word if it has one, else the row of `words` for finish(), in its order.
  std::string finish_word(const std::string_view (&words)[5]) const;
  // Choices after the first say so: "echo1:...".
  static std::string for_choice(int choice, std::string_view text);
  // ,"mock_ns":123 when the script wants frames stamped.
  void put_stamp(std::string& out) const;

  const MockAsk ask_;
  const Script script_;
  std::vector<Segment> segments_;
  Usage usage_;
  std::string stopped_by_;  // of kStopSequence

 private:
  enum class Stage { kStart, kBegin, kPieces, kClose, kFinish, kUsage, kGarbage, kDone, kEnd };

  void add_text();
  void add(Segment::Kind kind, std::string text, std::size_t total);
  void add_calls(const Style& style);
  void count_usage();
  Piece step(std::string& out);
  // The next choice's turn; true when all had theirs.
  bool next_choice();

  Finish finish_ = Finish::kStop;
  Stage stage_ = Stage::kStart;
  std::size_t segment_ = 0;
  std::uint64_t index_ = 0;
  int choice_ = 0;
  std::uint64_t chunks_sent_ = 0;
};

// Four bytes to a token.
std::uint64_t mock_tokens(std::uint64_t bytes);
// Bytes that are neither JSON nor UTF-8 nor a line end.
std::string garbage_bytes(std::uint64_t count);

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_MOCK_ANSWER_H_
