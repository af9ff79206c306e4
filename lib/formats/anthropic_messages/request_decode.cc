// Request body to ChatRequest. What has no neutral meaning stays as an Extra, so that nothing is
// lost on the way back; what the neutral form restates too.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "formats/anthropic_messages/anthropic_messages.h"
#include "formats/anthropic_messages/message_decode.h"
#include "formats/object_writer.h"

namespace llmorch::anthropic_messages {
namespace {

using json::Type;
using json::Value;

class Reader {
 public:
  Status read(const Value& root, ChatRequest& out);

 private:
  void read_tool_choice(const Value& choice, ChatRequest& out);
  void read_thinking(const Value& thinking, ChatRequest& out);
  void read_output_config(const Value& config, ChatRequest& out);
  void read_limits(const Value& root, ChatRequest& out);
  void read_service_tier(const Value& tier, ChatRequest& out);

  MessageReader in_;
};

void Reader::read_tool_choice(const Value& choice, ChatRequest& out) {
  if (!choice.exists() || choice.is_null()) return;
  if (!in_.need_object(choice, "tool_choice")) return;
  const std::string type = in_.need_string(choice, "type", "tool_choice");
  if (type == "auto") {
    out.tool_choice.kind = ToolChoice::Kind::kAuto;
  } else if (type == "any") {
    out.tool_choice.kind = ToolChoice::Kind::kRequired;
  } else if (type == "none") {
    out.tool_choice.kind = ToolChoice::Kind::kNone;
  } else if (type == "tool") {
    out.tool_choice.kind = ToolChoice::Kind::kNamed;
    out.tool_choice.name = in_.need_string(choice, "name", "tool_choice");
  } else {
    return keep(out.extras, "/tool_choice", choice.raw());
  }
  if (const auto single = choice["disable_parallel_tool_use"].boolean()) {
    out.parallel_tool_calls = !*single;
  }
}

void Reader::read_thinking(const Value& thinking, ChatRequest& out) {
  if (!thinking.exists() || thinking.is_null()) return;
  if (!in_.need_object(thinking, "thinking")) return;
  const std::string type = in_.need_string(thinking, "type", "thinking");
  // `between_tools` and what comes next have no neutral word.
  const bool known = type == "enabled" || type == "adaptive" || type == "disabled";
  out.extras.push_back({"/thinking", std::string(thinking.raw()), known});
  if (type == "disabled") {
    out.reasoning_effort = "none";
    return;
  }
  if (type == "enabled") {
    out.reasoning_budget = thinking["budget_tokens"].integer();
    if (!out.reasoning_budget) in_.fail(missing("thinking.budget_tokens"));
  }
  const std::string display = in_.take_string(thinking["display"], "thinking.display");
  if (known) out.include_reasoning = display != "omitted";
}

void Reader::read_output_config(const Value& config, ChatRequest& out) {
  if (!config.exists() || config.is_null()) return;
  if (!in_.need_object(config, "output_config")) return;
  const std::string effort = in_.take_string(config["effort"], "output_config.effort");
  if (out.reasoning_effort.empty()) {
    out.reasoning_effort = effort;
  } else if (!effort.empty()) {  // not thinking, and still told how hard to try
    keep(out.extras, "/output_config/effort", config["effort"].raw());
  }
  const Value format = config["format"];
  if (format["type"].string() == "json_schema" && format["schema"].is_object()) {
    out.response_format.kind = ResponseFormat::Kind::kJsonSchema;
    out.response_format.name = "output";
    out.response_format.schema = format["schema"].raw();
    out.response_format.strict = true;
  } else if (format.exists()) {
    keep(out.extras, "/output_config/format", format.raw());
  }
  keep_unknown(config, "/output_config", {"effort", "format"}, out.extras);
}

void Reader::read_limits(const Value& root, ChatRequest& out) {
  const Value most = root["max_tokens"];
  out.max_tokens = most.integer();
  if (most.exists() && !most.is_null() && !out.max_tokens) {
    in_.fail(wrong_type("max_tokens", "a valid integer"));
  }
  const std::pair<std::string_view, std::string*> numbers[] = {
      {"temperature", &out.temperature}, {"top_p", &out.top_p}, {"top_k", &out.top_k}};
  for (const auto& [key, to] : numbers) {
    const Value value = root[key];
    if (value.type() == Type::kNumber) {
      *to = value.raw();
    } else if (value.exists() && !value.is_null()) {
      in_.fail(wrong_type(std::string(key), "a valid number"));
    }
  }
  const Value stops = root["stop_sequences"];
  if (stops.exists() && !stops.is_null() && !stops.is_array()) {
    in_.fail(wrong_type("stop_sequences", "a valid list"));
  }
  std::size_t index = 0;
  for (const Value& stop : stops.items()) {
    out.stop.push_back(in_.take_string(stop, at("stop_sequences", index++)));
  }
}

void Reader::read_service_tier(const Value& tier, ChatRequest& out) {
  const std::string word = in_.take_string(tier, "service_tier");
  if (word == "auto") {
    out.service_tier = "auto";
  } else if (word == "standard_only") {
    out.service_tier = "default";
  } else if (!word.empty()) {
    keep(out.extras, "/service_tier", tier.raw());
  }
}

Status Reader::read(const Value& root, ChatRequest& out) {
  if (!root.is_object()) {
    return Status(Code::kInvalidArgument, "The request body must be a JSON object");
  }
  out.format = Format::kAnthropicMessages;
  out.model = in_.need_string(root, "model", "");
  if (const Value system = root["system"]; system.exists() && !system.is_null()) {
    out.messages.push_back(in_.read_system(system));
  }
  const Value messages = root["messages"];
  if (!messages.exists()) in_.fail(missing("messages"));
  if (messages.exists() && !messages.is_array()) {
    in_.fail(wrong_type("messages", "a valid list"));
  }
  std::size_t index = 0;
  for (const Value& message : messages.items()) {
    out.messages.push_back(in_.read_message(message, at("messages", index++)));
    if (!in_.error().ok()) return in_.error();
  }
  const Value tools = root["tools"];
  if (tools.exists() && !tools.is_null() && !tools.is_array()) {
    in_.fail(wrong_type("tools", "a valid list"));
  }
  index = 0;
  for (const Value& tool : tools.items()) {
    out.tools.push_back(in_.read_tool(tool, at("tools", index++)));
  }
  read_tool_choice(root["tool_choice"], out);
  read_thinking(root["thinking"], out);
  read_output_config(root["output_config"], out);
  read_limits(root, out);
  read_service_tier(root["service_tier"], out);
  const Value stream = root["stream"];
  out.stream = stream.boolean().value_or(false);
  if (stream.exists() && !stream.is_null() && stream.type() != Type::kBool) {
    in_.fail(wrong_type("stream", "a valid boolean"));
  }
  out.include_usage = out.stream;  // a stream of this format always says what it cost
  const Value metadata = root["metadata"];
  out.user = in_.take_string(metadata["user_id"], "metadata.user_id");
  keep_unknown(metadata, "/metadata", {"user_id"}, out.extras);
  keep_unknown(root, "",
               {"model", "system", "messages", "tools", "tool_choice", "thinking", "output_config",
                "max_tokens", "temperature", "top_p", "top_k", "stop_sequences", "service_tier",
                "stream", "metadata"},
               out.extras);
  return in_.error();
}

}  // namespace

Result<ChatRequest> decode_request(const Body& body) {
  auto document = json::Document::parse(body.str());
  if (!document) return wrong_json(document.error());
  ChatRequest out;
  if (Status status = Reader().read(document->root(), out); !status.ok()) return status;
  return out;
}

}  // namespace llmorch::anthropic_messages
