#include "server/call_log.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <mutex>

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

constexpr std::size_t kGatherAtMost = 64u << 10;
std::string g_gathered;  // the writer thread's

// To its end, or not at all: a log that nobody reads any more must not stop anything.
void write_all(std::string_view text) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

std::string record_line(const Record& record) {
  const time_t seconds = std::chrono::system_clock::to_time_t(record.started);
  tm parts{};
  ::localtime_r(&seconds, &parts);
  std::string out = fmt::format("{:02}:{:02}:{:02} {} {}", parts.tm_hour, parts.tm_min,
                                parts.tm_sec, record.http_status,
                                record.model_asked.empty() ? "-" : printable(record.model_asked));
  if (!record.principal.id.empty()) out += " for " + record.principal.id;
  for (const AttemptRecord& attempt : record.attempts) {
    out += fmt::format(" {} {}/{}", &attempt == &record.attempts.front() ? "->" : "then",
                       attempt.provider, attempt.model);
    if (attempt.verdict != Verdict::kOk) out += fmt::format(" ({})", verdict_name(attempt.verdict));
  }
  out += fmt::format(" {:.3f}s", static_cast<double>(record.duration_us) / 1e6);
  if (record.stream) out += " stream";
  if (record.usage_source != UsageSource::kNone)
    out += fmt::format(" {}+{} tokens", record.usage.total_input(), record.usage.total_output());
  if (!record.error_type.empty())
    out += fmt::format(" {}: {}", record.error_type, printable(record.error_message));
  return out + " " + record.id;
}

void write_log(std::string line) {
  line.push_back('\n');
  write_all(line);
}

void gather_record(const Record& record) {
  static const bool terminal = ::isatty(STDERR_FILENO) == 1;
  g_gathered += terminal ? record_line(record) : record_json(record);
  g_gathered += '\n';
  if (g_gathered.size() > kGatherAtMost) write_gathered();
}

void write_gathered() {
  write_all(g_gathered);
  g_gathered.clear();
}

}  // namespace llmorch::server
