// ChatRequest to request body (WIRE_FORMATS 6.1, column Anthropic).
#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "base/text.h"
#include "formats/anthropic_messages/anthropic_messages.h"
#include "formats/anthropic_messages/encode_context.h"
#include "formats/anthropic_messages/reasoning_encode.h"
#include "formats/anthropic_messages/schema.h"
#include "formats/anthropic_messages/tool_encode.h"
#include "formats/anthropic_messages/turns.h"

namespace llmorch::anthropic_messages {
namespace {

constexpr std::string_view kJsonObjectNote =
    "Respond with a single JSON object and nothing else: no text before or after it, no code "
    "fence.";
constexpr std::string_view kJsonSchemaNote =
    "Respond with a single JSON value that is valid against this JSON schema, and nothing else: no "
    "text before or after it, no code fence.\n";

std::string extra_of(const Extras& extras, std::string_view path) {
  for (const Extra& extra : extras) {
    if (extra.path == path) return extra.json;
  }
  return "";
}

// Vendors refuse user ids that look like an address or a telephone number.
bool looks_personal(std::string_view id) {
  const auto digits =
      std::count_if(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
  const bool only_phone = std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == ' ' || c == '(' || c == ')' ||
           c == '.';
  });
  return id.find('@') != id.npos || (only_phone && digits >= 7);
}

class Writer {
 public:
  Writer(const ChatRequest& request, const RequestEdits& edits)
      : context_(request, edits), request_(request), turns_(context_), tools_(context_) {}

  Result<EncodedRequest> write();

 private:
  void check_fields();
  void choose_response_format(bool thinking);
  void drop_others();
  void write_system(ObjectWriter& body);
  void write_output_config(ObjectWriter& body, const Reasoning& reasoning);
  void write_sampling(ObjectWriter& body, bool thinking);
  void write_stop(ObjectWriter& body);
  void write_metadata(ObjectWriter& body);
  void write_service_tier(ObjectWriter& body);
  Result<EncodedRequest> edited(std::string text);

