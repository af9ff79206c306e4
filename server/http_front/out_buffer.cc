#include "server/http_front/out_buffer.h"

#include <utility>

namespace llmorch::server {

void OutBuffer::add(std::string_view bytes) {
  if (bytes.empty()) return;
  size_ += bytes.size();
  if (!pieces_.empty() && pieces_.back().size() + bytes.size() <= kGather) {
    pieces_.back().append(bytes);
  } else {
    pieces_.emplace_back(bytes);
  }
}

void OutBuffer::add_owned(std::string bytes) {
  if (bytes.size() <= 1024) return add(bytes);
  size_ += bytes.size();
  pieces_.push_back(std::move(bytes));
}

int OutBuffer::parts(iovec* into, int room) const {
  int count = 0;
  std::size_t start = start_;
  for (std::size_t i = first_; i < pieces_.size() && count < room; ++i, start = 0) {
    into[count++] = {const_cast<char*>(pieces_[i].data()) + start, pieces_[i].size() - start};
  }
  return count;
}

void OutBuffer::consume(std::size_t count) {
  size_ -= count;
  if (size_ == 0) {
    pieces_ = {};
    first_ = start_ = 0;
    return;
  }
  while (count > 0) {
    const std::size_t left = pieces_[first_].size() - start_;
    if (count < left) {
      start_ += count;
      return;
    }
    count -= left;
    pieces_[first_] = {};
    ++first_;
    start_ = 0;
  }
  // A client that is always a little behind must not make this grow for ever.
  if (first_ >= 32) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

}  // namespace llmorch::server
