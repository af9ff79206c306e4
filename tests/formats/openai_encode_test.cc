// Requests of other dialects in OpenAI's: what each field becomes, what is dropped and what refused
// (WIRE_FORMATS 6.3 column OpenAI chat, 6.4 to 6.6, 6.8).
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/answers.h"
#include "formats/upstream_bodies.h"
#include "llmorch/spi/format.h"

namespace llmorch {
namespace {

const FormatCodec& codec() { return *find_format(Format::kOpenAiChat); }

// A request said in this dialect stands for one of another: the neutral form is the same.
ChatRequest foreign(const std::string& body, Format format = Format::kAnthropicMessages) {
  CallSpec spec;
  spec.body = Body(body);
  const auto request = codec().decode(spec);
  REQUIRE_MESSAGE(request.has_value(), body, request.error().message());
  ChatRequest out = *request;
  out.format = format;
  return out;
}

std::string body_with(const std::string& messages, const std::string& more) {
  return R"({"model":"asked","messages":[)" + messages + "]" + (more.empty() ? "" : "," + more) +
         "}";
}

const std::string kUser = R"({"role":"user","content":"q"})";

struct Case {
  std::string rule;
  std::string model;
  std::string messages;
  std::string fields;
  std::string wanted_messages;  // "=": as they stand
  std::string wanted_fields;
  std::vector<std::string> dropped;
};

void run(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(c.rule);
    RequestEdits edits;
    edits.model = c.model;
    const auto out = codec().encode(foreign(body_with(c.messages, c.fields)), edits);
    REQUIRE_MESSAGE(out.has_value(), out.error().message());
    const std::string messages = c.wanted_messages == "=" ? c.messages : c.wanted_messages;
    std::string wanted = body_with(messages, c.wanted_fields);
    wanted.replace(wanted.find("asked"), 5, c.model);
    CAPTURE(out->body.str());
    CHECK(testing::same_json(out->body.str(), wanted));
    CHECK(out->dropped == c.dropped);
    // Only compatible servers know that field, so OpenAI's types do not.
    if (out->body.str().find("reasoning_content") == std::string::npos) {
      testing::keep_upstream_body("openai", out->body.str());
    }
  }
}

TEST_CASE("encode: messages of other dialects") {
  const std::string calls =
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]})";
  run({
      {"system messages in front become one, later ones stay (rule 105 is the upstream's matter)",
       "gpt-4o",
       R"({"role":"system","content":"s"},{"role":"developer","content":[{"type":"text","text":"t"},{"type":"text","text":""},{"type":"text","text":"u"}]},)" +
           kUser + R"(,{"role":"system","content":"later"},)" + kUser,
       "",
       R"({"role":"system","content":"s\n\nt\n\nu"},)" + kUser +
           R"(,{"role":"system","content":"later"},)" + kUser,
       "",
       {}},
      {"text of an assistant is one string, of a user a list (rule 44)",
       "gpt-4o",
       R"({"role":"user","content":[{"type":"text","text":"q"},{"type":"text","text":""},{"type":"image_url","image_url":{"url":"https://x/y.png"}}]},{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":"b"},{"type":"refusal","refusal":"c"}]})",
       "",
       R"({"role":"user","content":[{"type":"text","text":"q"},{"type":"image_url","image_url":{"url":"https://x/y.png"}}]},{"role":"assistant","content":"abc"})",
       "",
       {}},
      {"messages that would be empty are left out",
       "gpt-4o",
       kUser + R"(,{"role":"assistant","content":""},{"role":"user","content":[]},)" + kUser,
       "",
       kUser + "," + kUser,
       "",
       {}},
      {"arguments: compact, never empty (rules 1, 2)",
       "gpt-4o",
       R"({"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":" { \"a b\" : [ 1 , \"\\\" \\\\\" ] }\n"}},{"id":"b","type":"function","function":{"name":"f","arguments":""}}]})",
       "",
       R"({"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"a b\":[1,\"\\\" \\\\\"]}"}},{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]})",
       "",
       {}},
      {"images of results follow all results, in one user message with what comes next (rule 31, "
       "104)",
       "gpt-4o",
       calls +
           R"(,{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}},{"type":"text","text":"y"}]},{"role":"tool","tool_call_id":"b","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,BB"}}]},)" +
           kUser,
       "",
       calls +
           R"(,{"role":"tool","tool_call_id":"a","content":"x\ny"},{"role":"tool","tool_call_id":"b","content":""},{"role":"user","content":[{"type":"text","text":"Attached images from tool result a:"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}},{"type":"text","text":"Attached images from tool result b:"},{"type":"image_url","image_url":{"url":"data:image/png;base64,BB"}},{"type":"text","text":"q"}]})",
       "",
       {}},
      {"and stand before an assistant, or at the end",
       "gpt-4o",
       calls +
           R"(,{"role":"tool","tool_call_id":"a","content":[{"type":"file","file":{"file_data":"data:application/pdf;base64,AA"}}]},{"role":"tool","tool_call_id":"b","content":"r"})",
       "",
       calls +
           R"(,{"role":"tool","tool_call_id":"a","content":""},{"role":"tool","tool_call_id":"b","content":"r"},{"role":"user","content":[{"type":"text","text":"Attached files from tool result a:"},{"type":"file","file":{"file_data":"data:application/pdf;base64,AA","filename":"document.pdf"}}]})",
       "",
       {}},
      {"text documents are text, sounds have two names",
       "gpt-4o-audio-preview",
       R"({"role":"user","content":[{"type":"file","file":{"file_data":"data:text/plain;base64,aGVsbG8=","filename":"a.txt"}},{"type":"input_audio","input_audio":{"data":"AA","format":"mpeg"}}]})",
       "",
       R"({"role":"user","content":[{"type":"text","text":"hello"},{"type":"input_audio","input_audio":{"data":"AA","format":"mp3"}}]})",
       "",
       {}},
      {"extra fields, names and cache marks are reported, what a neutral field says is not",
       "gpt-4o",
       R"({"role":"user","name":"n","content":[{"type":"text","text":"q","cache_control":{"type":"ephemeral"},"citations":{"enabled":true}}],"x":1},{"role":"user","content":[{"type":"video","video":{}},{"type":"text","text":"z"}]})",
       "",
       R"({"role":"user","content":[{"type":"text","text":"q"}]},{"role":"user","content":[{"type":"text","text":"z"}]})",
       "",
       {"messages.x", "messages.name", "messages.citations", "messages.cache_control",
        "messages.video"}},
      {"ids longer than OpenAI's stay a pair",
       "gpt-4o",
       R"({"role":"assistant","content":null,"tool_calls":[{"id":"toolu_0123456789012345678901234567890123456789","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"toolu_0123456789012345678901234567890123456789","content":"r"})",
       "",
       R"({"role":"assistant","content":null,"tool_calls":[{"id":"toolu_0123456789012345678901234_LoQqrIpX","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"toolu_0123456789012345678901234_LoQqrIpX","content":"r"})",
       "",
       {}},
  });
}

