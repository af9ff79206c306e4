// ChatRequest to request body (WIRE_FORMATS 6.1, column Gemini).
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "base/text.h"
#include "formats/gemini/encoding.h"
#include "formats/gemini/gemini.h"
#include "formats/gemini/schema.h"
#include "formats/object_writer.h"

namespace llmorch::gemini {
namespace {

constexpr std::size_t kMostStops = 5;
constexpr std::int64_t kMostLogprobs = 20;

enum Effort { kNone, kMinimal, kLow, kMedium, kHigh, kXhigh, kMax, kUnknown };

Effort read_effort(std::string_view word) {
  static constexpr std::array<std::string_view, 7> kScale{"none", "minimal", "low", "medium",
                                                          "high", "xhigh",   "max"};
  const auto found = std::find(kScale.begin(), kScale.end(), word);
  return static_cast<Effort>(found - kScale.begin());
}

Effort effort_of_budget(std::int64_t tokens) {
  if (tokens == 0) return kNone;
  if (tokens < 512) return kMinimal;
  if (tokens <= 1024) return kLow;
  return tokens <= 8192 ? kMedium : kHigh;
}

std::int64_t budget_of_effort(Effort effort, const ModelTraits& traits) {
  switch (effort) {
    case kNone:
      return traits.least_budget;
    case kMinimal:
      return std::max<std::int64_t>(512, traits.least_budget);
    case kLow:
      return 1024;
    case kMedium:
      return 8192;
    case kHigh:
      return 24576;
    default:
      return traits.most_budget;
  }
}

std::string_view level_of_effort(Effort effort, const ModelTraits& traits) {
  switch (effort) {
    case kNone:  // cannot be switched off: the lowest there is
    case kMinimal:
      return traits.minimal_level ? "MINIMAL" : "LOW";
    case kLow:
      return "LOW";
    case kMedium:
      return "MEDIUM";
    case kHigh:
      return "HIGH";
    default:
      return traits.xhigh_level ? "XHIGH" : "HIGH";
  }
}

std::string string_list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) {
    if (out.size() > 1) out.push_back(',');
    append_json_string(out, item);
  }
  return out.append("]");
}

class Writer {
 public:
  Writer(const ChatRequest& request, const RequestEdits& edits)
      : request_(request),
        edits_(edits),
        encoding_(request, model_traits(edits.model.empty() ? request.model : edits.model,
                                        edits.capabilities)) {}

  Result<EncodedRequest> write();

 private:
  void write_generation(ObjectWriter& body);
  void write_sampling(ObjectWriter& to);
  void write_limits(ObjectWriter& to);
  void write_logprobs(ObjectWriter& to);
  void write_modalities(ObjectWriter& to);
  void write_response_format(ObjectWriter& to);
  void write_thinking(ObjectWriter& to);
  void write_service_tier(ObjectWriter& body);
  void report_parts(const std::vector<Part>& parts, const std::string& list);
  void report_extras();
  std::string_view openai_extra(std::string_view path) const {
    return request_.format == Format::kOpenAiChat ? find_extra(request_.extras, path)
                                                  : std::string_view();
  }

  const ChatRequest& request_;
  const RequestEdits& edits_;
  Encoding encoding_;
  std::string text_;
};

void Writer::write_sampling(ObjectWriter& to) {
  struct Number {
    std::string_view key;
    std::string_view field;
    const std::string& text;
    bool allowed;
  };
  const ModelTraits& can = encoding_.traits;
  for (const Number& number :
       {Number{"temperature", "temperature", request_.temperature, can.sampling},
        Number{"topP", "top_p", request_.top_p, can.sampling},
        Number{"topK", "top_k", request_.top_k, can.sampling},
        Number{"presencePenalty", "presence_penalty", request_.presence_penalty, can.penalties},
        Number{"frequencyPenalty", "frequency_penalty", request_.frequency_penalty,
               can.penalties}}) {
    if (number.text.empty()) continue;
    if (number.allowed || (encoding_.own && can.sampling)) {
      to.raw(number.key, number.text);
    } else {
      encoding_.drop_field(number.field);
    }
  }
}

