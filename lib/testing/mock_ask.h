// MockAsk: what the mock upstream was asked, in no vendor's words; and the few things that all
// dialects do alike: a nonce from the bytes, the choice of tools to call, JSON out of pieces.
//
// Values and pure functions; any thread.
#ifndef LLMORCH_TESTING_MOCK_ASK_H_
#define LLMORCH_TESTING_MOCK_ASK_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace llmorch::testing {

struct MockAsk {
  std::string model;
  bool stream = false;
  bool array = false;          // Gemini: the stream is a JSON array, not SSE
  bool include_usage = false;  // OpenAI: of a stream
  int n = 1;
  std::int64_t max_tokens = -1;         // -1: no limit
  std::string text;                     // of the last turn; parts that are not text as "[type]"
  bool after_tool = false;              // the last turn brings tools' results
  std::vector<std::string> call_tools;  // to call at once; empty: answer with text
  std::vector<std::string> stop;
  bool think = false;              // thinking comes before the answer
  bool hide_thinking = false;      // of it only the signature is shown
  std::uint64_t prompt_bytes = 0;  // text of all turns
  std::uint64_t nonce = 0;         // of this very body and its last user text
};

// A whole answer: an error, a list.
struct MockPage {
  int status = 400;
  std::string body;
};

struct ToolWish {
  enum class Mode { kNone, kAuto, kRequired };
  std::vector<std::string> names;  // declared
  Mode mode = Mode::kAuto;
  std::string named;  // the only one that may be called
  bool parallel = true;
};
// A tool is called when one is demanded, or when the last user text says "call the tool"; all of
// them at once when it says "call every tool". Never right after tools' results.
void choose_tools(const ToolWish& wish, std::string_view last_user, MockAsk& ask);

// Repeatable everywhere, which is all that is asked of it.
std::uint64_t mix_bytes(std::string_view bytes, std::uint64_t hash);
std::string hex16(std::uint64_t number);

// Letters, digits and the `more` characters only, at least one and at most `longest`.
bool is_name(std::string_view text, std::string_view more, std::size_t longest) noexcept;

// False when `text` is not base64, standard or URL-safe.
bool decode_base64(std::string_view text, std::string& out);

// Appends text and whole numbers as they are.
template <class... Parts>
void put(std::string& out, const Parts&... parts) {
  const auto one = [&out](const auto& part) {
    using Part = std::decay_t<decltype(part)>;
    if constexpr (std::is_integral_v<Part> && !std::is_same_v<Part, char>) {
      out += std::to_string(part);
    } else {
      out += part;
    }
  };
  (one(parts), ...);
}
template <class... Parts>
std::string joined(const Parts&... parts) {
  std::string out;
  put(out, parts...);
  return out;
}

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_MOCK_ASK_H_
