// MockRecorder: the last requests a mock upstream was sent, for tests that look at what left.
//
// A ring, so that a busy mock allocates nothing here. Keeps 64 requests and of each body the first
// 256 KiB. One thread.
#ifndef LLMORCH_TESTING_MOCK_RECORDER_H_
#define LLMORCH_TESTING_MOCK_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace llmorch::testing {

class MockRecorder {
 public:
  static constexpr std::size_t kKept = 64;

  struct Request {
    std::string head;  // its lines as they came
    std::string body;
  };

  void add(std::string_view head, std::string_view body);
  void clear();
  std::vector<Request> last(std::size_t count) const;  // oldest first
  // An array of {"method","target","headers":{...},"body"}; names of headers in lower case.
  std::string json(std::size_t count) const;

 private:
  std::vector<Request> ring_;
  std::uint64_t added_ = 0;
};

}  // namespace llmorch::testing

#endif  // LLMORCH_TESTING_MOCK_RECORDER_H_
