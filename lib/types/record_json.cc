#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "base/text.h"
#include "llmorch/types.h"

namespace llmorch {
namespace {

// Writes `"key":value,` pairs; close() turns the last comma into the brace.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_.push_back('{'); }
  void text(std::string_view key, std::string_view value) {
    name(key);
    append_json_string(out_, value);
    out_.push_back(',');
  }
  template <class Number>
  void number(std::string_view key, Number value) {
    name(key);
    char digits[24];
    out_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
    out_.push_back(',');
  }
  // `units` counted in fractions of which `digits` decimals make one.
  void decimal(std::string_view key, std::int64_t units, int digits) {
    units = std::max<std::int64_t>(units, 0);
    std::int64_t one = 1;
    for (int i = 0; i < digits; ++i) one *= 10;
    number(key, units / one);
    out_.back() = '.';
    const std::string rest = std::to_string(units % one);
    out_.append(static_cast<std::size_t>(digits) - rest.size(), '0').append(rest).push_back(',');
  }
  void flag(std::string_view key, bool value) {
    name(key);
    out_.append(value ? "true," : "false,");
  }
  std::string& raw(std::string_view key) {
    name(key);
    return out_;
  }
  void close() {
    if (out_.back() == ',') out_.pop_back();
    out_.push_back('}');
  }

 private:
  void name(std::string_view key) {  // keys are our own words: nothing in them needs escaping
    out_.push_back('"');
    out_.append(key).append("\":");
  }
  std::string& out_;
};

void close_array(std::string& out) {
  if (out.back() == ',') out.pop_back();
  out.append("],");
}

// Whose fault it was is how loud it is.
std::string_view level(std::string_view error_type) {
  if (error_type.empty()) return "info";
  return error_type.starts_with("caller_") || error_type.starts_with("policy_") ? "warn" : "error";
}

void add_attempts(std::string& out, const Record& record) {
  for (const AttemptRecord& attempt : record.attempts) {
    Object row(out);
    row.text("provider", attempt.provider);
    row.text("model", attempt.model);
    row.text("credential", attempt.credential);
    row.text("verdict", verdict_name(attempt.verdict));
    row.number("status", attempt.http_status);
    if (!attempt.message.empty()) row.text("message", attempt.message);
    row.decimal("ms", attempt.end_us - attempt.start_us, 3);
    row.number("start_us", attempt.start_us);
    row.number("connected_us", attempt.connected_us);
    row.number("sent_us", attempt.request_sent_us);
    row.number("first_byte_us", attempt.first_byte_us);
    row.number("end_us", attempt.end_us);
    row.number("bytes_received", attempt.bytes_received);
    row.close();
    out.push_back(',');
  }
}

}  // namespace

std::string record_json(const Record& record) {
  std::string out;
  out.reserve(2048);
  Object object(out);
  const auto us =
      std::chrono::duration_cast<std::chrono::microseconds>(record.started.time_since_epoch())
          .count();
  object.text("ts", fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z",
                                fmt::gmtime(std::time_t(us / 1000000)), us % 1000000));
  object.text("level", level(record.error_type));
  object.text("event", "request.end");
  object.text("msg", "call ended");
  object.text("request_id", record.id);
  if (!record.trace_id.empty()) object.text("trace_id", record.trace_id);
  if (!record.session.empty()) object.text("session", record.session);
  if (!record.principal.id.empty()) object.text("key_id", record.principal.id);
  if (!record.principal.project.empty()) object.text("project", record.principal.project);
  object.text("format_in", format_name(record.format_in));
  object.text("format_out", format_name(record.format_out));
  object.text("model_requested", record.model_asked);
  object.text("model", record.model);
  object.text("model_used", record.model_answered);
  if (!record.attempts.empty()) {
    const AttemptRecord& last = record.attempts.back();
    object.text("provider", last.provider);
    object.text("provider_key_id", last.credential);
  }
  object.flag("fallback", record.attempts.size() > 1);
  object.flag("stream", record.stream);
  object.number("status", record.http_status);
  object.text("error_type", record.error_type);
  if (!record.error_message.empty()) object.text("error", record.error_message);
  if (record.cancel_phase != CancelPhase::kNone)
    object.text("cancel_phase", cancel_phase_name(record.cancel_phase));
  object.text("finish_reason", finish_reason_name(record.finish));
  object.decimal("duration_ms", record.duration_us, 3);
  if (record.first_event_us >= 0) object.decimal("ttft_ms", record.first_event_us, 3);
  object.number("overhead_us", record.overhead_us);
  object.number("bytes_in", record.bytes_in);
  object.number("bytes_out", record.bytes_out);
  object.text("usage_source", usage_source_name(record.usage_source));
  object.number("tokens_in", record.usage.input);
  object.number("tokens_cache_read", record.usage.input_cache_read);
  object.number("tokens_cache_write", record.usage.input_cache_write);
  object.number("tokens_out", record.usage.output);
  object.number("tokens_reasoning", record.usage.output_reasoning);
  if (record.prices) object.decimal("cost_usd", record.cost_nano_usd, 9);
  object.number("config_version", record.config_version);
  object.number("seed", record.seed);
  std::string& attempts = object.raw("attempts");
  attempts.push_back('[');
  add_attempts(out, record);
  close_array(out);
  object.raw("plan").push_back('[');
  for (const PlanEntry& entry : record.plan) {
    Object row(out);
    row.text("provider", entry.provider);
    row.text("model", entry.model);
    row.text("credential", entry.credential);
    row.number("tier", entry.tier);
    row.number("weight", entry.weight);
    row.text("reason", entry.reason);
    row.close();
    out.push_back(',');
  }
  close_array(out);
  if (record.plan_omitted > 0) object.number("plan_omitted", record.plan_omitted);
  object.raw("dropped").push_back('[');
  for (const std::string& field : record.dropped) {
    append_json_string(out, field);
    out.push_back(',');
  }
  close_array(out);
  object.close();
  return out;
}

}  // namespace llmorch
