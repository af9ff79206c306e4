// What OpenAI requests ask of a model as Anthropic gets it: tools, reasoning, structured answers
// and cache marks (WIRE 2.4, 2.6, 6.1, 6.5, 6.6).
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "formats/anthropic_requests.h"

namespace llmorch {
namespace {

using testing::at_path;
using testing::body_or_error;
using testing::call;
using testing::chat_to_anthropic;
using testing::check;
using testing::kHi;
using testing::talk;
using testing::tool;
using testing::user;
using testing::with;

TEST_CASE("to Anthropic: tools (WIRE 6.1, 2.4)") {
  const std::string two =
      R"("tools":[)" +
      tool(
          "f",
          R"(,"description":"d","parameters":{"type":"object","properties":{"a":{"minimum":1.0}}})") +
      "," + tool("g") + "]";
  const std::string strict =
      R"("tools":[)" +
      tool(
          "f",
          R"(,"strict":true,"parameters":{"type":"object","properties":{"a":{"type":"integer","minimum":1}},"required":["a"]})") +
      "]";
  check({
      {"schema as it stood", with(two), "claude-opus-4-6", "tools.0",
       R"({"name":"f","description":"d","input_schema":{"type":"object","properties":{"a":{"minimum":1.0}}}})"},
      {"no parameters", with(two), "claude-opus-4-6", "tools.1",
       R"({"name":"g","input_schema":{"type":"object","properties":{}}})"},
      {"no choice said, none sent", with(two), "claude-opus-4-6", "tool_choice", ""},
      {"a root that is no object",
       with(R"("tools":[)" + tool("f", R"(,"parameters":{"properties":{}})") + "]"), "m",
       "tools.0.input_schema", R"({"type":"object","properties":{}})"},
      {"a union at the root",
       with(R"("tools":[)" +
            tool("f",
                 R"(,"parameters":{"anyOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]})") +
            "]"),
       "m", "tools.0.input_schema.properties", R"({"a":{},"b":{}})"},
      {"strict, sanitised", with(strict), "claude-opus-4-6", "tools.0",
       R"({"name":"f","input_schema":{"type":"object","properties":{"a":{"type":"integer","description":"{minimum: 1}"}},"required":["a"],"additionalProperties":false},"strict":true})"},
      {"strict on an older model: as it stood", with(strict), "claude-sonnet-4-20250514",
       "tools.0.strict", ""},
      {"auto", with(two + R"(,"tool_choice":"auto")"), "m", "tool_choice", R"({"type":"auto"})"},
      {"required", with(two + R"(,"tool_choice":"required")"), "m", "tool_choice",
       R"({"type":"any"})"},
      {"none", with(two + R"(,"tool_choice":"none")"), "m", "tool_choice", R"({"type":"none"})"},
      {"named", with(two + R"(,"tool_choice":{"type":"function","function":{"name":"g"}})"), "m",
       "tool_choice", R"({"type":"tool","name":"g"})"},
      {"allowed tools",
       with(
           two +
           R"(,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"g"}}]}})"),
       "m", "tools", R"([{"name":"g","input_schema":{"type":"object","properties":{}}}])"},
      {"allowed tools: their mode",
       with(
           two +
           R"(,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"g"}}]}})"),
       "m", "tool_choice", R"({"type":"any"})"},
      {"one at a time", with(two + R"(,"parallel_tool_calls":false)"), "m", "tool_choice",
       R"({"type":"auto","disable_parallel_tool_use":true})"},
      {"one at a time, required",
       with(two + R"(,"parallel_tool_calls":false,"tool_choice":"required")"), "m", "tool_choice",
       R"({"type":"any","disable_parallel_tool_use":true})"},
      {"one at a time, none", with(two + R"(,"parallel_tool_calls":false,"tool_choice":"none")"),
       "m", "tool_choice", R"({"type":"none"})"},
      {"choice without tools (rule 107)",
       with(R"("parallel_tool_calls":false,"tool_choice":"required")"), "m", "tool_choice", ""},
      {"a model that refuses to be forced", with(two + R"(,"tool_choice":"required")"),
       "claude-opus-5-5", "tool_choice", R"({"type":"auto"})"},
      {"the same, named: only that tool is left",
       with(two + R"(,"tool_choice":{"type":"function","function":{"name":"g"}})"),
       "claude-sonnet-5-5", "tools.0.name", R"("g")"},
      {"thinking forbids forcing",
       with(two + R"(,"tool_choice":"required","reasoning_effort":"low")"), "claude-opus-4-6",
       "tool_choice", R"({"type":"auto"})"},
      {"custom tool (rule 113)",
       with(R"("tools":[{"type":"custom","custom":{"name":"p","description":"d"}}])"), "m",
       "tools.0",
       R"({"name":"p","description":"d","input_schema":{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}})"},
      {"custom tool with a grammar",
       with(
           R"("tools":[{"type":"custom","custom":{"name":"p","description":"d","format":{"type":"grammar","grammar":{"definition":"start: /.+/","syntax":"lark"}}}}])"),
       "m", "tools.0.description",
       R"("d\n\nThe value of `input` must match this lark grammar:\nstart: /.+/")"},
      {"custom call in the history",
       talk(
           R"({"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"id":"c","type":"custom","custom":{"name":"p","input":"a\"b"}}]})"),
       "m", "messages.1.content.0.input", R"({"input":"a\"b"})"},
      {"a name with a dot", with(R"("tools":[)" + tool("a.b") + "]"), "m", "tools.0.name",
       R"("a_b_c2256640")"},
  });
  const auto custom = chat_to_anthropic(
      with(R"("tools":[{"type":"custom","custom":{"name":"p"}},)" + tool("a.b") + "]"), "m");
  REQUIRE(custom);
  CHECK(custom->hints.custom_tools == std::vector<std::string>{"p"});
  REQUIRE(custom->hints.tool_names.size() == 1);
  CHECK(custom->hints.tool_names[0].second == "a.b");
}

