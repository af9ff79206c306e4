#include "testing/mock_ask.h"

#include <algorithm>
#include <cstring>

namespace llmorch::testing {

void choose_tools(const ToolWish& wish, std::string_view last_user, MockAsk& ask) {
  if (ask.after_tool || wish.mode == ToolWish::Mode::kNone || wish.names.empty()) return;
  if (!wish.named.empty()) {
    ask.call_tools = {wish.named};
  } else if (wish.parallel && last_user.find("call every tool") != std::string_view::npos) {
    ask.call_tools = wish.names;
  } else if (wish.mode == ToolWish::Mode::kRequired ||
             last_user.find("call the tool") != std::string_view::npos ||
             last_user.find("call every tool") != std::string_view::npos) {
    ask.call_tools = {wish.names.front()};
  }
}

std::uint64_t mix_bytes(std::string_view bytes, std::uint64_t hash) {
  constexpr std::uint64_t kPrime = 0x9E3779B97F4A7C15U;
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t count = std::min<std::size_t>(sizeof word, bytes.size());
    std::memcpy(&word, bytes.data(), count);
    hash = (hash ^ word ^ (std::uint64_t{count} << 56)) * kPrime;
    hash ^= hash >> 29;
    bytes.remove_prefix(count);
  }
  return hash;
}

std::string hex16(std::uint64_t number) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(16, '0');
  for (std::size_t i = 16; i-- > 0; number >>= 4) out[i] = kDigits[number & 15];
  return out;
}

bool is_name(std::string_view text, std::string_view more, std::size_t longest) noexcept {
  return !text.empty() && text.size() <= longest &&
         std::all_of(text.begin(), text.end(), [more](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  more.find(c) != std::string_view::npos;
         });
}

bool decode_base64(std::string_view text, std::string& out) {
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  out.clear();
  unsigned bits = 0;
  int have = 0;
  for (const char c : text) {
    unsigned value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<unsigned>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<unsigned>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      value = static_cast<unsigned>(c - '0') + 52;
    } else if (c == '+' || c == '-') {
      value = 62;
    } else if (c == '/' || c == '_') {
      value = 63;
    } else {
      return false;
    }
    bits = (bits << 6 | value) & 0xFFFFFF;
    have += 6;
    if (have >= 8) {
      have -= 8;
      out.push_back(static_cast<char>(bits >> have & 0xFF));
    }
  }
  return text.size() % 4 != 1 && (padding == 0 || (text.size() + padding) % 4 == 0);
}

}  // namespace llmorch::testing