TEST_CASE("encode: reasoning in the history, by family (WIRE 6.6; rules 81 to 83)") {
  const std::string thought =
      R"({"role":"assistant","content":"a","reasoning_content":"r"},{"role":"assistant","content":"b"})";
  const std::string silent =
      R"({"role":"assistant","content":"a"},{"role":"assistant","content":"b"})";
  run({
      {"OpenAI does not know the field", "gpt-5.4", thought, "", silent, "", {"messages.thinking"}},
      {"nor do servers nobody knows", "llama-4", thought, "", silent, "", {"messages.thinking"}},
      {"Kimi reads what there was", "moonshotai/Kimi-K3", thought, "", thought, "", {}},
      {"DeepSeek wants it everywhere",
       "deepseek-v4-flash",
       thought,
       "",
       R"({"role":"assistant","content":"a","reasoning_content":"r"},{"role":"assistant","content":"b","reasoning_content":""})",
       "",
       {}},
  });
}

TEST_CASE("encode: fields of other dialects, by model") {
  const std::string tools =
      R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}])";
  run({
      {"limits of a plain model",
       "gpt-4o",
       kUser,
       R"("max_completion_tokens":9,"temperature":0.70,"top_p":0.9,"top_k":5,"presence_penalty":1,"stop":["a","b","c","d","e"],"seed":3,"n":2)",
       "=",
       R"("max_tokens":9,"temperature":0.70,"top_p":0.9,"presence_penalty":1,"stop":["a","b","c","d"],"seed":3,"n":2)",
       {"stop", "top_k"}},
      {"limits of a reasoning model (WIRE 1.2)",
       "openai/gpt-5-mini",
       kUser,
       R"("max_tokens":9,"temperature":0.70,"top_p":0.9,"presence_penalty":1,"frequency_penalty":1,"stop":["a"])",
       "=",
       R"("max_completion_tokens":9)",
       {"stop", "temperature", "top_p", "presence_penalty", "frequency_penalty"}},
      {"which takes sampling while it does not reason",
       "gpt-5.2",
       kUser,
       R"("temperature":0.7,"reasoning_effort":"none")",
       "=",
       R"("temperature":0.7,"reasoning_effort":"none")",
       {}},
      {"gpt-6 never does",
       "gpt-6",
       kUser,
       R"("temperature":0.7,"reasoning_effort":"none")",
       "=",
       R"("reasoning_effort":"low")",
       {"temperature"}},
      {"chat models of a reasoning family are plain",
       "gpt-5-chat-latest",
       kUser,
       R"("temperature":0.7,"max_tokens":9,"reasoning_effort":"high")",
       "=",
       R"("temperature":0.7,"max_tokens":9)",
       {"reasoning_effort"}},
      {"effort: the nearest word there is",
       "o3",
       kUser,
       R"("reasoning_effort":"max")",
       "=",
       R"("reasoning_effort":"high")",
       {}},
      {"effort: minimal",
       "gpt-5",
       kUser,
       R"("reasoning_effort":"minimal")",
       "=",
       R"("reasoning_effort":"minimal")",
       {}},
      {"effort: none is the lowest where there is no none",
       "gpt-5",
       kUser,
       R"("reasoning_effort":"none")",
       "=",
       R"("reasoning_effort":"minimal")",
       {}},
      {"effort: nothing to say to a server without none",
       "llama-4",
       kUser,
       R"("reasoning_effort":"none")",
       "=",
       "",
       {}},
      {"budget becomes effort",
       "gpt-5.4",
       kUser,
       R"("thinking":{"type":"enabled","budget_tokens":1500})",
       "=",
       R"("reasoning_effort":"medium")",
       {}},
      {"budget: small",
       "gpt-5",
       kUser,
       R"("reasoning":{"max_tokens":300})",
       "=",
       R"("reasoning_effort":"minimal")",
       {}},
      {"budget: large",
       "qwen3-max",
       kUser,
       R"("reasoning":{"max_tokens":30000})",
       "=",
       R"("reasoning_effort":"high")",
       {}},
      {"budget: as the model likes",
       "gpt-5",
       kUser,
       R"("reasoning":{"max_tokens":-1})",
       "=",
       "",
       {}},
      {"tools and effort exclude each other on gpt-5.6 (rule 65)",
       "gpt-5.6",
       kUser,
       tools + R"(,"reasoning_effort":"high")",
       "=",
       tools,
       {"reasoning_effort"}},
      {"tool_choice and parallel_tool_calls without tools (rule 107)",
       "gpt-4o",
       kUser,
       R"("tool_choice":"none","parallel_tool_calls":false)",
       "=",
       "",
       {"tool_choice", "parallel_tool_calls"}},
      {"o models take no parallel_tool_calls",
       "o4-mini",
       kUser,
       tools + R"(,"parallel_tool_calls":false,"tool_choice":"required")",
       "=",
       tools + R"(,"tool_choice":"required")",
       {"parallel_tool_calls"}},
      {"allowed tools are the tools",
       "gpt-4o",
       kUser,
       R"("tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"g"}}]}})",
       "=",
       R"("tools":[{"type":"function","function":{"name":"g"}}],"tool_choice":"required")",
       {}},
      {"an object schema has properties; marks are reported",
       "gpt-4o",
       kUser,
       R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}},"cache_control":{"type":"ephemeral"}},{"type":"function","function":{"name":"g","parameters":{}},"defer_loading":true}])",
       "=",
       R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}},{"type":"function","function":{"name":"g","parameters":{"type":"object","properties":{}}}}])",
       {"tools.cache_control", "tools.defer_loading"}},
      {"a schema gets a name, and strict where OpenAI takes it",
       "gpt-4o",
       kUser,
       R"("response_format":{"type":"json_schema","json_schema":{"schema":{"type":"object","properties":{"a":{"type":"array","items":{"anyOf":[{"type":"string"},{"type":"null"}]}}},"required":["a"],"additionalProperties":false}}})",
       "=",
       R"("response_format":{"type":"json_schema","json_schema":{"name":"output","schema":{"type":"object","properties":{"a":{"type":"array","items":{"anyOf":[{"type":"string"},{"type":"null"}]}}},"required":["a"],"additionalProperties":false},"strict":true}})",
       {}},
      {"not strict: an optional property",
       "gpt-4o",
       kUser,
       R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"a":{}},"additionalProperties":false}}})",
       "=",
       R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"a":{}},"additionalProperties":false}}})",
       {}},
      {"user: its newer name at OpenAI",
       "gpt-5.4",
       kUser,
       R"("user":"u")",
       "=",
       R"("safety_identifier":"u")",
       {}},
      {"user: the old one elsewhere, cut at a character",
       "llama-4",
       kUser,
       R"("user":"012345678901234567890123456789012345678901234567890123456789012é","service_tier":"standard_only")",
       "=",
       R"("user":"012345678901234567890123456789012345678901234567890123456789012")",
       {"service_tier"}},
      {"streams ask for usage; foreign fields are reported",
       "gpt-4o",
       kUser,
       R"("stream":true,"container":"c","context_management":{"edits":[]},"mcp_servers":[],"store":false,"x":null)",
       "=",
       R"("stream":true,"stream_options":{"include_usage":true})",
       {"container", "context_management"}},
      {"a vendor's web search is a field of search models",
       "gpt-5-search-api",
       kUser,
       R"("tools":[{"type":"web_search_20250305","name":"web_search"}])",
       "=",
       R"("web_search_options":{})",
       {}},
  });
}

