// Request body to ChatRequest. What has no neutral meaning, or more than one spelling, stays as an
// Extra, so that nothing is lost on the way back.
#include <utility>

#include "base/text.h"
#include "formats/gemini/request_fields.h"
#include "formats/gemini/schema.h"

namespace llmorch::gemini {
namespace {

using json::Type;
using json::Value;

class Reader {
 public:
  Status read(const Value& root, ChatRequest& out);

 private:
  void read_tools(const Value& tools, ChatRequest& out);
  void read_declaration(const Value& value, const std::string& path, ChatRequest& out);
  void read_tool_config(const Value& config, ChatRequest& out);
  void read_generation(const Value& config, ChatRequest& out);
  void read_thinking(const Value& config, ChatRequest& out);
  void read_response_format(const Value& config, ChatRequest& out);

  void fail(Status status) {
    if (error_.ok()) error_ = std::move(status);
  }
  bool need_object(const Value& value, const std::string& path) {
    if (!value.is_object()) fail(wrong_type(path, "an object"));
    return value.is_object();
  }

  Status error_;
};

// ---- tools -------------------------------------------------------------------------------------

void Reader::read_declaration(const Value& value, const std::string& path, ChatRequest& out) {
  if (!need_object(value, path)) return;
  Tool tool;
  tool.name = value["name"].string().value_or("");
  if (tool.name.empty()) fail(wrong_type(path + ".name", "a name"));
  tool.description = value["description"].string().value_or("");
  const Value plain = field(value, "parametersJsonSchema");
  const Value openapi = value["parameters"];
  if (plain.is_object()) {
    tool.parameters = plain.raw();
  } else if (openapi.is_object()) {
    tool.parameters = from_openapi(openapi);
  }
  if (!plain.is_object() && openapi.exists()) restate(tool.extras, "/parameters", openapi);
  keep_others(value, "", {"name", "description", "parametersJsonSchema", "parameters"},
              tool.extras);
  out.tools.push_back(std::move(tool));
}

void Reader::read_tools(const Value& tools, ChatRequest& out) {
  std::size_t index = 0;
  for (const Value& value : list_of(tools)) {
    const std::string path = at("tools", index++);
    if (!need_object(value, path)) return;
    for (const Value::Member& member : value.members()) {
      const std::string name = camel_case(member.key);
      if (name == "functionDeclarations") {
        std::size_t place = 0;
        for (const Value& item : list_of(member.value)) {
          read_declaration(item, at(path + "." + name, place++), out);
        }
        continue;
      }
      Tool tool;
      tool.type = name;
      tool.json = "{" + json_string(member.key) + ":" + std::string(member.value.raw()) + "}";
      out.tools.push_back(std::move(tool));
    }
  }
}

void Reader::read_tool_config(const Value& config, ChatRequest& out) {
  const Value calling = field(config, "functionCallingConfig");
  std::string mode = to_lower(calling["mode"].string().value_or(""));
  std::vector<std::string> names;
  for (const Value& name : list_of(field(calling, "allowedFunctionNames"))) {
    names.push_back(name.string().value_or(""));
  }
  ToolChoice& choice = out.tool_choice;
  if (!names.empty() && (mode == "any" || mode == "validated")) {
    choice.kind = ToolChoice::Kind::kAllowed;
    choice.allowed_required = mode == "any";
    if (names.size() == 1 && choice.allowed_required) {
      choice.kind = ToolChoice::Kind::kNamed;
      choice.name = names.front();
    } else {
      choice.allowed_json = "[";
      for (const std::string& name : names) {
        if (choice.allowed_json.size() > 1) choice.allowed_json.push_back(',');
        choice.allowed_json.append(R"({"type":"function","function":{"name":)");
        append_json_string(choice.allowed_json, name);
        choice.allowed_json.append("}}");
      }
      choice.allowed_json.push_back(']');
    }
  } else if (mode == "any") {
    choice.kind = ToolChoice::Kind::kRequired;
  } else if (mode == "none") {
    choice.kind = ToolChoice::Kind::kNone;
  } else if (mode == "auto") {
    choice.kind = ToolChoice::Kind::kAuto;
  } else if (mode == "validated") {  // auto, with a promise that only Gemini makes
    keep(out.extras, "/toolConfig/functionCallingConfig/mode", calling["mode"].raw());
  }
  keep_others(calling, "/toolConfig/functionCallingConfig", {"mode", "allowedFunctionNames"},
              out.extras);
  keep_others(config, "/toolConfig", {"functionCallingConfig"}, out.extras);
}

// ---- generationConfig --------------------------------------------------------------------------

void Reader::read_thinking(const Value& config, ChatRequest& out) {
  const Value thinking = field(config, "thinkingConfig");
  out.include_reasoning = field(thinking, "includeThoughts").boolean();
  const std::string level = to_lower(field(thinking, "thinkingLevel").string().value_or(""));
  if (!level.empty() && level != "thinking_level_unspecified") out.reasoning_effort = level;
  const auto budget = integer(field(thinking, "thinkingBudget"));
  if (budget == 0) {
    out.reasoning_effort = "none";
  } else if (budget && *budget > 0) {
    out.reasoning_budget = *budget;
  } else if (budget) {  // -1: as the model likes, which is what saying nothing means elsewhere
    restate(out.extras, "/generationConfig/thinkingConfig/thinkingBudget",
            field(thinking, "thinkingBudget"));
  }
  keep_others(thinking, "/generationConfig/thinkingConfig",
              {"includeThoughts", "thinkingLevel", "thinkingBudget"}, out.extras);
}

void Reader::read_response_format(const Value& config, ChatRequest& out) {
  const Value mime = field(config, "responseMimeType");
  const Value plain = field(config, "responseJsonSchema");
  const Value openapi = field(config, "responseSchema");
  ResponseFormat& format = out.response_format;
  const std::string type = mime.string().value_or("");
  if (type == "text/plain") {
    format.kind = ResponseFormat::Kind::kText;
  } else if (type == "application/json") {
    format.kind = ResponseFormat::Kind::kJsonObject;
  } else if (mime.exists()) {
    keep(out.extras, "/generationConfig/responseMimeType", mime.raw());
  }
  if (!plain.is_object() && !openapi.is_object()) return;
  if (format.kind == ResponseFormat::Kind::kJsonObject) {
    format.kind = ResponseFormat::Kind::kJsonSchema;
    format.name = "output";
    format.schema = plain.is_object() ? std::string(plain.raw()) : from_openapi(openapi);
    if (!plain.is_object()) restate(out.extras, "/generationConfig/responseSchema", openapi);
    return;
  }
  if (plain.exists()) keep(out.extras, "/generationConfig/responseJsonSchema", plain.raw());
  if (openapi.exists()) keep(out.extras, "/generationConfig/responseSchema", openapi.raw());
}

void Reader::read_generation(const Value& config, ChatRequest& out) {
  if (!config.exists() || config.is_null()) return;
  if (!need_object(config, "generationConfig")) return;
  struct Whole {
    std::string_view key;
    std::optional<std::int64_t>* to;
  };
  for (const Whole& whole : {Whole{"candidateCount", &out.n}, Whole{"seed", &out.seed},
                             Whole{"maxOutputTokens", &out.max_tokens}}) {
    const Value value = field(config, whole.key);
    if (!value.exists() || value.is_null()) continue;
    *whole.to = integer(value);
    if (!whole.to->has_value()) {
      fail(wrong_type("generationConfig." + std::string(whole.key), "an integer"));
    }
  }
  struct Number {
    std::string_view key;
    std::string* to;
  };
  for (const Number& number :
       {Number{"temperature", &out.temperature}, Number{"topP", &out.top_p},
        Number{"topK", &out.top_k}, Number{"presencePenalty", &out.presence_penalty},
        Number{"frequencyPenalty", &out.frequency_penalty}}) {
    const Value value = field(config, number.key);
    if (value.type() == Type::kNumber) {
      *number.to = value.raw();
    } else if (value.exists() && !value.is_null()) {
      fail(wrong_type("generationConfig." + std::string(number.key), "a number"));
    }
  }
  for (const Value& stop : list_of(field(config, "stopSequences"))) {
    if (!stop.is_string()) fail(wrong_type("generationConfig.stopSequences", "a list of strings"));
    out.stop.push_back(stop.string().value_or(""));
  }
  read_response_format(config, out);
  read_thinking(config, out);
  keep_others(config, "/generationConfig",
              {"candidateCount", "seed", "maxOutputTokens", "temperature", "topP", "topK",
               "presencePenalty", "frequencyPenalty", "stopSequences", "responseMimeType",
               "responseJsonSchema", "responseSchema", "thinkingConfig"},
              out.extras);
}

Status Reader::read(const Value& root, ChatRequest& out) {
  if (!root.is_object()) return wrong_type("the body", "a JSON object");
  ContentReader reader;
  Message system = reader.read_system(field(root, "systemInstruction"));
  if (!system.parts.empty()) out.messages.push_back(std::move(system));
  const Value contents = root["contents"];
  if (contents.size() == 0) {
    return Status(Code::kInvalidArgument,
                  "* GenerateContentRequest.contents: contents is not specified")
        .with_param("contents");
  }
  std::size_t index = 0;
  for (const Value& content : list_of(contents)) {
    out.messages.push_back(reader.read(content, at("contents", index++)));
    if (!reader.error().ok()) return reader.error();
  }
  read_tools(root["tools"], out);
  read_tool_config(field(root, "toolConfig"), out);
  read_generation(field(root, "generationConfig"), out);
  const std::string tier = to_lower(field(root, "serviceTier").string().value_or(""));
  if (tier == "standard") {
    out.service_tier = "default";
  } else if (tier != "unspecified") {
    out.service_tier = tier;
  }
  keep_others(root, "",
              {"model", "systemInstruction", "contents", "tools", "toolConfig", "generationConfig",
               "serviceTier"},
              out.extras);
  return error_;
}

}  // namespace

Result<ChatRequest> decode_request(const CallSpec& spec) {
  auto document = json::Document::parse(spec.body.str());
  if (!document) {
    return document.error()
        .with_message("Invalid JSON payload received. " + document.error().message())
        .with_http_status(400);
  }
  ChatRequest out;
  out.format = Format::kGemini;
  PathParts path = read_path(spec.path);
  out.model = path.model.empty() ? document->root()["model"].string().value_or("") : path.model;
  if (out.model.rfind("models/", 0) == 0) out.model.erase(0, 7);
  if (out.model.empty()) {
    return Status(Code::kInvalidArgument, "the path of the request names no model")
        .with_param("model");
  }
  out.stream = path.verb == "streamGenerateContent";
  out.include_usage = true;  // this format always tells
  if (Status status = Reader().read(document->root(), out); !status.ok()) return status;
  return out;
}

}  // namespace llmorch::gemini
