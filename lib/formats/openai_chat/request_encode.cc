// ChatRequest to request body (WIRE_FORMATS 6.3, column OpenAI chat; 6.5).
#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "formats/openai_chat/encoding.h"

namespace llmorch::openai_chat {
namespace {

constexpr std::size_t kMostStops = 4;
constexpr std::size_t kLongestUser = 64;
constexpr std::size_t kLongestSafetyId = 128;

class Writer {
 public:
  Writer(const ChatRequest& request, const RequestEdits& edits)
      : encoding_(request, edits), request_(request) {}

  Result<EncodedRequest> write();

 private:
  void check();
  void choose_tools();
  void write_tools(ObjectWriter& body);
  void write_tool(const Tool& tool, std::size_t index);
  void write_tool_fields(ObjectWriter& body);
  void write_tool_choice(ObjectWriter& body);
  void write_response_format(ObjectWriter& body);
  void write_stream(ObjectWriter& body);
  void write_limits(ObjectWriter& body);
  void write_stop(ObjectWriter& body);
  void write_sampling(ObjectWriter& body);
  void write_reasoning(ObjectWriter& body);
  void write_user(ObjectWriter& body);

  bool own() const { return encoding_.own; }
  bool has_extra(std::string_view path) const {
    return std::any_of(request_.extras.begin(), request_.extras.end(),
                       [&](const Extra& extra) { return extra.path == path; });
  }

