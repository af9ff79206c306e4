// A chunked request body, decoded strictly.
//
// Sizes are 1 to 8 hex digits and nothing else; extensions and trailers are dropped, within bounds;
// every line ends with CR LF. One object per body; any cut of the input gives the same result.
// Errors: the HTTP status to answer with, after which the decoder is of no further use.
#ifndef LLMORCH_SERVER_HTTP_FRONT_CHUNKED_H_
#define LLMORCH_SERVER_HTTP_FRONT_CHUNKED_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/http_front/head.h"

namespace llmorch::server {

class ChunkDecoder {
 public:
  static constexpr std::size_t kMaxExtension = 256;    // of one chunk
  static constexpr std::size_t kMaxExtensions = 8192;  // of a body: or one byte could cost 256
  static constexpr std::size_t kMaxTrailers = 8192;

  // The decoded body, `out` as it stands included, may hold at most `budget` bytes.
  explicit ChunkDecoder(std::size_t budget) : budget_(budget) {}

  // Decodes from the front of `in`, appends to `out`, and returns how many bytes it used: all of
  // them unless the body ended or an error was found.
  std::size_t feed(std::string_view in, std::string& out);

  bool done() const noexcept { return state_ == State::kDone; }
  const FramingError& error() const noexcept { return error_; }

 private:
  enum class State {
    kSize,
    kExtension,
    kSizeEnd,
    kData,
    kDataReturn,
    kDataEnd,
    kTrailerStart,
    kTrailerName,
    kTrailerValue,
    kTrailerEnd,
    kLastEnd,
    kDone
  };

  bool step(char c);
  bool fail(int status, const char* message);
  void end_of_size_line();

  const std::size_t budget_;
  State state_ = State::kSize;
  std::uint64_t size_ = 0;  // of the chunk, or what is left of it
  std::size_t digits_ = 0;
  std::size_t extension_ = 0;
  std::size_t extensions_ = 0;
  std::size_t trailers_ = 0;
  FramingError error_{};
};

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_HTTP_FRONT_CHUNKED_H_
