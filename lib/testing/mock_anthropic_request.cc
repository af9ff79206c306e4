// What Messages refuses in a body: its fields, and where cache breakpoints stand (WIRE_FORMATS
// 2.2).
#include <algorithm>

#include "testing/mock_anthropic.h"
#include "testing/mock_shape.h"

namespace llmorch::testing {
namespace {

using json::Value;

constexpr std::string_view kFields =
    "model:s! messages:a! max_tokens:i! system:sa stop_sequences:a stream:b metadata:o tools:a "
    "tool_choice:o thinking:o output_config:o service_tier:s speed:s cache_control:o container:* "
    "diagnostics:* inference_geo:s ";
constexpr std::string_view kOldFields = "temperature:n top_p:n top_k:i ";
constexpr std::string_view kBetaFields =
    "mcp_servers:a context_management:o fallbacks:* compaction:* thread:* billing_policy:* "
    "fallback_credit_token:* output_format:o ";
constexpr std::string_view kCountFields =
    "model:s! messages:a! system:sa tools:a tool_choice:o thinking:o output_config:o speed:s "
    "cache_control:o ";

// Counts breakpoints in the order in which the vendor reads them.
class CacheMarks {
 public:
  Problem see(const Value& holder, std::string_view at) {
    const Value mark = holder["cache_control"];
    if (!mark.is_object()) return std::nullopt;
    const std::string place = joined(at, ".cache_control");
    if (auto problem = anthropic_shape(mark, "type:s! ttl:s", place)) return problem;
    if (mark["type"].string() != "ephemeral") {
      return place +
             ": Input tag found using 'type' does not match any of the expected tags: "
             "'ephemeral'";
    }
    const std::string ttl = mark["ttl"].string().value_or("5m");
    if (ttl != "5m" && ttl != "1h") return place + ".ttl: Input should be '5m' or '1h'";
    if (ttl == "1h" && short_seen_) {
      return place +
             ".ttl: a ttl='1h' cache_control block must not come after a ttl='5m' "
             "cache_control block.";
    }
    short_seen_ = short_seen_ || ttl == "5m";
    ++count_;
    return std::nullopt;
  }
  Problem see_all(const Value& list, std::string_view at) {
    std::size_t index = 0;
    for (const Value& item : list.items()) {
      const std::string place = joined(at, ".", index++);
      if (auto problem = see(item, place)) return problem;
      if (auto problem = see_all(item["content"], place + ".content")) return problem;
    }
    return std::nullopt;
  }
  Problem end() const {
    if (count_ <= 4) return std::nullopt;
    return joined("A maximum of 4 blocks with cache_control may be provided. Found ", count_, ".");
  }

