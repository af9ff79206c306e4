#include "json/scan.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>

#include "base/text.h"
#include "json/rapid.h"

namespace llmorch::json {
namespace {

namespace rj = llmorch_rapidjson;

// SIMD code reads whole aligned blocks, so it may look this far past the terminating zero.
constexpr std::size_t kPadding = 32;
// Deeper than any caller asks for; what bounds the recursion of the parser.
constexpr std::size_t kDepthCeiling = 1024;

// Two things RapidJSON leaves to its caller are checked in one pass over the text beforehand:
// UTF-8, which it validates only by giving up its SIMD path, and the control characters 0x1A to
// 0x1F, which that path lets through in 1.1.0; a zero would look like the end. Outside strings all
// of these are syntax errors anyway, so strings need not be told from the rest.
bool is_control(char c) { return c == 0 || (c >= 0x1A && c < 0x20); }

struct BadByte {
  std::size_t at;
  std::string_view why;
};

std::optional<BadByte> find_bad_byte(std::string_view text) {
  constexpr std::size_t kBlock = 32;  // written so that the compiler vectorises it
  std::size_t at = 0;
  while (at < text.size()) {
    while (at + kBlock <= text.size()) {
      unsigned char unusual = 0;
      for (std::size_t i = 0; i < kBlock; ++i) {
        const auto byte = static_cast<unsigned char>(text.data()[at + i]);
        unusual |= static_cast<unsigned char>((byte & 0x80) | (byte < 0x20 ? 1 : 0));
      }
      if (unusual != 0) break;
      at += kBlock;
    }
    // Here stands something unusual, or the rest.
    const std::size_t end = std::min(at + kBlock, text.size());
    while (at < end && static_cast<unsigned char>(text[at]) < 0x80) {
      if (is_control(text[at])) return BadByte{at, "a raw control character"};
      ++at;
    }
    if (at == end) continue;
    // A run of non-ASCII bytes is well-formed by itself or not at all.
    std::size_t run = at;
    while (run < text.size() && static_cast<unsigned char>(text[run]) >= 0x80) ++run;
    if (!is_utf8(text.substr(at, run - at))) return BadByte{at, "malformed UTF-8"};
    at = run;
  }
  return std::nullopt;
}

// RapidJSON refuses a high surrogate without a low one, but lets a lone low one pass. As the text
// itself is well-formed UTF-8, an encoded surrogate can only come from such an escape.
bool has_surrogate(std::string_view decoded) {
  for (std::size_t at = decoded.find('\xED'); at != decoded.npos;
       at = decoded.find('\xED', at + 1)) {
    if (at + 1 < decoded.size() && static_cast<unsigned char>(decoded[at + 1]) >= 0xA0) return true;
  }
  return false;
}

std::string_view cause(rj::ParseErrorCode code) {
  switch (code) {
    case rj::kParseErrorDocumentEmpty:
      return "the text is empty";
    case rj::kParseErrorDocumentRootNotSingular:
      return "unexpected text after the end of the JSON value";
    case rj::kParseErrorObjectMissName:
      return "expected a member name in quotes";
    case rj::kParseErrorObjectMissColon:
      return "expected ':' after a member name";
    case rj::kParseErrorObjectMissCommaOrCurlyBracket:
      return "expected ',' or '}' after an object member";
    case rj::kParseErrorArrayMissCommaOrSquareBracket:
      return "expected ',' or ']' after an array element";
    case rj::kParseErrorStringUnicodeEscapeInvalidHex:
      return "\\u must be followed by four hexadecimal digits";
    case rj::kParseErrorStringUnicodeSurrogateInvalid:
      return "half of a surrogate pair in a \\u escape";
    case rj::kParseErrorStringEscapeInvalid:
      return "invalid escape or raw control character in a string";
    case rj::kParseErrorStringMissQuotationMark:
      return "a string without its closing quote";
    case rj::kParseErrorNumberTooBig:
      return "a number out of range";
    case rj::kParseErrorNumberMissFraction:
      return "expected a digit after the decimal point";
    case rj::kParseErrorNumberMissExponent:
      return "expected a digit in the exponent";
    default:
      return "expected a JSON value";
  }
}

Status error_at(std::string_view text, std::size_t offset, Code code, std::string_view why) {
  offset = std::min(offset, text.size());
  std::size_t line = 1;
  std::size_t column = 1;
  for (std::size_t at = 0; at < offset; ++at) {
    if (text[at] == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80) {
      ++column;  // counts characters, as editors do
    }
  }
  std::string message =
      "invalid JSON at line " + std::to_string(line) + ", column " + std::to_string(column) + ": ";
  return Status(code, message.append(why));
}

// Bridges RapidJSON's events to a Visitor and keeps the bounds. While a string or number is
// reported, the stream still stands at its first byte: RapidJSON works on a local copy of it.
class Handler {
 public:
  using Ch = char;

  // `escapes`: a \u stands somewhere in the text; without one no string can hold a surrogate.
  Handler(rj::InsituStringStream& stream, const Limits& limits, Visitor& visitor, bool escapes)
      : stream_(stream), limits_(limits), visitor_(visitor), escapes_(escapes) {}

