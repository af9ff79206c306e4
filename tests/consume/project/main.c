#include <llmorch/c.h>
#include <string.h>

int main(void) {
  llmorch_gateway* gateway;
  llmorch_error* error = llmorch_gateway_open("{", 1, &gateway);
  int refused =
      error != NULL && strstr(llmorch_error_json(error, NULL), "invalid_argument") != NULL;
  llmorch_error_free(error);
  llmorch_gateway_free(gateway);
  return refused && strlen(llmorch_version()) > 0 ? 0 : 1;
}
