// Models that are not configured: PROVIDER/MODEL, and lists that providers' endpoints give. On
// virtual time, but for one.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "json/json.h"
#include "llmorch/gateway.h"
#include "testing/scripted_transport.h"
#include "testing/virtual_loop.h"

namespace llmorch::testing {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

const std::string kBroken = R"({"error":{"message":"broken"}})";
const std::string kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"u","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","refusal":null},"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}})";

std::string list_of(const std::vector<std::string>& models, const std::string& more = "") {
  std::string out = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < models.size(); ++i)
    out += (i == 0 ? "" : ",") + ("{\"id\":\"" + models[i]) + "\",\"object\":\"model\"}";
  return out + "]" + more + "}";
}
Beats lists(const std::vector<std::string>& models, milliseconds delay = {}) {
  return answer_whole(200, list_of(models), delay);
}

std::string provider(const std::string& name, const std::string& more = R"(,"api_key":"k")",
                     const std::string& type = "openai") {
  return R"({"name":")" + name + R"(","type":")" + type + R"(","base_url":"http://)" + name +
         R"(.test","discover":true)" + more + "}";
}
std::string config(const std::vector<std::string>& providers, const std::string& models = "") {
  std::string out = R"({"version":1,"providers":[)";
  for (std::size_t i = 0; i < providers.size(); ++i) out += (i == 0 ? "" : ",") + providers[i];
  return out + R"(],"models":[)" + models + "]}";
}

CallSpec ask(std::string_view model, const std::string& more = "") {
  CallSpec spec;
  spec.body = Body("{\"model\":\"" + std::string(model) +
                   R"(","messages":[{"role":"user","content":"hi"}])" + more + "}");
  return spec;
}

// A gateway on virtual time. Lists are scripted by provider, one script per question, the last one
// again and again; calls are answered.
class Lab {
 public:
  struct Asked {
    std::string provider;
    std::string url;
    Headers headers;
    TimePoint at;
  };

  void open(const std::string& config_json) {
    Options options;
    options.mode = Mode::kDriven;
    options.loop = &loop;
    options.seed = 1;
    options.on_log = [this](std::string_view line) { log.emplace_back(line); };
    options.on_record = [this](const Record& record) { records.push_back(record); };
    options.transport =
        std::make_shared<ScriptedFactory>([this](const TransferSpec& spec) { return play(spec); });
    start = loop.now();
    Result<std::unique_ptr<Gateway>> opened = Gateway::open(config_json, std::move(options));
    REQUIRE_MESSAGE(opened, opened.error().message());
    gateway = std::move(*opened);
  }

  Beats play(const TransferSpec& spec) {
    const std::size_t begin = spec.url.find("//") + 2;
    const std::string host = spec.url.substr(begin, spec.url.find(".test") - begin);
    const Asked asked{host, spec.url, spec.headers, loop.now()};
    if (spec.method != "GET") {
      calls.push_back(asked);
      bodies.emplace_back(spec.body.str());
      return answer_whole(200, kAnswer);
    }
    questions.push_back(asked);
    std::vector<Beats>& left = scripts[host];
    if (left.empty()) return hang();
    const Beats script = left.front();
    if (left.size() > 1) left.erase(left.begin());
    return script;
  }

  // Lets everything happen that is due now, and then what is due in `time`.
  void pass(milliseconds time = 0ms) {
    const TimePoint until = loop.now() + time;
    while (loop.now() < until) loop.drive(until - loop.now());
    for (int i = 0; i < 200; ++i) loop.drive(Duration::zero());
  }

  Answer chat(const CallSpec& spec) {
    Result<Answer> answer = gateway->chat(spec);
    REQUIRE(answer);
    return std::move(*answer);
  }
  int status(std::string_view model) { return chat(ask(model)).head.http_status; }
  // Whether the call reached this provider.
  bool goes_to(std::string_view model, const std::string& name) {
    const std::size_t before = calls.size();
    return status(model) == 200 && calls.size() == before + 1 && calls.back().provider == name;
  }
  std::vector<std::string> listed() const {
    const Result<json::Document> document =
        json::Document::parse(gateway->list_models(Format::kOpenAiChat));
    REQUIRE(document);
    std::vector<std::string> names;
    for (const json::Value& item : document->root()["data"].items())
      names.push_back(item["id"].string().value_or(""));
    return names;
  }
  // Seconds since the start at which a provider was asked.
  std::vector<std::int64_t> times(const std::string& name) const {
    std::vector<std::int64_t> out;
    for (const Asked& one : questions) {
      if (one.provider == name)
        out.push_back(std::chrono::duration_cast<std::chrono::seconds>(one.at - start).count());
    }
    return out;
  }

