#include "llmorch/body.h"

#include <utility>

namespace llmorch {

Body::Body(std::string bytes) { append(std::move(bytes)); }

Body::Body(std::shared_ptr<const void> owner, std::string_view bytes) : size_(bytes.size()) {
  if (!bytes.empty()) segments_.push_back({std::move(owner), bytes});
}

std::string_view Body::contiguous() const noexcept {
  if (segments_.empty()) return std::string_view("", 0);
  return segments_.size() == 1 ? segments_.front().bytes : std::string_view();
}

std::string Body::str() const {
  std::string out;
  out.reserve(size_);
  for (const Segment& segment : segments_) out.append(segment.bytes);
  return out;
}

void Body::append(const Body& other) {
  segments_.insert(segments_.end(), other.segments_.begin(), other.segments_.end());
  size_ += other.size_;
}

void Body::append(std::string bytes) {
  if (bytes.empty()) return;
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  const std::string_view view = *owner;
  segments_.push_back({std::move(owner), view});
  size_ += view.size();
}

Body Body::slice(std::size_t from, std::size_t count) const {
  if (segments_.empty()) return {};
  return Body(segments_.front().owner, segments_.front().bytes.substr(from, count));
}

}  // namespace llmorch
