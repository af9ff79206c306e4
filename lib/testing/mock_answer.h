// MockAnswer: what the mock upstream says to a ChatAsk, whole or as a stream of SSE frames.
//
// Nothing is canned: the text is "echo:<nonce>:<text>" and its nonce is taken from the request, so
// an answer that reached the wrong caller, or was altered, is seen to be wrong. Usage is computed
// from the bytes (four to a token). A stream is made piece by piece: its size costs no memory.
#ifndef LLMORCH_TESTING_MOCK_ANSWER_H_
#define LLMORCH_TESTING_MOCK_ANSWER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "testing/mock_request.h"
#include "testing/mock_script.h"

namespace llmorch::testing {

std::string hex16(std::uint64_t number);

class MockAnswer {
 public:
  enum class Piece { kContent, kOther, kEnd };

  MockAnswer(ChatAsk ask, const Script& script);

  std::string whole() const;
  // Appends the next frame of the stream; kEnd appends nothing.
  Piece next(std::string& out);
  std::uint64_t chunks_sent() const noexcept { return chunks_sent_; }

 private:
  enum class Stage { kRole, kContent, kFinish, kUsage, kGarbage, kDone, kEnd };

  std::string piece(std::uint64_t index) const;
  std::size_t position(std::uint64_t index) const;
  std::string text_of(int choice, std::string_view text) const;
  std::string tool_id() const;
  std::string usage() const;
  std::string finish_reason() const;
  std::string prefix(std::string_view object) const;
  void append_frame(std::string& out, int choice, std::string_view delta,
                    std::string_view finish) const;

  const ChatAsk ask_;
  const std::uint64_t error_after_;
  const std::uint64_t garbage_;
  const bool no_done_;
  const bool stamp_;
  std::string text_;         // the words, or the arguments of the tool call
  std::size_t total_ = 0;    // with the dots behind
  std::uint64_t count_ = 1;  // content chunks per choice
  std::size_t chunk_size_ = 0;
  bool cut_short_ = false;
  std::string frame_prefix_;
  Stage stage_ = Stage::kRole;
  int choice_ = 0;
  std::uint64_t index_ = 0;
  std::uint64_t chunks_sent_ = 0;
};

// Bytes that are neither JSON nor UTF-8 nor a line end.
std::string garbage_bytes(std::uint64_t count);

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_MOCK_ANSWER_H_