  VirtualLoop loop;
  TimePoint start;
  std::map<std::string, std::vector<Beats>> scripts;
  std::vector<Asked> questions;
  std::vector<Asked> calls;
  std::vector<std::string> bodies;
  std::vector<std::string> log;
  std::vector<Record> records;
  std::unique_ptr<Gateway> gateway;  // goes first
};

using Names = std::vector<std::string>;

TEST_CASE_FIXTURE(Lab, "a caller may name PROVIDER/MODEL; only the provider's part is cut off") {
  open(config({R"({"name":"or","type":"openai","base_url":"http://or.test","api_key":"k"})"},
              R"({"name":"or/own","targets":[{"provider":"or","model":"configured"}]})"));
  CHECK(goes_to("or/meta/llama-4:free", "or"));
  CHECK(bodies.back().find(R"("model":"meta/llama-4:free")") != std::string::npos);
  CHECK(goes_to("or/own", "or"));
  CHECK(bodies.back().find(R"("model":"configured")") != std::string::npos);
  CHECK(status("nobody/x") == 404);
  CHECK(status("x") == 404);
  CHECK(questions.empty());  // no provider is discovered
  pass();
  REQUIRE(records.size() == 4);
  CHECK(records[0].model == "or/meta/llama-4:free");
  CHECK(records[0].model_asked == "or/meta/llama-4:free");
  CHECK(records[0].attempts.at(0).provider == "or");
  CHECK(records[2].error_type == "caller_model_unknown");
}

TEST_CASE_FIXTURE(Lab, "lists come in the background; until then unknown names are worth a retry") {
  scripts["a"] = {lists({"one", "both"}, 2s)};
  scripts["b"] = {lists({"two", "both", "x/y"}, 3s)};
  open(config({provider("a"), provider("b", R"(,"api_key":"kb")")},
              R"({"name":"smart","targets":[{"provider":"a","model":"real"}]})"));
  CHECK(goes_to("smart", "a"));
  CHECK(goes_to("b/anything", "b"));
  const Answer early = chat(ask("one"));
  CHECK(early.head.http_status == 503);
  const std::string* wait = find_header(early.head.headers, "retry-after");
  REQUIRE(wait != nullptr);
  CHECK(*wait == "1");
  CHECK(listed() == Names{"smart"});

  pass(2s);
  CHECK(goes_to("one", "a"));
  CHECK(goes_to("both", "a"));  // nobody else lists it so far
  CHECK(status("two") == 503);
  pass(1s);
  CHECK(goes_to("two", "b"));
  CHECK(goes_to("x/y", "b"));
  const Answer which = chat(ask("both"));
  CHECK(which.head.http_status == 400);
  CHECK(which.body.find("a/both") != std::string::npos);
  CHECK(which.body.find("b/both") != std::string::npos);
  CHECK(status("three") == 404);
  CHECK(listed() ==
        Names{"smart", "one", "two", "x/y", "a/one", "a/both", "b/two", "b/both", "b/x/y"});
  CHECK(gateway->config_version() == 1);
  // One question each, with the provider's own key.
  REQUIRE(questions.size() == 2);
  CHECK(questions[1].url == "http://b.test/v1/models");
  const std::string* key = find_header(questions[1].headers, "authorization");
  REQUIRE(key != nullptr);
  CHECK(*key == "Bearer kb");
  CHECK(log.empty());
}

TEST_CASE_FIXTURE(Lab, "lists are asked for again every ten minutes") {
  scripts["a"] = {lists({"one", "old"}), lists({"one", "old"}), lists({"one", "new"})};
  open(config({provider("a")}));
  pass();
  CHECK(goes_to("old", "a"));
  pass(600s);
  CHECK(times("a") == std::vector<std::int64_t>{0, 600});
  CHECK(goes_to("old", "a"));
  pass(600s);
  CHECK(times("a") == std::vector<std::int64_t>{0, 600, 1200});
  CHECK(status("old") == 404);
  CHECK(goes_to("new", "a"));
}

TEST_CASE_FIXTURE(Lab, "an endpoint that fails is asked again, ever more seldom; its list stays") {
  scripts["a"] = {answer_whole(500, kBroken), refuse_connection(),  hang(), lists({"one"}),
                  answer_whole(503, kBroken), lists({"one", "two"})};
  open(config({provider("a")}));
  pass();
  CHECK(status("one") == 503);  // it may yet come
  pass(1s);
  pass(2s);   // asked the third time, at 3 s
  pass(10s);  // no answer: given up at 13 s
  CHECK(status("one") == 503);
  pass(4s);
  CHECK(times("a") == std::vector<std::int64_t>{0, 1, 3, 17});
  CHECK(goes_to("one", "a"));
  pass(600s);
  CHECK(times("a").back() == 617);
  CHECK(goes_to("one", "a"));  // the failure at 617 s took nothing away
  pass(1s);
  CHECK(times("a").back() == 618);
  CHECK(goes_to("two", "a"));
  // The operator hears of each change, once.
  REQUIRE(log.size() == 6);
  CHECK(log[0].find("provider \"a\": its models cannot be listed: HTTP 500") != std::string::npos);
  CHECK(log[0].find("next try in 1 s") != std::string::npos);
  CHECK(log[1].find("refused") != std::string::npos);
  CHECK(log[2].find("within 10 s") != std::string::npos);
  CHECK(log[3].find("again: 1 of them") != std::string::npos);
  CHECK(log[4].find("HTTP 503") != std::string::npos);
  CHECK(log[5].find("again: 2 of them") != std::string::npos);
}

TEST_CASE_FIXTURE(Lab, "waits double up to ten minutes, and the same failure is told once") {
  scripts["a"] = {answer_whole(500, kBroken)};
  open(config({provider("a")}));
  pass(3000s);
  CHECK(times("a") ==
        std::vector<std::int64_t>{0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1623, 2223, 2823});
  CHECK(log.size() == 1);
}

TEST_CASE_FIXTURE(Lab, "a refusal is an answer: unknown names are unknown, and why is said") {
  scripts["a"] = {answer_whole(401, R"({"error":{"message":"Incorrect API key sk-verysecret"}})"),
                  lists({"one"})};
  scripts["b"] = {answer_whole(200, "<html>no such page</html>")};
  open(config({provider("a", R"(,"credentials":[{"name":"drained","secret":"k0","weight":0},
                                                {"name":"bad","secret":"k1"},
                                                {"name":"good","secret":"k2"}])"),
               provider("b")}));
  pass();
  const Answer answer = chat(ask("one"));
  CHECK(answer.head.http_status == 404);
  CHECK(answer.body.find("HTTP 401") != std::string::npos);
  CHECK(answer.body.find("a/NAME") != std::string::npos);
  CHECK(answer.body.find("verysecret") == std::string::npos);
  CHECK(goes_to("a/one", "a"));
  REQUIRE(log.size() == 2);
  CHECK(log[0].find("HTTP 401, auth") != std::string::npos);
  CHECK(log[0].find("verysecret") == std::string::npos);
  // The next try is with the next key that is in use.
  pass(1s);
  CHECK(goes_to("one", "a"));
  std::vector<std::string> keys;
  for (const Asked& one : questions) {
    if (one.provider == "a") keys.push_back(*find_header(one.headers, "authorization"));
  }
  CHECK(keys == Names{"Bearer k1", "Bearer k2"});
  pass(601s);
  CHECK(*find_header(questions.back().headers, "authorization") == "Bearer k2");
}

