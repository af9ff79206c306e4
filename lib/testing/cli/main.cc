// llmorch-testing: the testing engine on the command line.
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "testing/cli/args.h"
#include "testing/cli/mock_help.h"
#include "testing/fault_proxy.h"
#include "testing/load_generator.h"
#include "testing/mock_upstream.h"

namespace llmorch::testing {
namespace {

constexpr const char* kUsage = R"(usage: llmorch-testing <command> [options]

  mock   OpenAI, Anthropic and Gemini on one port, scriptable; prints "listening on
         http://HOST:PORT"; "mock --help" says more
    --listen 127.0.0.1:0   --script FILE|JSON   --model a,b   --key KEY   --max-seconds 600
  proxy  a TCP proxy with faults; prints "listening on HOST:PORT"
    --to HOST:PORT   --listen 127.0.0.1:0   --fault FILE|JSON   --seed 1   --max-seconds 600
  load   a load generator that checks every answer; prints one line of JSON
    --url http://127.0.0.1:8000/v1/chat/completions   --connections 64
    --requests N | --seconds S      how many, or how long (10 s if neither is given)
    --rate R                        open loop: so many per second, latency from the intended time
    --body FILE | --size BYTES      "{{nonce}}" in FILE becomes different in every request
    --model NAME  --key KEY  --header "name: value"  --text-key content  --no-check  --seed 1
    --stream                        ask for streams
    --streams N --hold-seconds S    N streams at once, cut when the time is over
    --settle-ms 0                   gaps, deliveries and steady_* count only after this
    --timeout-seconds 30   --max-seconds 60

Addresses are numeric. Scripts: lib/testing/mock_script.h; faults: lib/testing/fault_proxy_plan.h.
)";

std::atomic<bool> g_stop{false};  // set by a signal handler: there is no other way to tell it

void stop(int) { g_stop = true; }

int fail(const std::string& message) {
  std::fprintf(stderr, "llmorch-testing: %s\n", message.c_str());
  return 2;
}

// The text itself when it is JSON, else the file of that name.
bool json_or_file(std::string& text) {
  if (text.empty() || text[0] == '{' || text[0] == '[') return true;
  std::ifstream file(text, std::ios::binary);
  if (!file) return false;
  std::ostringstream content;
  content << file.rdbuf();
  text = content.str();
  return true;
}

// Until a signal, `seconds`, or done() says so.
template <class Done>
void run(Loop& loop, std::uint64_t seconds, Done done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!g_stop && !done() && std::chrono::steady_clock::now() < end) {
    loop.drive(std::chrono::milliseconds(100));
  }
}

int run_mock(Loop& loop, Args& args) {
  if (args.flag("help")) {
    std::fputs(kMockHelp, stdout);
    return 0;
  }
  MockOptions options;
  options.listen = args.text("listen", options.listen);
  options.key = args.text("key");
  options.script = args.text("script");
  const std::uint64_t seconds = args.number("max-seconds", 600);
  std::istringstream names(args.text("model"));
  for (std::string name; std::getline(names, name, ',');) options.models.push_back(name);
  if (!args.problem().empty()) return fail(args.problem());
  if (!json_or_file(options.script)) return fail("cannot read " + options.script);
  auto mock = MockUpstream::start(loop, options);
  if (!mock) return fail(mock.error().message());
  std::printf("listening on %s\n", (*mock)->url().c_str());
  std::fflush(stdout);
  run(loop, seconds, [] { return false; });
  return 0;
}

int run_proxy(Loop& loop, Args& args) {
  const std::string listen = args.text("listen", "127.0.0.1:0");
  const std::string to = args.text("to");
  std::string fault = args.text("fault");
  const std::uint64_t seed = args.number("seed", 1);
  const std::uint64_t seconds = args.number("max-seconds", 600);
  if (!args.problem().empty()) return fail(args.problem());
  if (!json_or_file(fault)) return fail("cannot read " + fault);
  auto proxy = FaultProxy::start(loop, listen, to, fault, seed);
  if (!proxy) return fail(proxy.error().message());
  std::printf("listening on %s\n", (*proxy)->address().c_str());
  std::fflush(stdout);
  run(loop, seconds, [] { return false; });
  return 0;
}

int run_load(Loop& loop, Args& args) {
  LoadOptions options;
  options.url = args.text("url");
  options.requests = args.number("requests", 0);
  std::uint64_t seconds = args.number("seconds", 0);
  options.rate = static_cast<double>(args.number("rate", 0));
  options.connections = args.number("connections", options.connections);
  options.request.stream = args.flag("stream");
  const std::uint64_t streams = args.number("streams", 0);
  if (streams > 0) {
    options.connections = streams;
    options.request.stream = true;
    options.cut_at_end = true;
    seconds = args.number("hold-seconds", 10);
  }
  options.settle = std::chrono::milliseconds(args.number("settle-ms", 0));
  if (options.requests == 0 && seconds == 0) seconds = 10;
  options.duration = std::chrono::seconds(seconds);
  options.request.size = args.number("size", 0);
  options.request.model = args.text("model", options.request.model);
  options.request.key = args.text("key", "load");
  for (const std::string& header : args.all("header")) {
    const std::size_t colon = header.find(':');
    if (colon == std::string::npos) return fail("--header needs \"name: value\"");
    const std::size_t value = header.find_first_not_of(' ', colon + 1);
    options.request.headers.emplace_back(header.substr(0, colon),
                                         value == std::string::npos ? "" : header.substr(value));
  }
  options.text_key = args.text("text-key", options.text_key);
  options.check = !args.flag("no-check");
  options.seed = args.number("seed", options.seed);
  options.request_timeout = std::chrono::seconds(args.number("timeout-seconds", 30));
  const std::uint64_t max_seconds = args.number("max-seconds", 60);
  options.max_time = std::chrono::seconds(max_seconds);
  std::string body = args.text("body");
  if (!args.problem().empty()) return fail(args.problem());
  if (!json_or_file(body)) return fail("cannot read " + body);
  options.request.body = std::move(body);
  auto load = LoadGenerator::start(loop, options);
  if (!load) return fail(load.error().message());
  run(loop, max_seconds + 1, [&load] { return (*load)->done(); });
  (*load)->stop();
  std::printf("%s\n", (*load)->result().json().c_str());
  return (*load)->result().failed() == 0 ? 0 : 1;
}

int main_(int count, char** words) {
  if (count < 2) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &files);
  }
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);
  std::signal(SIGPIPE, SIG_IGN);
  auto loop = new_loop();
  if (!loop) return fail(loop.error().message());
  const std::string command = words[1];
  Args args(count - 2, words + 2);
  if (command == "mock") return run_mock(**loop, args);
  if (command == "proxy") return run_proxy(**loop, args);
  if (command == "load") return run_load(**loop, args);
  if (command == "--help" || command == "help") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  return fail("no such command: " + command);
}

}  // namespace
}  // namespace llmorch::testing

int main(int count, char** words) { return llmorch::testing::main_(count, words); }
