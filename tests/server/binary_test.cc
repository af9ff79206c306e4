// The binary itself: exit codes, the ready line, reload, drain. No vendor is asked.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "server/harness.h"

namespace llmorch::server {
namespace {

// A run of llmorch with its output on one pipe. Killed when it goes out of scope.
class Run {
 public:
  explicit Run(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    arguments.insert(arguments.begin(), LLMORCH_BINARY);
    std::vector<char*> argv, envp;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    for (std::string& variable : environment) envp.push_back(variable.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    REQUIRE(::posix_spawn(&pid_, LLMORCH_BINARY, &actions, nullptr, argv.data(), envp.data()) == 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    out_ = ends[0];
  }
  ~Run() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      exit_code();
    }
    ::close(out_);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Reads on until `text` has been written; false when the output ends without it.
  bool says(const std::string& text) {
    char block[4096];
    while (output.find(text) == std::string::npos) {
      const ssize_t count = ::read(out_, block, sizeof block);
      if (count <= 0) return false;
      output.append(block, static_cast<std::size_t>(count));
    }
    return true;
  }
  void signal(int number) const { ::kill(pid_, number); }
  int exit_code() {
    while (says("\1never")) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  int port() {
    REQUIRE(says(" ready on http://127.0.0.1:"));
    REQUIRE(says("loop"));
    return std::stoi(output.substr(output.find("127.0.0.1:") + 10));
  }

  std::string output;

 private:
  pid_t pid_ = 0;
  int out_ = -1;
};

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "llmorch-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name, std::ios::trunc) << text;
    return path + "/" + name;
  }
  std::string path;
};

// Nothing listens on port 1: calls fail at once.
std::string config(const std::string& model, const std::string& more = "") {
  return "version: 1\n" + more +
         "providers:\n  - { name: p, type: openai, base_url: \"http://127.0.0.1:1\", api_key: "
         "\"sk-secret\" }\n"
         "models:\n  - { name: \"" +
         model + "\", targets: [ { provider: p, model: x } ] }\n";
}

TEST_CASE("exit codes: 0 ok, 1 failure, 2 usage, 78 bad configuration") {
  const Folder folder;
  const std::string good = folder.file("good.yaml", config("m"));
  const std::string bad = folder.file("bad.yaml", config("m", "nonsense: 1\n"));
  struct Row {
    std::vector<std::string> arguments;
    int code;
    const char* says;
  };
  for (const Row& row : std::vector<Row>{
           {{"version"}, 0, "llmorch 0."},
           {{"version", "--json"}, 0, R"({"name":"llmorch","version":"0.)"},
           {{"--version"}, 0, "llmorch 0."},
           {{"--help"}, 0, "Examples:"},
           {{"serve", "--help"}, 0, "LLMORCH_MODELS"},
           {{}, 2, "subcommand"},
           {{"serve", "--no-such-flag"}, 2, "no-such-flag"},
           {{"serve", "--threads", "0"}, 2, "threads"},
           {{"check-config"}, 2, "FILE"},
           {{"check-config", good}, 0, ": ok"},
           {{"check-config", "-c", good}, 0, ": ok"},
           {{"check-config", bad}, 78, "bad.yaml:2: error: "},
           {{"check-config", folder.path + "/none.yaml"}, 78, "cannot read"},
           {{"serve", "-c", bad}, 78, "bad.yaml:2: error: "},
           {{"serve"}, 78, "export OPENAI_API_KEY="},
           {{"serve", "-c", good, "--listen", "nowhere"}, 1, "cannot listen on nowhere"},
       }) {
    Run run(row.arguments);
    CHECK(run.exit_code() == row.code);
    CHECK_MESSAGE(run.output.find(row.says) != std::string::npos, run.output);
    CHECK(run.output.find("sk-secret") == std::string::npos);
  }
}

TEST_CASE("it serves, reloads, and drains") {
  const Folder folder;
  const std::string path =
      folder.file("llmorch.yaml", config("one", "listen: 127.0.0.1:0\nthreads: 2\n"));
  Run run({"serve", "-c", path});
  RawClient client(run.port());
  CHECK(run.output.find("1 model, 2 loops") != std::string::npos);
  for (const char* target : {"/livez", "/readyz", "/health", "/v1/models", "/models"}) {
    CAPTURE(target);
    client.send(get(target));
    CHECK(client.answer().status == 200);
  }
  client.send(get("/v1/models"));
  CHECK(client.answer().body.find("\"one\"") != std::string::npos);
  for (const char* target : {"/v1/chat/completions", "/chat/completions"}) {
    client.send(post(target, R"({"model":"one","messages":[{"role":"user","content":"x"}]})"));
    const RawAnswer answer = client.answer();
    CHECK(answer.status == 502);
    CHECK(answer.field("x-request-id") == answer.field("x-llmorch-request-id"));
    CHECK(run.says("\"request_id\":\"" + answer.field("x-request-id") + "\""));  // its record
  }

  folder.file("llmorch.yaml", config("two"));
  run.signal(SIGHUP);
  REQUIRE(run.says("reloaded"));
  client.send(get("/v1/models"));
  CHECK(client.answer().body.find("\"two\"") != std::string::npos);
  folder.file("llmorch.yaml", "nonsense: [");
  run.signal(SIGHUP);
  REQUIRE(run.says("the old configuration stays in use"));
  CHECK(run.output.find("llmorch.yaml:1: error: this is not YAML") != std::string::npos);
  client.send(get("/v1/models"));
  CHECK(client.answer().body.find("\"two\"") != std::string::npos);

  Run second({"serve", "-c", folder.file("second.yaml", config("m")), "--listen",
              "127.0.0.1:" + std::to_string(run.port())});
  CHECK(second.exit_code() == 1);
  CHECK(second.output.find("taken") != std::string::npos);

  run.signal(SIGTERM);
  CHECK(run.exit_code() == 0);
  CHECK(run.output.find("draining, 0 under way") != std::string::npos);
  CHECK(client.rest().empty());
}

TEST_CASE("draining waits for a call under way and says 503 meanwhile; a second signal does not") {
  // A vendor that takes the request and says nothing.
  const Result<Listening> vendor = listen_on("127.0.0.1:0", 16);
  REQUIRE(vendor.has_value());
  const std::string environment = "OPENAI_BASE_URL=http://" + vendor->address;
  Run run({"serve", "--listen", "127.0.0.1:0", "--threads", "1"},
          {"OPENAI_API_KEY=sk-secret", environment, "LLMORCH_MODELS=slow"});
  RawClient client(run.port()), other(run.port());
  CHECK(run.output.find("config: environment, 1 model, 1 loop)") != std::string::npos);
  other.send(get("/readyz"));
  CHECK(other.answer().status == 200);
  client.send(post("/v1/chat/completions",
                   R"({"model":"slow","messages":[{"role":"user","content":"x"}]})"));
  pollfd knock{vendor->fd.get(), POLLIN, 0};
  REQUIRE(::poll(&knock, 1, 20'000) == 1);  // the call has reached its vendor
  other.send(get("/health"));
  CHECK(other.answer().body.find("\"calls_live\":1") != std::string::npos);
  run.signal(SIGTERM);
  REQUIRE(run.says("draining, 1 under way"));
  other.send(get("/readyz"));
  const RawAnswer answer = other.answer();
  CHECK(answer.status == 503);
  CHECK(answer.field("connection") == "close");
  run.signal(SIGINT);
  CHECK(run.exit_code() == 1);
}

}  // namespace
}  // namespace llmorch::server