TEST_CASE_FIXTURE(Lab, "pages are followed, up to a bound") {
  scripts["c"] = {answer_whole(200, list_of({"p1"}, R"(,"has_more":true,"last_id":"p1")")),
                  answer_whole(200, list_of({"p2", "p1"}, R"(,"has_more":false)"))};
  scripts["endless"] = {answer_whole(200, list_of({"e"}, R"(,"has_more":true,"last_id":"e")"))};
  open(config({provider("c", R"(,"api_key":"k")", "anthropic"),
               provider("endless", R"(,"api_key":"k")", "anthropic")}));
  pass(5s);
  CHECK(listed() == Names{"p1", "p2", "e", "c/p1", "c/p2", "endless/e"});
  CHECK(times("c").size() == 2);
  CHECK(times("endless").size() == 50);
}

TEST_CASE_FIXTURE(Lab, "a list without end is refused") {
  Beats flood{{{}, Beat::Connect{}}, {{}, Beat::Sent{}}, {{}, Beat::Head{200, {}}}};
  for (int i = 0; i < 20; ++i) flood.push_back({{}, Beat::Bytes{std::string(1u << 20, ' ')}});
  scripts["a"] = {flood};
  open(config({provider("a")}));
  pass();
  REQUIRE(log.size() == 1);
  CHECK(log[0].find("larger than") != std::string::npos);
  CHECK(status("x") == 404);
}

