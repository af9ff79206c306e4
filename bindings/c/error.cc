#include "error.h"

#include <cstdio>
#include <string_view>

namespace llmorch::c_abi {
namespace {

// The bindings see include/llmorch only, so they bring these few lines of their own.
void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
      out.append(escaped);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

// Made when the library is loaded, because it is needed when nothing can be made any more. Its text
// fits in no small-string buffer, hence here and not on first use.
llmorch_error out_of_memory{R"({"code":"overloaded","message":"out of memory","http_status":503,)"
                            R"("reason":"out_of_memory","param":null,"retry_after_ms":null})"};

}  // namespace

std::string error_json(const Status& status) {
  std::string out = R"({"code":)";
  append_string(out, code_name(status.code()));
  out.append(R"(,"message":)");
  append_string(out, status.message());
  out.append(R"(,"http_status":)").append(std::to_string(status.http_status()));
  out.append(R"(,"reason":)");
  append_string(out, status.reason());
  out.append(R"(,"param":)");
  if (status.param().empty()) {
    out.append("null");
  } else {
    append_string(out, status.param());
  }
  out.append(R"(,"retry_after_ms":)");
  const auto wait = status.retry_after();
  out.append(wait ? std::to_string(wait->count()) : "null").append("}");
  return out;
}

llmorch_error* new_error(const Status& status) noexcept {
  try {
    return new llmorch_error{error_json(status)};
  } catch (...) {
    return out_of_memory_error();
  }
}

llmorch_error* out_of_memory_error() noexcept { return &out_of_memory; }

}  // namespace llmorch::c_abi

using namespace llmorch::c_abi;

extern "C" const char* llmorch_error_json(const llmorch_error* error, size_t* len) noexcept {
  if (len != nullptr) *len = error == nullptr ? 0 : error->json.size();
  return error == nullptr ? nullptr : error->json.c_str();
}

extern "C" void llmorch_error_free(llmorch_error* error) noexcept {
  if (error != out_of_memory_error()) delete error;
}
