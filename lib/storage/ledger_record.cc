#include "storage/ledger_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "json/json.h"
#include "storage/store_rules.h"

namespace llmorch {
namespace {

constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kEllipsis = 3;  // what shorten() adds
constexpr std::size_t kMaxRawUsage = 16384;
constexpr std::size_t kMaxList = 64;

// Stores keep UTF-8.
void bound(std::string& text) {
  if (text.size() > kMaxText) text = shorten(text, kMaxText - kEllipsis);
  if (!is_utf8(text)) text = "(not UTF-8)";
}

template <class List>
void bound_list(List& list) {
  if (list.size() > kMaxList) list.resize(kMaxList);
}

void text(std::string& out, std::string_view key, std::string_view value) {
  out.append(out.back() == '{' ? "\"" : ",\"").append(key).append("\":");
  append_json_string(out, value);
}

void number(std::string& out, std::string_view key, std::int64_t value) {
  out.append(out.back() == '{' ? "\"" : ",\"").append(key).append("\":");
  fmt::format_to(std::back_inserter(out), "{}", value);
}

template <class List, class Write>
std::string array_json(const List& list, Write write) {
  std::string out = "[";
  for (const auto& entry : list) {
    if (out.size() > 1) out.push_back(',');
    write(out, entry);
  }
  out.push_back(']');
  return out;
}

template <class Entry, class Read>
std::vector<Entry> array_from_json(std::string text, Read read) {
  std::vector<Entry> list;
  const auto document = json::Document::parse(std::move(text));
  if (!document) return list;
  for (const json::Value& value : document->root().items()) list.push_back(read(value));
  return list;
}

std::string text_of(const json::Value& value) { return value.string().value_or(std::string()); }
std::int64_t number_of(const json::Value& value) { return value.integer().value_or(0); }

template <class Enum>
Enum from_name(std::string_view name, std::string_view (*name_of)(Enum), Enum last) {
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    if (name_of(static_cast<Enum>(i)) == name) return static_cast<Enum>(i);
  }
  return Enum{};
}

}  // namespace

Record ledger_form(Record record) {
  record.started = from_us(to_us(record.started));
  bound_list(record.plan);
  bound_list(record.attempts);
  bound_list(record.dropped);
  for (std::string* field :
       {&record.id, &record.principal.id, &record.principal.project, &record.model_asked,
        &record.model, &record.model_answered, &record.trace_id, &record.session,
        &record.error_type, &record.error_message})
    bound(*field);
  for (AttemptRecord& attempt : record.attempts) {
    for (std::string* field :
         {&attempt.provider, &attempt.model, &attempt.credential, &attempt.message})
      bound(*field);
  }
  for (PlanEntry& entry : record.plan) {
    for (std::string* field : {&entry.provider, &entry.model, &entry.credential, &entry.reason})
      bound(*field);
  }
  for (std::string& name : record.dropped) bound(name);
  if (record.raw_usage.size() > kMaxRawUsage || !is_utf8(record.raw_usage))
    record.raw_usage.clear();  // half a JSON text would be worth less
  return record;
}

std::string_view last_provider(const Record& record) {
  return record.attempts.empty() ? std::string_view() : record.attempts.back().provider;
}

std::string cursor_text(const LedgerCursor& cursor) {
  return fmt::format("{}.{}", cursor.started_us, cursor.id);
}

Result<LedgerCursor> parse_cursor(std::string_view text) {
  LedgerCursor cursor;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), cursor.started_us);
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || digits >= text.size() || text[digits] != '.' ||
      text.size() > kMaxText + 32)
    return Status(Code::kInvalidArgument, "this is not a cursor that a page has given")
        .with_param("cursor");
  cursor.id = text.substr(digits + 1);
  return cursor;
}

std::string attempts_json(const std::vector<AttemptRecord>& attempts) {
  return array_json(attempts, [](std::string& out, const AttemptRecord& attempt) {
    out.push_back('{');
    number(out, "candidate", attempt.candidate);
    text(out, "provider", attempt.provider);
    text(out, "model", attempt.model);
    text(out, "credential", attempt.credential);
    text(out, "verdict", verdict_name(attempt.verdict));
    number(out, "status", attempt.http_status);
    text(out, "message", attempt.message);
    number(out, "start_us", attempt.start_us);
    number(out, "connected_us", attempt.connected_us);
    number(out, "sent_us", attempt.request_sent_us);
    number(out, "first_byte_us", attempt.first_byte_us);
    number(out, "end_us", attempt.end_us);
    number(out, "bytes_sent", static_cast<std::int64_t>(attempt.bytes_sent));
    number(out, "bytes_received", static_cast<std::int64_t>(attempt.bytes_received));
    out.push_back('}');
  });
}

