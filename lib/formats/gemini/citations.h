// What an answer quotes: groundingMetadata and citationMetadata as Citations, and back.
//
// Gemini counts UTF-8 bytes inside one part, Citations count characters of the choice's text.
// Source: WIRE_FORMATS 3.4, 6.2. Belongs to one answer.
#ifndef LLMORCH_FORMATS_GEMINI_CITATIONS_H_
#define LLMORCH_FORMATS_GEMINI_CITATIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"
#include "llmorch/spi/chat.h"

namespace llmorch::gemini {

// The text of a candidate so far. Past 4 MB it is not kept, and offsets are unknown.
class CitedText {
 public:
  // A wire part of a whole answer begins; in streams parts are pieces of one.
  void begin_part();
  void add(std::string_view text);

  // The place of a segment, in characters; -1 and -1 when it is not there.
  struct Place {
    std::int64_t begin = -1;
    std::int64_t end = -1;
  };
  Place place(std::int64_t part, std::int64_t begin, std::int64_t end,
              std::string_view quoted) const;

 private:
  std::string text_;
  std::vector<std::size_t> parts_;  // where each wire part begins
  bool lost_ = false;
};

// Choice and part are left to the caller. Both texts are JSON, or "".
std::vector<event::Citation> read_citations(const std::string& grounding,
                                            const std::string& citation, const CitedText& text);
// The groundingMetadata that says the same; `text` is the choice's.
std::string grounding_json(const std::vector<event::Citation>& citations, std::string_view text);

// "2026-04-02T17:03:50.399550Z" as Unix seconds; 0 when it is no such time.
std::int64_t unix_seconds(std::string_view time);

}  // namespace llmorch::gemini

#endif  // LLMORCH_FORMATS_GEMINI_CITATIONS_H_
