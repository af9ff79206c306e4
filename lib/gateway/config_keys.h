// Every key of a configuration, once: the reader knows the keys from here, the JSON Schema is made
// from it, and a test holds docs/CONFIG.md to it. To add a key, add a row and read it.
//
// Constant data; any thread.
#ifndef LLMORCH_GATEWAY_CONFIG_KEYS_H_
#define LLMORCH_GATEWAY_CONFIG_KEYS_H_

#include <cstdint>
#include <string_view>
#include <vector>

namespace llmorch::config {

struct Key {
  enum class Kind : std::uint8_t {
    kObject,   // with keys of its own
    kObjects,  // an array of such
    kText,
    kTexts,     // an array of text
    kTextMap,   // an object of text
    kJsonMap,   // an object of anything
    kInteger,   // from `least` to `most`
    kFlag,      // true or false
    kDuration,  // "30s"
    kVersion,   // 1
    kStrategy,
    kType,  // a provider type or a preset
  };
  // As in docs/CONFIG.md: "providers[].credentials[].name".
  std::string_view path;
  Kind kind;
  // Of a number, its range; of text, bytes; of arrays and maps, entries. No `most`: not said here.
  std::int64_t least = 0;
  std::int64_t most = 0;
  // What holds when it is left out, as docs/CONFIG.md says it; a value stands in back quotes.
  std::string_view fallback;
  std::string_view meaning;
  // Read and taken out by the gateway program; the library does not know it.
  bool program = false;

  bool required() const { return fallback == "required"; }
};

const std::vector<Key>& keys();

// The keys that the library knows in the object at `path` ("" is the root, "models[].targets[]" a
// target), in the order of the table.
const std::vector<std::string_view>& keys_in(std::string_view path);

}  // namespace llmorch::config

#endif  // LLMORCH_GATEWAY_CONFIG_KEYS_H_
