// What the load generator sends, and how it knows that an answer is its own.
//
// LoadRequest is one HTTP request with places for a nonce, so that sending the next one costs a few
// bytes written in place. EchoCheck compares an answer's text with "echo:<16 hex>:<what was sent>"
// and dots behind it, byte by byte, as it arrives. append_strings_of() finds the text in
// an answer's JSON by its key, without parsing the rest. One thread; all bounded by the request's
// own size.
#ifndef LLMORCH_TESTING_LOAD_CHECK_H_
#define LLMORCH_TESTING_LOAD_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmorch/status.h"

namespace llmorch::testing {

class LoadRequest {
 public:
  struct Parts {
    std::string host;
    std::string path;
    std::string key;  // "" sends no Authorization
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;            // every "{{nonce}}" becomes 16 hex digits; "" makes one
    std::string model = "mock";  // of a made body
    std::size_t size = 0;        // of a made body, at least what it needs
    bool stream = false;         // of a made body
  };
  static Result<LoadRequest> make(const Parts& parts);

  // The request with this nonce in it; valid until the next call.
  std::string_view with_nonce(std::uint64_t nonce);
  // What the last user message of that request says.
  std::string text_with_nonce(std::uint64_t nonce) const;
  bool checkable() const noexcept { return checkable_; }  // it has a user message

 private:
  std::string wire_;
  std::vector<std::size_t> places_;  // in wire_
  std::string text_;
  std::vector<std::size_t> text_places_;
  bool checkable_ = false;
};

class EchoCheck {
 public:
  void start(std::string expected);
  void feed(std::string_view text);
  bool fits_so_far() const noexcept { return good_; }
  bool matches() const noexcept { return good_ && at_ >= kHead + expected_.size(); }
  std::size_t bytes() const noexcept { return at_; }

 private:
  static constexpr std::size_t kHead = 5 + 16 + 1;  // "echo:", the mock's nonce, ":"
  std::string expected_;
  std::size_t at_ = 0;
  bool good_ = true;
};

// Appends, decoded, every string that is the value of `key` in `json`: "content" in OpenAI's
// answers, "text" in Anthropic's and Gemini's. False when such a string is not JSON.
bool append_strings_of(std::string_view json, std::string_view key, std::string& out);

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_LOAD_CHECK_H_
