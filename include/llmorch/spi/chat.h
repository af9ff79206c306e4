// The neutral meaning of a request and of an answer: what every format decodes to and encodes from.
//
// N formats need 4N parts this way, not N². It is nobody's wire shape: fields exist because some
// vendor can say them, and what only one can say travels as Extra{path, json}, so that it survives
// where formats are equal and is reported where they are not.
// Source: WIRE_FORMATS sections 1 to 5. Plain data; no thread rules.
#ifndef LLMORCH_SPI_CHAT_H_
#define LLMORCH_SPI_CHAT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "llmorch/status.h"
#include "llmorch/types.h"

namespace llmorch {

// A field that has no neutral meaning: where it stood (RFC 6901 pointer, relative to the object
// that holds the Extra) and its JSON text, byte for byte.
struct Extra {
  std::string path;
  std::string json;
  // A neutral field says the same: it goes back as it stood in its own dialect, and an encoder of
  // another one has nothing to report.
  bool restated = false;
  bool operator==(const Extra&) const = default;
};
using Extras = std::vector<Extra>;

// ---- Requests ----------------------------------------------------------------------------------

// Bytes of an image, a document or a sound: inline, or by reference.
struct Media {
  enum class Kind { kImage, kDocument, kAudio } kind = Kind::kImage;
  std::string mime_type;  // "image/png"; "" unknown
  std::string base64;     // inline bytes
  std::string url;        // or where they are
  std::string file_id;    // or a vendor's id for them (bound to that vendor)
  std::string name;       // file name
  std::string detail;     // OpenAI's image detail
  bool operator==(const Media&) const = default;
};

struct Part {
  enum class Kind { kText, kRefusal, kReasoning, kMedia, kToolCall, kToolResult, kOpaque };
  Kind kind = Kind::kText;
  std::string text;       // kText, kRefusal, kReasoning
  std::string signature;  // the vendor's proof, opaque: of kReasoning; Gemini signs others too
  std::string redacted;   // kReasoning: the vendor's sealed data in place of text
  // Whose `signature`, `redacted` and `json` these are: no other vendor is ever sent them.
  std::optional<Format> origin;
  std::string cache_control;  // the mark to cache up to here, as Anthropic writes it; "" none
  Media media;                // kMedia
  // kToolCall: a call the model made. kToolResult: its answer.
  std::string tool_call_id;
  std::string tool_name;
  std::string tool_type = "function";  // or "custom": arguments is then free text
  std::string arguments;               // kToolCall: JSON text, exactly as it stood
  std::vector<Part> content;           // kToolResult
  bool is_error = false;               // kToolResult
  std::string json;                    // kOpaque: the part itself, in format `Extra` rules
  Extras extras;
  bool operator==(const Part&) const = default;
};

struct Message {
  enum class Role { kSystem, kDeveloper, kUser, kAssistant, kTool };
  Role role = Role::kUser;
  std::string name;
  std::vector<Part> parts;
  bool plain_text = false;  // content was a bare string, not a list of parts
  Extras extras;
  bool operator==(const Message&) const = default;
};

struct Tool {
  std::string type = "function";  // "custom", or a vendor's server tool (then only `json`)
  std::string name;
  std::string description;
  std::string parameters;  // JSON Schema text; "" when absent
  std::optional<bool> strict;
  std::string cache_control;  // as Part's
  std::string json;           // the tool as it stood, for types without a neutral meaning
  Extras extras;
  bool operator==(const Tool&) const = default;
};

struct ToolChoice {
  enum class Kind { kUnset, kAuto, kNone, kRequired, kNamed, kAllowed } kind = Kind::kUnset;
  std::string name;               // kNamed
  std::string type = "function";  // kNamed: "function" or "custom"
  bool allowed_required = false;  // kAllowed: mode "required"
  std::string allowed_json;       // kAllowed: the list of tools, as it stood
  bool operator==(const ToolChoice&) const = default;
};

struct ResponseFormat {
  enum class Kind { kUnset, kText, kJsonObject, kJsonSchema } kind = Kind::kUnset;
  std::string name;
  std::string description;
  std::string schema;  // JSON text
  std::optional<bool> strict;
  bool operator==(const ResponseFormat&) const = default;
};

struct ChatRequest {
  // The dialect it was decoded from: whose words `extras`, here and below, are. An encoder of
  // another dialect does not write them; it reports them as dropped.
  Format format = Format::kOpenAiChat;
  std::string model;
  std::vector<Message> messages;
  std::vector<Tool> tools;
  ToolChoice tool_choice;
  std::optional<bool> parallel_tool_calls;
  ResponseFormat response_format;
  bool stream = false;
  bool include_usage = false;
  std::optional<std::int64_t> max_tokens;
  bool max_completion_tokens = false;  // OpenAI: max_tokens was given under that newer name
  std::vector<std::string> stop;
  std::optional<std::int64_t> n;
  std::optional<std::int64_t> seed;
  // Numbers as they were written ("0.70" stays "0.70"); "" when absent.
  std::string temperature;
  std::string top_p;
  std::string top_k;
  std::string presence_penalty;
  std::string frequency_penalty;
  // "none", "minimal", "low", "medium", "high", "xhigh", "max"; "" not said.
  std::string reasoning_effort;
  std::optional<std::int64_t> reasoning_budget;  // tokens, where the caller counts in them
  std::optional<bool> include_reasoning;         // whether the caller wants to read it
  std::string service_tier;
  std::string user;
  Extras extras;
  bool operator==(const ChatRequest&) const = default;
};

// ---- Answers -----------------------------------------------------------------------------------

// What a stretch of an answer is.
enum class PartKind : std::uint8_t {
  kText,
  kReasoning,
  kRefusal,
  kToolCall,
  kAudio,
  kImage,
  kOpaque,  // only its own format knows it: PartStart::json, then deltas of JSON text
};

namespace event {

// The answer begins. Exactly one, before everything else but Extra and Error.
struct Start {
  std::string id;
  std::string model;
  std::int64_t created = 0;  // Unix seconds; 0 unknown
  bool operator==(const Start&) const = default;
};
// A part of a choice opens. Parts of one choice are numbered from 0 in the order of opening.
struct PartStart {
  int choice = 0;
  int part = 0;
  PartKind kind = PartKind::kText;
  std::string id;                      // kToolCall: the call's id
  std::string name;                    // kToolCall: the tool
  std::string tool_type = "function";  // kToolCall
  std::string mime_type;               // kImage, kAudio
  std::string redacted;                // kReasoning: sealed data in place of text
  std::string json;                    // kOpaque: the part as it stood when it opened
  bool operator==(const PartStart&) const = default;
};
// More of an open part: text, a fragment of tool arguments, base64 …
struct PartDelta {
  int choice = 0;
  int part = 0;
  std::string text;
  std::string signature;  // replaces an earlier one
  bool operator==(const PartDelta&) const = default;
};
// Something a text part quotes. Offsets are characters of the choice's joined text; -1 unknown.
struct Citation {
  int choice = 0;
  int part = 0;
  std::string url;
  std::string title;
  std::string quoted;
  std::int64_t begin = -1;
  std::int64_t end = -1;
  std::string json;  // as it stood
  bool operator==(const Citation&) const = default;
};
struct PartEnd {
  int choice = 0;
  int part = 0;
  bool operator==(const PartEnd&) const = default;
};
// Log probabilities of the choice's latest delta: `field` is "content" or "refusal", `json` the
// array as it stood.
struct Logprobs {
  int choice = 0;
  std::string field;
  std::string json;
  bool operator==(const Logprobs&) const = default;
};
struct Finish {
  int choice = 0;
  FinishReason reason = FinishReason::kNone;
  std::string raw;            // the vendor's own word
  std::string stop_sequence;  // the one that matched, where the vendor says so
  std::string explanation;    // of a refusal, in words
  bool operator==(const Finish&) const = default;
};
// Cumulative; the last one counts.
struct UsageUpdate {
  Usage usage;
  std::string raw;  // the vendor's own JSON
  bool operator==(const UsageUpdate&) const = default;
};
// The upstream failed. Nothing follows.
struct Error {
  Verdict verdict = Verdict::kServerError;
  Status status;
};
// A field without a neutral meaning, and the choice it belonged to (-1: to the whole answer).
struct ExtraField {
  int choice = -1;
  Extra extra;
  bool operator==(const ExtraField&) const = default;
};
// The answer is complete. Nothing follows.
struct End {
  bool operator==(const End&) const = default;
};

}  // namespace event

using Event =
    std::variant<event::Start, event::PartStart, event::PartDelta, event::PartEnd, event::Citation,
                 event::Logprobs, event::Finish, event::UsageUpdate, event::Error,
                 event::ExtraField, event::End>;

}  // namespace llmorch

#endif  // LLMORCH_SPI_CHAT_H_
