// What Gemini refuses in a body beside its contents: configuration, tools, caches (WIRE_FORMATS
// 3.2).
#include <algorithm>

#include "base/text.h"
#include "testing/mock_gemini.h"

namespace llmorch::testing {
namespace {

using json::Value;

constexpr std::string_view kCategories[] = {
    "HARM_CATEGORY_HARASSMENT",        "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT", "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",   "HARM_CATEGORY_JAILBREAK"};
constexpr std::string_view kThresholds[] = {"BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE",
                                            "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF"};
constexpr std::string_view kModes[] = {"MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"};
constexpr std::string_view kLevels[] = {"minimal", "low", "medium", "high", "xhigh"};

template <std::size_t N>
bool among(std::string_view word, const std::string_view (&words)[N]) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

double number_of(const Value& object, std::string_view name, double otherwise) {
  return gemini_member(object, name).number().value_or(otherwise);
}

std::string config_field(std::string_view rest) {
  return joined("* GenerateContentRequest.generation_config.", rest, "\n");
}

std::string bad_word(std::string_view at, const Value& value) {
  return joined("Invalid value at '", at, "' (TYPE_ENUM), ", value.raw());
}

bool has_functions(const Value& root) {
  const auto tools = gemini_member(root, "tools").items();
  return std::any_of(tools.begin(), tools.end(), [](const Value& tool) {
    return gemini_member(tool, "functionDeclarations").size() > 0;
  });
}

GeminiProblem check_ranges(const Value& config) {
  struct Range {
    std::string_view name;
    double low, high;
  };
  static constexpr Range kRanges[] = {{"temperature", 0, 2},
                                      {"topP", 0, 1},
                                      {"topK", 1, 1e9},
                                      {"candidateCount", 1, 8},
                                      {"maxOutputTokens", 1, 1e9}};
  for (const Range& range : kRanges) {
    const double number = number_of(config, range.name, range.high);
    if (number < range.low || number > range.high) {
      return config_field(joined(snake_case(range.name), ": out of range."));
    }
  }
  if (gemini_member(config, "stopSequences").size() > 5) {
    return config_field("stop_sequences: at most 5 stop sequences are allowed.");
  }
  if (gemini_member(config, "logprobs").exists() &&
      !gemini_member(config, "responseLogprobs").boolean().value_or(false)) {
    return config_field("logprobs: requires response_logprobs.");
  }
  return std::nullopt;
}

GeminiProblem check_thinking(const Value& config, std::string_view model) {
  const Value thinking = gemini_member(config, "thinkingConfig");
  const Value budget = gemini_member(thinking, "thinkingBudget");
  const Value level = gemini_member(thinking, "thinkingLevel");
  const int generation = gemini_generation(model);
  const bool pro = model.find("-pro") != std::string_view::npos;
  if (budget.exists() && level.exists()) {
    return "You can only set only one of thinking budget and thinking level.";
  }
  if (level.exists()) {
    const std::string word = to_lower(level.string().value_or(""));
    if (!among(word, kLevels)) {
      return bad_word("generation_config.thinking_config.thinking_level", level);
    }
    const bool hydrogen = model.find("gemini-4-hydrogen") != std::string_view::npos;
    if ((generation > 0 && generation < 3) || (pro && word == "minimal") ||
        (word == "xhigh" && generation > 0 && !hydrogen)) {
      return "Thinking level " + word + " is not supported for this model.";
    }
  }
  if (!budget.exists() || model.find("gemini-2.5") == std::string_view::npos) return std::nullopt;
  const std::int64_t tokens = budget.integer().value_or(-1);
  const std::int64_t most = pro ? 32768 : 24576;
  if (tokens == 0 && pro) return "Budget 0 is invalid. This model only works in thinking mode.";
  if (tokens != -1 && tokens != 0 && (tokens > most || tokens < (pro ? 128 : 0))) {
    return joined("The thinking budget ", tokens, " is invalid. Please choose a value between ",
                  pro ? 128 : 0, " and ", most, ".");
  }
  return std::nullopt;
}

GeminiProblem check_response_format(const Value& root, std::string_view model) {
  const Value config = gemini_member(root, "generationConfig");
  const Value schema = gemini_member(config, "responseSchema");
  const Value json_schema = gemini_member(config, "responseJsonSchema");
  const std::string mime = gemini_member(config, "responseMimeType").string().value_or("");
  if (!mime.empty() && mime != "text/plain" && mime != "application/json" &&
      mime != "text/x.enum") {
    return config_field(
        "response_mime_type: allowed mimetypes are `text/plain`, "
        "`application/json` and `text/x.enum`.");
  }
  if (schema.exists() && json_schema.exists()) {
    return config_field("response_json_schema: must not be set together with response_schema.");
  }
  if ((schema.exists() && mime != "application/json" && mime != "text/x.enum") ||
      (json_schema.exists() && mime != "application/json")) {
    return config_field(
        "response_mime_type: must be `application/json` when a response schema is "
        "set.");
  }
  const int generation = gemini_generation(model);
  if (mime == "application/json" && has_functions(root) && generation > 0 && generation < 3) {
    return "Function calling with a response mime type: 'application/json' is unsupported";
  }
  const std::string at = "generation_config.response_";
  if (auto problem = check_gemini_schema(schema, at + "schema")) return problem;
  return check_gemini_json_schema(json_schema, at + "json_schema");
}

GeminiProblem check_safety(const Value& root) {
  for (const Value& setting : gemini_member(root, "safetySettings").items()) {
    const Value category = gemini_member(setting, "category");
    const Value threshold = gemini_member(setting, "threshold");
    if (!among(category.string().value_or(""), kCategories)) {
      return bad_word("safety_settings[0].category", category);
    }
    if (!among(threshold.string().value_or(""), kThresholds)) {
      return bad_word("safety_settings[0].threshold", threshold);
    }
  }
  return std::nullopt;
}

GeminiProblem check_declaration(const Value& declaration, const std::string& at,
                                std::vector<std::string>& names) {
  const std::string name = gemini_member(declaration, "name").string().value_or("");
  const bool starts_well =
      is_name(name.substr(0, 1), "_", 1) && !(name[0] >= '0' && name[0] <= '9');
  if (!starts_well || !is_name(name, "_.:-", 128)) {
    return "* GenerateContentRequest." + at +
           ".name: Invalid function name. Must start with a letter or an underscore. Must be "
           "alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), "
           "with a maximum length of 128.\n";
  }
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    return "Duplicate function declaration found: " + name;
  }
  names.push_back(name);
  const Value parameters = gemini_member(declaration, "parameters");
  const Value json_schema = gemini_member(declaration, "parametersJsonSchema");
  if (parameters.exists() && json_schema.exists()) {
    return "* GenerateContentRequest." + at +
           ".parameters_json_schema: must not be set together with parameters.\n";
  }
  if (auto problem = check_gemini_schema(parameters, at + ".parameters")) return problem;
  return check_gemini_json_schema(json_schema, at + ".parameters_json_schema");
}

// Built-in tools beside functions: only newer models, and only when asked for so.
GeminiProblem check_mixture(const Value& root, std::string_view model, bool built_in) {
  const int generation = gemini_generation(model);
  if (!built_in || !has_functions(root) || generation == 0) return std::nullopt;
  if (generation < 3) return "Tool use with function calling is unsupported";
  const Value config = gemini_member(root, "toolConfig");
  if (!gemini_member(config, "includeServerSideToolInvocations").boolean().value_or(false)) {
    return "Please enable tool_config.include_server_side_tool_invocations to use built-in tools "
           "with function calling.";
  }
  return std::nullopt;
}

GeminiProblem read_choice(const Value& root, ToolWish& wish) {
  const Value config = gemini_member(gemini_member(root, "toolConfig"), "functionCallingConfig");
  const Value mode = gemini_member(config, "mode");
  const std::string word = mode.string().value_or("AUTO");
  if (!among(word, kModes)) {
    return bad_word("tool_config.function_calling_config.mode", mode);
  }
  if (word == "ANY") wish.mode = ToolWish::Mode::kRequired;
  if (word == "NONE") wish.mode = ToolWish::Mode::kNone;
  std::vector<std::string> allowed;
  for (const Value& name : gemini_member(config, "allowedFunctionNames").items()) {
    allowed.push_back(name.string().value_or(""));
    if (std::find(wish.names.begin(), wish.names.end(), allowed.back()) == wish.names.end()) {
      return "* GenerateContentRequest.tool_config.function_calling_config."
             "allowed_function_names[0]: " +
             allowed.back() + " is not a declared function.\n";
    }
  }
  if (allowed.empty()) return std::nullopt;
  if (word != "ANY" && word != "VALIDATED") {
    return "* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: "
           "should only be set when the mode is ANY or VALIDATED.\n";
  }
  wish.names = allowed;
  return std::nullopt;
}

MockPage refuse_types(const std::vector<GeminiViolation>& violations) {
  std::string message;
  std::string fields;
  for (const auto& [field, description] : violations) {
    put(message, message.empty() ? "" : "\n", description);
    put(fields, fields.empty() ? "" : ",", "{\"field\":", json_string(field),
        ",\"description\":", json_string(description), "}");
  }
  return {400, joined("{\"error\":{\"code\":400,\"message\":", json_string(message),
                      ",\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"@type\":\"",
                      "type.googleapis.com/google.rpc.BadRequest\",\"fieldViolations\":[", fields,
                      "]}]}}")};
}

}  // namespace

