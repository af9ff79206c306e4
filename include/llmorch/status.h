// Status and Result<T>: how llmorch reports that something went wrong.
//
// No function of llmorch throws across its public interface. A function that can fail returns a
// Status, or a Result<T> that holds either a T or the Status that explains its absence.
//
// Ownership: values; copying a Status is one reference count. Threads: a Status is immutable once
// built, so copies may be read from any thread. Messages are one line of UTF-8 and never hold a
// secret: whoever builds a Status redacts first.
#ifndef LLMORCH_STATUS_H_
#define LLMORCH_STATUS_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace llmorch {

// What kind of failure it was. Numbers are part of the C ABI: append only.
enum class Code : std::int32_t {
  kOk = 0,
  kInvalidArgument = 1,  // the request or the configuration is wrong; the same again fails again
  kUnsupported = 2,      // understood, but this build or this target cannot do it
  kNotFound = 3,         // no such model, route or object
  kTooLarge = 4,         // over a size, depth or count bound
  kContextLength = 5,    // the prompt does not fit the model
  kContentPolicy = 6,    // refused by a vendor's content rules
  kAuth = 7,             // the caller is not known
  kPermission = 8,       // the caller is known and may not do this
  kBilling = 9,          // out of credit or quota
  kRateLimited = 10,     // too fast; see retry_after()
  kOverloaded = 11,      // no capacity now; see retry_after()
  kTimeout = 12,         // a deadline passed
  kNetwork = 13,         // DNS, TCP or TLS to an upstream failed
  kProtocol = 14,        // an upstream answered something that is not its protocol
  kUpstream = 15,        // an upstream failed in its own words
  kCancelled = 16,       // the caller left or cancelled
  kNoCandidate = 17,     // nothing configured, or nothing healthy, can take the call
  kUnavailable = 18,     // this gateway is draining or closed
  kStorage = 19,         // a store failed
  kInternal = 20,        // a bug in llmorch
};

// The word for a code in logs and JSON, e.g. "rate_limited".
std::string_view code_name(Code code);

class [[nodiscard]] Status {
 public:
  Status() noexcept = default;  // ok
  Status(Code code, std::string message);

  bool ok() const noexcept { return detail_ == nullptr; }
  Code code() const noexcept;
  const std::string& message() const noexcept;  // "" when ok

  // The HTTP status a caller should see: the one set, else the code's usual one.
  int http_status() const noexcept;
  // The machine-readable word callers match on ("model_not_found"); the code's usual one unless
  // set.
  std::string_view reason() const noexcept;
  // The request field at fault ("messages[2].content"), or "".
  const std::string& param() const noexcept;
  // How long to wait before trying again, where known.
  std::optional<std::chrono::milliseconds> retry_after() const noexcept;
  // What the upstream said, shortened and redacted; "" when there was none.
  const std::string& upstream_body() const noexcept;

  Status with_http_status(int status) const;
  Status with_reason(std::string reason) const;
  Status with_param(std::string param) const;
  Status with_retry_after(std::optional<std::chrono::milliseconds> wait) const;
  Status with_upstream_body(std::string body) const;
  Status with_message(std::string message) const;

 private:
  struct Detail;
  explicit Status(std::shared_ptr<const Detail> detail) : detail_(std::move(detail)) {}
  template <class Edit>
  Status edited(Edit edit) const;
  std::shared_ptr<const Detail> detail_;  // null: ok, so success costs nothing
};

// A T or the Status that explains its absence; the subset of std::expected that llmorch uses.
// Reading the value of a failed Result is a programming error (undefined), as with std::expected.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Status error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }

  // ok() when there is a value.
  Status error() const { return has_value() ? Status() : *std::get_if<1>(&state_); }

  template <class U>
  T value_or(U&& other) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(other));
  }

 private:
  std::variant<T, Status> state_;
};

}  // namespace llmorch

#endif  // LLMORCH_STATUS_H_