void Writer::write_limits(ObjectWriter& to) {
  if (request_.n && *request_.n != 1) to.integer("candidateCount", *request_.n);
  if (request_.max_tokens) {
    const std::int64_t most = encoding_.traits.max_output_tokens;
    const bool over = most > 0 && *request_.max_tokens > most;
    to.integer("maxOutputTokens", over ? most : *request_.max_tokens);
    if (over) {
      encoding_.drop_field(request_.max_completion_tokens ? "max_completion_tokens" : "max_tokens");
    }
  }
  std::vector<std::string> stops;
  for (const std::string& stop : request_.stop) {
    if (!stop.empty()) stops.push_back(stop);
  }
  if (stops.size() > kMostStops && !encoding_.own) {
    stops.resize(kMostStops);
    encoding_.drop_field("stop");
  }
  if (!stops.empty()) to.raw("stopSequences", string_list(stops));
  if (request_.seed) {
    constexpr auto kMost = std::numeric_limits<std::int32_t>::max();
    constexpr auto kLeast = std::numeric_limits<std::int32_t>::min();
    if (*request_.seed >= kLeast && *request_.seed <= kMost) {
      to.integer("seed", *request_.seed);
    } else {
      encoding_.drop_field("seed");
    }
  }
}

void Writer::write_logprobs(ObjectWriter& to) {
  if (openai_extra("/logprobs") != "true") return;
  if (!encoding_.traits.logprobs) return encoding_.drop("logprobs");
  to.boolean("responseLogprobs", true);
  const std::string_view text = openai_extra("/top_logprobs");
  std::int64_t top = 0;
  std::from_chars(text.data(), text.data() + text.size(), top);
  if (top > 0) to.integer("logprobs", std::min(top, kMostLogprobs));
}

// OpenAI's `modalities`; text alone is what one gets anyway.
void Writer::write_modalities(ObjectWriter& to) {
  const std::string_view json = openai_extra("/modalities");
  if (json.empty()) return;
  const auto document = json::Document::parse(std::string(json));
  if (!document) return;
  std::vector<std::string> words;
  bool more = false;
  for (const json::Value& item : document->root().items()) {
    std::string word = item.string().value_or("");
    more = more || word != "text";
    if (word == "text" || word == "image" || word == "audio") {
      for (char& c : word) c = static_cast<char>(c - 'a' + 'A');
      words.push_back(std::move(word));
    }
  }
  if (more && !words.empty()) to.raw("responseModalities", string_list(words));
}

void Writer::write_response_format(ObjectWriter& to) {
  const ResponseFormat& format = request_.response_format;
  const std::string param = caller_word(request_.format, "response_format");
  switch (format.kind) {
    case ResponseFormat::Kind::kUnset:
      if (const auto other = openai_extra("/response_format"); !other.empty() && other != "null") {
        encoding_.refuse(param, "this target has no such format of an answer");
      }
      return;
    case ResponseFormat::Kind::kText:
      if (encoding_.own) to.string("responseMimeType", "text/plain");
      return;
    case ResponseFormat::Kind::kJsonObject:
    case ResponseFormat::Kind::kJsonSchema:
      break;
  }
  if (!encoding_.own && !request_.tools.empty() && !encoding_.traits.json_with_tools) {
    return encoding_.refuse(param, "this target's model cannot answer in JSON while it has tools");
  }
  const bool schema = format.kind == ResponseFormat::Kind::kJsonSchema;
  if (schema && !encoding_.traits.structured_output) {
    return encoding_.refuse(param, "this target's model cannot answer by a JSON schema");
  }
  to.string("responseMimeType", "application/json");
  const bool as_it_stood =
      encoding_.own && !find_extra(request_.extras, "/generationConfig/responseSchema").empty();
  if (!schema || format.schema.empty() || as_it_stood) return;
  const auto document = json::Document::parse(format.schema);
  if (!document) {
    return encoding_.fail(
        Status(Code::kInvalidArgument, "the schema is not JSON: " + document.error().message())
            .with_param(param));
  }
  if (encoding_.traits.json_schema) {
    to.raw("responseJsonSchema", encoding_.own ? format.schema : json_schema(document->root()));
  } else {
    to.raw("responseSchema", openapi_schema(document->root()));
  }
}