std::vector<AttemptRecord> attempts_from_json(std::string text) {
  return array_from_json<AttemptRecord>(std::move(text), [](const json::Value& row) {
    AttemptRecord attempt;
    attempt.candidate = static_cast<int>(number_of(row["candidate"]));
    attempt.provider = text_of(row["provider"]);
    attempt.model = text_of(row["model"]);
    attempt.credential = text_of(row["credential"]);
    attempt.verdict = from_name(text_of(row["verdict"]), verdict_name, Verdict::kInexpressible);
    attempt.http_status = static_cast<int>(number_of(row["status"]));
    attempt.message = text_of(row["message"]);
    attempt.start_us = number_of(row["start_us"]);
    attempt.connected_us = number_of(row["connected_us"]);
    attempt.request_sent_us = number_of(row["sent_us"]);
    attempt.first_byte_us = number_of(row["first_byte_us"]);
    attempt.end_us = number_of(row["end_us"]);
    attempt.bytes_sent = static_cast<std::uint64_t>(number_of(row["bytes_sent"]));
    attempt.bytes_received = static_cast<std::uint64_t>(number_of(row["bytes_received"]));
    return attempt;
  });
}

std::string plan_json(const std::vector<PlanEntry>& plan) {
  return array_json(plan, [](std::string& out, const PlanEntry& entry) {
    out.push_back('{');
    text(out, "provider", entry.provider);
    text(out, "model", entry.model);
    text(out, "credential", entry.credential);
    number(out, "tier", entry.tier);
    number(out, "weight", entry.weight);
    text(out, "reason", entry.reason);
    out.push_back('}');
  });
}

std::vector<PlanEntry> plan_from_json(std::string text) {
  return array_from_json<PlanEntry>(std::move(text), [](const json::Value& row) {
    PlanEntry entry;
    entry.provider = text_of(row["provider"]);
    entry.model = text_of(row["model"]);
    entry.credential = text_of(row["credential"]);
    entry.tier = static_cast<int>(number_of(row["tier"]));
    entry.weight = static_cast<unsigned>(number_of(row["weight"]));
    entry.reason = text_of(row["reason"]);
    return entry;
  });
}

std::string names_json(const std::vector<std::string>& names) {
  return array_json(
      names, [](std::string& out, const std::string& name) { append_json_string(out, name); });
}

std::vector<std::string> names_from_json(std::string text) {
  return array_from_json<std::string>(std::move(text), text_of);
}

std::string prices_json(const std::optional<Prices>& prices) {
  if (!prices) return {};
  std::string out = "{";
  number(out, "input", prices->input);
  number(out, "input_cache_read", prices->input_cache_read);
  number(out, "input_cache_write", prices->input_cache_write);
  number(out, "output", prices->output);
  out.push_back('}');
  return out;
}

std::optional<Prices> prices_from_json(std::string text) {
  const auto document = json::Document::parse(std::move(text));
  if (!document || !document->root().is_object()) return std::nullopt;
  const json::Value row = document->root();
  return Prices{number_of(row["input"]), number_of(row["input_cache_read"]),
                number_of(row["input_cache_write"]), number_of(row["output"])};
}

std::string_view operation_name(Operation operation) {
  switch (operation) {
    case Operation::kGenerate:
      return "generate";
    case Operation::kEmbed:
      return "embed";
    case Operation::kCountTokens:
      return "count_tokens";
    case Operation::kListModels:
      return "list_models";
  }
  return "unknown";
}

Operation operation_from_name(std::string_view name) {
  return from_name(name, operation_name, Operation::kListModels);
}
FinishReason finish_from_name(std::string_view name) {
  return from_name(name, finish_reason_name, FinishReason::kOther);
}
CancelPhase cancel_phase_from_name(std::string_view name) {
  return from_name(name, cancel_phase_name, CancelPhase::kStreaming);
}
UsageSource usage_source_from_name(std::string_view name) {
  return from_name(name, usage_source_name, UsageSource::kEstimated);
}

}  // namespace llmorch
