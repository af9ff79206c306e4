/* c.h is plain C11 and may be included by many files: this is the second one of c_smoke. */
#include <llmorch/c.h>

int32_t llmorch_test_second_unit(void);
int32_t llmorch_test_second_unit(void) { return LLMORCH_DATA; }
