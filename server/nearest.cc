#include "server/nearest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace llmorch::server {

std::size_t letters_apart(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
    }
  }
  return row.back();
}

std::string_view nearest(std::string_view wanted, const std::vector<std::string_view>& words,
                         std::size_t most) {
  constexpr std::size_t kLongest = 128;
  std::string_view best;
  if (wanted.size() > kLongest) return best;
  std::size_t best_distance = most + 1;
  for (const std::string_view word : words) {
    const std::size_t away = letters_apart(wanted, word);
    if (away < best_distance) {
      best_distance = away;
      best = word;
    }
  }
  return best;
}

}  // namespace llmorch::server
