// The type of an unquoted YAML scalar, by YAML 1.2's core schema. Pure.
#ifndef LLMORCH_SERVER_YAML_SCALAR_H_
#define LLMORCH_SERVER_YAML_SCALAR_H_

#include <string>
#include <string_view>

namespace llmorch::server {

// As JSON: null, true, false, a number as it was written (in JSON's spelling), or a string.
// YAML 1.1's yes, no, on and off are strings, and so are .inf and .nan, which JSON has not.
std::string core_schema_json(std::string_view plain);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_YAML_SCALAR_H_
