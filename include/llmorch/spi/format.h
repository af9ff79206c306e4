// FormatCodec: one wire dialect, both ways. A format is one implementation of this and one line in
// lib/formats/registry.cc.
//
// Codecs are stateless and may be used from any thread; decoders, watchers and encoders belong to
// one attempt or call and to its loop. Nothing here does I/O, reads a clock or throws.
#ifndef LLMORCH_SPI_FORMAT_H_
#define LLMORCH_SPI_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmorch/body.h"
#include "llmorch/spi/chat.h"
#include "llmorch/status.h"
#include "llmorch/types.h"

namespace llmorch {

// One wire unit of an answer: an SSE event, or a whole body. Views are valid during the call.
struct Frame {
  std::string_view raw;    // every byte of it, separators included
  std::string_view event;  // SSE event name, or ""
  std::string_view data;   // SSE data lines joined by '\n'; of a whole body: the body
  bool has_data = false;   // false: comments only, which is a sign of life and nothing else
};

// What a request asks for, found without building a tree, and where its top-level keys stand, so
// that single values can be replaced and every other byte kept. Views point into the body.
struct RequestScan {
  std::string model;
  bool stream = false;
  bool include_usage = false;
  bool tools = false;              // at least one tool is declared
  bool structured_output = false;  // a JSON schema is asked for
  bool images = false;             // an image part occurs
  bool json_array = false;         // Gemini without alt=sse: the stream is one JSON array
  struct Key {
    std::string name;           // decoded
    std::size_t key_begin = 0;  // offset of the key's opening quote
    std::size_t value_begin = 0;
    std::size_t value_end = 0;  // one past the value
  };
  std::vector<Key> keys;         // in order; duplicates included
  std::size_t object_open = 0;   // offset just after the top-level '{'
  std::size_t object_close = 0;  // offset of the matching '}'
};

// What a target's model can do, where the configuration says so. Unset: the format's own table of
// models decides, and what that does not know either is allowed.
struct Capabilities {
  std::optional<bool> tools;
  std::optional<bool> vision;             // reads images
  std::optional<bool> structured_output;  // answers by a JSON schema
  std::optional<bool> reasoning;          // takes an effort or a budget
  std::optional<bool> sampling;           // takes temperature, top_p, top_k
  std::optional<std::int64_t> max_output_tokens;
  bool operator==(const Capabilities&) const = default;
};

// What a target changes of a request, in either way to it: spliced into a body of the same format,
// or applied while encoding one of another.
struct RequestEdits {
  std::string model;  // the target's own model name
  // Top-level keys to set: (name, JSON text). Every occurrence is replaced; appended when absent.
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::string> remove;  // top-level keys to take out
  bool ask_usage = false;           // OpenAI style: ask for the usage frame of a stream
  std::string system_prompt;        // said before everything else; "" none
  Capabilities capabilities;
};

// What the reader of the answer must know of how the request was written.
struct AnswerHints {
  std::vector<std::string> custom_tools;  // sent as functions of one string, "input"
  std::string json_tool;                  // the tool that stands for a structured answer
  std::vector<std::pair<std::string, std::string>> tool_names;  // (as sent, as asked)
};

struct EncodedRequest {
  Body body;
  std::string path;                  // only where a format says something in it
  Headers headers;                   // what this body needs beside the usual ones
  std::vector<std::string> dropped;  // fields that could not be expressed, harmlessly
  AnswerHints hints;
};

// Reads an upstream's answer into Events. What cannot be read becomes an event::Error; after an
// Error or an End it yields nothing more.
class AnswerDecoder {
 public:
  virtual ~AnswerDecoder() = default;
  virtual void on_frame(const Frame& frame, std::vector<Event>& out) = 0;
  // The upstream closed its body properly: what is still due (End, or an Error for a truncated
  // answer).
  virtual void on_close(std::vector<Event>& out) = 0;
};

// Writes Events in the caller's format: a stream piece by piece, a whole answer at its End.
class AnswerEncoder {
 public:
  virtual ~AnswerEncoder() = default;
  // Appends to `out` what this event makes sendable; often nothing.
  virtual void on_event(const Event& event, std::string& out) = 0;
};

// What a watcher noticed in one frame of a same-format answer.
struct FrameNote {
  bool content = false;  // carries something the caller waited for: commit
  bool hide = false;     // take this frame out (a usage frame the caller did not ask for)
  bool done = false;     // the format's terminal marker
  FinishReason finish = FinishReason::kNone;
  bool has_usage = false;
  Usage usage;
  std::string_view raw_usage;      // valid during the call
  std::string_view model;          // as the upstream names it; valid during the call; may be ""
  Verdict verdict = Verdict::kOk;  // not kOk: the frame is, or hides, an error
  Status error;
};

// Looks at the frames of a same-format answer that are passed on unchanged.
class AnswerWatcher {
 public:
  virtual ~AnswerWatcher() = default;
  virtual FrameNote on_frame(const Frame& frame) = 0;
  // The upstream closed its body properly. ok(): the answer was complete.
  virtual Status on_close() = 0;
};

struct AnswerOptions {
  bool stream = false;
  bool hide_usage = false;  // the caller did not ask for the usage frame (OpenAI style)
  std::string request_id;
  std::string model;  // the target's, for answers that do not name theirs
  AnswerHints hints;
  // For encoders. The dialect the answer came in: whose words its extra fields and whose proofs its
  // signatures are. Unset: not known, and both are passed on.
  std::optional<Format> upstream;
  std::int64_t created = 0;  // Unix seconds, for answers that do not say when they were made
  bool json_array = false;   // Gemini: write the stream as one JSON array (RequestScan says so)
};

class FormatCodec {
 public:
  virtual ~FormatCodec() = default;
  virtual Format id() const = 0;

  // ---- requests ----
  // Checks the JSON fully (syntax, depth <= 64, UTF-8) and the types of what it reads.
  virtual Result<RequestScan> scan(const CallSpec& spec) const = 0;
  virtual Result<Body> splice(const Body& body, const RequestScan& scan,
                              const RequestEdits& edits) const = 0;
  virtual Result<ChatRequest> decode(const CallSpec& spec) const = 0;
  // Fails with kUnsupported, naming the field in param(), when the request cannot be expressed.
  virtual Result<EncodedRequest> encode(const ChatRequest& request,
                                        const RequestEdits& edits) const = 0;

  // ---- answers ----
  virtual std::unique_ptr<AnswerDecoder> new_decoder(const AnswerOptions& options) const = 0;
  virtual std::unique_ptr<AnswerEncoder> new_encoder(const AnswerOptions& options) const = 0;
  virtual std::unique_ptr<AnswerWatcher> new_watcher(const AnswerOptions& options) const = 0;
  virtual std::string_view content_type(bool stream) const = 0;

  // ---- errors and signs of life ----
  // A complete error body. The status to send with it is status.http_status().
  virtual std::string error_body(const Status& status, std::string_view request_id) const = 0;
  // The error as an event inside a stream whose head has been sent.
  virtual std::string error_frame(const Status& status, std::string_view request_id) const = 0;
  // Keeps an idle stream alive without meaning anything; "" when the format has no such thing.
  virtual std::string_view heartbeat() const = 0;
  // The configured models in this format's shape.
  virtual std::string model_list(const std::vector<std::string>& models) const = 0;
};

// The codec of a format; null when this build has none for it.
const FormatCodec* find_format(Format format);

}  // namespace llmorch

#endif  // LLMORCH_SPI_FORMAT_H_
