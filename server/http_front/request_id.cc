#include "server/http_front/request_id.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace llmorch::server {

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-';
  });
}

std::string new_request_id() {
  // Ids only have to differ; nobody is kept out by not knowing one.
  thread_local std::mt19937_64 random = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::system_clock;
  const auto ms = static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
  const std::uint64_t high = random(), low = random();
  return fmt::format("{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}", (ms >> 16) & 0xffffffffu, ms & 0xffffu,
                     high & 0xfffu, 0x8000u | ((high >> 12) & 0x3fffu), low & 0xffffffffffffu);
}

}  // namespace llmorch::server
