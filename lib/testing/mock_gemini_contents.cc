// The contents of a Gemini request: parts, the order of function calls and their responses, and the
// thought signatures that must come back (WIRE_FORMATS 3.2, 3.6).
#include <algorithm>

#include "testing/mock_gemini.h"
#include "testing/mock_signature.h"

namespace llmorch::testing {
namespace {

using json::Value;

constexpr std::string_view kData[] = {
    "text",           "inlineData",          "fileData", "functionCall", "functionResponse",
    "executableCode", "codeExecutionResult", "toolCall", "toolResponse"};
// What a client may put where it has no signature (3.6).
constexpr std::string_view kSentinels[] = {"skip_thought_signature_validator",
                                           "context_engineering_is_the_way_to_go"};
constexpr std::string_view kMedia[] = {"image/", "audio/",          "video/",
                                       "text/",  "application/pdf", "application/json"};

struct Turn {
  bool model = false;
  bool speaks = false;  // holds something else than responses and media
  std::string text;
  std::string result_text;
  std::vector<Value> calls;
  std::vector<std::string> signatures;  // of the calls, "" for none
  std::vector<Value> responses;
  bool responses_apart = false;  // something stands between them
};

std::string name_of(const Value& call) { return gemini_member(call, "name").string().value_or(""); }

bool holds_ref(const Value& value) {
  if (value["$ref"].exists()) return true;
  for (const auto& [name, member] : value.members()) {
    if (holds_ref(member)) return true;
  }
  const auto items = value.items();
  return std::any_of(items.begin(), items.end(), [](const Value& item) { return holds_ref(item); });
}

class Reader {
 public:
  explicit Reader(MockAsk& ask) : ask_(ask), generation_(gemini_generation(ask.model)) {}

  GeminiProblem content(const Value& content, const std::string& at) {
    const std::string role = gemini_member(content, "role").string().value_or("user");
    if (role != "user" && role != "model" && role != "function") {
      return "Please use a valid role: user, model.";
    }
    // The vendor's own SDK replays each chunk of a stream as a content of its own: a run of the
    // model's is one turn.
    const bool model = role == "model";
    if (!model || turns_.empty() || !turns_.back().model) turns_.emplace_back();
    Turn& turn = turns_.back();
    turn.model = model;
    const Value parts = gemini_member(content, "parts");
    if (parts.size() == 0) {
      return "* GenerateContentRequest." + at + ".parts: contents.parts must not be empty.\n";
    }
    bool last_was_response = false;
    std::size_t index = 0;
    for (const Value& item : parts.items()) {
      const std::size_t responses = turn.responses.size();
      if (auto problem = part(item, turn, joined(at, ".parts[", index++, "]"))) return problem;
      const bool is_response = turn.responses.size() > responses;
      if (is_response && responses > 0 && !last_was_response) turn.responses_apart = true;
      last_was_response = is_response;
    }
    return std::nullopt;
  }

  GeminiProblem check_order() const {
    for (std::size_t i = 0; i < turns_.size(); ++i) {
      const Turn& turn = turns_[i];
      if (!turn.responses.empty() && (turn.model || i == 0 || turns_[i - 1].calls.empty())) {
        return "Please ensure that function response turn comes immediately after a function call "
               "turn.";
      }
      if (turn.calls.empty()) continue;
      if (!turn.model || i == 0) {
        return "Please ensure that function call turn comes immediately after a user turn or after "
               "a function response turn.";
      }
      if (auto problem = check_responses(turn, i + 1)) return problem;
    }
    return check_signatures();
  }

  void finish(std::string& last_user) {
    for (const Turn& turn : turns_) {
      if (turn.model) continue;
      ask_.after_tool = !turn.responses.empty() && !turn.speaks;
      ask_.text = ask_.after_tool ? turn.result_text : turn.text;
      if (!ask_.after_tool) last_user = turn.text;
    }
  }

 private:
  GeminiProblem part(const Value& item, Turn& turn, const std::string& at) {
    std::string_view kind;
    for (const std::string_view name : kData) {
      if (!gemini_member(item, name).exists()) continue;
      if (!kind.empty()) {
        return joined("Invalid value at '", at, "' (oneof), oneof field 'data' is already set. ",
                      "Cannot set '", name, "'");
      }
      kind = name;
    }
    if (kind.empty()) {
      return "* GenerateContentRequest." + at +
             ".data: required oneof field 'data' must have one initialized field\n";
    }
    const Value data = gemini_member(item, kind);
    const std::string signature = gemini_member(item, "thoughtSignature").string().value_or("");
    if (kind == "functionCall") return call(data, signature, turn, at);
    if (kind == "functionResponse") return response(data, turn, at);
    if (!signature.empty() && !valid(signature, "text")) return "Corrupted thought signature.";
    if (kind == "inlineData" || kind == "fileData") return media(data, kind, turn, at);
    turn.speaks = true;
    if (kind != "text" || gemini_member(item, "thought").boolean().value_or(false)) {
      return std::nullopt;
    }
    add_text(turn.text, *data.string());
    return std::nullopt;
  }

  GeminiProblem call(const Value& data, const std::string& signature, Turn& turn,
                     const std::string& at) {
    const std::string name = name_of(data);
    if (name.empty()) {
      return "* GenerateContentRequest." + at + ".function_call.name: Name cannot be empty.\n";
    }
    if (!signature.empty() && !valid(signature, "call:" + name)) {
      return "Corrupted thought signature.";
    }
    turn.speaks = true;
    turn.calls.push_back(data);
    turn.signatures.push_back(signature);
    return std::nullopt;
  }