TEST_CASE("encode: what cannot be said is refused, and named in the caller's words (WIRE 6.8)") {
  struct Row {
    std::string rule;
    std::string messages;
    std::string fields;
    std::string param;
  };
  const auto user = [](const std::string& part) {
    return R"({"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"q"},)" +
           part + "]}";
  };
  const std::vector<Row> rows = {
      {"server tools", kUser, R"("tools":[{"type":"code_execution_20250825","name":"c"}])",
       "tools[0]"},
      {"web search elsewhere", kUser, R"("tools":[{"type":"web_search_20250305"}])", "tools[0]"},
      {"MCP", kUser, R"("mcp_servers":[{"type":"url","url":"u","name":"n"}])", "mcp_servers"},
      {"a cache by name", kUser, R"("cachedContent":"cachedContents/1")", "cachedContent"},
      {"an image elsewhere than on the web",
       user(R"({"type":"image_url","image_url":{"url":"gs://b/i.png"}})"), "",
       "messages[0].content[1]"},
      {"a file id of another vendor", user(R"({"type":"file","file":{"file_id":"file_1"}})"), "",
       "messages[0].content[1]"},
      {"a sound without a name here",
       user(R"({"type":"input_audio","input_audio":{"data":"AA","format":"flac"}})"), "",
       "messages[0].content[1]"},
      {"a text document that is none",
       user(R"({"type":"file","file":{"file_data":"data:text/plain;base64,/w=="}})"), "",
       "messages[0].content[1]"},
      {"in a result",
       R"({"role":"tool","tool_call_id":"c","content":[{"type":"image_url","image_url":{"url":"ftp://x"}}]})",
       "", "messages[0].content[0].content[0]"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.rule);
    const auto out = codec().encode(foreign(body_with(row.messages, row.fields)), {});
    REQUIRE_FALSE(out.has_value());
    CHECK(out.error().code() == Code::kUnsupported);
    CHECK(out.error().param() == row.param);
  }
}

