#include "server/call_log.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <chrono>

namespace llmorch::server {
namespace {

// What a caller or an upstream wrote must not move the cursor, or begin a line of its own.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 300)) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(byte < 0x20 || byte == 0x7f || (byte >= 0x80 && byte < 0xa0) ? '?' : c);
  }
  return out;
}

}  // namespace

std::string record_line(const Record& record) {
  const time_t seconds = std::chrono::system_clock::to_time_t(record.started);
  tm parts{};
  ::localtime_r(&seconds, &parts);
  std::string out = fmt::format("{:02}:{:02}:{:02} {} {}", parts.tm_hour, parts.tm_min,
                                parts.tm_sec, record.http_status,
                                record.model_asked.empty() ? "-" : printable(record.model_asked));
  for (const AttemptRecord& attempt : record.attempts) {
    out += fmt::format(" {} {}/{}", &attempt == &record.attempts.front() ? "->" : "then",
                       attempt.provider, attempt.model);
    if (attempt.verdict != Verdict::kOk) out += fmt::format(" ({})", verdict_name(attempt.verdict));
  }
  out += fmt::format(" {:.3f}s", static_cast<double>(record.duration_us) / 1e6);
  if (record.stream) out += " stream";
  if (record.usage_known)
    out += fmt::format(" {}+{} tokens", record.usage.total_input(), record.usage.total_output());
  if (!record.error_type.empty())
    out += fmt::format(" {}: {}", record.error_type, printable(record.error_message));
  return out + " " + record.id;
}

void write_log(std::string line) {
  line.push_back('\n');
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

void write_record(const Record& record) {
  static const bool terminal = ::isatty(STDERR_FILENO) == 1;
  write_log(terminal ? record_line(record) : record_json(record));
}

}  // namespace llmorch::server