  Encoding encoding_;
  const ChatRequest& request_;
  std::vector<const Tool*> tools_;  // that are sent
  bool search_ = false;             // the search that is a field of its own here
  std::string effort_;
  std::string text_;
};

// What would change the meaning of the request if it were left out.
void Writer::check() {
  const Capabilities& can = encoding_.edits.capabilities;
  if (can.tools == false && !request_.tools.empty()) {
    encoding_.fail("tools", "this target does not call tools");
  }
  if (can.structured_output == false &&
      request_.response_format.kind == ResponseFormat::Kind::kJsonSchema) {
    encoding_.fail("response_format", "this target does not answer by a JSON schema");
  }
  if (own()) return;
  static constexpr std::array<std::string_view, 4> kRefused{
      "/mcp_servers", "/cachedContent", "/previous_response_id", "/conversation"};
  for (const std::string_view path : kRefused) {
    const auto found = std::find_if(request_.extras.begin(), request_.extras.end(),
                                    [&](const Extra& extra) { return extra.path == path; });
    if (found == request_.extras.end() || found->json == "null" || found->json == "[]") continue;
    encoding_.fail(std::string(path.substr(1)), "this target has nothing like it");
  }
  encoding_.drop_extras(request_.extras, "");
}

// ---- tools ----

// The tools that go out: with allowed_tools of another dialect only those, because few servers know
// that word; and a vendor's web search where the model is one that searches.
void Writer::choose_tools() {
  const ToolChoice& choice = request_.tool_choice;
  const bool filter = !own() && choice.kind == ToolChoice::Kind::kAllowed;
  const auto document = json::Document::parse(filter ? choice.allowed_json : "[]");
  const auto is_allowed = [&](const Tool& tool) {
    if (!filter || !document) return true;
    const auto list = document->root().items();
    return std::any_of(list.begin(), list.end(), [&](const json::Value& item) {
      return item.string() == tool.name || item["name"].string() == tool.name ||
             item["function"]["name"].string() == tool.name;
    });
  };
  const std::string& model = encoding_.edits.model.empty() ? request_.model : encoding_.edits.model;
  std::size_t index = 0;
  for (const Tool& tool : request_.tools) {
    const std::string path = "tools[" + std::to_string(index++) + "]";
    if (!own() && !tool.json.empty()) {
      const bool search = contains_ignore_case(tool.type, "search");
      if (search && contains_ignore_case(model, "-search")) {
        search_ = true;
      } else {
        encoding_.fail(path, "the tool \"" + shorten(tool.type, 60) +
                                 "\" is one of its vendor's own and unknown to this target");
      }
    } else if (is_allowed(tool)) {
      tools_.push_back(&tool);
    }
  }
}

void Writer::write_tool(const Tool& tool, std::size_t index) {
  if (!tool.json.empty()) {
    text_.append(tool.json);
    return;
  }
  if (!own()) {
    encoding_.drop_extras(tool.extras, "tools.");
    if (!tool.cache_control.empty()) encoding_.drop("tools.cache_control");
    if (tool.name.empty()) {
      encoding_.fail("tools[" + std::to_string(index) + "].name", "a tool needs a name");
    }
  }
  ObjectWriter object(text_, encoding_.extras(tool.extras));
  object.string("type", tool.type);
  ObjectWriter inner = object.object(tool.type);
  inner.string("name", encoding_.tool_name(tool.name));
  if (!tool.description.empty()) inner.string("description", tool.description);
  if (!tool.parameters.empty()) {
    inner.raw("parameters", own() ? tool.parameters : function_schema(tool.parameters));
  }
  if (tool.strict) inner.boolean("strict", *tool.strict);
  inner.close();
  object.close();
}

void Writer::write_tools(ObjectWriter& body) {
  if (tools_.empty()) return;
  body.value("tools").push_back('[');
  for (std::size_t i = 0; i < tools_.size(); ++i) {
    next(text_);
    write_tool(*tools_[i], i);
  }
  text_.push_back(']');
}

void Writer::write_tool_choice(ObjectWriter& body) {
  const ToolChoice& choice = request_.tool_choice;
  switch (choice.kind) {
    case ToolChoice::Kind::kUnset:
      return;
    case ToolChoice::Kind::kAuto:
      return body.string("tool_choice", "auto");
    case ToolChoice::Kind::kNone:
      return body.string("tool_choice", "none");
    case ToolChoice::Kind::kRequired:
      return body.string("tool_choice", "required");
    case ToolChoice::Kind::kNamed: {
      ObjectWriter object(body.value("tool_choice"));
      object.string("type", choice.type);
      ObjectWriter inner = object.object(choice.type);
      inner.string("name", encoding_.tool_name(choice.name));
      inner.close();
      return object.close();
    }
    case ToolChoice::Kind::kAllowed: {
      if (!own()) {
        return body.string("tool_choice", choice.allowed_required ? "required" : "auto");
      }
      ObjectWriter object(body.value("tool_choice"));
      object.string("type", "allowed_tools");
      ObjectWriter inner = object.object("allowed_tools");
      inner.string("mode", choice.allowed_required ? "required" : "auto");
      inner.raw("tools", choice.allowed_json.empty() ? "[]" : choice.allowed_json);
      inner.close();
      return object.close();
    }
  }
}

void Writer::write_tool_fields(ObjectWriter& body) {
  write_tools(body);
  if (search_) body.raw("web_search_options", "{}");
  // Both are refused without tools.
  const bool tools = !tools_.empty();
  if (tools || (own() && request_.tool_choice.kind == ToolChoice::Kind::kNone)) {
    write_tool_choice(body);
  } else if (request_.tool_choice.kind != ToolChoice::Kind::kUnset) {
    encoding_.drop("tool_choice");
  }
  if (!request_.parallel_tool_calls) return;
  if (tools && (own() || encoding_.model.parallel)) {
    body.boolean("parallel_tool_calls", *request_.parallel_tool_calls);
  } else {
    encoding_.drop("parallel_tool_calls");
  }
}

// ---- the rest, in the order of WIRE_FORMATS 1.2 ----

void Writer::write_response_format(ObjectWriter& body) {
  const ResponseFormat& format = request_.response_format;
  if (format.kind == ResponseFormat::Kind::kUnset) return;
  ObjectWriter object = body.object("response_format");
  if (format.kind == ResponseFormat::Kind::kJsonSchema) {
    object.string("type", "json_schema");
    ObjectWriter schema = object.object("json_schema");
    if (!format.name.empty() || !own()) {
      schema.string("name", format.name.empty() ? "output" : encoding_.tool_name(format.name));
    }
    if (!format.description.empty()) schema.string("description", format.description);
    if (!format.schema.empty()) schema.raw("schema", format.schema);
    if (format.strict) {
      schema.boolean("strict", *format.strict);
    } else if (!own() && is_strict_schema(format.schema)) {
      schema.boolean("strict", true);
    }
    schema.close();
  } else {
    object.string("type", format.kind == ResponseFormat::Kind::kText ? "text" : "json_object");
  }
  object.close();
}

void Writer::write_stream(ObjectWriter& body) {
  if (request_.stream) body.boolean("stream", true);
  const bool ask = request_.stream && (encoding_.edits.ask_usage || !own());
  const bool usage = request_.include_usage || ask;
  const bool others =
      own() && std::any_of(request_.extras.begin(), request_.extras.end(), [](const Extra& extra) {
        return extra.path.rfind("/stream_options/", 0) == 0;
      });
  if (!usage && !others) return;
  ObjectWriter object = body.object("stream_options");
  if (usage) object.boolean("include_usage", true);
  object.close();
}

void Writer::write_stop(ObjectWriter& body) {
  if (request_.stop.empty()) return;
  if (!own() && encoding_.model.reasoning) return encoding_.drop("stop");
  std::string& out = body.value("stop");
  out.push_back('[');
  for (std::size_t i = 0; i < std::min(request_.stop.size(), kMostStops); ++i) {
    next(out);
    append_json_string(out, request_.stop[i]);
  }
  out.push_back(']');
  if (request_.stop.size() > kMostStops) encoding_.drop("stop");
}

void Writer::write_sampling(ObjectWriter& body) {
  const Model& model = encoding_.model;
  const std::optional<bool>& said = encoding_.edits.capabilities.sampling;
  // Reasoning models take these two only while they do not reason, and no penalty ever.
  const bool idle = !model.reasoning || (model.none && effort_ == "none");
  const bool sampling = said.value_or(own() || idle);
  const bool penalties = own() || !model.reasoning;
  // Few servers know top_k, and the others refuse what they do not know.
  const bool top_k = said.value_or(own());
  struct Number {
    std::string_view key;
    const std::string& text;
    bool taken;
  };
  for (const Number& number :
       {Number{"temperature", request_.temperature, sampling},
        Number{"top_p", request_.top_p, sampling}, Number{"top_k", request_.top_k, top_k},
        Number{"presence_penalty", request_.presence_penalty, penalties},
        Number{"frequency_penalty", request_.frequency_penalty, penalties}}) {
    if (number.text.empty()) continue;
    if (number.taken) {
      body.raw(number.key, number.text);
    } else {
      encoding_.drop(number.key);
    }
  }
}

void Writer::write_limits(ObjectWriter& body) {
  if (request_.max_tokens) {
    const bool newer = own() ? request_.max_completion_tokens : encoding_.model.reasoning;
    const std::int64_t most =
        encoding_.edits.capabilities.max_output_tokens.value_or(*request_.max_tokens);
    body.integer(newer ? "max_completion_tokens" : "max_tokens",
                 std::min(*request_.max_tokens, most));
  }
  if (request_.n) body.integer("n", *request_.n);
  if (request_.seed) body.integer("seed", *request_.seed);
  write_stop(body);
  write_sampling(body);
}

void Writer::write_reasoning(ObjectWriter& body) {
  const std::optional<bool>& can = encoding_.edits.capabilities.reasoning;
  std::string wanted = request_.reasoning_effort;
  if (own()) {
    // The caller's own form of it, where it has another one, is among the extras.
    const bool restated = has_extra("/reasoning") || has_extra("/thinking");
    if (!wanted.empty() && can == false) return encoding_.drop("reasoning_effort");
    if (!wanted.empty() && !restated) body.string("reasoning_effort", wanted);
    return;
  }
  if (wanted.empty() && request_.reasoning_budget) {
    wanted = effort_of_budget(*request_.reasoning_budget);
  }
  if (wanted.empty()) return;
  effort_ = fit_effort(encoding_.model, wanted);
  if (!tools_.empty() && !encoding_.model.effort_with_tools) effort_.clear();
  if (!effort_.empty()) {
    body.string("reasoning_effort", effort_);
  } else if (wanted != "none") {
    encoding_.drop("reasoning_effort");
  }
}

void Writer::write_user(ObjectWriter& body) {
  if (own()) {
    if (!request_.service_tier.empty()) body.string("service_tier", request_.service_tier);
    const bool restated = has_extra("/safety_identifier");
    if (!request_.user.empty() && !restated) body.string("user", request_.user);
    return;
  }
  if (!request_.service_tier.empty()) encoding_.drop("service_tier");
  if (request_.user.empty()) return;
  const bool newer = encoding_.model.openai;
  std::string user = request_.user.substr(0, newer ? kLongestSafetyId : kLongestUser);
  while (!user.empty() && !is_utf8(user)) user.pop_back();  // cut inside a character
  body.string(newer ? "safety_identifier" : "user", user);
}

Result<EncodedRequest> Writer::write() {
  check();
  choose_tools();
  const RequestEdits& edits = encoding_.edits;
  ObjectWriter body(text_, encoding_.extras(request_.extras));
  body.string("model", edits.model.empty() ? request_.model : edits.model);
  write_messages(encoding_, body.value("messages"));
  write_tool_fields(body);
  write_response_format(body);
  write_stream(body);
  write_reasoning(body);
  write_limits(body);
  write_user(body);
  body.close();
  if (!encoding_.error.ok()) return encoding_.error;
  EncodedRequest& result = encoding_.result;
  result.body = Body(std::move(text_));
  if (edits.set.empty() && edits.remove.empty()) return std::move(result);

  // The operator's edits are the same as on the other path, so one piece of code does both.
  auto scan = scan_request(result.body);
  if (!scan) return scan.error();
  RequestEdits rest;
  rest.model = scan->model;
  rest.set = edits.set;
  rest.remove = edits.remove;
  rest.ask_usage = edits.ask_usage;
  auto spliced = splice_request(result.body, *scan, rest);
  if (!spliced) return spliced.error();
  result.body = std::move(*spliced);
  return std::move(result);
}

}  // namespace

Result<EncodedRequest> encode_request(const ChatRequest& request, const RequestEdits& edits) {
  return Writer(request, edits).write();
}

}  // namespace llmorch::openai_chat
