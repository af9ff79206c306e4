#include "formats/gemini/citations.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "formats/gemini/gemini.h"
#include "formats/object_writer.h"

namespace llmorch::gemini {
namespace {

using json::Value;

constexpr std::size_t kMostText = std::size_t{4} << 20;
constexpr std::size_t kMostCitations = 1000;

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

std::int64_t characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), begins_character);
}

// The byte where the n-th character begins.
std::size_t byte_of(std::string_view text, std::int64_t character) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (begins_character(text[at]) && character-- == 0) return at;
  }
  return text.size();
}

std::int64_t number(const Value& object, std::string_view camel, std::int64_t otherwise) {
  return field(object, camel).integer().value_or(otherwise);
}

void read_grounding(const Value& grounding, const CitedText& text,
                    std::vector<event::Citation>& out) {
  const Value chunks = field(grounding, "groundingChunks");
  for (const Value& support : field(grounding, "groundingSupports").items()) {
    const Value segment = support["segment"];
    const std::string quoted = segment["text"].string().value_or("");
    const CitedText::Place place =
        text.place(number(segment, "partIndex", 0), number(segment, "startIndex", 0),
                   number(segment, "endIndex", -1), quoted);
    for (const Value& index : field(support, "groundingChunkIndices").items()) {
      const std::int64_t at = index.integer().value_or(-1);
      if (at < 0 || out.size() >= kMostCitations) continue;
      const Value chunk = chunks.at(static_cast<std::size_t>(at));
      event::Citation citation;
      for (const std::string_view kind : {"web", "retrievedContext", "maps"}) {
        const Value source = field(chunk, kind);
        if (!source.is_object()) continue;
        citation.url = source["uri"].string().value_or("");
        citation.title = source["title"].string().value_or("");
      }
      citation.quoted = quoted;
      citation.begin = place.begin;
      citation.end = place.end;
      citation.json = compact_json(chunk.raw());
      if (chunk.exists()) out.push_back(std::move(citation));
    }
  }
}

void read_sources(const Value& metadata, const CitedText& text, std::vector<event::Citation>& out) {
  Value list = field(metadata, "citationSources");
  if (!list.is_array()) list = metadata["citations"];
  for (const Value& source : list.items()) {
    if (out.size() >= kMostCitations) return;
    const CitedText::Place place =
        text.place(0, number(source, "startIndex", 0), number(source, "endIndex", -1), "");
    event::Citation citation;
    citation.url = source["uri"].string().value_or("");
    citation.title = source["title"].string().value_or("");
    citation.begin = place.begin;
    citation.end = place.end;
    citation.json = compact_json(source.raw());
    out.push_back(std::move(citation));
  }
}

}  // namespace

void CitedText::begin_part() { parts_.push_back(text_.size()); }

void CitedText::add(std::string_view text) {
  lost_ = lost_ || text_.size() + text.size() > kMostText;
  if (!lost_) text_.append(text);
}

CitedText::Place CitedText::place(std::int64_t part, std::int64_t begin, std::int64_t end,
                                  std::string_view quoted) const {
  if (lost_ || begin < 0) return {};
  const bool known = part > 0 && static_cast<std::size_t>(part) < parts_.size();
  const std::size_t base = known ? parts_[static_cast<std::size_t>(part)] : 0;
  std::size_t from = base + std::min(static_cast<std::size_t>(begin), text_.size());
  std::size_t to = end < begin ? from + quoted.size()
                               : base + std::min(static_cast<std::size_t>(end), text_.size());
  const bool fits = from <= to && to <= text_.size();
  if (!quoted.empty() && (!fits || text_.compare(from, to - from, quoted) != 0)) {
    from = text_.find(quoted);  // counted otherwise: the words themselves tell
    if (from == text_.npos) return {};
    to = from + quoted.size();
  } else if (!fits || from == to) {
    return {};
  }
  const std::string_view text(text_);
  Place out;
  out.begin = characters(text.substr(0, from));
  out.end = out.begin + characters(text.substr(from, to - from));
  return out;
}

std::vector<event::Citation> read_citations(const std::string& grounding,
                                            const std::string& citation, const CitedText& text) {
  std::vector<event::Citation> out;
  if (const auto document = json::Document::parse(grounding)) {
    read_grounding(document->root(), text, out);
  }
  if (const auto document = json::Document::parse(citation)) {
    read_sources(document->root(), text, out);
  }
  return out;
}

std::string grounding_json(const std::vector<event::Citation>& citations, std::string_view text) {
  std::string chunks = "[";
  std::string supports = "[";
  for (std::size_t i = 0; i < citations.size(); ++i) {
    const event::Citation& citation = citations[i];
    if (i > 0) chunks.push_back(',');
    ObjectWriter chunk(chunks);
    ObjectWriter web = chunk.object("web");
    web.string("uri", citation.url);
    if (!citation.title.empty()) web.string("title", citation.title);
    web.close();
    chunk.close();
    if (i > 0) supports.push_back(',');
    ObjectWriter support(supports);
    ObjectWriter segment = support.object("segment");
    if (citation.begin >= 0 && citation.end >= citation.begin) {
      const std::size_t begin = byte_of(text, citation.begin);
      const std::size_t end = byte_of(text, citation.end);
      segment.integer("startIndex", static_cast<std::int64_t>(begin));
      segment.integer("endIndex", static_cast<std::int64_t>(end));
      segment.string("text", text.substr(begin, end - begin));
    } else if (!citation.quoted.empty()) {
      segment.string("text", citation.quoted);
    }
    segment.close();
    support.raw("groundingChunkIndices", "[" + std::to_string(i) + "]");
    support.close();
  }
  return "{\"groundingChunks\":" + chunks + "],\"groundingSupports\":" + supports + "]}";
}

std::int64_t unix_seconds(std::string_view time) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  if (time.size() < kShape.size()) return 0;
  std::array<std::int64_t, 6> values{};
  std::size_t value = 0;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    if (kShape[i] == '0') {
      if (time[i] < '0' || time[i] > '9') return 0;
      values[value] = values[value] * 10 + (time[i] - '0');
    } else if (time[i] == kShape[i]) {
      ++value;
    } else {
      return 0;
    }
  }
  // Days since the epoch, with years that begin in March (Hinnant, "chrono-compatible dates").
  const std::int64_t month = values[1];
  const std::int64_t year = values[0] - (month <= 2 ? 1 : 0);
  const std::int64_t era = year / 400;
  const std::int64_t of_era = year - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + values[2] - 1;
  const std::int64_t days =
      era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
  return ((days * 24 + values[3]) * 60 + values[4]) * 60 + values[5];
}

}  // namespace llmorch::gemini
