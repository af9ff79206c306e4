#include "testing/mock_upstream.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "base/text.h"

namespace llmorch::testing {
namespace {

constexpr std::size_t kRemembered = 64;
constexpr std::size_t kRememberedBody = 256 * 1024;
constexpr std::string_view kChatPath = "/v1/chat/completions";
constexpr std::string_view kModelsPath = "/v1/models";

MockReply answer(int status, std::string body) {
  MockReply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

bool answers(const Script& script) { return script.status != 0 || script.body || script.raw; }

// Header lines of a remembered head as JSON members; the names in lower case.
std::string headers_json(std::string_view head) {
  std::string out = "{";
  head.remove_prefix(std::min(head.size(), head.find("\r\n") + 2));
  while (!head.empty()) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    const std::size_t colon = std::min(line.find(':'), line.size() - 1);
    if (out.size() > 1) out += ',';
    append_json_string(out, to_lower(line.substr(0, colon)));
    out += ':';
    append_json_string(out, trim(line.substr(colon + 1)));
    head.remove_prefix(std::min(head.size(), end + 2));
  }
  return out + "}";
}

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

void MockUpstream::remember(const HttpParser& head, const std::string& body) {
  if (recent_.size() < kRemembered) recent_.emplace_back();
  Request& slot = recent_[remembered_++ % kRemembered];
  slot.head.assign(head.head());
  slot.body.assign(body, 0, kRememberedBody);
}

std::vector<MockUpstream::Request> MockUpstream::last_requests(std::size_t count) const {
  std::vector<Request> out;
  const std::uint64_t have = std::min<std::uint64_t>(count, recent_.size());
  for (std::uint64_t i = remembered_ - have; i < remembered_; ++i) {
    out.push_back(recent_[i % kRemembered]);
  }
  return out;
}

MockReply MockUpstream::refuse(int status, std::string body) {
  ++stats_.refused;
  return answer(status, std::move(body));
}

bool MockUpstream::authorized(const HttpParser& head, MockReply& reply) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view value = head.header("authorization");
  const bool bearer =
      value.size() > kScheme.size() && equals_ignore_case(value.substr(0, kScheme.size()), kScheme);
  const std::string_view key = bearer ? trim(value.substr(kScheme.size())) : std::string_view();
  if (key.empty()) {
    reply = refuse(401, error_json("You didn't provide an API key. You need to provide your API "
                                   "key in an Authorization header using Bearer auth."));
    return false;
  }
  if (!options_.key.empty() && key != options_.key) {
    reply = refuse(401, error_json("Incorrect API key provided.", "invalid_request_error", {},
                                   "invalid_api_key"));
    return false;
  }
  return true;
}

// False when the header's script cannot be read.
bool MockUpstream::find_script(const HttpParser& head, Script& script, std::string& problem) {
  const std::string_view own = head.header("x-mock-script");
  if (!own.empty()) {
    auto parsed = parse_script(own);
    if (!parsed) {
      problem = parsed.error().message();
      return false;
    }
    script = *std::move(parsed);
    ++stats_.scripted;
  } else if (auto next = scripts_.next()) {
    script = *std::move(next);
    ++stats_.scripted;
  }
  return true;
}

MockReply MockUpstream::reply_to(const HttpParser& head, const std::string& body) {
  const std::string_view path = head.target().substr(0, head.target().find('?'));
  if (path.starts_with("/mock/")) return control(head, path, body);
  ++stats_.requests;
  remember(head, body);
  MockReply reply;
  if (path == kChatPath) {
    if (head.method() != "POST") {
      reply =
          refuse(405, error_json("Not allowed to " + std::string(head.method()) + " on " +
                                 std::string(path) + ". (HINT: Perhaps you meant to use POST)"));
      reply.headers.emplace_back("allow", "POST");
      return reply;
    }
    return authorized(head, reply) ? chat(head, body) : std::move(reply);
  }
  const bool list = path == kModelsPath;
  if (list || path.starts_with(std::string(kModelsPath) + "/")) {
    if (head.method() != "GET") {
      reply = refuse(405, error_json("Not allowed to " + std::string(head.method()) + " here."));
      reply.headers.emplace_back("allow", "GET");
      return reply;
    }
    if (!authorized(head, reply)) return reply;
    reply = models(list ? std::string_view() : path.substr(kModelsPath.size() + 1));
    if (reply.status != 200) ++stats_.refused;
    return reply;
  }
  Script script;
  std::string problem;
  if (find_script(head, script, problem) && answers(script)) return scripted(std::move(script));
  return refuse(404, error_json("Invalid URL (" + std::string(head.method()) + " " +
                                std::string(path) + ")"));
}

MockReply MockUpstream::scripted(Script script) {
  const int status = script.status == 0 ? 200 : script.status;
  MockReply reply = answer(status, "");
  if (script.garbage > 0) {
    reply.body = garbage_bytes(script.garbage);
  } else if (script.body) {
    reply.body = *script.body;
  } else if (status >= 400) {
    const std::string_view type = status == 429   ? "rate_limit_error"
                                  : status >= 500 ? "server_error"
                                                  : "invalid_request_error";
    reply.body = error_json("The script says " + std::to_string(status) + ".", type, {},
                            status == 429 ? "rate_limit_exceeded" : "");
  }
  reply.script = std::move(script);
  return reply;
}

MockReply MockUpstream::chat(const HttpParser& head, const std::string& body) {
  const std::string_view type = head.header("content-type");
  const std::string_view media = trim(type.substr(0, type.find(';')));
  if (!equals_ignore_case(media, "application/json")) {
    return refuse(media.empty() ? 400 : 415,
                  error_json("Unsupported content type: '" + std::string(media) +
                             "'. This API method only accepts 'application/json' requests."));
  }
  auto read = read_chat_request(body, options_.models);
  if (auto* refusal = std::get_if<Refusal>(&read)) {
    return refuse(refusal->status, std::move(refusal->body));
  }
  Script script;
  std::string problem;
  if (!find_script(head, script, problem)) return refuse(400, error_json(problem));
  auto& ask = *std::get_if<ChatAsk>(&read);
  const std::string id = "req_" + hex16(ask.nonce);
  MockReply reply;
  if (answers(script)) {
    reply = scripted(std::move(script));
  } else {
    const bool stream = ask.stream;
    auto made = std::make_unique<MockAnswer>(std::move(ask), script);
    if (stream) {
      ++stats_.streams;
      reply.content_type = "text/event-stream; charset=utf-8";
      reply.headers.emplace_back("cache-control", "no-cache");
      reply.stream = std::move(made);
    } else if (script.garbage > 0) {
      reply.body = garbage_bytes(script.garbage);
    } else {
      reply.body = made->whole();
    }
    reply.script = std::move(script);
  }
  reply.headers.emplace_back("x-request-id", id);
  reply.headers.emplace_back("openai-version", "2020-10-01");
  return reply;
}

MockReply MockUpstream::models(std::string_view id) const {
  const std::vector<std::string> any = {"mock"};
  const std::vector<std::string>& names = options_.models.empty() ? any : options_.models;
  std::string data;
  for (const std::string& name : names) {
    const std::string row = "{\"id\":" + json_string(name) + ",\"object\":\"model\",\"created\":" +
                            std::to_string(std::time(nullptr)) + ",\"owned_by\":\"mock\"}";
    if (name == id) return answer(200, row);
    data += (data.empty() ? "" : ",") + row;
  }
  if (id.empty()) return answer(200, "{\"object\":\"list\",\"data\":[" + data + "]}");
  return answer(404, error_json("The model '" + std::string(id) + "' does not exist",
                                "invalid_request_error", "model", "model_not_found"));
}

MockReply MockUpstream::control(const HttpParser& head, std::string_view path,
                                const std::string& body) {
  MockReply reply = answer(404, error_json("no such page of the mock"));
  if (path == "/mock/stats") {
    reply = answer(200, stats_json());
  } else if (path == "/mock/requests") {
    std::size_t count = kRemembered;
    const std::string_view target = head.target();
    if (const std::size_t at = target.find("n="); at != std::string_view::npos) {
      (void)std::from_chars(target.data() + at + 2, target.data() + target.size(), count);
    }
    reply = answer(200, requests_json(count));
  } else if (path == "/mock/script" && head.method() == "POST") {
    const Status status = set_script(body);
    reply = status.ok() ? answer(200, "{\"scripts\":" + std::to_string(scripts_.size()) + "}")
                        : answer(400, error_json(status.message()));
  } else if (path == "/mock/reset" && head.method() == "POST") {
    const std::uint64_t live = stats_.live;
    stats_ = MockStats();
    stats_.live = live;
    recent_.clear();
    remembered_ = 0;
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
      {"aborted_by_client", stats_.aborted_by_client}};
  for (const auto& [name, value] : rows) {
    out += "\"" + std::string(name) + "\":" + std::to_string(value) + ",";
  }
  const std::string last = requests_json(1);
  return out + "\"last\":" + (last == "[]" ? "null" : last.substr(1, last.size() - 2)) + "}";
}

std::string MockUpstream::requests_json(std::size_t count) const {
  std::string out = "[";
  for (const Request& request : last_requests(count)) {
    const std::string_view line =
        std::string_view(request.head).substr(0, request.head.find("\r\n"));
    const std::size_t space = std::min(line.find(' '), line.size() - 1);
    if (out.size() > 1) out += ',';
    out += "{\"method\":" + json_string(line.substr(0, space)) +
           ",\"target\":" + json_string(line.substr(space + 1, line.rfind(' ') - space - 1)) +
           ",\"headers\":" + headers_json(request.head) + ",\"body\":" + json_string(request.body) +
           "}";
  }
  return out + "]";
}

}  // namespace llmorch::testing
