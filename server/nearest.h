// What somebody may have meant who mistyped a word. Pure.
#ifndef LLMORCH_SERVER_NEAREST_H_
#define LLMORCH_SERVER_NEAREST_H_

#include <cstddef>
#include <string_view>
#include <vector>

namespace llmorch::server {

// How many letters must change (Levenshtein).
std::size_t letters_apart(std::string_view a, std::string_view b);

// The word that is nearest to `wanted` and at most `most` letters from it; "" when there is none,
// or when `wanted` is too long to be a typing error.
std::string_view nearest(std::string_view wanted, const std::vector<std::string_view>& words,
                         std::size_t most);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_NEAREST_H_