  bool Null() { return literal(Type::kNull, "null"); }
  bool Bool(bool value) { return literal(Type::kBool, value ? "true" : "false"); }
  bool RawNumber(const char* text, rj::SizeType length, bool) {
    return count() && visitor_.scalar(depth_, Type::kNumber, {text, length}, stream_.Tell());
  }
  bool String(const char* text, rj::SizeType length, bool) {
    return count() && sound({text, length}) &&
           visitor_.scalar(depth_, Type::kString, {text, length}, stream_.Tell());
  }
  bool Key(const char* text, rj::SizeType length, bool) {
    return sound({text, length}) && visitor_.key(depth_, {text, length}, stream_.Tell());
  }
  bool StartObject() { return open(Type::kObject); }
  bool StartArray() { return open(Type::kArray); }
  bool EndObject(rj::SizeType) { return visitor_.close(--depth_, Type::kObject, stream_.Tell()); }
  bool EndArray(rj::SizeType) { return visitor_.close(--depth_, Type::kArray, stream_.Tell()); }
  // Numbers come as text; these exist for the template only.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }

  // Why the parser was told to stop; "" when the visitor wanted it.
  std::string_view bound_passed() const { return bound_passed_; }
  bool lone_surrogate() const { return lone_surrogate_; }

 private:
  bool count() {
    if (++values_ <= limits_.max_values) return true;
    bound_passed_ = "too many values";
    return false;
  }
  bool sound(std::string_view decoded) {
    lone_surrogate_ = escapes_ && has_surrogate(decoded);
    return !lone_surrogate_;
  }
  bool literal(Type type, std::string_view text) {
    return count() && visitor_.scalar(depth_, type, text, stream_.Tell() - text.size());
  }
  bool open(Type type) {
    if (!count()) return false;
    if (depth_ >= std::min(limits_.max_depth, kDepthCeiling)) {
      bound_passed_ = "nested too deeply";
      return false;
    }
    return visitor_.open(depth_++, type, stream_.Tell() - 1);
  }

  rj::InsituStringStream& stream_;
  const Limits& limits_;
  Visitor& visitor_;
  const bool escapes_;
  std::string_view bound_passed_;
  bool lone_surrogate_ = false;
  std::size_t values_ = 0;
  unsigned depth_ = 0;
};

}  // namespace

std::size_t string_end(std::string_view text, std::size_t begin) {
  std::size_t at = begin + 1;
  while (true) {
    at = text.find('"', at);
    if (at == std::string_view::npos) return text.size();
    std::size_t slashes = 0;
    while (at - 1 - slashes > begin && text[at - 1 - slashes] == '\\') ++slashes;
    if (slashes % 2 == 0) return at + 1;
    ++at;
  }
}

Status scan(std::string_view text, const Limits& limits, Visitor& visitor, std::string& scratch) {
  if (text.size() >= std::numeric_limits<std::uint32_t>::max()) {
    return Status(Code::kTooLarge, "the JSON text is larger than 4 GiB");
  }
  if (const auto bad = find_bad_byte(text)) {
    return error_at(text, bad->at, Code::kInvalidArgument, bad->why);
  }
  scratch.resize(text.size() + kPadding);
  text.copy(scratch.data(), text.size());
  std::memset(scratch.data() + text.size(), 0, kPadding);
  try {
    constexpr unsigned kFlags = rj::kParseInsituFlag | rj::kParseNumbersAsStringsFlag;
    rj::InsituStringStream stream(scratch.data());
    Handler handler(stream, limits, visitor, text.find("\\u") != std::string_view::npos);
    rj::Reader reader;
    const rj::ParseResult result = reader.Parse<kFlags>(stream, handler);
    if (!result.IsError()) return {};
    if (result.Code() != rj::kParseErrorTermination) {
      return error_at(text, result.Offset(), Code::kInvalidArgument, cause(result.Code()));
    }
    if (handler.lone_surrogate()) {
      return error_at(text, result.Offset(), Code::kInvalidArgument,
                      cause(rj::kParseErrorStringUnicodeSurrogateInvalid));
    }
    if (handler.bound_passed().empty()) return Status(Code::kCancelled, "the scan was stopped");
    return error_at(text, result.Offset(), Code::kTooLarge, handler.bound_passed());
  } catch (const RapidAssertion&) {
    return Status(Code::kInternal, "the JSON parser contradicted itself");
  }
}

namespace {

class ObjectVisitor : public Visitor {
 public:
  ObjectVisitor(std::string_view text, RequestScan& out, Visitor& next)
      : text_(text), out_(out), next_(next) {}

  bool key(unsigned depth, std::string_view name, std::size_t begin) override {
    if (depth == 1) {
      RequestScan::Key& key = out_.keys.emplace_back();
      key.name = name;
      key.key_begin = begin;
    }
    return next_.key(depth, name, begin);
  }
  bool scalar(unsigned depth, Type type, std::string_view text, std::size_t begin) override {
    if (depth == 0) return false;
    if (depth == 1 && !out_.keys.empty()) {
      RequestScan::Key& key = out_.keys.back();
      key.value_begin = begin;
      key.value_end = type == Type::kString ? string_end(text_, begin) : begin + text.size();
    }
    return next_.scalar(depth, type, text, begin);
  }
  bool open(unsigned depth, Type type, std::size_t begin) override {
    if (depth == 0) {
      if (type != Type::kObject) return false;
      out_.object_open = begin + 1;
    } else if (depth == 1) {
      out_.keys.back().value_begin = begin;
    }
    return next_.open(depth, type, begin);
  }
  bool close(unsigned depth, Type type, std::size_t end) override {
    if (depth == 0) {
      out_.object_close = end - 1;
    } else if (depth == 1) {
      out_.keys.back().value_end = end;
    }
    return next_.close(depth, type, end);
  }

 private:
  std::string_view text_;
  RequestScan& out_;
  Visitor& next_;
};

}  // namespace

Status scan_object(std::string_view text, const Limits& limits, RequestScan& out,
                   Visitor& visitor) {
  std::string scratch;
  ObjectVisitor top(text, out, visitor);
  return scan(text, limits, top, scratch);
}

}  // namespace llmorch::json
