// The messages of the Gemini API and their fields (WIRE_FORMATS 3.2, 3.3), and the walk that finds
// every name the vendor does not know, at any level.
#include <algorithm>

#include "testing/mock_gemini.h"
#include "testing/mock_shape.h"

namespace llmorch::testing {
namespace {

using json::Value;

constexpr std::size_t kMaxViolations = 100;

struct Message {
  std::string_view name;
  std::string_view shape;  // the note is the member's own message
};
constexpr Message kMessages[] = {
    {"GenerateContentRequest",
     "contents:a=Content systemInstruction:o=Content tools:a=Tool toolConfig:o=ToolConfig "
     "generationConfig:o=GenerationConfig safetySettings:a=SafetySetting cachedContent:s "
     "serviceTier:s store:b continuationToken:s model:s"},
    {"CountTokensRequest",
     "contents:a=Content generateContentRequest:o=GenerateContentRequest model:s"},
    {"Content", "role:s parts:a=Part"},
    {"Part",
     "text:s inlineData:o=Blob fileData:o=FileData functionCall:o=FunctionCall "
     "functionResponse:o=FunctionResponse executableCode:o=ExecutableCode "
     "codeExecutionResult:o=CodeExecutionResult toolCall:o=ToolCall toolResponse:o=ToolResponse "
     "thought:b thoughtSignature:s=BYTES videoMetadata:o mediaResolution:* partMetadata:o "
     "mediaProcessing:*"},
    {"Blob", "mimeType:s data:s=BYTES"},
    {"FileData", "mimeType:s fileUri:s"},
    {"FunctionCall", "id:s name:s args:o"},
    {"FunctionResponse",
     "id:s name:s response:o parts:a=FunctionResponsePart willContinue:b scheduling:s"},
    {"FunctionResponsePart", "inlineData:o=Blob fileData:o=FileData"},
    {"ExecutableCode", "language:s code:s id:s"},
    {"CodeExecutionResult", "outcome:s output:s id:s"},
    {"ToolCall", "id:s toolType:s args:o"},
    {"ToolResponse", "id:s toolType:s response:o"},
    {"Tool",
     "functionDeclarations:a=FunctionDeclaration googleSearch:o urlContext:o codeExecution:o "
     "googleMaps:o fileSearch:o computerUse:o mcpServers:a googleSearchRetrieval:o"},
    {"FunctionDeclaration",
     "name:s description:s parameters:o=Schema parametersJsonSchema:* response:o=Schema "
     "responseJsonSchema:* behavior:s"},
    {"ToolConfig",
     "functionCallingConfig:o=FunctionCallingConfig retrievalConfig:o "
     "includeServerSideToolInvocations:b"},
    {"FunctionCallingConfig", "mode:s allowedFunctionNames:a"},
    {"GenerationConfig",
     "temperature:n topP:n topK:n candidateCount:i maxOutputTokens:i stopSequences:a seed:i "
     "presencePenalty:n frequencyPenalty:n responseLogprobs:b logprobs:i responseMimeType:s "
     "responseSchema:o=Schema responseJsonSchema:* responseModalities:a speechConfig:o "
     "mediaResolution:s imageConfig:o thinkingConfig:o=ThinkingConfig enableEnhancedCivicAnswers:b "
     "audioTranscriptionConfig:o"},
    {"ThinkingConfig", "includeThoughts:b thinkingBudget:i thinkingLevel:s"},
    {"SafetySetting", "category:s threshold:s"},
    {"Schema",
     "type:s format:s title:s description:s nullable:b enum:a items:o=Schema "
     "properties:o={Schema} required:a propertyOrdering:a anyOf:a=Schema minItems:i maxItems:i "
     "minProperties:i maxProperties:i minLength:i maxLength:i pattern:s minimum:n maximum:n "
     "default:* example:*"},
};

std::string camel_case(std::string_view name) {
  std::string out;
  bool raise = false;
  for (const char c : name) {
    if (c == '_') {
      raise = !out.empty();
    } else {
      out.push_back(raise && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
      raise = false;
    }
  }
  return out;
}

// Numbers may be written as strings.
bool takes(const ShapeMember& member, const Value& value) {
  if (fits(kind_of(value), member.kinds)) return true;
  if (member.kinds != "i" && member.kinds != "n") return false;
  const std::string text = value.string().value_or("");
  return !text.empty() && text.find_first_not_of("+-.0123456789eE") == std::string::npos;
}

std::string_view proto_type(char kind) {
  switch (kind) {
    case 's':
      return "TYPE_STRING";
    case 'i':
      return "TYPE_INT32";
    case 'n':
      return "TYPE_DOUBLE";
    case 'b':
      return "TYPE_BOOL";
    default:
      return "TYPE_MESSAGE";
  }
}

class Walk {
 public:
  std::vector<GeminiViolation> violations;

  void message(const Value& object, std::string_view type, const std::string& at) {
    const auto row = std::find_if(std::begin(kMessages), std::end(kMessages),
                                  [type](const Message& known) { return known.name == type; });
    if (row == std::end(kMessages)) return;
    if (!object.is_object()) {
      add(at, joined("Invalid value at '", at, "' (TYPE_MESSAGE), ", object.raw()));
      return;
    }
    for (const auto& [name, value] : object.members()) {
      const auto member = find_member(row->shape, camel_case(name));
      const std::string place = at.empty() ? snake_case(name) : at + "." + snake_case(name);
      if (!member) {
        add(at, joined("Invalid JSON payload received. Unknown name \"", name, "\"",
                       at.empty() ? "" : " at '" + at + "'", ": Cannot find field."));
      } else if (!value.is_null()) {
        check(*member, value, place);
      }
    }
  }

 private:
  void add(const std::string& field, std::string description) {
    if (violations.size() < kMaxViolations) violations.push_back({field, std::move(description)});
  }

  void check(const ShapeMember& member, const Value& value, const std::string& at) {
    if (!takes(member, value)) {
      add(at, value.is_array() && member.kinds != "a"
                  ? joined("Invalid JSON payload received. Unknown name \"", member.name, "\" at '",
                           at, "': Proto field is not repeating, cannot start list.")
                  : joined("Invalid value at '", at, "' (", proto_type(member.kinds[0]), "), ",
                           value.raw().substr(0, 200)));
      return;
    }
    std::string bytes;
    if (member.note == "BYTES") {
      if (!decode_base64(*value.string(), bytes)) {
        add(at, joined("Invalid value at '", at, "' (TYPE_BYTES), Base64 decoding failed for \"",
                       value.string()->substr(0, 50), "\""));
      }
    } else if (member.note == "{Schema}") {
      std::size_t index = 0;
      for (const auto& [name, schema] : value.members()) {
        message(schema, "Schema", joined(at, "[", index++, "].value"));
      }
    } else if (value.is_array()) {
      std::size_t index = 0;
      for (const Value& item : value.items()) {
        message(item, member.note, joined(at, "[", index++, "]"));
      }
    } else if (!member.note.empty()) {
      message(value, member.note, at);
    }
  }
};

}  // namespace

std::string snake_case(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      out.push_back('_');
      out.push_back(static_cast<char>(c - 'A' + 'a'));
    } else {
      out.push_back(c);
    }
  }
  return out;
}

Value gemini_member(const Value& object, std::string_view name) {
  const Value value = object[name];
  const Value found = value.exists() ? value : object[snake_case(name)];
  return found.is_null() ? Value() : found;
}

std::vector<GeminiViolation> check_gemini_types(const Value& root, std::string_view type) {
  Walk walk;
  walk.message(root, type, "");
  return std::move(walk.violations);
}

}  // namespace llmorch::testing