GeminiProblem check_gemini_config(const Value& root, std::string_view model) {
  const Value config = gemini_member(root, "generationConfig");
  if (auto problem = check_ranges(config)) return problem;
  if (auto problem = check_thinking(config, model)) return problem;
  if (auto problem = check_response_format(root, model)) return problem;
  if (auto problem = check_safety(root)) return problem;
  const bool penalty = gemini_member(config, "presencePenalty").exists() ||
                       gemini_member(config, "frequencyPenalty").exists();
  if (penalty && model.find("gemini-2.5") != std::string_view::npos) {
    return joined("Penalty is not enabled for models/", model);
  }
  if (gemini_member(root, "cachedContent").exists() &&
      (gemini_member(root, "tools").exists() || gemini_member(root, "toolConfig").exists() ||
       gemini_member(root, "systemInstruction").exists())) {
    return "CachedContent can not be used with GenerateContent request setting "
           "system_instruction, tools or tool_config.\n\nProposed fix: move those values to "
           "CachedContent from GenerateContent request.";
  }
  return std::nullopt;
}

GeminiProblem read_gemini_tools(const Value& root, std::string_view last_user, MockAsk& ask) {
  ToolWish wish;
  bool built_in = false;
  std::size_t index = 0;
  for (const Value& tool : gemini_member(root, "tools").items()) {
    const Value declarations = gemini_member(tool, "functionDeclarations");
    built_in = built_in || tool.size() > (declarations.exists() ? 1U : 0U);
    const std::string at = joined("tools[", index++, "].function_declarations[");
    std::size_t inner = 0;
    for (const Value& declaration : declarations.items()) {
      if (auto problem = check_declaration(declaration, joined(at, inner++, "]"), wish.names)) {
        return problem;
      }
    }
  }
  if (auto problem = check_mixture(root, ask.model, built_in)) return problem;
  if (auto problem = read_choice(root, wish)) return problem;
  choose_tools(wish, last_user, ask);
  return std::nullopt;
}

