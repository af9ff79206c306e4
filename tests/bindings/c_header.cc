#include <llmorch/c.h>

// Declared noexcept for C++, so that a caller's optimiser and a reader both know it.
static_assert(noexcept(llmorch_version()));
