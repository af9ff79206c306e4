#include "testing/load_check.h"

#include <algorithm>

#include "base/text.h"
#include "json/json.h"
#include "testing/mock_ask.h"

namespace llmorch::testing {
namespace {

constexpr std::string_view kPlace = "{{nonce}}";
constexpr std::string_view kDigits = "0000000000000000";

// Replaces every place by digits and notes where they stand.
std::vector<std::size_t> widen_places(std::string& text) {
  std::vector<std::size_t> places;
  for (std::size_t at = text.find(kPlace); at != std::string::npos; at = text.find(kPlace, at)) {
    text.replace(at, kPlace.size(), kDigits);
    places.push_back(at);
  }
  return places;
}

std::string make_body(const LoadRequest::Parts& parts) {
  std::string body = "{\"model\":" + json_string(parts.model);
  if (parts.stream) body += ",\"stream\":true";
  body += ",\"messages\":[{\"role\":\"user\",\"content\":\"{{nonce}} ";
  const std::string_view tail = "\"}]}";
  const std::size_t size = body.size() - kPlace.size() + kDigits.size() + tail.size();
  if (parts.size > size) body.append(parts.size - size, 'x');
  return body + std::string(tail);
}

// The text of the last user message, as a chat format writes it; false when there is none.
bool last_user_text(std::string_view body, std::string& text) {
  auto document = json::Document::parse(std::string(body));
  if (!document) return false;
  bool found = false;
  for (const json::Value& message : document->root()["messages"].items()) {
    if (message["role"].string() != "user") continue;
    const json::Value content = message["content"];
    text.clear();
    found = true;
    if (const auto plain = content.string()) text = *plain;
    for (const json::Value& part : content.items()) text += part["text"].string().value_or("");
  }
  return found;
}

}  // namespace

Result<LoadRequest> LoadRequest::make(const Parts& parts) {
  LoadRequest request;
  std::string body = parts.body.empty() ? make_body(parts) : parts.body;
  request.checkable_ = last_user_text(body, request.text_);
  request.text_places_ = widen_places(request.text_);
  request.places_ = widen_places(body);
  std::string head = "POST " + parts.path + " HTTP/1.1\r\nhost: " + parts.host +
                     "\r\ncontent-type: application/json\r\n";
  if (!parts.key.empty()) head += "authorization: Bearer " + parts.key + "\r\n";
  for (const auto& [name, value] : parts.headers) {
    if (!is_token(name) || !is_header_value(value)) {
      return Status(Code::kInvalidArgument, "not a header: " + name);
    }
    head += name + ": " + value + "\r\n";
  }
  head += "content-length: " + std::to_string(body.size()) + "\r\n\r\n";
  for (std::size_t& place : request.places_) place += head.size();
  request.wire_ = head + body;
  return request;
}

std::string_view LoadRequest::with_nonce(std::uint64_t nonce) {
  const std::string digits = hex16(nonce);
  for (const std::size_t place : places_) std::copy(digits.begin(), digits.end(), &wire_[place]);
  return wire_;
}

std::string LoadRequest::text_with_nonce(std::uint64_t nonce) const {
  std::string text = text_;
  const std::string digits = hex16(nonce);
  for (const std::size_t place : text_places_)
    std::copy(digits.begin(), digits.end(), &text[place]);
  return text;
}

void EchoCheck::start(std::string expected) {
  expected_ = std::move(expected);
  at_ = 0;
  good_ = true;
}

void EchoCheck::feed(std::string_view text) {
  constexpr std::string_view kEcho = "echo:";
  while (!text.empty()) {
    if (at_ >= kHead && at_ < kHead + expected_.size()) {
      const std::string_view want = std::string_view(expected_).substr(at_ - kHead, text.size());
      good_ = good_ && text.starts_with(want);
      at_ += want.size();
      text.remove_prefix(want.size());
      continue;
    }
    const char c = text.front();
    bool fits = c == '.';
    if (at_ < kEcho.size()) {
      fits = c == kEcho[at_];
    } else if (at_ + 1 < kHead) {
      fits = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    } else if (at_ + 1 == kHead) {
      fits = c == ':';
    }
    good_ = good_ && fits;
    ++at_;
    text.remove_prefix(1);
  }
}

bool append_strings_of(std::string_view json, std::string_view key, std::string& out) {
  std::string pattern(1, '"');
  pattern.append(key).append("\":");
  for (std::size_t at = json.find(pattern); at != std::string_view::npos;
       at = json.find(pattern, at)) {
    at += pattern.size();
    while (at < json.size() && json[at] == ' ') ++at;
    if (at == json.size() || json[at] != '"') continue;
    // Mostly the first quote ends it; only behind a backslash is every character looked at.
    std::size_t end = std::min(json.find('"', at + 1), json.size());
    const bool escaped = json.substr(at + 1, end - at - 1).find('\\') != std::string_view::npos;
    if (escaped) {
      end = at + 1;
      while (end < json.size() && json[end] != '"') end += json[end] == '\\' ? 2 : 1;
    }
    if (end >= json.size()) return false;
    if (!escaped) {
      out.append(json.substr(at + 1, end - at - 1));
    } else {
      auto document = json::Document::parse(std::string(json.substr(at, end - at + 1)));
      if (!document) return false;
      out.append(document->root().string().value_or(""));
    }
    at = end + 1;
  }
  return true;
}

}  // namespace llmorch::testing