TEST_CASE("encode: capabilities of the configuration go before the table") {
  const std::string image =
      R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x"}}]})";
  const std::string tool = R"("tools":[{"type":"function","function":{"name":"f"}}])";
  const auto encode = [](const std::string& body, const Capabilities& capabilities, bool own) {
    RequestEdits edits;
    edits.model = "m";
    edits.capabilities = capabilities;
    ChatRequest request = foreign(body);
    if (own) request.format = Format::kOpenAiChat;
    const auto out = codec().encode(request, edits);
    return out ? out->body.str() : "error " + out.error().param();
  };
  const std::string fields =
      R"("max_tokens":100,"temperature":0.5,"top_k":5,"reasoning_effort":"high")";
  for (const bool own : {false, true}) {
    CAPTURE(own);
    Capabilities can;
    can.sampling = false;
    can.reasoning = false;
    can.max_output_tokens = 50;
    CHECK(testing::same_json(encode(body_with(kUser, fields), can, own),
                             R"({"model":"m","messages":[)" + kUser + R"(],"max_tokens":50})"));
    can.sampling = can.reasoning = true;
    can.max_output_tokens = 500;
    CHECK(testing::same_json(encode(body_with(kUser, fields), can, own),
                             R"({"model":"m","messages":[)" + kUser + "]," + fields + "}"));
    can.tools = can.vision = can.structured_output = false;
    CHECK(encode(body_with(kUser, tool), can, own) == "error tools");
    CHECK(encode(body_with(image, ""), can, own) == "error messages[0].content[0]");
    CHECK(encode(body_with(kUser, R"("response_format":{"type":"json_schema","json_schema":{}})"),
                 can, own) == "error response_format");
  }
}

