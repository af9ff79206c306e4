// One entry of a list of models. Pure.
#ifndef LLMORCH_SERVER_MODEL_LIST_H_
#define LLMORCH_SERVER_MODEL_LIST_H_

#include <optional>
#include <string>
#include <string_view>

namespace llmorch::server {

// The entry with that id, as JSON; `list` is an OpenAI list of models as Gateway::list_models()
// writes it.
std::optional<std::string> model_in_list(std::string_view list, std::string_view id);

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_MODEL_LIST_H_
