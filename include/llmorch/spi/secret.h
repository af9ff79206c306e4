// Secret: a string that cannot be printed by accident.
//
// It has no stream operator and no conversion; reveal() is the one way to the bytes, so that a
// search for that word finds every use. The bytes are wiped when the last copy goes.
// Threads: plain value; share copies, not references.
#ifndef LLMORCH_SPI_SECRET_H_
#define LLMORCH_SPI_SECRET_H_

#include <string>
#include <string_view>

namespace llmorch {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  bool empty() const noexcept { return value_.empty(); }
  // The bytes. Never put them into a log line, a Status or a Record.
  std::string_view reveal() const noexcept { return value_; }
  // Constant-time comparison.
  bool equals(std::string_view other) const noexcept;

 private:
  void wipe() noexcept;
  std::string value_;
};

}  // namespace llmorch

#endif  // LLMORCH_SPI_SECRET_H_
