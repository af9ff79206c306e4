// Script: how the mock upstream misbehaves, and ScriptQueue: for which requests it does.
//
// A script is a JSON object; unknown keys are refused, so that a typing error fails a test instead
// of passing it. A queue is one object or an array of them: each request is offered to the scripts
// in order, the first that wants it decides, and a script whose `times` are used up is gone.
// Values; one thread.
#ifndef LLMORCH_TESTING_MOCK_SCRIPT_H_
#define LLMORCH_TESTING_MOCK_SCRIPT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmorch/status.h"

namespace llmorch::testing {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

struct ScriptedCall {
  std::string name;
  std::string arguments = "{}";  // an object, or a string with what is to be sent for one
  std::string id;                // "" for one of the mock's
};

// Neutral counts: `input` is the whole prompt, what was cached included; `output` is all that was
// made, reasoning included.
struct ScriptedUsage {
  std::uint64_t input = kNever;
  std::uint64_t cached = kNever;
  std::uint64_t cache_write = kNever;
  std::uint64_t output = kNever;
  std::uint64_t reasoning = kNever;
};

struct Script {
  // Which requests.
  std::uint64_t times = kNever;
  std::uint64_t every_nth = 1;  // of those offered to this script
  std::string dialect;          // "openai", "anthropic" or "gemini": only that vendor's requests

  // What is answered. Without any of these the mock answers in earnest.
  int status = 0;  // an error body of the vendor's shape, unless `body` is given
  std::vector<std::pair<std::string, std::string>> headers;
  std::string retry_after;          // "retry-after": seconds or a date
  std::optional<std::string> body;  // any JSON value (sent as it stands) or a string (sent decoded)
  std::optional<std::string> raw;   // all the bytes of the answer, head included; then FIN
  std::uint64_t garbage = 0;  // so many bytes that are neither JSON nor UTF-8: the whole body,
                              // or in a stream one frame before its end
  std::uint64_t error_in_band = kNever;  // after so many content chunks: an error frame, then end
  bool no_done = false;  // a stream ends without "data: [DONE]", message_stop or a finishReason

  // How an answer in earnest is filled, in every dialect's own way.
  std::optional<std::string> text;        // instead of the echo; "" for none
  std::optional<std::string> thinking;    // before it, with a signature where the vendor has one
  bool redacted = false;                  // Anthropic: the thinking is a redacted block
  std::optional<std::string> refusal;     // the model declines, and says so
  std::string finish;                     // the vendor's word for why it ended, as it stands
  std::optional<std::string> stopped_by;  // the stop sequence that ended it
  std::vector<ScriptedCall> tool_calls;   // behind the text, all at once
  ScriptedUsage usage;                    // counts that are set replace those of the bytes
  std::uint64_t chunks = 0;               // content chunks; short texts are padded with dots
  std::uint64_t chunk_size = 0;           // text bytes per content chunk
  bool stamp = false;  // frames of a stream say when they were made, "mock_ns": steady clock

  // When.
  std::chrono::milliseconds delay{0};       // before the head
  std::chrono::milliseconds first_byte{0};  // between the head and the body
  std::chrono::milliseconds chunk_delay{0};

  // How the bytes travel. Counts are of bytes of the whole answer, head included.
  std::uint64_t chunk_bytes = 0;  // TCP writes of so many bytes
  std::uint64_t cut_after_bytes = kNever;
  std::uint64_t reset_after_bytes = kNever;
  std::uint64_t stall_after_bytes = kNever;
  std::uint64_t cut_after_chunks = kNever;  // FIN after so many content chunks
  bool close_after = false;                 // "connection: close", and then it is
  bool accept_then_close = false;           // before the request was read
  bool drop_request = false;                // after it was read
  bool http10 = false;                      // HTTP/1.0, no length: its end is the close
};

// One object.
Result<Script> parse_script(std::string_view json);

class ScriptQueue {
 public:
  // Replaces the queue by one object or an array; "" and "[]" empty it.
  Status set(std::string_view json);
  // The script for the next request, if one wants it. `dialect`: whose request it is.
  std::optional<Script> next(std::string_view dialect = {});
  // The same question asked when a connection is accepted: answered only by a first script that
  // closes it then.
  bool close_on_accept();
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    Script script;
    std::uint64_t offered = 0;
  };
  std::optional<Script> offer(std::size_t index, std::string_view dialect);

  std::vector<Entry> entries_;
};

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_MOCK_SCRIPT_H_
