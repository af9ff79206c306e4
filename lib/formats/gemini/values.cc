// Names in both spellings, paths, and small JSON values that requests and answers share.
#include <algorithm>

#include "base/text.h"
#include "formats/error_text.h"
#include "formats/gemini/gemini.h"
#include "formats/object_writer.h"

namespace llmorch::gemini {
namespace {

using json::Value;

constexpr std::size_t kLargestUnframed = std::size_t{1} << 20;
constexpr std::size_t kMostPieces = 256;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int high = text[at] == '%' && at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[at + 2]) : -1;
    if (low >= 0) {
      out.push_back(static_cast<char>(high * 16 + low));
      at += 2;
    } else {
      out.push_back(text[at]);
    }
  }
  return out;
}

// What models and people get wrong in JSON most often: a comma before the closing bracket.
std::string without_trailing_commas(std::string_view text) {
  std::string out;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      out.push_back(c);
      if (c == '\\' && at + 1 < text.size()) out.push_back(text[++at]);
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == ',') {
      std::size_t next = at + 1;
      while (next < text.size() && is_space(text[next])) ++next;
      if (next < text.size() && (text[next] == '}' || text[next] == ']')) continue;
    }
    out.push_back(c);
  }
  return out;
}

}  // namespace

std::string camel_case(std::string_view name) {
  std::string out;
  for (std::size_t at = 0; at < name.size(); ++at) {
    const bool joint = name[at] == '_' && at > 0 && at + 1 < name.size() && name[at + 1] >= 'a' &&
                       name[at + 1] <= 'z';
    out.push_back(joint ? static_cast<char>(name[++at] - 'a' + 'A') : name[at]);
  }
  return out;
}

Value field(const Value& object, std::string_view camel) {
  if (const Value value = object[camel]; value.exists()) return value;
  std::string snake;
  for (const char c : camel) {
    if (c >= 'A' && c <= 'Z') snake.push_back('_');
    snake.push_back(ascii_lower(c));
  }
  return snake == camel ? Value() : object[snake];
}

std::vector<Value> list_of(const Value& value) {
  if (value.is_array()) return value.items();
  if (!value.exists() || value.is_null()) return {};
  return {value};
}

PathParts read_path(std::string_view path) {
  PathParts out;
  const std::size_t colon = path.rfind(':');
  const bool has_verb = colon != path.npos && path.find('/', colon) == path.npos;
  if (has_verb) out.verb = path.substr(colon + 1);
  const std::string_view before = has_verb ? path.substr(0, colon) : path;
  for (const std::string_view mark : {"/models/", "/tunedModels/"}) {
    const std::size_t at = before.find(mark);
    if (at == before.npos) continue;
    const bool tuned = mark != "/models/";
    out.model = percent_decode(before.substr(at + (tuned ? 1 : mark.size())));
    break;
  }
  if (out.model.rfind("models/", 0) == 0) out.model.erase(0, 7);  // "/models/models%2Fx"
  return out;
}

bool wants_array(std::string_view query) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    if (equals_ignore_case(query.substr(0, end), "alt=sse")) return false;
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return true;
}

std::string compact_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  bool in_string = false;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    if (!in_string && is_space(c)) continue;
    out.push_back(c);
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\' && at + 1 < json.size()) out.push_back(json[++at]);
  }
  return out;
}

std::string arguments_object(std::string_view arguments) {
  const std::string_view text = trim(arguments);
  if (text.empty() || text == "null") return "{}";
  for (const std::string& attempt : {std::string(text), without_trailing_commas(text)}) {
    const auto document = json::Document::parse(attempt);
    if (!document) continue;
    if (document->root().is_object()) return attempt;
    return "{\"value\":" + attempt + "}";
  }
  std::string out;
  ObjectWriter object(out);
  object.string("_raw_arguments", arguments);
  object.close();
  return out;
}

std::string made_call_id(std::size_t number, std::string_view name) {
  return "call_" + std::to_string(number) + "_" + std::string(name);
}

bool is_made_call_id(std::string_view id, std::string_view name) {
  if (id.rfind("call_", 0) != 0) return false;
  id.remove_prefix(5);
  const std::size_t digits = id.find_first_not_of("0123456789");
  return digits != 0 && digits != id.npos && id[digits] == '_' && id.substr(digits + 1) == name;
}

Status not_json(std::string_view what, const Status& why) {
  return Status(Code::kProtocol, std::string(what) + " is not JSON: " + why.message());
}
Status no_candidates() {
  return Status(Code::kProtocol, "the upstream's answer has no candidates");
}
Status truncated() {
  return Status(Code::kNetwork, "the upstream closed the stream before the answer was complete");
}
Status wrong_index() {
  return Status(Code::kProtocol, "the upstream numbered a candidate out of range");
}
Status nothing_said(std::string_view finish, std::string_view message) {
  std::string text = "the upstream ended an empty answer with " + shorten(finish, 60);
  if (!message.empty()) text.append(": ").append(shorten(redact(message), 300));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return Status(Code::kUpstream, std::move(text));
}

InBand read_in_band_error(std::string_view json) {
  const ErrorText error = read_error_text(json);
  const Verdict verdict = classify_error(200, error);
  return {verdict, error_status(verdict, error, json)};
}

Value find_error(const Value& root) {
  const Value error = (root.is_array() ? root.at(0) : root)["error"];
  const bool real =
      error.exists() && !error.is_null() && error.string() != "" && error.boolean() != false;
  return real ? error : Value();
}

std::optional<std::string> Unframed::take(const Frame& frame) {
  const std::string_view raw = trim(frame.raw);
  // Inside an event the data is a part of the raw bytes that does not begin them.
  const bool framed = frame.has_data && (raw.empty() || (raw.front() != '{' && raw.front() != '['));
  if (framed && text_.empty()) return std::string(trim(frame.data));
  if (framed) return rest();  // it never became JSON: the caller says so
  const bool begins = !raw.empty() && (raw.front() == '{' || raw.front() == '[');
  if (!begins && text_.empty()) return std::nullopt;  // a comment
  if (text_.size() > kLargestUnframed || ++pieces_ > kMostPieces) return rest();
  text_.append(frame.raw);
  if (!json::Document::parse(text_)) return std::nullopt;
  return rest();
}

}  // namespace llmorch::gemini
