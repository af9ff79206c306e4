#include "testing/mock_recorder.h"

#include <algorithm>

#include "base/text.h"

namespace llmorch::testing {
namespace {

constexpr std::size_t kKeptBody = 256 * 1024;

std::string headers_json(std::string_view head) {
  std::string out = "{";
  head.remove_prefix(std::min(head.size(), head.find("\r\n") + 2));
  while (!head.empty()) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    const std::size_t colon = std::min(line.find(':'), line.size() - 1);
    if (out.size() > 1) out += ',';
    append_json_string(out, to_lower(line.substr(0, colon)));
    out += ':';
    append_json_string(out, trim(line.substr(colon + 1)));
    head.remove_prefix(std::min(head.size(), end + 2));
  }
  return out + "}";
}

}  // namespace

void MockRecorder::add(std::string_view head, std::string_view body) {
  if (ring_.size() < kKept) ring_.emplace_back();
  Request& slot = ring_[added_++ % kKept];
  slot.head.assign(head);
  slot.body.assign(body.substr(0, kKeptBody));
}

void MockRecorder::clear() {
  ring_.clear();
  added_ = 0;
}

std::vector<MockRecorder::Request> MockRecorder::last(std::size_t count) const {
  std::vector<Request> out;
  const std::uint64_t have = std::min<std::uint64_t>(count, ring_.size());
  for (std::uint64_t i = added_ - have; i < added_; ++i) out.push_back(ring_[i % kKept]);
  return out;
}

std::string MockRecorder::json(std::size_t count) const {
  std::string out = "[";
  for (const Request& request : last(count)) {
    const std::string_view line =
        std::string_view(request.head).substr(0, request.head.find("\r\n"));
    const std::size_t space = std::min(line.find(' '), line.size() - 1);
    if (out.size() > 1) out += ',';
    out += "{\"method\":" + json_string(line.substr(0, space)) +
           ",\"target\":" + json_string(line.substr(space + 1, line.rfind(' ') - space - 1)) +
           ",\"headers\":" + headers_json(request.head) + ",\"body\":" + json_string(request.body) +
           "}";
  }
  return out + "]";
}

}  // namespace llmorch::testing