  GeminiProblem response(const Value& data, Turn& turn, const std::string& at) {
    if (name_of(data).empty()) {
      return "* GenerateContentRequest." + at + ".function_response.name: Name cannot be empty.\n";
    }
    const Value response = gemini_member(data, "response");
    if (holds_ref(response)) {
      return "Invalid function response: $ref in " + at +
             ".function_response.response does not match the display_name of any part.";
    }
    const bool has_media = gemini_member(data, "parts").size() > 0;
    if (has_media && generation_ > 0 && generation_ < 3) {
      return "Multimodal function responses are not supported by this model.";
    }
    const Value output = response["output"].exists() ? response["output"] : response["result"];
    add_text(turn.result_text, output.is_string()
                                   ? *output.string()
                                   : std::string((output.exists() ? output : response).raw()));
    if (has_media) add_text(turn.result_text, "[inlineData]");
    turn.responses.push_back(data);
    return std::nullopt;
  }

  GeminiProblem media(const Value& data, std::string_view kind, Turn& turn, const std::string& at) {
    const std::string type = gemini_member(data, "mimeType").string().value_or("");
    const bool known =
        std::any_of(std::begin(kMedia), std::end(kMedia),
                    [&type](std::string_view prefix) { return type.starts_with(prefix); });
    if (kind == "inlineData" && type.empty()) {
      return "* GenerateContentRequest." + at + ".inline_data.mime_type: must be specified\n";
    }
    if (!type.empty() && !known) return "Unsupported MIME type: " + type;
    if (kind == "inlineData" && gemini_member(data, "data").string().value_or("").empty()) {
      return "* GenerateContentRequest." + at + ".inline_data.data: must be specified\n";
    }
    if (kind == "fileData" && gemini_member(data, "fileUri").string().value_or("").empty()) {
      return "* GenerateContentRequest." + at + ".file_data.file_uri: must be specified\n";
    }
    add_text(turn.responses.empty() ? turn.text : turn.result_text, joined("[", kind, "]"));
    return std::nullopt;
  }

  GeminiProblem check_responses(const Turn& turn, std::size_t next) const {
    if (next == turns_.size() || turns_[next].responses.size() != turn.calls.size() ||
        turns_[next].responses_apart) {
      return "Please ensure that the number of function response parts is equal to the number of "
             "function call parts of the function call turn.";
    }
    for (std::size_t i = 0; i < turn.calls.size(); ++i) {
      const Value& response = turns_[next].responses[i];
      const auto called = gemini_member(turn.calls[i], "id").string();
      const auto answered = gemini_member(response, "id").string();
      if (name_of(response) != name_of(turn.calls[i]) ||
          (called && answered && *called != *answered)) {
        return "Please ensure that function response parts match the function call parts of the "
               "function call turn, in name, id and order.";
      }
    }
    return std::nullopt;
  }

  // Generation 3: in the current turn each step's first call shows its signature.
  GeminiProblem check_signatures() const {
    if (generation_ < 3) return std::nullopt;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < turns_.size(); ++i) {
      if (!turns_[i].model && turns_[i].speaks) begin = i;
    }
    for (std::size_t i = begin; i < turns_.size(); ++i) {
      const Turn& turn = turns_[i];
      if (turn.calls.empty() || !turn.signatures.front().empty()) continue;
      return joined(
          "Function call is missing a thought_signature in functionCall parts. This is required "
          "for tools to work correctly, and missing thought_signature may lead to degraded model "
          "performance. Additional data, function call `default_api:",
          name_of(turn.calls.front()), "` , position ", i + 1,
          ". Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more "
          "details.");
    }
    return std::nullopt;
  }

  static bool valid(const std::string& signature, std::string_view content) {
    return std::find(std::begin(kSentinels), std::end(kSentinels), signature) !=
               std::end(kSentinels) ||
           verify(signature, kGeminiTag, content);
  }

  void add_text(std::string& to, std::string_view text) {
    to += text;
    ask_.prompt_bytes += text.size();
  }

  MockAsk& ask_;
  const int generation_;
  std::vector<Turn> turns_;
};

}  // namespace

GeminiProblem read_gemini_contents(const Value& root, MockAsk& ask, std::string& last_user) {
  const Value contents = gemini_member(root, "contents");
  if (contents.size() == 0) {
    return "* GenerateContentRequest.contents: contents is not specified\n";
  }
  const Value system = gemini_member(root, "systemInstruction");
  for (const Value& part : gemini_member(system, "parts").items()) {
    const auto text = gemini_member(part, "text").string();
    if (!text) return "System instruction should only contain text.";
    ask.prompt_bytes += text->size();
  }
  if (system.exists() && gemini_member(system, "parts").size() == 0) {
    return "* GenerateContentRequest.system_instruction.parts: contents.parts must not be empty.\n";
  }
  Reader reader(ask);
  std::size_t index = 0;
  for (const Value& content : contents.items()) {
    if (auto problem = reader.content(content, joined("contents[", index++, "]"))) return problem;
  }
  if (auto problem = reader.check_order()) return problem;
  reader.finish(last_user);
  return std::nullopt;
}

}  // namespace llmorch::testing
