// What is still to be written to a client: small pieces gathered, large ones kept as they are, and
// all of them offered to the system in one gathered write.
//
// One thread. Holds no memory when empty. The caller bounds it.
#ifndef LLMORCH_SERVER_HTTP_FRONT_OUT_BUFFER_H_
#define LLMORCH_SERVER_HTTP_FRONT_OUT_BUFFER_H_

#include <sys/uio.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace llmorch::server {

class OutBuffer {
 public:
  static constexpr std::size_t kGather = 16 * 1024;  // pieces are copied together up to here

  void add(std::string_view bytes);  // copies
  void add_owned(std::string bytes);
  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  // Fills at most `room` parts, in order, and returns how many. Valid until the next change.
  int parts(iovec* into, int room) const;
  // The first `count` bytes were written.
  void consume(std::size_t count);

 private:
  std::vector<std::string> pieces_;
  std::size_t first_ = 0;  // index of the first piece not fully written
  std::size_t start_ = 0;  // and the bytes of it that were
  std::size_t size_ = 0;
};

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_HTTP_FRONT_OUT_BUFFER_H_
