#include "testing/mock_upstream.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "testing/mock_openai.h"

namespace llmorch::testing {
namespace {

// OpenAI last: its paths are also others', whose headers tell.
const MockDialect* const* dialects() {
  static const MockDialect* const all[] = {&anthropic_dialect(), &gemini_dialect(),
                                           &openai_dialect(), nullptr};
  return all;
}

MockReply answer(int status, std::string body) {
  MockReply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

bool answers(const Script& script) { return script.status != 0 || script.body || script.raw; }

}  // namespace

MockUpstream::MockUpstream(Loop& loop, const MockOptions& options)
    : loop_(loop), options_(options), reaper_([this] { dead_.clear(); }) {}

Result<std::unique_ptr<MockUpstream>> MockUpstream::start(Loop& loop, const MockOptions& options) {
  std::unique_ptr<MockUpstream> mock(new MockUpstream(loop, options));
  if (Status status = mock->set_script(options.script); !status.ok()) return status;
  auto listener = Listener::listen(loop, options.listen, [self = mock.get()](int fd) {
    ++self->stats_.connections;
    if (self->scripts_.close_on_accept()) {
      ++self->stats_.scripted;
      ::close(fd);
      return;
    }
    auto connection =
        std::make_unique<MockConnection>(static_cast<MockHost&>(*self), self->loop_, fd);
    self->connections_.emplace(connection.get(), std::move(connection));
  });
  if (!listener) return listener.error();
  mock->listener_ = *std::move(listener);
  return mock;
}

std::string_view query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) return pair.substr(std::min(pair.size(), equals + 1));
  }
  return {};
}

MockUpstream::~MockUpstream() { loop_.disarm(reaper_); }

void MockUpstream::on_answer_ended(bool client_left) {
  --stats_.live;
  ++(client_left ? stats_.aborted_by_client : stats_.completed);
}

void MockUpstream::on_gone(MockConnection* connection) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  dead_.push_back(std::move(found->second));
  connections_.erase(found);
  if (!reaper_.armed()) loop_.arm(reaper_, loop_.now());
}

MockReply MockUpstream::refuse(const MockDialect& dialect, MockPage page) {
  ++stats_.refused;
  MockReply reply = answer(page.status, std::move(page.body));
  reply.content_type = dialect.content_type(false);
  return reply;
}

// False when the header's script cannot be read.
bool MockUpstream::find_script(const MockDialect* dialect, const HttpParser& head, Script& script,
                               std::string& problem) {
  const std::string_view own = head.header("x-mock-script");
  if (!own.empty()) {
    auto parsed = parse_script(own);
    if (!parsed) {
      problem = parsed.error().message();
      return false;
    }
    script = *std::move(parsed);
    ++stats_.scripted;
  } else if (auto next = scripts_.next(dialect == nullptr ? "" : dialect->name())) {
    script = *std::move(next);
    ++stats_.scripted;
  }
  return true;
}

MockReply MockUpstream::reply_to(const HttpParser& head, const std::string& body) {
  const std::string_view target = head.target();
  const std::size_t mark = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, mark);
  if (path.starts_with("/mock/")) return control(head, path, body);
  ++stats_.requests;
  recorder_.add(head.head(), body);
  const MockCall call{head, path, target.substr(std::min(mark + 1, target.size())), body,
                      "req_" + hex16(mix_bytes(body, mix_bytes(target, 2)))};
  for (const MockDialect* const* dialect = dialects(); *dialect != nullptr; ++dialect) {
    if (const auto endpoint = (*dialect)->endpoint(call)) return serve(**dialect, *endpoint, call);
  }
  return not_found(call);
}

MockReply MockUpstream::not_found(const MockCall& call) {
  Script script;
  std::string problem;
  if (find_script(nullptr, call.head, script, problem) && answers(script)) {
    return scripted(openai_dialect(), call, std::move(script));
  }
  return refuse(openai_dialect(),
                openai_refusal(joined("Invalid URL (", call.head.method(), " ", call.path, ")"), {},
                               {}, 404));
}

MockReply MockUpstream::serve(const MockDialect& dialect, MockEndpoint endpoint,
                              const MockCall& call) {
  MockReply reply;
  const std::string_view method = endpoint == MockEndpoint::kModels ? "GET" : "POST";
  if (call.head.method() != method) {
    const std::string message = joined("Not allowed to ", call.head.method(), " on ", call.path,
                                       ". (HINT: Perhaps you meant to use ", method, ")");
    reply = refuse(dialect, {405, dialect.error_body(call, 405, message, nullptr)});
    reply.headers.emplace_back("allow", method);
  } else if (auto page = dialect.check_key(call, options_.key)) {
    reply = refuse(dialect, *std::move(page));
  } else if (endpoint == MockEndpoint::kModels) {
    static const std::vector<std::string> kAny = {"mock"};
    page = dialect.list_models(call, options_.models.empty() ? kAny : options_.models);
    reply = page->status == 200 ? answer(200, std::move(page->body)) : refuse(dialect, *page);
    reply.content_type = dialect.content_type(false);
  } else {
    reply = ask(dialect, endpoint, call);
  }
  for (auto& header : dialect.headers(call, reply.status)) {
    reply.headers.push_back(std::move(header));
  }
  return reply;
}