TEST_CASE("to Anthropic: reasoning (WIRE 6.5)") {
  const auto effort = [](const std::string& word, const std::string& more = "") {
    return with(R"("reasoning_effort":")" + word + "\"" + more);
  };
  const std::string shown = R"({"type":"adaptive","display":"summarized"})";
  check({
      {"adaptive", effort("high"), "claude-opus-4-8", "thinking", shown},
      {"its effort", effort("high"), "claude-opus-4-8", "output_config", R"({"effort":"high"})"},
      {"minimal is low", effort("minimal"), "claude-opus-4-6", "output_config.effort", R"("low")"},
      {"xhigh", effort("xhigh"), "claude-opus-4-8", "output_config.effort", R"("xhigh")"},
      {"xhigh where there is none", effort("xhigh"), "claude-opus-4-6", "output_config.effort",
       R"("max")"},
      {"none", effort("none"), "claude-opus-4-8", "thinking", R"({"type":"disabled"})"},
      {"none, and no effort either", effort("none"), "claude-opus-4-8", "output_config", ""},
      {"none: between tools", effort("none"), "claude-sonnet-5-5", "thinking",
       R"({"type":"between_tools"})"},
      {"none: impossible", effort("none"), "claude-opus-5-5", "output_config",
       R"({"effort":"low"})"},
      {"budget", effort("medium"), "claude-sonnet-4-5", "thinking",
       R"({"type":"enabled","budget_tokens":10000})"},
      {"budget below max_tokens", effort("max", R"(,"max_tokens":5000)"), "claude-sonnet-4-5",
       "thinking", R"({"type":"enabled","budget_tokens":4999})"},
      {"no room to think", effort("high", R"(,"max_tokens":1000)"), "claude-sonnet-4-5", "thinking",
       ""},
      {"budget leaves room for the answer", effort("max"), "claude-opus-4-20250514", "thinking",
       R"({"type":"enabled","budget_tokens":16000})"},
      {"a model that does not think", effort("high"), "claude-3-haiku-20240307", "thinking", ""},
      {"not asked", with(""), "claude-opus-4-8", "thinking", ""},
      {"thinking drops temperature", effort("low", R"(,"temperature":0.3)"), "claude-opus-4-6",
       "temperature", ""},
      {"but for the usual one", effort("low", R"(,"temperature":1)"), "claude-opus-4-6",
       "temperature", "1"},
      {"thinking drops top_k", effort("low", R"(,"top_k":3)"), "claude-opus-4-6", "top_k", ""},
      {"thinking narrows top_p", effort("low", R"(,"top_p":0.9)"), "claude-opus-4-6", "top_p", ""},
      {"thinking keeps a wide top_p", effort("low", R"(,"top_p":0.97)"), "claude-opus-4-6", "top_p",
       "0.97"},
  });
}

