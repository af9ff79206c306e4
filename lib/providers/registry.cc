// The built-in provider types: one line each.
#include <array>

#include "llmorch/spi/provider.h"
#include "providers/anthropic.h"
#include "providers/gemini.h"
#include "providers/openai.h"

namespace llmorch {
namespace {

const std::array<const ProviderType*, 3>& types() {
  static const std::array<const ProviderType*, 3> kTypes{
      &anthropic_provider_type(), &gemini_provider_type(), &openai_provider_type()};
  return kTypes;
}

}  // namespace

const ProviderType* find_provider_type(std::string_view name) {
  for (const ProviderType* type : types()) {
    if (type->name() == name) return type;
  }
  return nullptr;
}

std::vector<std::string_view> provider_type_names() {
  std::vector<std::string_view> names;
  for (const ProviderType* type : types()) names.push_back(type->name());
  return names;
}

}  // namespace llmorch