void Writer::write_thinking(ObjectWriter& to) {
  const std::string& word = request_.reasoning_effort;
  const Effort effort = word.empty() ? kUnknown : read_effort(word);
  if (!word.empty() && effort == kUnknown) {
    const std::string param = caller_word(request_.format, "reasoning_effort");
    return encoding_.fail(
        Status(Code::kInvalidArgument, "Invalid value: '" + shorten(word, 40) + "' for '" + param +
                                           "'. Supported values are: 'none', 'minimal', 'low', "
                                           "'medium', 'high', 'xhigh', and 'max'.")
            .with_reason("invalid_value")
            .with_param(param));
  }
  const std::optional<std::int64_t> budget = request_.reasoning_budget;
  if (budget && *budget < 0) {
    const std::string param = caller_word(request_.format, "reasoning_effort");
    return encoding_.fail(
        Status(Code::kInvalidArgument, "a thinking budget must not be negative").with_param(param));
  }
  const ModelTraits& can = encoding_.traits;
  const bool asked = effort != kUnknown || budget;
  if (can.thinking == Thinking::kNone) {
    if (asked && effort != kNone && budget != 0) encoding_.drop_field("reasoning_effort");
    return;
  }
  const bool more = encoding_.own &&
                    std::any_of(request_.extras.begin(), request_.extras.end(), [](const Extra& e) {
                      return e.path.rfind("/generationConfig/thinkingConfig/", 0) == 0;
                    });
  if (!asked && !request_.include_reasoning && !more) return;
  ObjectWriter config = to.object("thinkingConfig");
  // One of the two, never both.
  if (asked && can.thinking == Thinking::kBudget) {
    const std::int64_t tokens = budget && effort != kNone
                                    ? std::clamp(*budget, can.least_budget, can.most_budget)
                                    : budget_of_effort(effort, can);
    config.integer("thinkingBudget", tokens);
  } else if (asked) {
    const Effort wanted = effort != kUnknown ? effort : effort_of_budget(*budget);
    config.string("thinkingLevel", level_of_effort(wanted, can));
  }
  if (request_.include_reasoning) config.boolean("includeThoughts", *request_.include_reasoning);
  config.close();
}

void Writer::write_generation(ObjectWriter& body) {
  std::string text;
  ObjectWriter config(text, encoding_.extras(request_.extras), "/generationConfig");
  write_limits(config);
  write_sampling(config);
  write_logprobs(config);
  write_modalities(config);
  write_response_format(config);
  write_thinking(config);
  config.close();
  if (text != "{}") body.raw("generationConfig", text);
}

void Writer::write_service_tier(ObjectWriter& body) {
  std::string_view tier = request_.service_tier;
  if (tier.empty() || tier == "auto") return;
  if (tier == "default" || tier == "standard_only") tier = "standard";
  if (tier == "standard" || tier == "flex" || tier == "priority") {
    body.string("serviceTier", tier);
  } else {
    encoding_.drop_field("service_tier");
  }
}

// Whatever else the caller said. What says "no" says nothing that could be lost.
bool is_lost(const Extra& extra) {
  static constexpr std::array<std::string_view, 5> kNothing{"null", "false", "[]", "{}", "\"\""};
  return !extra.restated &&
         std::find(kNothing.begin(), kNothing.end(), extra.json) == kNothing.end();
}

