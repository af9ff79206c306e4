#include "server/expand.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace llmorch::server {
namespace {

bool is_name(std::string_view text) {
  if (text.empty() || (text.front() >= '0' && text.front() <= '9')) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  });
}

void note(std::string& from, std::string_view kind, std::string_view name) {
  if (!from.empty()) from.append(", ");
  from.append(kind).append(name);
}

// `inside` is what stands between "${" and "}".
Result<std::string> resolve(std::string_view inside, const Lookup& lookup, std::string& from) {
  if (inside.starts_with("file:")) {
    note(from, "file ", inside.substr(5));
    return lookup.file(std::string(inside.substr(5)));
  }
  const std::size_t mark = inside.find(":-");
  const std::string name(inside.substr(0, mark));
  if (!is_name(name)) {
    return Status(Code::kInvalidArgument, "\"${" + std::string(inside.substr(0, 64)) +
                                              "}\" is no reference; write ${NAME}, "
                                              "${NAME:-default}, ${file:path}, or $$ for a \"$\"");
  }
  const std::optional<std::string> value = lookup.variable(name);
  if (mark != std::string_view::npos && value.value_or("").empty())
    return std::string(inside.substr(mark + 2));
  if (!value)
    return Status(Code::kInvalidArgument, "the environment variable " + name + " is not set");
  note(from, "environment ", name);
  return *value;
}

}  // namespace

Result<Expanded> expand(std::string_view text, const Lookup& lookup) {
  Expanded out;
  while (true) {
    const std::size_t dollar = text.find('$');
    out.text.append(text.substr(0, dollar));
    if (dollar == std::string_view::npos) return out;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      out.text.push_back('$');
      out.changed = true;
      text.remove_prefix(1);
    } else if (text.starts_with('{')) {
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos)
        return Status(Code::kInvalidArgument, "a \"${\" has no \"}\"");
      const Result<std::string> value = resolve(text.substr(1, end - 1), lookup, out.from);
      if (!value) return value.error();
      out.text.append(*value);
      out.changed = true;
      text.remove_prefix(end + 1);
    } else {
      out.text.push_back('$');
    }
  }
}

Result<std::string> read_file(const std::string& path, std::size_t most) {
  const auto failed = [&path](int error) {
    return Status(Code::kNotFound,
                  "cannot read " + path + ": " + std::system_category().message(error));
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failed(errno);
  std::string text;
  char block[16 * 1024];
  while (true) {
    const ssize_t count = ::read(fd, block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const int error = count < 0 ? errno : 0;
      ::close(fd);
      if (error != 0) return failed(error);
      return text;
    }
    text.append(block, static_cast<std::size_t>(count));
    if (text.size() > most) {
      ::close(fd);
      return Status(Code::kTooLarge, path + " is larger than " + std::to_string(most) + " bytes");
    }
  }
}

Lookup system_lookup(std::string directory) {
  Lookup out;
  out.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
  out.file = [directory = std::move(directory)](const std::string& path) -> Result<std::string> {
    Result<std::string> text =
        read_file(path.starts_with('/') ? path : directory + "/" + path, 64 * 1024);
    if (text) {
      while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
    }
    return text;
  };
  return out;
}

}  // namespace llmorch::server
