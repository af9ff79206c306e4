// Body: the bytes of a request, immutable and shared.
//
// A body is a list of segments, each a view into a shared buffer, so that editing it (a spliced
// key, say) shares the untouched bytes instead of copying them.
//
// Ownership: a Body keeps its buffers alive; copies share them. Threads: immutable, so any thread
// may read a copy. Sizes are bytes.
#ifndef LLMORCH_BODY_H_
#define LLMORCH_BODY_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace llmorch {

class Body {
 public:
  Body() = default;
  explicit Body(std::string bytes);
  // Shares bytes that somebody else owns; `owner` keeps them alive.
  Body(std::shared_ptr<const void> owner, std::string_view bytes);

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  // The segments in order. A body made by the constructors above has at most one.
  struct Segment {
    std::shared_ptr<const void> owner;
    std::string_view bytes;
  };
  const std::vector<Segment>& segments() const noexcept { return segments_; }

  // The bytes as one view, when they lie in one segment (or there are none); null data otherwise.
  std::string_view contiguous() const noexcept;
  // All bytes as one string: a copy.
  std::string str() const;

  void append(const Body& other);
  void append(std::string bytes);
  // Bytes [from, from + count) of this body's first segment, shared.
  Body slice(std::size_t from, std::size_t count) const;

 private:
  std::vector<Segment> segments_;
  std::size_t size_ = 0;
};

}  // namespace llmorch

#endif  // LLMORCH_BODY_H_
