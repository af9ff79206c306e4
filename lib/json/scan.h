// One pass over a JSON text without building a tree: full validation, and each token with the place
// where it stands. Documents are built from it, and requests and stream chunks are read with it.
//
// Threads: no shared state; a scratch string belongs to one caller at a time. Offsets are bytes.
// Errors: as Document::parse(). Cost: one copy of the text and one pass, about 0.4 ns per byte.
#ifndef LLMORCH_JSON_SCAN_H_
#define LLMORCH_JSON_SCAN_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "json/json.h"
#include "llmorch/spi/format.h"

namespace llmorch::json {

// Told of every token in order. `depth` is the number of containers around it: 0 for the root
// value, 1 for the members of the root object and their keys. Views are valid during the call.
// Returning false stops the scan.
class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual bool key(unsigned depth, std::string_view name, std::size_t begin) = 0;  // decoded
  // `text`: a string decoded; a number, true, false and null as they stand.
  virtual bool scalar(unsigned depth, Type type, std::string_view text, std::size_t begin) = 0;
  virtual bool open(unsigned depth, Type type, std::size_t begin) = 0;
  virtual bool close(unsigned depth, Type type, std::size_t end) = 0;  // one past the bracket
};

// `scratch` is overwritten; keep it for the next scan to save the allocation. Fails with kCancelled
// when the visitor stopped it.
Status scan(std::string_view text, const Limits& limits, Visitor& visitor, std::string& scratch);

// The end of the string that opens at `begin`, one past its closing quote. The text was scanned.
std::size_t string_end(std::string_view text, std::size_t begin);

// Scans a text whose root must be an object, notes where its keys and values stand in `out`, and
// passes every token on to `visitor`.
Status scan_object(std::string_view text, const Limits& limits, RequestScan& out, Visitor& visitor);

}  // namespace llmorch::json

#endif  // LLMORCH_JSON_SCAN_H_
