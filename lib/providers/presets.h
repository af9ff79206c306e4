// Presets: vendors known by name. Each is one row of data: what to call it, where it is, which
// provider type speaks its dialect, where people keep its key. Pure; any thread.
//
// In a configuration `type: groq` then means the row's type with the row's base URL; a base URL
// that is given as well wins. To add a vendor, add a row.
#ifndef LLMORCH_PROVIDERS_PRESETS_H_
#define LLMORCH_PROVIDERS_PRESETS_H_

#include <string_view>
#include <vector>

namespace llmorch {

struct Preset {
  std::string_view name;
  std::string_view base_url;  // in the type's own normal form; used as it is
  std::string_view type;      // of find_provider_type()
  std::string_view key_env;   // the environment variable people keep its key in; "" needs no key
  std::string_view note;      // what is particular about it, for people; may be ""
};

// The row of that name; null when there is none. Names of provider types are no presets.
const Preset* find_preset(std::string_view name);
std::vector<std::string_view> preset_names();  // in order

// Whether this is a preset's own base URL (no trailing slash): such a one is used as it is written.
bool is_preset_base_url(std::string_view url);

}  // namespace llmorch

#endif  // LLMORCH_PROVIDERS_PRESETS_H_