MockReply MockUpstream::ask(const MockDialect& dialect, MockEndpoint endpoint,
                            const MockCall& call) {
  const bool generates = endpoint == MockEndpoint::kGenerate;
  if (generates) {
    ++(dialect.name() == "openai"      ? stats_.openai
       : dialect.name() == "anthropic" ? stats_.anthropic
                                       : stats_.gemini);
  }
  auto reading = dialect.read(call, endpoint, options_.models);
  if (auto* refusal = std::get_if<MockPage>(&reading)) return refuse(dialect, std::move(*refusal));
  Script script;
  std::string problem;
  if (!find_script(&dialect, call.head, script, problem)) {
    return refuse(dialect, {400, dialect.error_body(call, 400, problem, nullptr)});
  }
  if (answers(script)) return scripted(dialect, call, std::move(script));
  auto& asked = *std::get_if<MockAsk>(&reading);
  if (generates) return generate(dialect, std::move(asked), std::move(script));
  MockReply reply = answer(200, dialect.count_json(asked));
  reply.content_type = dialect.content_type(false);
  reply.script = std::move(script);
  return reply;
}

MockReply MockUpstream::scripted(const MockDialect& dialect, const MockCall& call, Script script) {
  const int status = script.status == 0 ? 200 : script.status;
  MockReply reply = answer(status, "");
  reply.content_type = dialect.content_type(false);
  if (script.garbage > 0) {
    reply.body = garbage_bytes(script.garbage);
  } else if (script.body) {
    reply.body = *script.body;
  } else if (status >= 400) {
    reply.body = dialect.error_body(call, status, joined("The script says ", status, "."), &script);
  }
  reply.script = std::move(script);
  return reply;
}

MockReply MockUpstream::generate(const MockDialect& dialect, MockAsk ask, Script script) {
  MockReply reply;
  const bool stream = ask.stream;
  reply.content_type = dialect.content_type(stream && !ask.array);
  auto made = dialect.answer(std::move(ask), script);
  if (stream) {
    ++stats_.streams;
    reply.headers.emplace_back("cache-control", "no-cache");
    reply.stream = std::move(made);
  } else if (script.garbage > 0) {
    reply.body = garbage_bytes(script.garbage);
  } else {
    reply.body = made->whole();
  }
  reply.script = std::move(script);
  return reply;
}

MockReply MockUpstream::control(const HttpParser& head, std::string_view path,
                                const std::string& body) {
  MockReply reply = answer(404, openai_error("no such page of the mock"));
  if (path == "/mock/stats") {
    reply = answer(200, stats_json());
  } else if (path == "/mock/requests") {
    std::size_t count = MockRecorder::kKept;
    const std::string_view target = head.target();
    if (const std::size_t at = target.find("n="); at != std::string_view::npos) {
      (void)std::from_chars(target.data() + at + 2, target.data() + target.size(), count);
    }
    reply = answer(200, recorder_.json(count));
  } else if (path == "/mock/script" && head.method() == "POST") {
    const Status status = set_script(body);
    reply = status.ok() ? answer(200, "{\"scripts\":" + std::to_string(scripts_.size()) + "}")
                        : answer(400, openai_error(status.message()));
  } else if (path == "/mock/reset" && head.method() == "POST") {
    const std::uint64_t live = stats_.live;
    stats_ = MockStats();
    stats_.live = live;
    recorder_.clear();
    (void)scripts_.set("");
    reply = answer(200, "{}");
  }
  reply.counted = false;
  return reply;
}

std::string MockUpstream::stats_json() const {
  std::string out = "{";
  const std::pair<const char*, std::uint64_t> rows[] = {
      {"connections", stats_.connections},
      {"requests", stats_.requests},
      {"refused", stats_.refused},
      {"scripted", stats_.scripted},
      {"streams", stats_.streams},
      {"completed", stats_.completed},
      {"live", stats_.live},
      {"openai", stats_.openai},
      {"anthropic", stats_.anthropic},
      {"gemini", stats_.gemini},
      {"aborted_by_client", stats_.aborted_by_client}};
  for (const auto& [name, value] : rows) {
    out += "\"" + std::string(name) + "\":" + std::to_string(value) + ",";
  }
  const std::string last = recorder_.json(1);
  return out + "\"last\":" + (last == "[]" ? "null" : last.substr(1, last.size() - 2)) + "}";
}

}  // namespace llmorch::testing
