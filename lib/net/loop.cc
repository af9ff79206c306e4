#include "llmorch/loop.h"

namespace llmorch {
namespace {

thread_local Loop* current_loop = nullptr;

}  // namespace

Loop* Loop::current() noexcept { return current_loop; }

Loop::CurrentScope::CurrentScope(Loop* loop) noexcept : previous_(current_loop) {
  current_loop = loop;
}

Loop::CurrentScope::~CurrentScope() { current_loop = previous_; }

}  // namespace llmorch