TEST_CASE("encode: the target's own prompt comes first") {
  RequestEdits edits;
  edits.model = "m";
  edits.system_prompt = "Be \"nice\".";
  const std::string body = body_with(R"({"role":"system","content":"s"},)" + kUser, "");
  ChatRequest request = foreign(body);
  CHECK(testing::same_json(
      codec().encode(request, edits)->body.str(),
      R"({"model":"m","messages":[{"role":"system","content":"Be \"nice\".\n\ns"},)" + kUser +
          "]}"));
  request.format = Format::kOpenAiChat;
  const std::string own =
      R"({"model":"m","messages":[{"role":"system","content":"Be \"nice\"."},{"role":"system","content":"s"},)" +
      kUser + "]}";
  CHECK(testing::same_json(codec().encode(request, edits)->body.str(), own));
  // Edits of top-level keys do not say it twice.
  edits.set = {{"temperature", "1"}};
  CHECK(testing::same_json(codec().encode(request, edits)->body.str(),
                           own.substr(0, own.size() - 1) + R"(,"temperature":1})"));
}

TEST_CASE("encode: names of tools that OpenAI would refuse come back under their own") {
  const std::string odd = "mcp__server.tool:with/odd chars";
  const std::string longest(100, 'x');
  ChatRequest request = foreign(body_with(
      kUser +
          R"(,{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":")" +
          odd + R"(","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"r"})",
      R"("tools":[{"type":"function","function":{"name":")" + odd +
          R"("}},{"type":"function","function":{"name":")" + longest +
          R"("}},{"type":"function","function":{"name":"fine_1-A"}}],"tool_choice":{"type":"function","function":{"name":")" +
          longest + R"("}})"));
  const auto out = codec().encode(request, {});
  REQUIRE(out.has_value());
  testing::keep_upstream_body("openai", out->body.str());
  const auto& names = out->hints.tool_names;
  REQUIRE(names.size() == 2);
  for (const auto& entry : names) {
    CHECK(entry.first.size() <= 64);
    CHECK(entry.first.find_first_not_of(
              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
          std::string::npos);
    CHECK(out->body.str().find("\"" + entry.first + "\"") != std::string::npos);
    CHECK(out->body.str().find("\"" + entry.second + "\"") == std::string::npos);
  }
  AnswerOptions options;
  options.hints = out->hints;
  const std::string answer =
      R"({"id":"i","model":"m","choices":[{"message":{"tool_calls":[{"id":"c","type":"function","function":{"name":")" +
      names[0].first + R"(","arguments":"{}"}}]},"finish_reason":"tool_calls"}]})";
  Frame frame;
  frame.raw = frame.data = answer;
  frame.has_data = true;
  std::vector<Event> events;
  codec().new_decoder(options)->on_frame(frame, events);
  bool seen = false;
  for (const Event& event : events) {
    if (const auto* part = std::get_if<event::PartStart>(&event)) seen = part->name == odd;
  }
  CHECK(seen);
}

TEST_CASE("encode: Mistral's ids are nine letters, the same for a call and its result (WIRE 6.4)") {
  const auto ids = [](const std::string& id) {
    RequestEdits edits;
    edits.model = "mistral-large-latest";
    const auto out = codec().encode(
        foreign(body_with(
            R"({"role":"assistant","content":null,"tool_calls":[{"id":")" + id +
                R"(","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":")" +
                id + R"(","content":"r"})",
            "")),
        edits);
    REQUIRE(out.has_value());
    const auto body = json::Document::parse(out->body.str());
    const auto messages = body->root()["messages"];
    const std::string call = messages.at(0)["tool_calls"].at(0)["id"].string().value_or("");
    CHECK(call == messages.at(1)["tool_call_id"].string());
    return call;
  };
  CHECK(ids("aB3dE6gH9") == "aB3dE6gH9");
  CHECK(ids("toolu_01").size() == 9);
  CHECK(ids("toolu_01") != ids("toolu_02"));
  CHECK(ids("toolu_01").find('_') == std::string::npos);
}

}  // namespace
}  // namespace llmorch