TEST_CASE("to Anthropic: thinking in the history (WIRE 6.6, 8 rules 32 to 34)") {
  const std::string blocks =
      R"("thinking_blocks":[{"type":"thinking","thinking":"t1","signature":"s1"},{"type":"redacted_thinking","data":"d"},{"type":"thinking","thinking":"t2","signature":"s2"}])";
  const std::string used = R"("tool_calls":[)" + call("c", "f", R"("{}")") + "]";
  const std::string result = R"(,{"role":"tool","tool_call_id":"c","content":"r"})";
  const auto history = [&](const std::string& fields) {
    return talk(R"({"role":"user","content":"q"},{"role":"assistant","content":"a",)" + fields +
                    "}" + result,
                R"("reasoning_effort":"low")");
  };
  check({
      {"signed blocks go back first and in order", history(blocks + "," + used),
       "claude-sonnet-4-5", "messages.1.content",
       R"([{"type":"thinking","thinking":"t1","signature":"s1"},{"type":"redacted_thinking","data":"d"},{"type":"thinking","thinking":"t2","signature":"s2"},{"type":"text","text":"a"},{"type":"tool_use","id":"c","name":"f","input":{}}])"},
      {"and thinking stays on", history(blocks + "," + used), "claude-sonnet-4-5", "thinking.type",
       R"("enabled")"},
      {"unsigned thoughts do not", history(R"("reasoning_content":"hm",)" + used),
       "claude-sonnet-4-5", "messages.1.content.0", R"({"type":"text","text":"a"})"},
      {"calls without thinking switch it off on budget models (rule 33)",
       history(R"("reasoning_content":"hm",)" + used), "claude-sonnet-4-5", "thinking", ""},
      {"adaptive models take it", history(R"("reasoning_content":"hm",)" + used), "claude-opus-4-6",
       "thinking.type", R"("adaptive")"},
      {"another vendor's signature stays at home",
       history(
           R"("reasoning_details":[{"type":"reasoning.text","text":"t","signature":"g","format":"google-gemini-v1"}],)" +
           used),
       "claude-opus-4-6", "messages.1.content.0.type", R"("text")"},
  });
  CHECK(body_or_error(chat_to_anthropic(history(R"("reasoning_content":"hm",)" + used), "m"))
            .find("hm") == std::string::npos);
}

