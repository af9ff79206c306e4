// A name lookup that hangs. This test executable's getaddrinfo() stands before the C library's, so
// libcurl's resolver threads come here; lookups of kHungHost wait until release(), others pass.
#ifndef LLMORCH_TESTS_NET_HUNG_RESOLVER_H_
#define LLMORCH_TESTS_NET_HUNG_RESOLVER_H_

namespace llmorch::testing_net {

inline constexpr const char* kHungHost = "hung.test";

// Lookups hang while this lives; the end releases them and waits until their threads are through.
class HungResolver {
 public:
  HungResolver();
  ~HungResolver();
  HungResolver(const HungResolver&) = delete;
  HungResolver& operator=(const HungResolver&) = delete;
  int hanging() const;  // lookups right now
  void release();
};

}  // namespace llmorch::testing_net

#endif  // LLMORCH_TESTS_NET_HUNG_RESOLVER_H_
