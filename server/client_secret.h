// Makes the secrets of client keys. Any thread.
#ifndef LLMORCH_SERVER_CLIENT_SECRET_H_
#define LLMORCH_SERVER_CLIENT_SECRET_H_

#include <string>

#include "llmorch/status.h"

namespace llmorch::server {

// "sk-llmorch-" and 43 letters and digits, 256 bits of the system's randomness.
Result<std::string> new_client_secret();

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_CLIENT_SECRET_H_