MockPage read_gemini(std::string_view body, const GeminiRequest& request, MockAsk& ask) {
  auto document = json::Document::parse(std::string(body));
  if (!document) {
    return gemini_refusal(joined("Invalid JSON payload received. ", document.error().message()));
  }
  Value root = document->root();
  const auto violations = check_gemini_types(
      root, request.count_only ? "CountTokensRequest" : "GenerateContentRequest");
  if (!violations.empty()) return refuse_types(violations);
  const Value inner = gemini_member(root, "generateContentRequest");
  if (request.count_only && inner.exists()) root = inner;
  ask.model = request.model;
  ask.stream = request.stream;
  ask.array = request.array;
  std::string last_user;
  if (auto problem = check_gemini_config(root, ask.model)) return gemini_refusal(*problem);
  if (auto problem = read_gemini_contents(root, ask, last_user)) return gemini_refusal(*problem);
  if (auto problem = read_gemini_tools(root, last_user, ask)) return gemini_refusal(*problem);
  const Value config = gemini_member(root, "generationConfig");
  ask.n = static_cast<int>(gemini_member(config, "candidateCount").integer().value_or(1));
  ask.max_tokens = gemini_member(config, "maxOutputTokens").integer().value_or(-1);
  for (const Value& word : gemini_member(config, "stopSequences").items()) {
    ask.stop.push_back(word.string().value_or(""));
  }
  const Value thinking = gemini_member(config, "thinkingConfig");
  ask.think = gemini_member(thinking, "includeThoughts").boolean().value_or(false) &&
              gemini_member(thinking, "thinkingBudget").integer() != 0;
  ask.nonce = mix_bytes(body, mix_bytes(last_user, 1));
  return {0, ""};
}

}  // namespace llmorch::testing
