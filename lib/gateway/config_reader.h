// Reads configuration JSON and collects every issue, with the exact place of each.
//
// Ownership: Paths live on the stack of whoever walks, each pointing to its parent; a pointer text
// is made only for an issue. Threads: one reader belongs to one thread. Bounds: kMaxIssues.
#ifndef LLMORCH_GATEWAY_CONFIG_READER_H_
#define LLMORCH_GATEWAY_CONFIG_READER_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/json.h"
#include "llmorch/config.h"
#include "llmorch/types.h"

namespace llmorch::config {

// A value and where it stands.
struct Place {
  json::Value value;
  const Place* parent = nullptr;  // null: the root
  std::string_view key{};         // in an object; a literal or a string that outlives the place
  std::size_t index = 0;          // in an array
  bool in_array = false;

  std::string pointer() const;  // RFC 6901
};

// "", or: did you mean "word"?
std::string suggestion(std::string_view wanted, const std::vector<std::string>& words);

class Reader {
 public:
  static constexpr std::size_t kMaxIssues = 1000;

  void error(const Place& place, std::string message, std::string hint = "");
  void warning(const Place& place, std::string message, std::string hint = "");
  bool has_errors() const { return has_errors_; }
  // Issues so many that looking for suggestions and duplicates is no longer worth its time.
  bool full() const { return issues_.size() >= kMaxIssues; }
  // In the order of the text.
  std::vector<ConfigIssue> take_issues();

  // Reports every key that an object holds twice, at any depth.
  void check_duplicates(const Place& place);

  // Reports keys that the table (config_keys.h) does not have at `path`. False, with an issue, when
  // it is no object.
  bool object(const Place& place, std::string_view path);
  // The items of an array of at most `most`; empty, with an issue, when it is something else.
  std::vector<Place> array(const Place& place, std::size_t most);
  std::vector<Place> array(const Place&& place, std::size_t most) = delete;  // items point to it

  // The scalars below say what is wrong and return nullopt. A missing value is nullopt, no issue.
  std::optional<std::string> string(const Place& place);
  std::optional<bool> boolean(const Place& place);
  std::optional<std::int64_t> integer(const Place& place, std::int64_t least, std::int64_t most);
  // "500ms", "3s", "1.5m", "1h": 1 ms to 24 h; 0 only where `zero_is_off`.
  std::optional<std::chrono::milliseconds> duration(const Place& place, bool zero_is_off);
  // A string of 1 to `most` bytes without control characters, not framed by spaces.
  std::optional<std::string> name(const Place& place, std::size_t most);
  // A value that must be there: false, with an issue at `owner`, when it is missing.
  bool required(const Place& owner, const Place& place, std::string hint = "");
  Headers headers(const Place& place);
  // Names of headers of callers that may be passed on.
  std::vector<std::string> header_names(const Place& place);

 private:
  void add(ConfigIssue::Severity severity, const Place& place, std::string message,
           std::string hint);

  std::vector<std::pair<std::size_t, ConfigIssue>> issues_;  // by offset in the text
  bool has_errors_ = false;
};

// The member `key` of an object, missing if it is not there. `key` must outlive the result.
Place member(const Place& object, std::string_view key);
Place member(const Place&& object, std::string_view key) = delete;  // the result points to it

}  // namespace llmorch::config

#endif  // LLMORCH_GATEWAY_CONFIG_READER_H_
