// Writes one JSON object, and puts fields without a neutral meaning (Extras) back where they stood.
//
// Belongs to one function call on one thread; appends to a string that it does not own.
#ifndef LLMORCH_FORMATS_OBJECT_WRITER_H_
#define LLMORCH_FORMATS_OBJECT_WRITER_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"
#include "llmorch/spi/chat.h"

namespace llmorch {

class ObjectWriter {
 public:
  // Opens the object. `extras` may be null; those below `prefix` (a JSON pointer, "" for all) are
  // written by close(), unless a field of that name was.
  explicit ObjectWriter(std::string& out, const Extras* extras = nullptr, std::string prefix = "");

  void raw(std::string_view key, std::string_view json);
  void string(std::string_view key, std::string_view text);
  void integer(std::string_view key, std::int64_t value);
  void boolean(std::string_view key, bool value);
  // Writes the key and leaves the value to the caller.
  std::string& value(std::string_view key);
  // A nested object with the same extras. Close it before writing on.
  ObjectWriter object(std::string_view key);

  bool wrote(std::string_view key) const;
  void close();

 private:
  std::string& out_;
  const Extras* extras_;
  std::string prefix_;
  std::vector<std::string> written_;
};

// One step of a JSON pointer (RFC 6901): "/" and the escaped key.
std::string pointer_step(std::string_view key);
// The key of a pointer that is exactly one step below `prefix`; "" and false otherwise.
bool step_below(std::string_view pointer, std::string_view prefix, std::string& key);

// Adds every member of `object` that is not in `known` to `out`, under `prefix`.
void keep_unknown(const json::Value& object, std::string_view prefix,
                  std::initializer_list<std::string_view> known, Extras& out);
void keep(Extras& out, std::string path, std::string_view json);

}  // namespace llmorch

#endif  // LLMORCH_FORMATS_OBJECT_WRITER_H_