// "/image_url/x" as "image_url.x".
std::string dotted(std::string_view path) {
  std::string out(path.substr(std::min<std::size_t>(1, path.size())));
  std::replace(out.begin(), out.end(), '/', '.');
  return out;
}

void Writer::report_parts(const std::vector<Part>& parts, const std::string& list) {
  for (const Part& part : parts) {
    if (!part.cache_control.empty()) encoding_.drop(list + ".cache_control");
    for (const Extra& extra : part.extras) {
      if (is_lost(extra)) encoding_.drop(list + "." + dotted(extra.path));
    }
    report_parts(part.content, list);
  }
}

void Writer::report_extras() {
  if (!request_.user.empty()) encoding_.drop_field("user");
  const bool tools = !request_.tools.empty();
  const auto& parallel = request_.parallel_tool_calls;
  if (parallel && (!tools || !*parallel)) encoding_.drop_field("parallel_tool_calls");
  if (encoding_.own) return;
  const std::string list = caller_word(request_.format, "messages");
  for (const Message& message : request_.messages) {
    for (const Extra& extra : message.extras) {
      if (is_lost(extra)) encoding_.drop(list + "." + dotted(extra.path));
    }
    report_parts(message.parts, list);
  }
  for (const Tool& tool : request_.tools) {
    if (!tool.cache_control.empty()) encoding_.drop("tools.cache_control");
    for (const Extra& extra : tool.extras) {
      if (is_lost(extra)) encoding_.drop("tools." + dotted(extra.path));
    }
  }
  for (const Extra& extra : request_.extras) {
    const std::size_t end = std::min(extra.path.find('/', 1), extra.path.size());
    std::string name;
    if (!is_lost(extra) || !step_below(extra.path.substr(0, end), "", name)) continue;
    static constexpr std::array<std::string_view, 6> kHandled{
        "stream", "stream_options", "logprobs", "top_logprobs", "modalities", "model"};
    const bool handled = std::find(kHandled.begin(), kHandled.end(), name) != kHandled.end();
    if (!handled || (request_.format != Format::kOpenAiChat && name != "stream")) {
      encoding_.drop(std::move(name));
    }
  }
}

Result<EncodedRequest> Writer::write() {
  EncodedRequest result;
  ObjectWriter body(text_, encoding_.extras(request_.extras));
  const Contents contents = write_contents(encoding_, edits_.system_prompt);
  if (!contents.system.empty()) {
    ObjectWriter system = body.object("systemInstruction");
    system.raw("parts", "[" + contents.system + "]");
    system.close();
  }
  body.raw("contents", contents.list);
  const std::string tools = write_tools(encoding_, result.hints.custom_tools);
  if (!tools.empty()) body.raw("tools", tools);
  const std::string config = write_tool_config(encoding_);
  if (!config.empty()) body.raw("toolConfig", config);
  write_generation(body);
  write_service_tier(body);
  body.close();
  report_extras();
  if (!encoding_.error.ok()) return encoding_.error;
  result.body = Body(std::move(text_));
  result.dropped = std::move(encoding_.dropped);
  result.hints.tool_names = encoding_.names.changed();
  if (edits_.set.empty() && edits_.remove.empty()) return result;

  // The operator's edits are the same as on the other path, so one piece of code does both.
  CallSpec spec;
  spec.format = Format::kGemini;
  spec.path = "/v1beta/models/m:generateContent";
  spec.body = result.body;
  auto scan = scan_request(spec);
  if (!scan) return scan.error();
  RequestEdits edits;
  edits.set = edits_.set;
  edits.remove = edits_.remove;
  auto spliced = splice_request(result.body, *scan, edits);
  if (!spliced) return spliced.error();
  result.body = std::move(*spliced);
  return result;
}

}  // namespace

Result<EncodedRequest> encode_request(const ChatRequest& request, const RequestEdits& edits) {
  return Writer(request, edits).write();
}

}  // namespace llmorch::gemini