TEST_CASE("to Anthropic: structured answers (WIRE 6.1)") {
  const std::string schema =
      R"("response_format":{"type":"json_schema","json_schema":{"name":"n","description":"d","schema":{"type":"object","properties":{"a":{"type":"integer","minimum":0}},"required":["a"]},"strict":true}})";
  const std::string free =
      R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{},"additionalProperties":{"type":"string"}}}})";
  const std::string list =
      R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"array","items":{"type":"string"}}}})";
  check({
      {"natively", with(schema), "claude-opus-4-6", "output_config.format",
       R"({"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"integer","description":"{minimum: 0}"}},"required":["a"],"additionalProperties":false}})"},
      {"else as a tool's input", with(schema), "claude-sonnet-4-20250514", "tools",
       R"([{"name":"json_tool_call","description":"d","input_schema":{"type":"object","properties":{"a":{"type":"integer","minimum":0}},"required":["a"]}}])"},
      {"which must be called", with(schema), "claude-sonnet-4-20250514", "tool_choice",
       R"({"type":"tool","name":"json_tool_call","disable_parallel_tool_use":true})"},
      {"beside other tools", with(schema + R"(,"tools":[)" + tool("json_tool_call") + "]"),
       "claude-sonnet-4-20250514", "tools.1.name", R"("json_tool_call_")"},
      {"any of which may be called", with(schema + R"(,"tools":[)" + tool("f") + "]"),
       "claude-sonnet-4-20250514", "tool_choice",
       R"({"type":"any","disable_parallel_tool_use":true})"},
      {"free-form members: as a tool's input", with(free), "claude-opus-4-6", "tools.0.name",
       R"("json_tool_call")"},
      {"thinking forbids the tool", with(schema + R"(,"reasoning_effort":"low")"),
       "claude-sonnet-4-20250514", "tools", ""},
      {"a root that is no object: in words", with(list), "claude-opus-4-6", "output_config", ""},
      {"text: nothing to say", with(R"("response_format":{"type":"text"})"), "m", "system", ""},
  });
  const auto as_tool = chat_to_anthropic(with(schema), "claude-sonnet-4-20250514");
  REQUIRE(as_tool);
  CHECK(as_tool->hints.json_tool == "json_tool_call");
  const std::string words = body_or_error(chat_to_anthropic(with(list), "claude-opus-4-6"));
  CHECK(at_path(words, "system").find(R"(\"items\")") != std::string::npos);
  const std::string object = body_or_error(
      chat_to_anthropic(with(R"("response_format":{"type":"json_object"})"), "claude-opus-4-6"));
  CHECK(at_path(object, "system").find("JSON object") != std::string::npos);
}

TEST_CASE("to Anthropic: cache marks (WIRE 6.1, 8 rules 102, 103)") {
  const auto marked = [](const std::string& text, const std::string& mark) {
    return R"({"type":"text","text":")" + text + R"(","cache_control":)" + mark + "}";
  };
  const std::string five = R"({"type":"ephemeral"})";
  const std::string hour = R"({"type":"ephemeral","ttl":"1h"})";
  check({
      {"on parts (rule 102)", user(marked("a", five)), "m", "messages.0.content.0.cache_control",
       five},
      {"on the system prompt",
       talk(R"({"role":"system","content":[)" + marked("s", hour) + "]}," +
            R"({"role":"user","content":"q"})"),
       "m", "system", R"([{"type":"text","text":"s","cache_control":)" + hour + "}]"},
      {"on tools",
       with(R"("tools":[{"type":"function","function":{"name":"f"},"cache_control":)" + five +
            "}]"),
       "m", "tools.0.cache_control", five},
      {"OpenAI's own",
       user(R"({"type":"text","text":"a","prompt_cache_breakpoint":{"mode":"explicit"}})"), "m",
       "messages.0.content.0.cache_control", five},
      {"at most four: the first goes",
       user(marked("1", five) + "," + marked("2", five) + "," + marked("3", five) + "," +
            marked("4", five) + "," + marked("5", five)),
       "m", "messages.0.content.0", R"({"type":"text","text":"1"})"},
      {"and the last stays",
       user(marked("1", five) + "," + marked("2", five) + "," + marked("3", five) + "," +
            marked("4", five) + "," + marked("5", five)),
       "m", "messages.0.content.4.cache_control", five},
      {"one hour never after five minutes (rule 103)",
       user(marked("1", five) + "," + marked("2", hour)), "m", "messages.0.content.1.cache_control",
       five},
      {"one hour first is fine", user(marked("1", hour) + "," + marked("2", five)), "m",
       "messages.0.content.0.cache_control", hour},
      {"what is no mark is not sent", user(marked("1", R"({"type":"forever"})")), "m",
       "messages.0.content.0.cache_control", ""},
  });
}

}  // namespace
}  // namespace llmorch
