#include "net/hung_resolver.h"

#include <dlfcn.h>
#include <netdb.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>

namespace llmorch::testing_net {
namespace {

std::mutex mutex;
std::condition_variable changed;
bool hang = false;
int count = 0;

void wait_while_hung() {
  std::unique_lock lock(mutex);
  ++count;
  changed.notify_all();
  // Bounded, so that a transport that does wait for it fails its test instead of hanging.
  changed.wait_for(lock, std::chrono::seconds(3), [] { return !hang; });
  --count;
  changed.notify_all();
}

}  // namespace

HungResolver::HungResolver() {
  std::lock_guard lock(mutex);
  hang = true;
}

HungResolver::~HungResolver() {
  release();
  std::unique_lock lock(mutex);
  changed.wait(lock, [] { return count == 0; });
}

int HungResolver::hanging() const {
  std::lock_guard lock(mutex);
  return count;
}

void HungResolver::release() {
  std::lock_guard lock(mutex);
  hang = false;
  changed.notify_all();
}

}  // namespace llmorch::testing_net

extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char* node,
                                                                  const char* service,
                                                                  const addrinfo* hints,
                                                                  addrinfo** result) {
  if (node != nullptr && std::strcmp(node, llmorch::testing_net::kHungHost) == 0) {
    llmorch::testing_net::wait_while_hung();
    return EAI_AGAIN;  // never asks a real name server
  }
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto next = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return next(node, service, hints, result);
}
