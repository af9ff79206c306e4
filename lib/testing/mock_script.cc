#include "testing/mock_script.h"

#include <algorithm>

#include "base/text.h"
#include "json/json.h"

namespace llmorch::testing {
namespace {

constexpr std::size_t kMaxScripts = 1000;

Status wrong(std::string_view key, std::string_view expected) {
  return Status(Code::kInvalidArgument,
                "script: " + std::string(key) + " must be " + std::string(expected))
      .with_param(std::string(key));
}

// One row per key: which member it sets. A key has exactly one of the pointers.
struct Field {
  std::string_view key;
  std::uint64_t Script::*count = nullptr;
  std::chrono::milliseconds Script::*wait = nullptr;
  bool Script::*flag = nullptr;
};

constexpr Field kFields[] = {
    {"times", &Script::times},
    {"every_nth", &Script::every_nth},
    {"garbage", &Script::garbage},
    {"error_in_band", &Script::error_in_band},
    {"chunks", &Script::chunks},
    {"chunk_size", &Script::chunk_size},
    {"chunk_bytes", &Script::chunk_bytes},
    {"cut_after_bytes", &Script::cut_after_bytes},
    {"reset_after_bytes", &Script::reset_after_bytes},
    {"stall_after_bytes", &Script::stall_after_bytes},
    {"cut_after_chunks", &Script::cut_after_chunks},
    {"delay_ms", nullptr, &Script::delay},
    {"first_byte_delay_ms", nullptr, &Script::first_byte},
    {"chunk_delay_ms", nullptr, &Script::chunk_delay},
    {"no_done", nullptr, nullptr, &Script::no_done},
    {"close_after", nullptr, nullptr, &Script::close_after},
    {"accept_then_close", nullptr, nullptr, &Script::accept_then_close},
    {"drop_request", nullptr, nullptr, &Script::drop_request},
    {"http10", nullptr, nullptr, &Script::http10},
    {"stamp", nullptr, nullptr, &Script::stamp},
    {"redacted", nullptr, nullptr, &Script::redacted},
};

constexpr std::size_t kMaxCalls = 128;

constexpr std::pair<std::string_view, std::uint64_t ScriptedUsage::*> kCounts[] = {
    {"input", &ScriptedUsage::input},
    {"cached", &ScriptedUsage::cached},
    {"cache_write", &ScriptedUsage::cache_write},
    {"output", &ScriptedUsage::output},
    {"reasoning", &ScriptedUsage::reasoning},
};

constexpr std::pair<std::string_view, std::optional<std::string> Script::*> kTexts[] = {
    {"text", &Script::text},
    {"thinking", &Script::thinking},
    {"refusal", &Script::refusal},
    {"stopped_by", &Script::stopped_by},
};

Status read_usage(const json::Value& value, Script& script) {
  if (!value.is_object()) return wrong("usage", "an object");
  for (const auto& [name, count] : value.members()) {
    const auto row = std::find_if(std::begin(kCounts), std::end(kCounts),
                                  [&key = name](const auto& field) { return field.first == key; });
    if (row == std::end(kCounts) || !count.integer() || *count.integer() < 0) {
      return wrong("usage", "of input, cached, cache_write, output, reasoning: whole numbers");
    }
    script.usage.*(row->second) = static_cast<std::uint64_t>(*count.integer());
  }
  return {};
}

Status read_calls(const json::Value& value, Script& script) {
  if (!value.is_array() || value.size() > kMaxCalls) return wrong("tool_calls", "an array");
  for (const json::Value& item : value.items()) {
    ScriptedCall call;
    for (const auto& [name, member] : item.members()) {
      if (name == "arguments") {
        call.arguments = member.is_string() ? *member.string() : std::string(member.raw());
      } else if ((name != "name" && name != "id") || !member.is_string()) {
        return wrong("tool_calls", "an array of {name, arguments, id}");
      } else {
        (name == "name" ? call.name : call.id) = *member.string();
      }
    }
    if (call.name.empty()) return wrong("tool_calls", "an array of {name, arguments, id}");
    script.tool_calls.push_back(std::move(call));
  }
  return {};
}

Status read_headers(const json::Value& value, Script& script) {
  if (!value.is_object()) return wrong("headers", "an object");
  for (const auto& [name, content] : value.members()) {
    const auto text = content.string();
    if (!is_token(name) || !text || !is_header_value(*text)) {
      return wrong("headers", "an object of header names and strings");
    }
    script.headers.emplace_back(name, *text);
  }
  return {};
}

Status read_member(std::string_view key, const json::Value& value, Script& script) {
  for (const Field& field : kFields) {
    if (field.key != key) continue;
    if (field.flag != nullptr) {
      if (!value.boolean()) return wrong(key, "true or false");
      script.*field.flag = *value.boolean();
      return {};
    }
    if (!value.integer() || *value.integer() < 0) return wrong(key, "a whole number");
    const std::int64_t number = *value.integer();
    if (field.wait != nullptr) {
      if (number > 86'400'000) return wrong(key, "at most a day");
      script.*field.wait = std::chrono::milliseconds(number);
    } else {
      script.*field.count = static_cast<std::uint64_t>(number);
    }
    return {};
  }
  for (const auto& [name, member] : kTexts) {
    if (name != key) continue;
    script.*member = value.string();
    return script.*member ? Status() : wrong(key, "a string");
  }
  if (key == "headers") return read_headers(value, script);
  if (key == "usage") return read_usage(value, script);
  if (key == "tool_calls") return read_calls(value, script);
  if (key == "finish") {
    script.finish = value.string().value_or("");
    return script.finish.empty() ? wrong(key, "a word") : Status();
  }
  if (key == "dialect") {
    script.dialect = value.string().value_or("");
    const bool known =
        script.dialect == "openai" || script.dialect == "anthropic" || script.dialect == "gemini";
    return known ? Status() : wrong(key, "openai, anthropic or gemini");
  }
  if (key == "status") {
    const auto status = value.integer();
    if (!status || *status < 200 || *status > 999) return wrong(key, "200 to 999");
    script.status = static_cast<int>(*status);
    return {};
  }
  if (key == "retry_after") {
    script.retry_after = value.is_string() ? *value.string() : std::string(value.raw());
    if (!is_header_value(script.retry_after)) return wrong(key, "a header value");
    return {};
  }
  if (key == "body") {
    script.body = value.is_string() ? *value.string() : std::string(value.raw());
    return {};
  }
  if (key == "raw") {
    script.raw = value.string();
    return script.raw ? Status() : wrong(key, "a string");
  }
  return Status(Code::kInvalidArgument, "script: unknown key " + std::string(key))
      .with_param(std::string(key));
}

Result<Script> read_script(const json::Value& value) {
  if (!value.is_object()) return wrong("it", "an object");
  Script script;
  for (const auto& [key, member] : value.members()) {
    if (Status status = read_member(key, member, script); !status.ok()) return status;
  }
  if (script.every_nth == 0) return wrong("every_nth", "at least 1");
  return script;
}

}  // namespace

Result<Script> parse_script(std::string_view json) {
  auto document = json::Document::parse(std::string(json));
  if (!document) return document.error();
  return read_script(document->root());
}

Status ScriptQueue::set(std::string_view json) {
  std::vector<Entry> entries;
  if (!trim(json).empty()) {
    auto document = json::Document::parse(std::string(json));
    if (!document) return document.error();
    const json::Value root = document->root();
    std::vector<json::Value> items;
    if (root.is_array()) {
      items = root.items();
    } else {
      items.push_back(root);
    }
    if (items.size() > kMaxScripts) return Status(Code::kTooLarge, "too many scripts");
    for (const json::Value& item : items) {
      auto script = read_script(item);
      if (!script) return script.error();
      entries.push_back({*std::move(script), 0});
    }
  }
  entries_ = std::move(entries);
  return {};
}

std::optional<Script> ScriptQueue::offer(std::size_t index, std::string_view dialect) {
  Entry& entry = entries_[index];
  if (!entry.script.dialect.empty() && entry.script.dialect != dialect) return std::nullopt;
  ++entry.offered;
  if (entry.offered % entry.script.every_nth != 0 || entry.script.times == 0) return std::nullopt;
  Script script = entry.script;
  if (entry.script.times != kNever && --entry.script.times == 0) {
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(index));
  }
  return script;
}

std::optional<Script> ScriptQueue::next(std::string_view dialect) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::size_t before = entries_.size();
    if (auto script = offer(i, dialect)) return script;
    if (entries_.size() != before) --i;
  }
  return std::nullopt;
}

bool ScriptQueue::close_on_accept() {
  return !entries_.empty() && entries_.front().script.accept_then_close &&
         offer(0, entries_.front().script.dialect).has_value();
}

}  // namespace llmorch::testing