 private:
  bool short_seen_ = false;
  int count_ = 0;
};

Problem check_system(const Value& system) {
  std::size_t index = 0;
  for (const Value& block : system.items()) {
    const std::string at = joined("system.", index++);
    if (auto problem = anthropic_shape(block, "type:s! text:s! cache_control:o citations:a", at)) {
      return problem;
    }
    if (block["type"].string() != "text") return at + ".type: Input should be 'text'";
    if (block["text"].string()->empty()) return "system: text content blocks must be non-empty";
  }
  return std::nullopt;
}

Problem check_small_fields(const Value& root) {
  const Value metadata = root["metadata"];
  if (metadata.is_object()) {
    if (auto problem = anthropic_shape(metadata, "user_id:s", "metadata")) return problem;
    if (metadata["user_id"].string().value_or("").find('@') != std::string::npos) {
      return "metadata.user_id: user_id appears to contain an email address";
    }
  }
  for (const Value& word : root["stop_sequences"].items()) {
    if (!word.is_string()) return "stop_sequences: Input should be a valid string";
    if (word.string()->find_first_not_of(" \t\r\n") == std::string::npos) {
      return "stop_sequences: each stop sequence must contain non-whitespace";
    }
  }
  const std::string tier = root["service_tier"].string().value_or("auto");
  if (tier != "auto" && tier != "standard_only") {
    return "service_tier: Input should be 'auto' or 'standard_only'";
  }
  const std::string speed = root["speed"].string().value_or("fast");
  if (speed != "standard" && speed != "fast") {
    return "speed: Input should be 'standard' or 'fast'";
  }
  return std::nullopt;
}

}  // namespace

Problem anthropic_shape(const Value& object, std::string_view shape, std::string_view at) {
  const std::string dot = at.empty() ? "" : joined(at, ".");
  if (!object.is_object()) {
    return joined(at, at.empty() ? "" : ": ", "Input should be a valid dictionary");
  }
  const auto fault = check_shape(object, shape);
  if (!fault) return std::nullopt;
  if (fault->kind == ShapeFault::Kind::kUnknown) {
    return dot + fault->name + ": Extra inputs are not permitted";
  }
  if (fault->kind == ShapeFault::Kind::kMissing) return dot + fault->name + ": Field required";
  static constexpr std::pair<char, std::string_view> kNames[] = {
      {'s', "string"},  {'i', "integer"}, {'n', "number"},
      {'b', "boolean"}, {'a', "list"},    {'o', "dictionary"}};
  std::string wanted;
  for (const auto& [kind, name] : kNames) {
    if (fault->kinds.find(kind) != std::string::npos)
      put(wanted, wanted.empty() ? "" : " or ", name);
  }
  return dot + fault->name + ": Input should be a valid " + wanted;
}

Problem check_anthropic_cache(const Value& root) {
  CacheMarks marks;
  if (auto problem = marks.see_all(root["tools"], "tools")) return problem;
  if (auto problem = marks.see_all(root["system"], "system")) return problem;
  if (auto problem = marks.see_all(root["messages"], "messages")) return problem;
  if (auto problem = marks.end()) return problem;
  return CacheMarks().see(root, "");
}

Problem read_anthropic(std::string_view body, const AnthropicRequest& request, MockAsk& ask) {
  auto document = json::Document::parse(std::string(body));
  if (!document) {
    return "The request body is not valid JSON: " + std::string(document.error().message());
  }
  const Value root = document->root();
  std::string shape(request.count_only ? kCountFields : kFields);
  if (!request.count_only && request.version != "2026-10-21") shape += kOldFields;
  if (request.beta) shape += kBetaFields;
  if (auto problem = anthropic_shape(root, shape, "")) return problem;
  ask.model = *root["model"].string();
  if (ask.model.empty()) return "model: String should have at least 1 character";
  if (root["messages"].size() == 0) return "messages: at least one message is required";
  const AnthropicModel& model = anthropic_model(ask.model);
  if (auto problem = check_small_fields(root)) return problem;
  if (auto problem = check_anthropic_model(root, model)) return problem;
  if (auto problem = check_system(root["system"])) return problem;
  if (auto problem = check_anthropic_cache(root)) return problem;
  ask.prompt_bytes += root["system"].string().value_or("").size();
  for (const Value& block : root["system"].items()) {
    ask.prompt_bytes += block["text"].string().value_or("").size();
  }
  std::string last_user;
  if (auto problem = read_anthropic_messages(root, model, ask, last_user)) return problem;
  if (auto problem = read_anthropic_tools(root, last_user, ask)) return problem;
  ask.stream = root["stream"].boolean().value_or(false);
  ask.max_tokens = root["max_tokens"].integer().value_or(-1);
  for (const Value& word : root["stop_sequences"].items()) ask.stop.push_back(*word.string());
  const std::string thinking = root["thinking"]["type"].string().value_or("");
  ask.think = thinking == "enabled" || thinking == "adaptive";
  ask.hide_thinking = root["thinking"]["display"].string() == "omitted";
  ask.nonce = mix_bytes(body, mix_bytes(last_user, 1));
  return std::nullopt;
}

}  // namespace llmorch::testing