TEST_CASE_FIXTURE(Lab, "a reload keeps the lists of endpoints that stay") {
  scripts["a"] = {lists({"one"})};
  scripts["b"] = {lists({"two"}), lists({"two", "more"}, 5s)};
  scripts["c"] = {lists({"three"}, 5s)};
  open(config({provider("a"), provider("b")}));
  pass(100s);
  CHECK(goes_to("one", "a"));
  // a stays as it is, b gets another key, c is new.
  REQUIRE(gateway
              ->reload(config({provider("c"), provider("a"), provider("b", R"(,"api_key":"k2")")},
                              R"({"name":"m","targets":[{"provider":"a","model":"x"}]})"))
              .ok());
  CHECK(gateway->config_version() == 2);
  CHECK(goes_to("one", "a"));
  CHECK(goes_to("two", "b"));
  CHECK(status("three") == 503);
  CHECK(times("a").size() == 1);
  CHECK(times("b") == std::vector<std::int64_t>{0, 100});
  pass(5s);
  CHECK(goes_to("more", "b"));
  CHECK(goes_to("three", "c"));
  CHECK(gateway->config_version() == 2);
  // a goes on at its own pace; who is gone is not asked any more, and its names go with it.
  REQUIRE(gateway->reload(config({provider("a")})).ok());
  CHECK(status("two") == 404);
  CHECK(listed() == Names{"one", "a/one"});
  pass(1000s);
  CHECK(times("a") == std::vector<std::int64_t>{0, 600});
  CHECK(times("b").size() == 2);
  CHECK(gateway->reload("{}").code() == Code::kInvalidArgument);
  CHECK(goes_to("one", "a"));
  // Nobody is discovered any more.
  REQUIRE(
      gateway->reload(config({R"({"name":"a","type":"openai","base_url":"http://a.test"})"})).ok());
  CHECK(listed().empty());
  CHECK(status("one") == 404);
}

TEST_CASE_FIXTURE(Lab, "a gateway may go while it asks") {
  scripts["a"] = {hang()};
  open(config({provider("a")}));
  pass(1s);
  gateway.reset();
  CHECK(loop.idle());
}

TEST_CASE_FIXTURE(Lab, "what a target cannot do goes to another one, or is refused by name") {
  open(
      config({R"({"name":"blind","type":"openai","base_url":"http://blind.test","api_key":"k"})",
              R"({"name":"seeing","type":"openai","base_url":"http://seeing.test","api_key":"k"})"},
             R"({"name":"both","targets":[
                    {"provider":"blind","model":"b","capabilities":{"vision":false,"tools":false}},
                    {"provider":"seeing","model":"s","tier":2}]},
                 {"name":"one","targets":[
                    {"provider":"blind","model":"b","capabilities":{"vision":false,"tools":false,
                                                                    "structured_output":false}}]})"));
  const auto image = [](std::string_view model) {
    CallSpec spec;
    spec.body = Body("{\"model\":\"" + std::string(model) +
                     R"(","messages":[{"role":"user","content":[{"type":"image_url",)" +
                     R"("image_url":{"url":"https://x.test/a.png"}}]}]})");
    return spec;
  };
  CHECK(goes_to("both", "blind"));
  CHECK(goes_to("one", "blind"));
  CHECK(chat(image("both")).head.http_status == 200);
  CHECK(calls.back().provider == "seeing");
  const std::size_t before = calls.size();
  struct Row {
    CallSpec spec;
    const char* named;
  };
  const Row rows[] = {
      {image("one"), "vision"},
      {ask("one", R"(,"tools":[{"type":"function","function":{"name":"f"}}])"), "tools"},
      {ask("one", R"(,"response_format":{"type":"json_schema","json_schema":)"
                  R"({"name":"n","schema":{"type":"object"}}})"),
       "structured_output"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.named);
    const Answer answer = chat(row.spec);
    CHECK(answer.head.http_status == 400);
    CHECK_MESSAGE(answer.body.find(row.named) != std::string::npos, answer.body);
  }
  CHECK(calls.size() == before);
}

TEST_CASE("threads: lists reach every loop") {
  Options options;
  options.loop_count = 3;
  options.transport = std::make_shared<ScriptedFactory>([](const TransferSpec& spec) {
    return spec.method == "GET" ? lists({"one"}) : answer_whole(200, kAnswer);
  });
  Result<std::unique_ptr<Gateway>> gateway = Gateway::open(config({provider("a")}), options);
  REQUIRE(gateway);
  // Calls go round the loops; the first ones may come before the list.
  int in_a_row = 0;
  for (int i = 0; i < 100'000 && in_a_row < 9; ++i) {
    const Result<Answer> answer = (*gateway)->chat(ask("one"));
    REQUIRE(answer);
    in_a_row = answer->head.http_status == 200 ? in_a_row + 1 : 0;
    if (i % 50 == 7) CHECK((*gateway)->reload(config({provider("a")})).ok());
  }
  CHECK(in_a_row == 9);
  CHECK((*gateway)->list_models(Format::kOpenAiChat).find("\"a/one\"") != std::string::npos);
}

}  // namespace
}  // namespace llmorch::testing
