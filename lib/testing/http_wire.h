// HTTP/1.1 as the testing engine needs it: an incremental parser for requests and answers, and a
// few writers. Small and strict; it is what the mock, the load generator and their tests share.
//
// Ownership: an HttpParser owns a copy of the head it parsed; views it returns live until the next
// head, pieces of bodies until the input they came from goes. Threads: none of its own, one object
// per connection. Bounds: heads of `max_head` bytes, chunk lines of 256 bytes.
#ifndef LLMORCH_TESTING_HTTP_WIRE_H_
#define LLMORCH_TESTING_HTTP_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace llmorch::testing {

struct HttpHeader {
  std::string_view name;  // as it was sent
  std::string_view value;
};

class HttpParser {
 public:
  enum class Side { kRequest, kAnswer };
  enum class Event { kNeedMore, kHead, kBody, kEnd, kBad };

  explicit HttpParser(Side side, std::size_t max_head = 64 * 1024)
      : side_(side), max_head_(max_head) {}

  // Takes the next event off the front of `input`. kNeedMore leaves what is not yet understandable
  // in `input`: the caller keeps it and comes back with more behind it. After kEnd the next
  // message begins. kBad is final.
  Event next(std::string_view& input);
  // The peer closed. True when that is how this message ends (an answer without a length).
  bool closed();
  // Nothing of a message has been seen since the last kEnd.
  bool idle() const noexcept { return state_ == State::kHead; }

  std::string_view method() const noexcept { return first_; }   // requests
  std::string_view target() const noexcept { return second_; }  // requests
  int status() const noexcept { return status_; }               // answers
  int minor() const noexcept { return minor_; }                 // HTTP/1.<minor>
  const std::vector<HttpHeader>& headers() const noexcept { return headers_; }
  std::string_view header(std::string_view name) const noexcept;  // "" when absent
  std::string_view head() const noexcept { return head_; }        // its lines as they came
  bool keep_alive() const noexcept { return keep_alive_; }
  std::string_view body() const noexcept { return body_; }        // after kBody
  std::string_view problem() const noexcept { return problem_; }  // after kBad

 private:
  enum class State { kHead, kLength, kChunkSize, kChunkData, kChunkEnd, kTrailers, kUntilClose };

  Event bad(const char* problem);
  Event parse_head(std::string_view& input);
  bool parse_first_line(std::string_view line);
  const char* choose_framing();
  Event take(std::string_view& input, State after);
  Event finish();

  Side side_;
  std::size_t max_head_;
  State state_ = State::kHead;
  std::string head_;
  std::string_view first_, second_, body_;
  const char* problem_ = "";
  std::vector<HttpHeader> headers_;
  int status_ = 0;
  int minor_ = 1;
  bool keep_alive_ = true;
  std::uint64_t left_ = 0;  // of a body with a length, or of a chunk
};

// The usual phrase of a status ("OK"), or "Status".
std::string_view http_phrase(int status) noexcept;
// Appends `bytes` as one chunk of a chunked body; nothing for no bytes, since that would end it.
void append_chunk(std::string& out, std::string_view bytes);

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_HTTP_WIRE_H_