  EncodeContext context_;
  const ChatRequest& request_;
  Turns turns_;
  ToolWriter tools_;
  StrictBudget budget_;
  std::string answer_schema_;  // for output_config.format
  std::string system_note_;    // how the answer must look, where only words can say it
};

void Writer::check_fields() {
  if (request_.n.value_or(1) > 1) {
    context_.refuse(context_.field("n"), "this target gives one answer to a request");
  }
  if (request_.max_tokens && *request_.max_tokens < 1 && !context_.own) {
    context_.refuse(context_.field("max_tokens"), "it must be at least 1");
  }
  if (context_.own) return;
  if (extra_of(request_.extras, "/modalities").find("audio") != std::string::npos) {
    context_.refuse("modalities", "this target answers in text only");
  }
  const std::string format = extra_of(request_.extras, "/response_format");
  if (!format.empty() && format != "null") {
    context_.refuse("response_format", "this target has no such response format");
  }
}

// Natively where the model can; else as the input of a tool that it must call; else in words.
void Writer::choose_response_format(bool thinking) {
  const ResponseFormat& format = request_.response_format;
  if (format.kind == ResponseFormat::Kind::kJsonObject) system_note_ = kJsonObjectNote;
  if (format.kind != ResponseFormat::Kind::kJsonSchema) return;
  if (context_.own) {
    answer_schema_ = format.schema;
    return;
  }
  if (format.schema.empty()) {
    system_note_ = kJsonObjectNote;
    return;
  }
  if (context_.traits.structured) {
    const StrictSchema strict = strict_schema(format.schema);
    if (strict.fits(budget_)) {
      budget_.optional -= strict.optional;
      budget_.unions -= strict.unions;
      answer_schema_ = strict.json;
      return;
    }
  }
  const auto document = json::Document::parse(format.schema);
  const bool object = document && document->root()["type"].string() == "object";
  if (object && !thinking && tools_.can_force_json()) return tools_.force_json_tool(format);
  system_note_ = std::string(kJsonSchemaNote) + format.schema;
  context_.drop(context_.field("response_format"));  // asked for, not enforced
}

void Writer::write_system(ObjectWriter& body) {
  std::string list = "[";
  std::string only;
  std::size_t count = 0;
  bool plain = true;
  const auto add = [&](const std::string& text, const Part* part) {
    if (trim(text).empty()) return;
    if (count++ > 0) list.push_back(',');
    only = text;
    ObjectWriter block(list, part != nullptr ? context_.writable(part->extras) : nullptr);
    block.string("type", "text");
    block.string("text", text);
    if (part != nullptr) context_.write_mark(block, mark_of(*part));
    plain = plain && !block.wrote("cache_control");
    block.close();
  };
  add(context_.edits.system_prompt, nullptr);
  for (std::size_t m = 0; m < turns_.system_count(); ++m) {
    const Message& message = request_.messages[m];
    if (!message.name.empty()) context_.drop("messages.name");
    context_.drop_extras(message.extras, "messages");
    plain = plain && (message.plain_text || !context_.own);
    for (std::size_t p = 0; p < message.parts.size(); ++p) {
      const Part& part = message.parts[p];
      context_.drop_extras(part.extras, "messages.content");
      if (part.kind != Part::Kind::kText) {
        context_.refuse(context_.part_param(m, p), "a system message is text only");
      } else {
        add(part.text, &part);
      }
    }
  }
  add(system_note_, nullptr);
  if (count == 0) return;
  if (count == 1 && plain) return body.string("system", only);
  body.raw("system", list.append("]"));
}

void Writer::write_output_config(ObjectWriter& body, const Reasoning& reasoning) {
  const bool others =
      context_.own &&
      std::any_of(request_.extras.begin(), request_.extras.end(),
                  [](const Extra& extra) { return extra.path.rfind("/output_config/", 0) == 0; });
  if (reasoning.effort.empty() && answer_schema_.empty() && !others) return;
  ObjectWriter config(body.value("output_config"), context_.writable(request_.extras),
                      "/output_config");
  if (!reasoning.effort.empty()) config.string("effort", reasoning.effort);
  if (!answer_schema_.empty()) {
    ObjectWriter format(config.value("format"));
    format.string("type", "json_schema");
    format.raw("schema", answer_schema_);
    format.close();
  }
  config.close();
}

// The tables of 2.6: newer models take none of these, thinking narrows them.
void Writer::write_sampling(ObjectWriter& body, bool thinking) {
  const ModelTraits& traits = context_.traits;
  const auto value = [](const std::string& number) { return std::strtod(number.c_str(), nullptr); };
  if (!request_.temperature.empty()) {
    const double warm = value(request_.temperature);
    const bool usual = warm == 1.0;
    if (!traits.sampling || (thinking && !usual)) {
      if (!usual) context_.drop(context_.field("temperature"));
    } else if (warm > 1.0 || warm < 0.0) {
      body.raw("temperature", warm > 1.0 ? "1" : "0");
    } else {
      body.raw("temperature", request_.temperature);
    }
  }
  if (!request_.top_p.empty()) {
    const double share = value(request_.top_p);
    const bool allowed = traits.sampling && !(traits.one_sampling && body.wrote("temperature")) &&
                         (!thinking || (share >= 0.95 && share <= 1.0));
    if (allowed) {
      body.raw("top_p", request_.top_p);
    } else if (share != 1.0) {
      context_.drop(context_.field("top_p"));
    }
  }
  if (!request_.top_k.empty()) {
    if (traits.sampling && !thinking) {
      body.raw("top_k", request_.top_k);
    } else {
      context_.drop(context_.field("top_k"));
    }
  }
}

void Writer::write_stop(ObjectWriter& body) {
  std::string list = "[";
  for (const std::string& stop : request_.stop) {
    if (trim(stop).empty()) {
      context_.drop(context_.field("stop"));
      continue;
    }
    if (list.size() > 1) list.push_back(',');
    append_json_string(list, stop);
  }
  if (list.size() > 1) body.raw("stop_sequences", list.append("]"));
}

void Writer::write_metadata(ObjectWriter& body) {
  std::string user = request_.user;
  if (user.empty() && !context_.own) {
    const auto document = json::Document::parse(extra_of(request_.extras, "/safety_identifier"));
    if (document) user = document->root().string().value_or("");
  }
  const bool others = context_.own && std::any_of(request_.extras.begin(), request_.extras.end(),
                                                  [](const Extra& extra) {
                                                    return extra.path.rfind("/metadata/", 0) == 0;
                                                  });
  if (user.empty() && !others) return;
  if (!context_.own && looks_personal(user)) {
    // legal_id() hashes what it must change; a letter in front of it makes it change everything.
    std::string hashed = EncodeContext::legal_id("@" + user);
    user = "user" + hashed.substr(hashed.size() - 9);
  }
  ObjectWriter metadata(body.value("metadata"), context_.writable(request_.extras), "/metadata");
  if (!user.empty()) metadata.string("user_id", context_.own ? user : shorten(user, 256));
  metadata.close();
}

void Writer::write_service_tier(ObjectWriter& body) {
  if (request_.service_tier == "auto") {
    body.string("service_tier", "auto");
  } else if (request_.service_tier == "default") {
    body.string("service_tier", "standard_only");
  } else if (!request_.service_tier.empty()) {
    context_.drop("service_tier");
  }
}

void Writer::drop_others() {
  const std::pair<std::string_view, bool> fields[] = {
      {"presence_penalty", !request_.presence_penalty.empty()},
      {"frequency_penalty", !request_.frequency_penalty.empty()},
      {"seed", request_.seed.has_value()}};
  for (const auto& [name, given] : fields) {
    if (given) context_.drop(context_.field(name));
  }
  Extras others;
  for (const Extra& extra : request_.extras) {
    const bool said = extra.path == "/safety_identifier" && request_.user.empty();
    const bool text_only =
        extra.path == "/modalities" && extra.json.find("image") == std::string::npos;
    const bool plain = extra.path.rfind("/stream_options", 0) == 0;
    if (!said && !text_only && !plain) others.push_back(extra);
  }
  context_.drop_extras(others, "");
}

// The operator's edits are the same as on the other path, so one piece of code does both.
Result<EncodedRequest> Writer::edited(std::string text) {
  EncodedRequest& result = context_.result;
  result.body = Body(std::move(text));
  const RequestEdits& asked = context_.edits;
  if (asked.set.empty() && asked.remove.empty()) return std::move(result);
  auto scan = scan_request(result.body);
  if (!scan) return scan.error();
  RequestEdits edits;
  edits.model = scan->model;
  edits.set = asked.set;
  edits.remove = asked.remove;
  edits.capabilities.sampling = true;  // what stands in the body now may stay
  auto body = splice_request(result.body, *scan, edits);
  if (!body) return body.error();
  result.body = std::move(*body);
  return std::move(result);
}

Result<EncodedRequest> Writer::write() {
  check_fields();
  turns_.build();
  const Reasoning reasoning = choose_reasoning(context_, turns_.calls_without_thinking());
  if (turns_.is_prefill() && (!context_.traits.prefill || reasoning.thinks)) {
    context_.refuse(context_.message_param(turns_.last_message()),
                    "this target does not continue an assistant's message; the last one must be "
                    "the user's");
  }
  tools_.choose(reasoning.thinks);
  choose_response_format(reasoning.thinks);
  if (!context_.error.ok()) return context_.error;

  std::string tools;
  tools_.write_tools(tools, budget_);
  std::string choice;
  tools_.write_choice(choice);
  std::string text;
  ObjectWriter body(text, context_.writable(request_.extras));
  const std::string& model = context_.edits.model;
  body.string("model", model.empty() ? request_.model : model);
  body.integer("max_tokens", reasoning.max_tokens);
  write_system(body);
  turns_.write(body.value("messages"));
  if (!tools.empty()) body.raw("tools", tools);
  if (!choice.empty()) body.raw("tool_choice", choice);
  if (!reasoning.thinking.empty()) body.raw("thinking", reasoning.thinking);
  write_output_config(body, reasoning);
  write_sampling(body, reasoning.thinks);
  write_stop(body);
  write_metadata(body);
  write_service_tier(body);
  if (request_.stream) body.boolean("stream", true);
  body.close();
  drop_others();
  if (!context_.error.ok()) return context_.error;
  return edited(std::move(text));
}

}  // namespace

Result<EncodedRequest> encode_request(const ChatRequest& request, const RequestEdits& edits) {
  return Writer(request, edits).write();
}

}  // namespace llmorch::anthropic_messages
